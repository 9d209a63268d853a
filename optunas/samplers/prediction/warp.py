"""Losses brought to the scale on which a predictor learns best: their normal scores."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from optunas.samplers.trials.seen import Floats

__all__ = ["Warp"]

KNOTS = 40
"""Of the curve between the scales; more change nothing that a predictor could know."""

BEYOND = np.array([4.0, 3.0, 2.0, 1.5, 1.0, 0.5])
"""Standard scores past the best loss at which the curve goes on, straight."""


class Warp:
    """A rising, piecewise linear curve from losses to normal scores.

    A network that failed to learn lies ten deviations away from the others; on the scale of ranks
    it is just the last. Equal losses share their mean rank.

    Args:
        losses: (n,), finite, at least one.

    Attributes:
        scores: (n,), of the losses given.
        knots: ascending losses between which the curve is straight; beyond the best one it goes on
            with the slope of the best quarter, beyond the worst one with that of all.
    """

    def __init__(self, losses: Floats) -> None:
        losses = np.asarray(losses, dtype=float)
        self.scores = np.asarray(ndtri((rankdata(losses) - 0.5) / len(losses)), dtype=float)
        at, first = np.unique(losses, return_index=True)
        z = self.scores[first]
        if len(at) > KNOTS:
            # Every one of the best, where decisions are made, and some of the others.
            rest = np.linspace(KNOTS // 2, len(at) - 1, KNOTS - KNOTS // 2).round().astype(int)
            kept = np.unique(np.concatenate([np.arange(KNOTS // 2), rest]))
            at, z = at[kept], z[kept]
        slope = _slope(at, z)
        self.knots = np.concatenate([at[0] - slope * BEYOND, at])
        self._scores = np.concatenate([z[0] - BEYOND, z])
        last = max(float(at[-1] - at[0]), slope) / max(float(z[-1] - z[0]), 1.0)
        self.knots = np.append(self.knots, at[-1] + 4.0 * last)
        self._scores = np.append(self._scores, z[-1] + 4.0)

    def forward(self, losses: Floats) -> Floats:
        """Scores of any losses; those past the curve's ends get the ends' scores."""
        return np.interp(losses, self.knots, self._scores)

    def backward(self, scores: Floats) -> Floats:
        """Losses of any scores."""
        return np.interp(scores, self._scores, self.knots)


def _slope(at: Floats, z: Floats) -> float:
    """Loss a standard score, among the best quarter of the losses (at least two)."""
    if len(at) < 2:
        return max(abs(float(at[0])) * 0.01, 1e-6)
    quarter = min(len(at) - 1, max(1, int(np.searchsorted(z, -0.67))))
    return float((at[quarter] - at[0]) / max(z[quarter] - z[0], 1e-9))
