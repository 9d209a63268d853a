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

__all__ = ["Floats", "History", "Point", "Standing", "path"]

Floats = NDArray[np.float64]

WINDOW = 4
"""Values whose mean says where a noisy curve stands."""


class Standing(NamedTuple):
    """The completed trials that have a value at one step; larger values are better.

    Attributes:
        values: reported at the step, (n,), in the order of completion; none is NaN.
        recent: mean of the last :data:`WINDOW` values up to the step, (n,).
        finals: the objective's value at the end, (n,).
        costs: cheap objectives, (n, k), smaller is cheaper; NaN where not known.
    """

    values: Floats
    recent: Floats
    finals: Floats
    costs: Floats


class Point(NamedTuple):
    """One step of one curve: its value, the best one so far, the mean of the recent ones."""

    value: float
    best: float
    recent: float


class _Column(NamedTuple):
    """One step: which rows have a value there, and the values."""

    rows: list[int]
    values: list[float]
    recent: list[float]


class History:
    """The completed trials of one study, each read once.

    Args:
        direction: of the reported objective.
        costs: the cheap objectives: index -> direction.
    """

    def __init__(self, direction: StudyDirection, costs: dict[int, StudyDirection]) -> None:
        self._sign = _sign(direction)
        self._costs = {index: -_sign(d) for index, d in costs.items()}
        self.longest = 0  # reports of the trial that made most
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
            values, recent = np.array(column.values), np.array(column.recent)
        return Standing(values, recent, finals[rows], costs[rows])

    def costs_of(self, trial: FrozenTrial) -> Floats:
        """The cheap objectives of ``trial``, (k,), smaller is cheaper; NaN where not known."""
        return np.array(self._cheap(trial))

    def path_of(self, trial: FrozenTrial) -> dict[int, Point]:
        """How ``trial`` stood at each step that it reported; larger is better."""
        return path({s: self._sign * v for s, v in trial.intermediate_values.items()})

    def _cheap(self, trial: FrozenTrial) -> tuple[float, ...]:
        known = {i: v for i, v in read_cheap(trial.user_attrs).items() if math.isfinite(v)}
        return tuple(sign * known.get(index, math.nan) for index, sign in self._costs.items())

    def _add(self, trial: FrozenTrial) -> None:
        final = math.nan if trial.value is None else self._sign * trial.value
        self._finals.append(final)
        self._known_costs.append(self._cheap(trial))
        curve = trial.intermediate_values
        self.longest = max(self.longest, len(curve))
        for step, point in self.path_of(trial).items():
            if not math.isnan(point.value):
                column = self._columns.setdefault(step, _Column([], [], []))
                column.rows.append(len(self._finals) - 1)
                column.values.append(point.value)
                column.recent.append(point.recent)


def path(values: dict[int, float]) -> dict[int, Point]:
    """Each step's value, with the best and the recent ones up to it; larger is better.

    NaN values count for nothing; best and recent are NaN until there is another value.

    >>> {step: point.best for step, point in path({1: 0.5, 0: 0.6, 2: 0.7}).items()}
    {0: 0.6, 1: 0.6, 2: 0.7}
    """
    points: dict[int, Point] = {}
    best = math.nan
    last: list[float] = []
    for step in sorted(values):
        value = values[step]
        if not math.isnan(value):
            best = value if math.isnan(best) else max(best, value)
            last = [*last, value][-WINDOW:]
        recent = sum(last) / len(last) if last else math.nan
        points[step] = Point(value, best, recent)
    return points


def _sign(direction: StudyDirection) -> float:
    return 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
