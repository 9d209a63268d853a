"""The distance to the best of each objective, by the worst of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optunas.samplers.arguments import is_number
from optunas.samplers.scalarise.form import (
    Directions,
    Scalarisation,
    checked_weights,
    count_faults,
    gains_of,
    ranges_of,
    refuse,
)
from optunas.samplers.trials.seen import Floats

__all__ = ["Chebyshev"]


@dataclass(frozen=True)
class Chebyshev(Scalarisation):
    """The negative augmented Chebyshev distance to the best of what has been seen.

    ``-(max_i w_i d_i + rho sum_i w_i d_i)``, where ``d_i`` is 0 at the best value of objective i
    that has been seen and 1 at the worst one. Unlike a weighted sum it reaches the points of a
    front that lie in a dent. Steuer and Choo 1983; rho as in ParEGO (Knowles 2006).

    Attributes:
        weights: one an objective; None is 1 for each.
        rho: of the sum, from 0 on.
    """

    name: ClassVar[str] = "chebyshev"
    weights: tuple[float, ...] | None = None
    rho: float = 0.05

    def __post_init__(self) -> None:
        found = [] if self.weights is None else checked_weights(self, self.weights)
        if not is_number(self.rho) or self.rho < 0:
            found.append(f"rho must be a number from 0 on, got {self.rho!r}.")
        refuse(self.name, found)

    def faults(self, directions: Directions) -> list[str]:
        return [] if self.weights is None else count_faults(self.weights, directions)

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains, seen = gains_of(values, directions), gains_of(scale, directions)
        distance = (seen.max(axis=0) - gains) / ranges_of(seen)
        weighted = distance if self.weights is None else distance * np.array(self.weights)
        return -(weighted.max(axis=1) + self.rho * weighted.sum(axis=1))
