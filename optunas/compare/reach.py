"""What runs cost until they reach a target; those that do not are censored, not left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from optunas.compare.measure import Measure, Target
from optunas.compare.trajectory import Trajectory

__all__ = ["Reach", "reach"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-9
"""A share of the best known, computed from other sums, may miss itself by a last bit."""


@dataclass(frozen=True)
class Reach:
    """How the runs of a contestant reach a target.

    Attributes:
        costs: at which each run reached it, (runs,); infinite for those that did not.
        ends: at which each run ended, (runs,); infinite for one that had nothing more to try, which
            no budget would have helped.
        median, quarter, three_quarters: costs by which so many runs reach it (Kaplan and Meier's
            estimate); infinite when too few do.
    """

    costs: Floats
    ends: Floats
    median: float
    quarter: float
    three_quarters: float

    @property
    def reached(self) -> int:
        """Number of runs that reached the target."""
        return int(np.isfinite(self.costs).sum())


def reach(
    measured: Measure, index: int, runs: Sequence[Trajectory], target: Target, axis: str
) -> Reach:
    """The costs of one contestant's runs to a target.

    Args:
        measured: of all runs.
        index: of the contestant.
        runs: of the contestant.
        target: to reach.
        axis: of the costs.
    """
    level = measured.quality_of(target)
    level -= TOLERANCE * max(abs(level), abs(measured.best - measured.typical))
    costs, ends = [], []
    for run, qualities in zip(runs, measured.qualities[index], strict=True):
        spent = run.costs[axis]
        there = np.flatnonzero(qualities >= level)
        costs.append(float(spent[there[0]]) if len(there) else math.inf)
        ends.append(float(spent[-1]) if run.spent and len(spent) else math.inf)
    quarter, median, three_quarters = _quantiles(np.array(costs), np.array(ends))
    return Reach(np.array(costs), np.array(ends), median, quarter, three_quarters)


def _quantiles(costs: Floats, ends: Floats) -> list[float]:
    """First costs by which a quarter, half and three quarters have reached it, by Kaplan-Meier."""
    reached = np.isfinite(costs)
    if not reached.any():
        return [math.inf] * 3
    # What no budget would have helped stays among those at risk until the end.
    last = np.where(np.isfinite(ends), ends, costs[reached].max() + 1)
    data = stats.CensoredData(uncensored=costs[reached], right=last[~reached])
    cdf = stats.ecdf(data).cdf
    found = []
    for share in (0.25, 0.5, 0.75):
        there = np.flatnonzero(cdf.probabilities >= share - 1e-12)
        found.append(float(cdf.quantiles[there[0]]) if len(there) else math.inf)
    return found
