"""Who of some trials is the better, constraints before values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optunas.samplers.scalarise.form import Directions, Scalarisation
from optunas.samplers.trials.seen import Seen

__all__ = ["fitness", "violation"]


def violation(seen: Seen) -> float:
    """By how much a trial breaks its constraints in all, 0.0 for none; NaN counts as infinite."""
    constraints = seen.trial.constraints
    if not constraints:
        return 0.0
    over = sum(
        max(float(value), 0.0) if value == value else np.inf for value in constraints.values()
    )
    return float(over)


def fitness(
    form: Scalarisation,
    rows: Sequence[Seen],
    directions: Directions,
    scale: ArrayLike | None = None,
) -> NDArray[np.intp]:
    """The places of trials from the worst, 0, to the best, (n,); equals have equal places.

    A trial that keeps its constraints is before all that do not, and among these the smaller
    violation is better (Deb et al. 2002, section VI).

    Args:
        form: scores the values.
        rows: trials that have values.
        directions: of the objectives.
        scale: see :meth:`Scalarisation.scores`.
    """
    values: Any = [row.values for row in rows]
    scores = form.scores(values, directions, scale)
    over = np.array([violation(row) for row in rows])
    pairs = np.column_stack([-over, scores])
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
