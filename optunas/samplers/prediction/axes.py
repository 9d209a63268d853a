"""The scale on which each objective is judged: losses, of costs their logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.study import StudyDirection

from optunas.samplers.trials.seen import Floats

__all__ = ["Axis", "axes_of"]

WIDE = 3.0
"""Largest over least value from which a positive cost is judged by its logarithm."""


@dataclass(frozen=True)
class Axis:
    """Of one objective.

    Attributes:
        maximise: whether larger values are better.
        log: whether losses are logarithms; of minimised, positive values only.
    """

    maximise: bool
    log: bool

    def losses(self, values: Floats) -> Floats:
        """Less is better; what has no logarithm gets that of the least positive float."""
        if self.maximise:
            return -np.asarray(values, dtype=float)
        if self.log:
            return np.log(np.maximum(values, np.finfo(float).tiny))
        return np.asarray(values, dtype=float)

    def values(self, losses: Floats) -> Floats:
        """The inverse."""
        if self.maximise:
            return -losses
        return np.exp(losses) if self.log else losses


def axes_of(directions: Sequence[StudyDirection], values: Sequence[Floats]) -> list[Axis]:
    """An axis for each objective, of all its values that are known: trials' and candidates'.

    A cost (minimised, positive) that spans a factor of :data:`WIDE` is judged by its logarithm, so
    that halving a small network counts as much as halving a large one.
    """
    found = []
    for direction, known in zip(directions, values, strict=True):
        maximise = direction == StudyDirection.MAXIMIZE
        positive = len(known) > 0 and float(np.min(known)) > 0.0
        wide = positive and float(np.max(known)) >= WIDE * float(np.min(known))
        found.append(Axis(maximise, wide and not maximise))
    return found
