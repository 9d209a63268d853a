"""Candidates of successive halving: a trial and those that resumed it are one of them.

Optuna cannot open a pruned trial again. A promotion is a new trial that carries the number of the
one that it goes on from as the user attribute :data:`RESUMES`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

__all__ = ["CHARGED", "RESUMES", "Candidate", "candidates", "root_of"]

RESUMES = "resumes_from"
"""User attribute of a promotion: the number of the pruned trial whose training it continues."""

CHARGED = "charged"
"""User attribute of a promotion that was lost: False where the user ended it, not its own doing."""

MOST_LOST = 2
"""Promotions of a trial whose workers may die before it is left alone: it may kill them."""


@dataclass(frozen=True)
class Candidate:
    """One training, over all the trials that it took.

    Attributes:
        root: number of the first of these trials.
        last: the latest that did not fail.
        curve: step -> value, over all of them; where two have a step, the earlier one's.
        begun: epochs that those before the last had trained.
        waiting: the last one is pruned, and no trial goes on from it.
    """

    root: int
    last: FrozenTrial
    curve: dict[int, float]
    begun: int
    waiting: bool

    @property
    def epochs(self) -> int:
        """Trained so far; steps count from 0."""
        return _epochs(self.curve)

    def value(self, rung: int) -> float:
        """The first value reported after ``rung`` epochs or more; NaN before that."""
        beyond = [step for step in self.curve if step + 1 >= rung]
        return self.curve[min(beyond)] if beyond else math.nan

    @property
    def broken(self) -> bool:
        """Whether it breaks a constraint."""
        return any(value > 0 for value in self.last.constraints.values())


def candidates(trials: Iterable[FrozenTrial]) -> list[Candidate]:
    """The candidates among a study's trials, as a pruner's study shows them, by their roots.

    Failed trials are none, and nothing that was not trained is one.
    """
    by_number = {trial.number: trial for trial in trials}
    chains: dict[int, list[FrozenTrial]] = {}
    for trial in by_number.values():
        if trial.state not in (TrialState.FAIL, TrialState.WAITING):
            chains.setdefault(root_of(trial, by_number), []).append(trial)
    shut = _resumed(by_number.values())
    return [
        _candidate(root, chain, shut)
        for root, chain in sorted(chains.items())
        if any(trial.intermediate_values for trial in chain)
    ]


def _candidate(root: int, chain: list[FrozenTrial], shut: set[int]) -> Candidate:
    *earlier, last = sorted(chain, key=lambda trial: trial.number)
    curve: dict[int, float] = {}
    for trial in (*earlier, last):
        curve = {**trial.intermediate_values, **curve}
    begun = max((_epochs(trial.intermediate_values) for trial in earlier), default=0)
    waiting = last.state == TrialState.PRUNED and last.number not in shut
    return Candidate(root, last, curve, begun, waiting)


def _epochs(curve: dict[int, float]) -> int:
    return max(curve, default=-1) + 1


def root_of(trial: FrozenTrial, by_number: dict[int, FrozenTrial]) -> int:
    """Number of the first trial of a chain; numbers go down, so that the walk ends."""
    number = trial.number
    while True:
        earlier = by_number[number].user_attrs.get(RESUMES) if number in by_number else None
        if not isinstance(earlier, int) or not earlier < number:
            return number
        number = earlier


def _resumed(trials: Iterable[FrozenTrial]) -> set[int]:
    """Numbers of the trials that others go on from, or that cannot be resumed.

    A promotion whose worker died makes room for another one, but not for ever; one that failed in
    its training would fail again.
    """
    shut, lost = set[int](), list[int]()
    for trial in trials:
        parent = trial.user_attrs.get(RESUMES)
        if not isinstance(parent, int):
            continue
        if trial.state == TrialState.FAIL and "lost" in trial.user_attrs:
            lost += [parent] * bool(trial.user_attrs.get(CHARGED, True))
        else:
            shut.add(parent)
    return shut | {number for number in lost if lost.count(number) > MOST_LOST}
