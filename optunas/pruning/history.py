"""What the completed trials of a study reported, kept as arrays for a pruner."""

from __future__ import annotations

import math
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.pruning.curves import read_cheap

__all__ = ["History", "Standing", "best_by_step"]

Floats = NDArray[np.float64]


class Standing(NamedTuple):
    """The completed trials that have a value at one step; larger values are better.

    Attributes:
        values: reported at the step, (n,); none is NaN.
        best: the best value up to the step, (n,).
        finals: the objective's value at the end, (n,).
        costs: cheap objectives, (n, k), smaller is cheaper; NaN where not known.
    """

    values: Floats
    best: Floats
    finals: Floats
    costs: Floats


class _Column(NamedTuple):
    """One step: which rows have a value there, and the values."""

    rows: list[int]
    values: list[float]
    best: list[float]


class History:
    """The completed trials of one study, each read once.

    Args:
        direction: of the reported objective.
        costs: the cheap objectives: index -> direction.
    """

    def __init__(self, direction: StudyDirection, costs: dict[int, StudyDirection]) -> None:
        self._sign = _sign(direction)
        self._costs = {index: -_sign(d) for index, d in costs.items()}
        self._finals: list[float] = []
        self._known_costs: list[tuple[float, ...]] = []
        self._columns: dict[int, _Column] = {}
        self._arrays = (np.empty(0), np.empty((0, len(costs))))
        self._known: set[int] = set()
        self._lock = Lock()

    def update(self, study: Study) -> int:
        """Read what is new in ``study``; the number of its completed trials."""
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(trials) > len(self._known):
            with self._lock:  # a study with n_jobs judges in several threads
                for trial in trials:
                    if trial._trial_id not in self._known:
                        self._known.add(trial._trial_id)
                        self._add(trial)
        return len(trials)

    def at(self, step: int) -> Standing:
        """How the completed trials stood at ``step``."""
        with self._lock:
            column = self._columns.get(step, _Column([], [], []))
            finals, costs = self._arrays
            if len(finals) < len(self._finals):
                finals = np.array(self._finals)
                costs = np.array(self._known_costs).reshape(len(finals), len(self._costs))
                self._arrays = finals, costs
            rows = np.array(column.rows, dtype=np.intp)
            values, best = np.array(column.values), np.array(column.best)
        return Standing(values, best, finals[rows], costs[rows])

    def costs_of(self, trial: FrozenTrial) -> Floats:
        """The cheap objectives of ``trial``, (k,), smaller is cheaper; NaN where not known."""
        return np.array(self._cheap(trial))

    def best_of(self, trial: FrozenTrial) -> float:
        """The best value that ``trial`` reported, larger is better; NaN when all are NaN."""
        values = [self._sign * v for v in trial.intermediate_values.values()]
        return max((v for v in values if not math.isnan(v)), default=math.nan)

    def _cheap(self, trial: FrozenTrial) -> tuple[float, ...]:
        known = read_cheap(trial.user_attrs)
        return tuple(sign * known.get(index, math.nan) for index, sign in self._costs.items())

    def _add(self, trial: FrozenTrial) -> None:
        final = math.nan if trial.value is None else self._sign * trial.value
        self._finals.append(final)
        self._known_costs.append(self._cheap(trial))
        curve = trial.intermediate_values
        reported = {s: self._sign * v for s, v in curve.items() if not math.isnan(v)}
        for step, best in best_by_step(reported).items():
            column = self._columns.setdefault(step, _Column([], [], []))
            column.rows.append(len(self._finals) - 1)
            column.values.append(reported[step])
            column.best.append(best)


def best_by_step(values: dict[int, float]) -> dict[int, float]:
    """The best value up to each step, larger is better, whatever order they were reported in.

    >>> best_by_step({1: 0.5, 0: 0.6, 2: 0.7})
    {0: 0.6, 1: 0.6, 2: 0.7}
    """
    best, so_far = {}, -math.inf
    for step in sorted(values):
        so_far = max(so_far, values[step])
        best[step] = so_far
    return best


def _sign(direction: StudyDirection) -> float:
    return 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
