"""Ranks of domination, and how crowded a place on a front is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import moocore
import numpy as np

from optunas.samplers.scalarise.form import Directions, Scalarisation, gains_of
from optunas.samplers.trials.seen import Floats

__all__ = ["Pareto", "crowding"]


@dataclass(frozen=True)
class Pareto(Scalarisation):
    """Non-dominated rank, and of equal ranks the crowding distance; Deb et al. 2002 (NSGA-II).

    The score is ``-rank`` plus less than a half for the crowding. Ranks are among the rows that
    are scored, so scores of different calls do not compare.
    """

    name: ClassVar[str] = "pareto"

    def faults(self, directions: Directions) -> list[str]:
        return []

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains = gains_of(values, directions)
        ranks = np.asarray(moocore.pareto_rank(gains, maximise=True))
        scores = -ranks.astype(float)
        for rank in np.unique(ranks):
            of_rank = ranks == rank
            spread = crowding(gains[of_rank])
            scores[of_rank] += 0.5 * (1.0 - 1.0 / (1.0 + spread))
        return scores


def crowding(points: Floats) -> Floats:
    """How far each of the points (n, k) is from its neighbours, objective by objective, (n,).

    Infinite for the extreme points of an objective; an objective in which all are equal adds
    nothing. Deb et al. 2002, section III-B.
    """
    total = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        low, high = column[order[0]], column[order[-1]]
        if low == high:
            continue
        gaps = np.full(len(column), np.inf)
        gaps[1:-1] = (column[order[2:]] - column[order[:-2]]) / (high - low)
        total[order] += gaps
    return total
