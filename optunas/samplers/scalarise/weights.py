"""The weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

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

__all__ = ["Weights"]


@dataclass(frozen=True)
class Weights(Scalarisation):
    """The weighted sum of the gains.

    A gain is the value itself where it is maximised, its negative where it is minimised.

    Attributes:
        weights: one an objective, not negative, one of them positive.
        normalised: each gain is divided by its range over what has been seen, so that weights are
            without unit; False takes the values as they are, ``accuracy - 1e-9 * params``.
    """

    name: ClassVar[str] = "weights"
    weights: tuple[float, ...]
    normalised: bool = True

    def __post_init__(self) -> None:
        found = checked_weights(self, self.weights)
        if not isinstance(self.normalised, bool):
            found.append(f"normalised must be True or False, got {self.normalised!r}.")
        refuse(self.name, found)

    def faults(self, directions: Directions) -> list[str]:
        return count_faults(self.weights, directions)

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains, seen = gains_of(values, directions), gains_of(scale, directions)
        if self.normalised:
            gains = gains / ranges_of(seen)
        return gains @ np.array(self.weights)
