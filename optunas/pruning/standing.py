"""How the candidates of successive halving stand at one rung."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.study import StudyDirection

from optunas.pruning.curves import read_cheap
from optunas.pruning.lineage import Candidate
from optunas.pruning.ranking import pareto_order
from optunas.pruning.view import ObjectiveView

__all__ = ["Losses", "Standing"]


@dataclass(frozen=True)
class Standing:
    """The candidates that came to a rung, the first ones first; those with NaN there are left out.

    Attributes:
        order: the candidates.
        losses: of each, (n, k), with whether it breaks a constraint as the first column.
    """

    order: tuple[Candidate, ...]
    losses: NDArray[np.float64]

    def first(self, eta: int) -> tuple[Candidate, ...]:
        """One in ``eta``, and at least one."""
        return self.order[: max(1, len(self.order) // eta)]

    def able(self, eta: int, coming: float) -> tuple[Candidate, ...]:
        """Those that may be among the first when up to ``coming`` more have come here.

        What dominates a candidate stays ahead of it, whatever comes; all else may fall behind.
        """
        if not coming:
            return self.first(eta)
        most = max(1.0, (len(self.order) + coming) / eta)
        if most >= len(self.order):
            return self.order
        return tuple(c for i, c in enumerate(self.order) if self._ahead(i) < most)

    def _ahead(self, place: int) -> int:
        """How many stay ahead of the candidate at ``place``."""
        own, others = self.losses[place], self.losses
        sound = (others[:, 0] < own[0]).sum()
        alike = others[others[:, 0] == own[0]]
        within = alike[(alike <= own).all(axis=1)]
        return int(sound + (within < own).any(axis=1).sum())


class Losses:
    """What the values of a study mean: losses, smaller is better.

    Args:
        study: as a pruner sees it.
    """

    def __init__(self, study: Study) -> None:
        directions: Sequence[StudyDirection] = study.directions
        self.objective = 0
        if isinstance(study, ObjectiveView):
            directions, self.objective = study.study_directions, study.objective
        self._signs = [1.0 if d == StudyDirection.MINIMIZE else -1.0 for d in directions]

    def of(self, candidate: Candidate, rung: int) -> list[float]:
        """The reported objective's loss at a rung, then those known before training.

        A cheap value that is missing or not finite is the worst there is; a NaN of the reported
        objective stays NaN.
        """
        known = read_cheap(candidate.last.user_attrs)
        costs = [
            _or_worst(sign * known.get(index, math.nan))
            for index, sign in enumerate(self._signs)
            if index != self.objective
        ]
        return [self._signs[self.objective] * candidate.value(rung), *costs]

    def standing(self, candidates: Sequence[Candidate], rung: int) -> Standing:
        """How those of ``candidates`` stand that came to the rung."""
        there = [(c, self.of(c, rung)) for c in candidates if c.epochs >= rung]
        there = [(c, losses) for c, losses in there if not math.isnan(losses[0])]
        order: list[Candidate] = []
        rows: list[list[float]] = []
        for broken in (False, True):  # what breaks a constraint comes after all that does not
            group = [pair for pair in there if pair[0].broken == broken]
            if not group:
                continue
            ranking, _ = pareto_order(np.array([losses for _, losses in group]))
            order += [group[place][0] for place in ranking]
            rows += [[float(broken), *group[place][1]] for place in ranking]
        return Standing(tuple(order), np.array(rows, dtype=np.float64))


def _or_worst(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf
