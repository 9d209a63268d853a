"""Accuracy less the logarithm of costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from optuna.study import StudyDirection

from optunas.samplers.arguments import is_number, is_whole
from optunas.samplers.scalarise.form import (
    Directions,
    Scalarisation,
    checked_weights,
    counted,
    gains_of,
    refuse,
)
from optunas.samplers.trials.seen import Floats

__all__ = ["LogCost"]


@dataclass(frozen=True)
class LogCost(Scalarisation):
    """``accuracy - w * log(cost)``: w is what a cost e times as high must bring in accuracy.

    Attributes:
        weights: one number for all costs, or one for each.
        score: index of the objective that is not a cost.
        costs: indices of the costs, which are minimised; None is all but ``score``.
    """

    name: ClassVar[str] = "log_cost"
    weights: float | tuple[float, ...] = 0.05
    score: int = 0
    costs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        found = []
        if isinstance(self.weights, Sequence) and not isinstance(self.weights, str):
            found += checked_weights(self, self.weights)
        elif not is_number(self.weights) or self.weights <= 0:
            found.append(
                f"weights must be a positive number, or one for each cost, got {self.weights!r}."
            )
        if not is_whole(self.score) or self.score < 0:
            found.append(f"score must be the index of an objective, got {self.score!r}.")
        if self.costs is not None:
            found += self._cost_faults()
        refuse(self.name, found)

    def _cost_faults(self) -> list[str]:
        costs: Any = self.costs
        listed = isinstance(costs, Sequence) and not isinstance(costs, str)
        if not listed or not costs or not all(is_whole(c) and c >= 0 for c in costs):
            return [f"costs must be a list of indices of objectives, got {costs!r}."]
        object.__setattr__(self, "costs", tuple(map(int, costs)))
        if len(set(costs)) < len(costs) or self.score in costs:
            return [f"costs must be distinct and not the score {self.score}, got {list(costs)}."]
        return []

    def _indices(self, directions: Directions) -> list[int]:
        if self.costs is not None:
            return list(self.costs)
        return [at for at in range(len(directions)) if at != self.score]

    def faults(self, directions: Directions) -> list[str]:
        last = len(directions) - 1
        costs = self._indices(directions)
        found = [
            f"the study's objectives are 0 to {last}, there is no objective {at}."
            for at in (self.score, *costs)
            if at > last
        ]
        if not costs:
            found.append("the study has no objective besides the score, so there is no cost.")
        found += [
            f"objective {at} is maximised, a cost is minimised; name the costs."
            for at in costs
            if self.score <= last and at <= last and directions[at] == StudyDirection.MAXIMIZE
        ]
        if isinstance(self.weights, tuple) and len(self.weights) != len(costs):
            found.append(
                f"{counted(len(self.weights), 'weight')} for {counted(len(costs), 'cost')}; give "
                "one for each."
            )
        return found

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        costs = values[:, self._indices(directions)]
        score = gains_of(values, directions)[:, self.score]
        positive = (costs > 0).all(axis=1)
        logs = np.log(np.where(costs > 0, costs, 1.0))
        return np.where(positive, score - (logs * np.asarray(self.weights)).sum(axis=1), -np.inf)
