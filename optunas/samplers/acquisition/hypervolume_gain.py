"""How much hypervolume each candidate is expected to add to a front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optunas.samplers.acquisition.boxes import free_boxes
from optunas.samplers.prediction.beliefs import Belief
from optunas.samplers.trials.seen import Floats

__all__ = ["expected_gain", "sampled_gain"]

EXACT_FRONT = {1: 10_000, 2: 2_000, 3: 300, 4: 60}
"""Points of a front up to which boxes are used, by the number of objectives."""

AT_ONCE = 2_000_000
"""Numbers held at a time."""


def expected_gain(
    beliefs: Sequence[Belief], front: Floats, reference: Floats, rng: np.random.Generator
) -> Floats:
    """E[hypervolume(front and candidate) - hypervolume(front)] of each candidate, (N,).

    Exact for independent beliefs; estimated (see :func:`sampled_gain`) for five objectives and
    more, and for long fronts of four.

    Args:
        beliefs: one for each objective.
        front: (n, k) losses.
        reference: (k,), the worst loss that counts in each objective.
        rng: for the estimate.

    The sum over boxes of products of expectations is that of Couckuyt et al. 2014 and of Daulton
    et al. 2020 (arXiv:2006.05078, section 3) for one candidate.
    """
    if len(front) > EXACT_FRONT.get(len(beliefs), -1):
        return sampled_gain(beliefs, front, reference, rng)
    lower, upper = free_boxes(front, reference)
    tables, lows, highs = [], [], []
    for at, belief in enumerate(beliefs):
        levels = np.unique(np.concatenate([lower[:, at], upper[:, at]]))
        levels = levels[np.isfinite(levels)]
        # Column 0 is the level at minus infinity, below which nothing falls.
        table = belief.shortfall(levels)
        tables.append(np.concatenate([np.zeros((len(table), 1)), table], axis=1))
        lows.append(np.where(np.isfinite(lower[:, at]), np.searchsorted(levels, lower[:, at]), -1))
        highs.append(np.searchsorted(levels, upper[:, at]))
    count = len(tables[0])
    gain = np.zeros(count)
    rows = max(1, AT_ONCE // max(1, len(lower)))
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        volume: Floats | float = 1.0
        for table, low, high in zip(tables, lows, highs, strict=True):
            volume = volume * (table[part][:, high + 1] - table[part][:, low + 1])
        gain[part] = np.sum(volume, axis=1)
    return np.maximum(gain, 0.0)


def sampled_gain(
    beliefs: Sequence[Belief],
    front: Floats,
    reference: Floats,
    rng: np.random.Generator,
    samples: int = 1024,
) -> Floats:
    """As :func:`expected_gain`, for any number of objectives: a mean over random points.

    A point that no front member dominates counts for a candidate with the probability that the
    candidate dominates it.

    Args:
        beliefs, front, reference: as there.
        rng: draws the points; all candidates are judged by the same ones.
        samples: how many points.
    """
    ideal = np.array([belief.central().min() for belief in beliefs])
    if len(front):
        ideal = np.minimum(ideal, front.min(axis=0))
    ideal = np.minimum(ideal, reference)
    ideal = ideal - 0.3 * np.maximum(reference - ideal, 1e-12)
    points = ideal + rng.random((samples, len(ideal))) * (reference - ideal)
    free = np.ones(samples, dtype=bool)
    for member in front:
        free &= ~(member <= points).all(axis=1)
    points = points[free]
    volume = float(np.prod(reference - ideal))
    count = len(beliefs[0].central())
    gain = np.zeros(count)
    rows = max(1, AT_ONCE // max(1, len(points)))
    for start in range(0, count, rows):
        places = np.arange(start, min(start + rows, count))
        chance: Floats | float = 1.0
        for at, belief in enumerate(beliefs):
            order = np.argsort(points[:, at])
            found = np.empty((len(places), len(points)))
            found[:, order] = belief.take(places).below(points[order, at])
            chance = chance * found
        gain[places] = np.sum(chance, axis=1) * volume / samples
    return gain
