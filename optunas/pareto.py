"""Pareto fronts and hypervolumes of values and of studies.

Values are arrays (n points, k objectives), directions ``"maximize"`` or ``"minimize"`` (or Optuna's
``StudyDirection``), one for each objective. Nothing given is changed. Ranks and volumes are
computed by moocore (López-Ibáñez et al., https://multi-objective.github.io/moocore/).

Not-a-number: a point with a NaN is on no front and adds no volume. Infinities are ordinary, very
good or very bad, on a front; a volume leaves such points out. Ties: equal points dominate each
other not, all of them are on the front.
"""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.errors import InvalidSpecError

__all__ = [
    "feasible_trials",
    "front",
    "hypervolume",
    "nondominated",
    "normalised_hypervolume",
    "reference_point",
]

Directions = Sequence[str | StudyDirection]
Floats = NDArray[np.float64]


def nondominated(values: ArrayLike, directions: Directions) -> NDArray[np.bool_]:
    """Which points no other point dominates, (n,) of bool.

    A point dominates another when it is at least as good in every objective and better in one.

    Raises:
        InvalidSpecError: when the values are not (n, number of directions).

    >>> nondominated([[0.9, 5], [0.8, 3], [0.7, 4], [0.9, 5]], ["maximize", "minimize"])
    array([ True,  True, False,  True])
    """
    points, maximise = _points(values, directions)
    known = ~np.isnan(points).any(axis=1)
    mask = np.zeros(len(points), dtype=bool)
    if known.any():
        mask[known] = moocore.is_nondominated(points[known], maximise=maximise, keep_weakly=True)
    return mask


def reference_point(values: ArrayLike, directions: Directions, margin: float = 0.1) -> Floats:
    """The point that hypervolumes are measured from by default, (k,).

    The policy: the worst finite value of each objective over all points given (not only the
    front's, so that it moves little while a front improves), and ``margin`` of the range beyond
    it, so that the extreme points count too. An objective whose values are all equal is given
    ``margin`` of its size, or ``margin`` itself at zero. Give all feasible points of everything
    that is compared: volumes are comparable only from one reference point.

    Raises:
        InvalidSpecError: without a single finite point, or for values of another shape.

    >>> reference_point([[0.9, 50], [0.5, 10]], ["maximize", "minimize"])
    array([ 0.46, 54.  ])
    """
    points, maximise = _points(values, directions)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise InvalidSpecError("A reference point needs at least one finite point, got none.")
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.where(high > low, high - low, np.abs(high))
    step = margin * np.where(size > 0, size, 1.0)
    return np.where(maximise, low - step, high + step)


def hypervolume(
    values: ArrayLike, directions: Directions, reference: ArrayLike | None = None
) -> float:
    """Volume that the points dominate, up to the reference point; 0.0 without points.

    Args:
        values: (n, k); points with a NaN or an infinity are left out, points that are not better
            than the reference in every objective add nothing.
        directions: one for each objective.
        reference: (k,), in the objectives' own directions (worse than the points); default
            :func:`reference_point` of the values.

    Raises:
        InvalidSpecError: for values or a reference of another shape.

    >>> hypervolume([[0.75, 5], [0.625, 3]], ["maximize", "minimize"], reference=[0.5, 6])
    0.5
    """
    points, maximise = _points(values, directions)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return 0.0
    worst = reference_point(points, directions) if reference is None else _row(reference, maximise)
    return float(moocore.hypervolume(points, ref=worst, maximise=maximise))


def normalised_hypervolume(
    values: ArrayLike, directions: Directions, reference: ArrayLike, ideal: ArrayLike
) -> float:
    """The dominated fraction, 0 to 1, of the box between ``reference`` and ``ideal``.

    Args:
        values: (n, k), as in :func:`hypervolume`.
        directions: one for each objective.
        reference: (k,), the box's worst corner.
        ideal: (k,), its best corner; points beyond it count as lying on its face.

    Raises:
        InvalidSpecError: when ``ideal`` is not better than ``reference`` in every objective, or
            for another shape.

    >>> normalised_hypervolume([[0.5, 5]], ["maximize", "minimize"], [0, 10], [1, 0])
    0.25
    """
    points, maximise = _points(values, directions)
    worst, best = _row(reference, maximise), _row(ideal, maximise)
    if not (np.where(maximise, best - worst, worst - best) > 0).all():
        raise InvalidSpecError(
            f"ideal must be better than reference in every objective, got {best.tolist()} and "
            f"{worst.tolist()}."
        )
    finite = points[np.isfinite(points).all(axis=1)]
    # 0 at the ideal, 1 at the reference: a box of volume one, every objective minimised.
    scaled = np.maximum((finite - best) / (worst - best), 0.0)
    return hypervolume(scaled, ["minimize"] * len(best), np.ones(len(best)))


def feasible_trials(study: Study) -> list[FrozenTrial]:
    """The COMPLETE trials whose constraints are all zero or less, by number; not copies."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [t for t in trials if all(value <= 0.0 for value in t.constraints.values())]


def front(study: Study) -> list[FrozenTrial]:
    """The feasible trials that no feasible trial dominates, by number; not copies.

    Differs from ``study.best_trials`` in speed alone; equal trials are all there.
    """
    trials = feasible_trials(study)
    values = np.array([trial.values for trial in trials], dtype=float)
    mask = nondominated(values.reshape(len(trials), len(study.directions)), study.directions)
    return [trial for trial, kept in zip(trials, mask, strict=True) if kept]


def _points(values: ArrayLike, directions: Directions) -> tuple[Floats, NDArray[np.bool_]]:
    maximise = np.array([_maximise(d) for d in directions], dtype=bool)
    points = np.array(values, dtype=float)  # a copy: the caller's array stays as it is
    if points.size == 0:
        points = points.reshape(0, len(maximise))
    if points.ndim != 2 or points.shape[1] != len(maximise) or not len(maximise):
        raise InvalidSpecError(
            f"values must be (points, {len(maximise)} objectives), got the shape {points.shape}."
        )
    return points, maximise


def _row(point: ArrayLike, maximise: NDArray[np.bool_]) -> Floats:
    row = np.array(point, dtype=float)
    if row.shape != maximise.shape or not np.isfinite(row).all():
        raise InvalidSpecError(
            f"A reference or ideal point is {len(maximise)} finite numbers, got {point!r}."
        )
    return row


def _maximise(direction: str | StudyDirection) -> bool:
    name = direction.name.lower() if isinstance(direction, StudyDirection) else direction
    if name not in ("maximize", "minimize"):
        raise InvalidSpecError(f"A direction is 'maximize' or 'minimize', got {direction!r}.")
    return name == "maximize"
