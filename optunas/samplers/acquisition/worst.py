"""The worst loss that counts in an objective whose values only training shows."""

from __future__ import annotations

import numpy as np

from optunas.samplers.trials.seen import Floats

__all__ = ["worst_loss"]

BEYOND = 0.1
"""Of the range of losses, past the worst: what is a little worse than all seen so far counts."""


def worst_loss(central: Floats, told: Floats, floor: float, alone: bool) -> float:
    """The reference point's coordinate of one objective.

    Alone beside known objectives it is the quantile that leaves out the share ``floor``. Of several
    each would leave out as much, and the best in one are among the worst in another: the most
    accurate networks are the most expensive ones. So all count that lie no farther behind the
    median than the best lies ahead of it: of costs, whose logarithms spread evenly, nearly all; of
    accuracies, where networks that failed trail far behind, those that did not.

    Args:
        central: (N,), predicted losses of candidates that chance drew; N from 1 on.
        told: (n,), measured losses.
        floor: share of the candidates, the worst, that need not count.
        alone: whether this is the only objective that is not known.

    >>> losses = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 90.0])
    >>> worst_loss(losses, losses[:2], 0.5, alone=True)
    2.5
    >>> worst_loss(losses, losses[:2], 0.5, alone=False)
    5.0
    """
    poor = float(np.quantile(central, 1.0 - floor))
    if alone:
        return poor
    best = min(float(central.min()), float(told.min(initial=np.inf)))
    most = max(float(central.max()), float(told.max(initial=-np.inf)))
    mirrored = 2.0 * float(np.median(central)) - best
    return max(poor, min(mirrored, most + BEYOND * max(most - best, 1e-12)))
