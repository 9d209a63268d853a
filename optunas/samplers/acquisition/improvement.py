"""How much a candidate promises, from what is predicted of it and how sure that is."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from optunas.samplers.trials.seen import Floats

__all__ = ["ACQUISITIONS", "Acquisition", "confidence_bound", "expected_improvement", "ranked"]

Acquisition = Literal["ei", "ucb", "thompson"]

ACQUISITIONS: tuple[str, ...] = get_args(Acquisition)

DIGITS = 9
"""Of a promise; what differs beyond them depends on the machine and must not decide."""


def expected_improvement(mean: Floats, std: Floats, best: float) -> Floats:
    """E[max(f - best, 0)] of normal f, (n,); max(mean - best, 0) where ``std`` is 0.

    Mockus, Tiesis and Zilinskas 1978.
    """
    from scipy.special import ndtr

    above = mean - best
    scaled = above / np.where(std > 0, std, 1.0)
    gain = above * ndtr(scaled) + std * np.exp(-0.5 * scaled**2) / np.sqrt(2 * np.pi)
    return np.where(std > 0, gain, np.maximum(above, 0.0))


def confidence_bound(mean: Floats, std: Floats, exploration: float) -> Floats:
    """``mean + exploration * std``, (n,); Srinivas et al. 2010."""
    return mean + exploration * std


def ranked(promised: Floats, means: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Places from the most promising on; equal ones by mean, then in a random order.

    Args:
        promised: (n,), larger is better; -inf comes last.
        means: (n,), finite.
        rng: of the order of equals.
    """
    chance = rng.permutation(len(promised))
    return np.lexsort((chance, -_rounded(means), -_rounded(promised)))


def _rounded(values: Floats) -> Floats:
    finite = values[np.isfinite(values)]
    size = float(np.abs(finite).max()) if len(finite) else 0.0
    return np.round(values / size, DIGITS) if size > 0 else values
