"""The predictor of one objective: evidence in, beliefs about other members out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optunas.samplers.prediction.beliefs import Warped
from optunas.samplers.prediction.gaussian import GaussianProcess, Hyper, fit_hyper
from optunas.samplers.prediction.warp import Warp
from optunas.samplers.trials.seen import Floats

__all__ = ["ACTIVE", "Evidence", "HyperCache", "Learned", "checkpoint"]

FITTED_ON = 160
"""Trials that the kernel's hyperparameters are fitted on at most: the cube of it is their cost."""

ACTIVE = 300
"""Trials that predictions rest on at most: the best, the latest, and others evenly."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(16)


@dataclass(frozen=True)
class Evidence:
    """What is known of one objective.

    Attributes:
        numbers: (n,), of the trials, ascending.
        rows: (n, F), scaled features of their members.
        losses: (n,), finite.
        noise: (n,), variance beyond the common one in units of the scores' variance; 0 for
            values that were measured.
    """

    numbers: tuple[int, ...]
    rows: Floats
    losses: Floats
    noise: Floats

    def first(self, count: int) -> Evidence:
        """Of the first trials only."""
        return Evidence(
            self.numbers[:count], self.rows[:count], self.losses[:count], self.noise[:count]
        )

    def thinned(self, most: int) -> Evidence:
        """At most so many: a quarter the best, a quarter the latest, the others evenly."""
        n = len(self.losses)
        if n <= most:
            return self
        best = np.argsort(self.losses, kind="stable")[: most // 4]
        latest = np.arange(n - most // 4, n)
        kept = set(best.tolist()) | set(latest.tolist())
        others = [at for at in range(n) if at not in kept]
        wanted = np.linspace(0, len(others) - 1, most - len(kept)).round().astype(int)
        places = np.array(sorted(kept | {others[at] for at in wanted}))
        numbers = tuple(self.numbers[at] for at in places)
        return Evidence(numbers, self.rows[places], self.losses[places], self.noise[places])


@dataclass
class HyperCache:
    """The hyperparameters last fitted for each objective; what they were fitted on is the key."""

    _known: dict[object, tuple[object, Hyper]] = field(default_factory=dict)

    def get(self, name: object, evidence: Evidence, sizes: Sequence[int]) -> Hyper:
        """Those of the evidence up to its last :func:`checkpoint`."""
        early = evidence.first(checkpoint(len(evidence.losses))).thinned(FITTED_ON)
        key = (early.numbers, early.losses.tobytes(), tuple(sizes))
        known = self._known.get(name)
        if known is None or known[0] != key:
            scores = Warp(early.losses).scores
            known = key, fit_hyper(early.rows, scores, sizes, early.noise)
            self._known[name] = known
        return known[1]


def checkpoint(count: int) -> int:
    """The largest number up to ``count`` at which hyperparameters are fitted anew.

    Each is about a seventh more than the one before, so that a study's fits cost little together,
    and any process that sees the same trials has the same ones.

    >>> [checkpoint(n) for n in (3, 8, 15, 16, 100)]
    [3, 8, 14, 16, 93]
    """
    at = 3
    while at + max(1, at // 7) <= count:
        at += max(1, at // 7)
    return min(at, count)


class Learned:
    """A Gaussian process on the normal scores of the losses.

    Args:
        evidence: at least one trial.
        sizes: columns of each block of features.
        hyper: the kernel's.
    """

    def __init__(self, evidence: Evidence, sizes: Sequence[int], hyper: Hyper) -> None:
        evidence = evidence.thinned(ACTIVE)
        self.warp = Warp(evidence.losses)
        self._told = evidence.rows, self.warp.scores, evidence.noise
        self.process = GaussianProcess(*self._told[:2], sizes, hyper, evidence.noise)

    def imagining(self, rows: Floats) -> Learned:
        """With members under way, (m, F), each taken to come out as predicted."""
        if not len(rows):
            return self
        mean, _ = self.process.predict(rows, std=False)
        more = (rows, mean, np.zeros(len(mean)))
        x, scores, noise = (np.concatenate(pair) for pair in zip(self._told, more, strict=True))
        found = copy.copy(self)
        found.process = GaussianProcess(x, scores, self.process.sizes, self.process.hyper, noise)
        return found

    def belief(self, rows: Floats, std: bool = True) -> Warped:
        """About members with these features, (m, F).

        Args:
            rows: scaled features.
            std: False gives everyone half of the prior's deviation, at a fraction of the time.
        """
        mean, deviation = self.process.predict(rows, std=std)
        if not std:
            half = 0.5 * self.process.std * np.exp(0.5 * self.process.hyper.signal)
            deviation = np.full(len(mean), max(half, 1e-6))
        return Warped(mean, deviation, self.warp)

    def predict(
        self, rows: Floats, values_of: Callable[[Floats], Floats] | None = None
    ) -> tuple[Floats, Floats]:
        """Mean and standard deviation, each (m,), of the losses or of a function of them.

        Args:
            rows: (m, F), scaled features.
            values_of: applied to losses elementwise; None leaves them as they are.
        """
        belief = self.belief(rows)
        drawn = self.warp.backward(belief.mean[:, None] + belief.std[:, None] * _NODES)
        if values_of is not None:
            drawn = values_of(drawn)
        weights = _WEIGHTS / _WEIGHTS.sum()
        mean = drawn @ weights
        return mean, np.sqrt(np.maximum(np.square(drawn - mean[:, None]) @ weights, 0.0))
