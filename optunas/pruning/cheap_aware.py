"""The median pruner that spares small networks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.pruners import BasePruner, MedianPruner
from optuna.trial import FrozenTrial

from optunas.errors import InvalidSpecError
from optunas.pruning.history import Floats, History, Point, Standing
from optunas.pruning.view import ObjectiveView

__all__ = ["CheapAwareMedianPruner"]

LATEST = 100
"""Completed trials, the latest ones, whose pairs tell how often a trial caught up."""


class CheapAwareMedianPruner(BasePruner):
    """Prunes a trial that falls behind the networks that cost no more than it does.

    In a study of several objectives of which one is expensive, the plain median compares a small
    network with large ones and prunes the small end of the front. Here a trial's *rivals* are the
    completed trials that are at least as cheap in every cheap objective; only what beats a trial
    among them dominates it. A trial is *losing* at a step when one of these holds:

    - its best value so far is worse than the median of its rivals' values at this step (Optuna's
      median rule, over the rivals);
    - it will hardly catch up with its best rival, the one that ended highest. Over all pairs of
      completed trials of which one was at least as far behind the other at this step (in the mean
      of the last four values), the share that ended ahead is the chance to catch up. It is too
      small when its odds are below the square of ``n rivals / crowd``, times the share of the
      training that would be saved (and below even odds times that share in any case).

    It is pruned when it was losing at every step of the last 1/n-th of a training (as long as the
    longest of the completed ones).

    The square is what is at stake: of n + 1 networks of equal cost the next is the best one with
    odds of 1 : n, and what it then adds to the front is again of the order of 1/n of the spread.
    So a trial without rivals is never pruned, one with few is given time, and one that many
    networks match for less ends soon. Early steps that say little about the end give good chances
    to catch up, so that they prune only what is far behind; at the end there is little left to
    save, and a near miss is trained out.

    Only COMPLETE trials count, as in Optuna's pruners. In a study of one objective, and for a
    trial without any cheap value, this is Optuna's ``MedianPruner`` with the same first three
    arguments. A cheap value that is not known (or not finite): if it is missing in the trial that
    is judged, that objective is left out; a completed trial without it is no rival.

    The cheap values come from ``optunas.report(..., cheap={...})``. NaN values count as not
    reported; a trial that reported nothing but NaN is pruned.

    Args:
        n_startup_trials: nothing is pruned before so many trials are COMPLETE.
        n_warmup_steps: nothing is pruned at smaller steps.
        interval_steps: steps between two judgements, counted from the warm-up.
        tolerance: a rival may cost this fraction more; for the noise of measured objectives.
        measured: the objectives (indices) that ``tolerance`` holds for; None: for all.
        crowd: rivals that it takes to give up a trial that would catch up with even odds; larger
            numbers prune less, ``math.inf`` leaves the median rule alone.

    Raises:
        InvalidSpecError: for a negative number, or ``interval_steps`` or ``crowd`` below 1.
    """

    def __init__(
        self,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        tolerance: float = 0.05,
        measured: Collection[int] | None = None,
        crowd: float = 55.0,
    ) -> None:
        for name, value, low in (
            ("n_startup_trials", n_startup_trials, 0),
            ("n_warmup_steps", n_warmup_steps, 0),
            ("interval_steps", interval_steps, 1),
            ("tolerance", tolerance, 0.0),
            ("crowd", crowd, 1.0),
        ):
            if not value >= low:
                raise InvalidSpecError(f"{name} must be at least {low}, got {value!r}.")
        self._n_startup_trials = n_startup_trials
        self._n_warmup_steps = n_warmup_steps
        self._interval_steps = interval_steps
        self._tolerance, self._crowd = tolerance, crowd
        self._measured = None if measured is None else frozenset(measured)
        self._median = MedianPruner(n_startup_trials, n_warmup_steps, interval_steps)
        self._histories: WeakKeyDictionary[Study, History] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k != "_histories"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._histories = WeakKeyDictionary()

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether ``trial`` falls behind; ``study`` is a view on the reported objective."""
        if not isinstance(study, ObjectiveView):
            return self._median.prune(study, trial)
        history = self._history(study)
        costs = history.costs_of(trial)
        if not np.isfinite(costs).any():
            return self._median.prune(study, trial)
        step = trial.last_step
        if step is None or not self._is_due(step, trial.intermediate_values):
            return False
        completed = history.update(study)
        if completed == 0 or completed < self._n_startup_trials:
            return False
        path = history.path_of(trial)
        if math.isnan(path[step].best):
            return True
        return self._is_out(history, path, costs + self._allowance(study) * np.abs(costs))

    def _is_out(self, history: History, path: Mapping[int, Point], limits: Floats) -> bool:
        """Whether the trial was losing for long enough."""
        steps = [step for step in sorted(path, reverse=True) if step >= self._n_warmup_steps]
        n_rivals = int(_rivals(history.at(steps[0]), limits).sum())
        if n_rivals == 0:
            return False
        time = math.ceil(history.longest / n_rivals)
        if len(steps) < time:
            return False
        reports = len(path) + np.arange(0, -time, -1)
        saved = np.maximum(1.0 - reports / history.longest, 0.0)
        return all(
            self._is_losing(history.at(step), path[step], limits, float(share))
            for step, share in zip(steps, saved, strict=False)
        )

    def _is_losing(self, standing: Standing, point: Point, limits: Floats, saved: float) -> bool:
        rivals = _rivals(standing, limits)
        if not rivals.any():
            return False
        if point.best < float(np.median(standing.values[rivals])):
            return True
        top = np.flatnonzero(rivals)[np.argmax(standing.finals[rivals])]
        behind = float(standing.recent[top]) - point.recent
        accepted = min(float(rivals.sum()) / self._crowd, 1.0) ** 2 * saved
        return behind > 0 and odds_of_catching_up(standing, behind) < accepted

    def _is_due(self, step: int, steps: Collection[int]) -> bool:
        """Whether ``step`` is the first reported one of its interval, as in Optuna's pruners."""
        if step < self._n_warmup_steps:
            return False
        start = step - (step - self._n_warmup_steps) % self._interval_steps
        return not any(start <= other < step for other in steps)

    def _allowance(self, study: ObjectiveView) -> Floats:
        measured = self._measured
        return np.array(
            [
                self._tolerance if measured is None or index in measured else 0.0
                for index in range(len(study.study_directions))
                if index != study.objective
            ]
        )

    def _history(self, study: ObjectiveView) -> History:
        history = self._histories.get(study)
        if history is None:
            costs = dict(enumerate(study.study_directions))
            del costs[study.objective]
            history = self._histories[study] = History(study.direction, costs)
        return history


def _rivals(standing: Standing, limits: Floats) -> NDArray[np.bool_]:
    """Which completed trials cost no more than ``limits``, (k,), where these are finite."""
    known = np.isfinite(limits)
    within: NDArray[np.bool_] = np.all(standing.costs[:, known] <= limits[known], axis=1)
    return within


def odds_of_catching_up(standing: Standing, behind: float) -> float:
    """The odds that a trial so far behind another ends ahead of it, from pairs of completed ones.

    Half a case is added on each side: without a pair that far apart the odds are even.
    """
    recent, finals = standing.recent[-LATEST:], standing.finals[-LATEST:]
    apart = recent[None, :] - recent[:, None] >= behind  # row behind column
    won = int(np.count_nonzero(apart & (finals[:, None] > finals[None, :])))
    return (won + 0.5) / (int(np.count_nonzero(apart)) - won + 0.5)
