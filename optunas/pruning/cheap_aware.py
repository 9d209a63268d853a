"""The median pruner that spares small networks."""

from __future__ import annotations

import math
from collections.abc import Collection
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.pruners import BasePruner, MedianPruner
from optuna.trial import FrozenTrial

from optunas.errors import InvalidSpecError
from optunas.pruning.history import History, Standing
from optunas.pruning.view import ObjectiveView

__all__ = ["CheapAwareMedianPruner"]


class CheapAwareMedianPruner(BasePruner):
    """Prunes a trial that falls behind the networks that cost no more than it does.

    In a study of several objectives where only one is expensive, the plain median compares a
    small network with large ones, and prunes the small end of the front. Here a trial's
    *rivals* are the completed trials that are at least as cheap in every cheap objective: what
    beats a trial among them dominates it. A trial is pruned at a step when one of these holds:

    - *behind*: its best value so far is worse than the median of its rivals' values at this step
      (Optuna's median rule, over the rivals);
    - *out of reach*: no completed trial whose best value at this step was as bad as this one's,
      or worse, ended above the best rival's final value, and there are at least ``n_precedents``
      such trials. It goes by ranks alone, so it is silent as long as the early steps of the curves
      say little about their ends, and it has no scale to set.

    Both wait for ``n_min_rivals`` rivals with a value at this step: a trial that is cheaper than
    all others is never pruned. Only COMPLETE trials count, as in Optuna's pruners.

    In a study of one objective, and for a trial without any cheap value, it is Optuna's
    ``MedianPruner`` with the same first three arguments. A cheap value that is not known (or not
    finite) for one trial: if the trial is the one being judged, that objective is left out; a
    completed trial without it is no rival.

    The cheap values come from ``optunas.report(..., cheap={...})``. NaN values count as not
    reported; a trial that reported nothing but NaN is pruned.

    Args:
        n_startup_trials: nothing is pruned before so many trials are COMPLETE.
        n_warmup_steps: nothing is pruned at smaller steps.
        interval_steps: steps between two judgements, counted from the warm-up.
        tolerance: a rival may cost this fraction more; for the noise of measured objectives.
        measured: the objectives (indices) that ``tolerance`` holds for; None: for all.
        n_min_rivals: rivals that it takes to judge.
        n_precedents: trials that stood no better that it takes to call a trial out of reach;
            0 turns that rule off.

    Raises:
        InvalidSpecError: for a negative number, or ``interval_steps`` or ``n_min_rivals`` below 1.
    """

    def __init__(
        self,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 2,
        interval_steps: int = 1,
        *,
        tolerance: float = 0.05,
        measured: Collection[int] | None = None,
        n_min_rivals: int = 3,
        n_precedents: int = 8,
    ) -> None:
        for name, value, low in (
            ("n_startup_trials", n_startup_trials, 0),
            ("n_warmup_steps", n_warmup_steps, 0),
            ("interval_steps", interval_steps, 1),
            ("tolerance", tolerance, 0.0),
            ("n_min_rivals", n_min_rivals, 1),
            ("n_precedents", n_precedents, 0),
        ):
            if not value >= low:
                raise InvalidSpecError(f"{name} must be at least {low}, got {value!r}.")
        self._n_startup_trials = n_startup_trials
        self._n_warmup_steps = n_warmup_steps
        self._interval_steps = interval_steps
        self._tolerance = tolerance
        self._measured = None if measured is None else frozenset(measured)
        self._n_min_rivals, self._n_precedents = n_min_rivals, n_precedents
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
        known = np.isfinite(costs)
        if not known.any():
            return self._median.prune(study, trial)
        step = trial.last_step
        if step is None or not self._is_due(step, trial.intermediate_values):
            return False
        completed = history.update(study)
        if completed == 0 or completed < self._n_startup_trials:
            return False
        best = history.best_of(trial)
        if math.isnan(best):
            return True
        standing = history.at(step)
        limits = (costs + self._allowance(study) * np.abs(costs))[known]
        rivals: NDArray[np.bool_] = np.all(standing.costs[:, known] <= limits, axis=1)
        if rivals.sum() < self._n_min_rivals:
            return False
        return self._is_behind(best, standing, rivals) or self._is_out_of_reach(
            best, standing, rivals
        )

    def _is_behind(self, best: float, standing: Standing, rivals: NDArray[np.bool_]) -> bool:
        return best < float(np.median(standing.values[rivals]))

    def _is_out_of_reach(self, best: float, standing: Standing, rivals: NDArray[np.bool_]) -> bool:
        precedents = standing.finals[standing.best <= best]
        if self._n_precedents == 0 or len(precedents) < self._n_precedents:
            return False
        return bool(precedents.max() < standing.finals[rivals].max())

    def _is_due(self, step: int, steps: Collection[int]) -> bool:
        """Whether ``step`` is the first reported one of its interval, as in Optuna's pruners."""
        if step < self._n_warmup_steps:
            return False
        past = step - self._n_warmup_steps
        start = step - past % self._interval_steps
        return not any(start <= other < step for other in steps)

    def _allowance(self, study: ObjectiveView) -> NDArray[np.float64]:
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
