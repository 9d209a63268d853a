"""What is believed of the candidates' values in one objective; losses, so less is better."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from optunas.samplers.prediction.warp import Warp
from optunas.samplers.trials.seen import Floats

__all__ = ["Belief", "Exact", "Normal", "Warped"]

FLAT = 1e-9
"""Rise of the score between two losses up to which it counts as none: rounding would decide."""


class Belief(ABC):
    """About N candidates."""

    @abstractmethod
    def shortfall(self, levels: Floats) -> Floats:
        """E[max(level - loss, 0)] of each candidate at ascending levels, (N, levels)."""

    @abstractmethod
    def below(self, levels: Floats) -> Floats:
        """P(loss <= level) of each candidate, (N, levels)."""

    @abstractmethod
    def central(self) -> Floats:
        """The loss that is expected, about, (N,)."""

    @abstractmethod
    def take(self, places: np.ndarray) -> Belief:
        """Of these candidates only."""


@dataclass(frozen=True)
class Exact(Belief):
    """Known values, (N,)."""

    values: Floats

    def shortfall(self, levels: Floats) -> Floats:
        return np.maximum(levels - self.values[:, None], 0.0)

    def below(self, levels: Floats) -> Floats:
        return (self.values[:, None] <= levels).astype(float)

    def central(self) -> Floats:
        return self.values

    def take(self, places: np.ndarray) -> Exact:
        return Exact(self.values[places])


@dataclass(frozen=True)
class Normal(Belief):
    """Normal with these means and positive standard deviations, each (N,)."""

    mean: Floats
    std: Floats

    def shortfall(self, levels: Floats) -> Floats:
        away = levels - self.mean[:, None]
        scaled = away / self.std[:, None]
        density = np.exp(-0.5 * np.square(scaled)) / np.sqrt(2.0 * np.pi)
        found: Floats = away * ndtr(scaled) + self.std[:, None] * density
        return np.maximum(found, 0.0)

    def below(self, levels: Floats) -> Floats:
        found: Floats = ndtr((levels - self.mean[:, None]) / self.std[:, None])
        return found

    def central(self) -> Floats:
        return self.mean

    def take(self, places: np.ndarray) -> Normal:
        return Normal(self.mean[places], self.std[places])


@dataclass(frozen=True)
class Warped(Belief):
    """Normal once warped: ``warp`` takes losses to the scale of ``mean`` and ``std``, (N,)."""

    mean: Floats
    std: Floats
    warp: Warp

    def shortfall(self, levels: Floats) -> Floats:
        # E[max(level - loss, 0)] is the integral of P(loss <= t) up to the level. Between two knots
        # the score is linear in t, so each piece has a closed form; knots can be far apart, and by
        # the trapezoid of its ends a belief that is sure would promise half of the gap.
        knots = np.unique(np.concatenate([self.warp.knots, levels]))
        scores = self.warp.forward(knots)
        scaled = (scores - self.mean[:, None]) / self.std[:, None]
        chance = ndtr(scaled)
        area = scaled * chance + np.exp(-0.5 * np.square(scaled)) / np.sqrt(2.0 * np.pi)
        width, rise = np.diff(knots), np.diff(scores)
        level = rise <= FLAT
        steps = np.diff(area, axis=1) * self.std[:, None] * (width / np.where(level, 1.0, rise))
        steps[:, level] = 0.5 * (chance[:, 1:] + chance[:, :-1])[:, level] * width[level]
        table = np.zeros_like(chance)
        np.cumsum(np.maximum(steps, 0.0), axis=1, out=table[:, 1:])
        found: Floats = table[:, np.searchsorted(knots, levels)]
        return found

    def below(self, levels: Floats) -> Floats:
        warped = self.warp.forward(levels)
        found: Floats = ndtr((warped - self.mean[:, None]) / self.std[:, None])
        return found

    def central(self) -> Floats:
        return self.warp.backward(self.mean)

    def take(self, places: np.ndarray) -> Warped:
        return Warped(self.mean[places], self.std[places], self.warp)
