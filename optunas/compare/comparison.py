"""The result of a comparison: finals, curves, costs to targets, tests, tables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optunas.compare import statistics
from optunas.compare.contestants import RANDOM, Contestant
from optunas.compare.measure import Measure, Question, Target, measure
from optunas.compare.reach import Reach, reach
from optunas.compare.trajectory import Trajectory
from optunas.study import Table

__all__ = ["Comparison", "Curve", "PairResult", "Settings"]

Floats = NDArray[np.float64]

POINTS = 120
"""Of a curve."""


class Settings(NamedTuple):
    """How the runs were done.

    Attributes:
        device: that they trained on.
        processes: that did runs at the same time.
        seeds: of the runs.
        task: its name.
        measured: objectives of which two readings differ.
    """

    device: str
    processes: int
    seeds: tuple[int, ...]
    task: str
    measured: tuple[str, ...] = ()


class Curve(NamedTuple):
    """Quality against cost: median over runs and its confidence band, all (points,).

    Values are as a person knows them, with the objective's own sign.
    """

    costs: Floats
    middle: Floats
    low: Floats
    high: Floats


class PairResult(NamedTuple):
    """Two contestants, the one with the better mean rank first.

    Attributes:
        first, second: indices of the contestants.
        test: of their finals.
        p_holm: Wilcoxon's probability after Holm's correction over all pairs.
        p_nemenyi: of their mean ranks, by Nemenyi; NaN for two contestants.
    """

    first: int
    second: int
    test: statistics.Pair
    p_holm: float
    p_nemenyi: float


@dataclass(frozen=True)
class Comparison:
    """Contestants, their runs, and what follows from them.

    Attributes:
        contestants: in the order in which they were given.
        runs: [contestant][seed].
        question: what is measured.
        front: the task's true front, or None.
        settings: how the runs were done.
    """

    contestants: tuple[Contestant, ...]
    runs: tuple[tuple[Trajectory, ...], ...] = field(repr=False)
    question: Question
    front: Any = field(default=None, repr=False)
    settings: Settings = field(default_factory=lambda: Settings("cpu", 1, (), ""))

    @property
    def labels(self) -> list[str]:
        """Names of the contestants."""
        return [one.label for one in self.contestants]

    @property
    def count(self) -> int:
        """Runs of each contestant."""
        return len(self.runs[0])

    @cached_property
    def measure(self) -> Measure:
        """All runs on one scale."""
        random = [i for i, one in enumerate(self.contestants) if one.sampler.name == RANDOM]
        return measure(self.question, self.runs, random, self.front)

    @cached_property
    def finals(self) -> Floats:
        """Quality of each run when its budget is spent, (contestants, runs); larger is better."""
        axis, limit = self.question.budget.axis, self.question.budget.limit
        return np.array(
            [
                [
                    self.measure.at(run.costs[axis], quality, limit)
                    for run, quality in zip(row, qualities, strict=True)
                ]
                for row, qualities in zip(self.runs, self.measure.qualities, strict=True)
            ]
        )

    @cached_property
    def ranks(self) -> Floats:
        """Mean rank of each contestant over seeds, 1 is best, (contestants,)."""
        return statistics.mean_ranks(self.finals)

    @property
    def order(self) -> list[int]:
        """Indices of the contestants, best mean rank first."""
        return [int(i) for i in np.argsort(self.ranks, kind="stable")]

    @cached_property
    def friedman(self) -> statistics.Friedman | None:
        """Whether any contestant differs; None for two contestants or one run."""
        return statistics.friedman(self.finals)

    @cached_property
    def critical_difference(self) -> float | None:
        """Of mean ranks, by Nemenyi; None for two contestants or one run."""
        if len(self.contestants) < 3 or self.count < 2:
            return None
        level = self.question.significance
        return statistics.critical_difference(len(self.contestants), self.count, level)

    @cached_property
    def tests(self) -> list[PairResult]:
        """Every two contestants, the better mean rank first; best first."""
        if self.count < 2:
            return []
        level = self.question.significance
        pairs = list(combinations(self.order, 2))
        tests = [
            statistics.pair(self.finals[i], self.finals[j], level, level / len(pairs))
            for i, j in pairs
        ]
        several = len(self.contestants) > 2
        nemenyi = statistics.nemenyi(self.ranks, self.count) if several else None
        corrected = statistics.holm([test.p for test in tests])
        return [
            PairResult(i, j, test, p, math.nan if nemenyi is None else float(nemenyi[i, j]))
            for (i, j), test, p in zip(pairs, tests, corrected, strict=True)
        ]

    @cached_property
    def axes(self) -> list[str]:
        """Costs to show results against: the budget's first, then those that tell anything new."""
        axes = [self.question.budget.axis]
        for axis in ("networks", "trials", "epochs", "seconds"):
            if axis not in axes and not any(self._proportional(axis, other) for other in axes):
                axes.append(axis)
        return [axis for axis in axes if axis != "trials" or axis == self.question.budget.axis]

    def _proportional(self, axis: str, other: str) -> bool:
        """Whether one cost is the other times a number, in all runs; a cost of nothing too."""
        mine = np.concatenate([run.costs[axis] for row in self.runs for run in row])
        theirs = np.concatenate([run.costs[other] for row in self.runs for run in row])
        if not mine.any():
            return True
        ratio = float(mine.sum() / theirs.sum()) if theirs.any() else math.nan
        return bool(np.allclose(mine, ratio * theirs, rtol=1e-6))

    def curve(self, index: int, axis: str) -> Curve:
        """Quality of a contestant against a cost.

        Up to the budget on the budget's axis; on another up to where the first of the runs that
        spent their budget ends, so that every point is over all runs.
        """
        end = self._end(index, axis)
        costs = np.linspace(0, end, POINTS + 1)[1:]
        if axis != "seconds":
            costs = np.unique(np.maximum(np.round(costs), 1.0))
            costs = costs[costs <= max(end, 1.0)]
        rows = zip(self.runs[index], self.measure.qualities[index], strict=True)
        values = [self.measure.at(run.costs[axis], quality, costs) for run, quality in rows]
        middle, low, high = statistics.bootstrap_band(values, self.question.significance)
        shown = [self.question.shown(v) for v in (middle, low, high)]
        if self.question.turned:
            shown[1], shown[2] = shown[2], shown[1]
        return Curve(costs, *shown)

    def _end(self, index: int, axis: str) -> float:
        if axis == self.question.budget.axis:
            return self.question.budget.limit
        ends = [run.costs[axis][-1] for run in self.runs[index] if run.spent]
        other = [run.costs[axis][-1] for run in self.runs[index] if len(run.costs[axis])]
        return float(min(ends)) if ends else float(max(other, default=1.0))

    def reach(self, index: int, target: Target, axis: str | None = None) -> Reach:
        """What a contestant's runs cost until they reach a target."""
        axis = axis or self.question.budget.axis
        return reach(self.measure, index, self.runs[index], target, axis)

    @property
    def table(self) -> Table:
        """A row a contestant, best mean rank first.

        Columns: ``contestant``, ``runs``, ``mean``, ``std``, ``median``, ``best`` and ``worst`` of
        the quality at the end of the budget, ``rank``, then for each target how many runs reached
        it and the median cost, ``suggest_ms`` (the sampler's time for a trial), ``failed`` trials
        and ``ended_early`` runs. A median cost is None where fewer than half of the runs got there.
        """
        rows = [self._row(i) for i in self.order]
        return Table(rows, list(rows[0]))

    def _row(self, index: int) -> dict[str, Any]:
        finals, runs = self.finals[index], self.runs[index]
        shown = self.question.shown
        row: dict[str, Any] = {
            "contestant": self.labels[index],
            "runs": self.count,
            "mean": float(shown(finals.mean())),
            "std": float(finals.std(ddof=1)) if self.count > 1 else None,
            "median": float(shown(np.median(finals))),
            "best": float(shown(finals.max())),
            "worst": float(shown(finals.min())),
            "rank": float(self.ranks[index]),
        }
        axis = self.question.budget.axis
        for target in self.question.targets:
            found = self.reach(index, target)
            row[f"reached {target}"] = found.reached
            row[f"{axis} to {target}"] = found.median if math.isfinite(found.median) else None
        times = np.concatenate([run.suggest_s for run in runs])
        row["suggest_ms"] = float(times.mean() * 1000) if len(times) else None
        row["failed"] = sum(run.failed for run in runs)
        row["ended_early"] = sum(not run.spent for run in runs)
        return row

    @property
    def pairs(self) -> Table:
        """A row for every two contestants: effect, interval, tests, and the seeds that it takes."""
        rows = [self._pair_row(result) for result in self.tests]
        return Table(rows, list(rows[0]) if rows else ["first", "second"])

    def _pair_row(self, result: PairResult) -> dict[str, Any]:
        test, sign = result.test, -1 if self.question.turned else 1
        ends = sorted((sign * test.low, sign * test.high))
        return {
            "first": self.labels[result.first],
            "second": self.labels[result.second],
            "difference": sign * test.difference,
            "low": ends[0],
            "high": ends[1],
            "better": test.wins,
            "equal": test.ties,
            "worse": test.losses,
            "effect": test.effect,
            "effect_low": test.effect_low,
            "effect_high": test.effect_high,
            "p": test.p,
            "p_holm": result.p_holm,
            "p_nemenyi": None if math.isnan(result.p_nemenyi) else result.p_nemenyi,
            "significant": result.p_holm < self.question.significance,
            "seeds_needed": test.needed,
        }

    @property
    def results(self) -> Table:
        """A row a run: its final quality, what it spent, and why it ended."""
        rows = []
        for i, row in enumerate(self.runs):
            reached = {t: self.reach(i, t).costs for t in self.question.targets}
            for j, run in enumerate(row):
                spent = {a: float(c[-1]) if len(c) else 0.0 for a, c in run.costs.items()}
                costs = {
                    f"{self.question.budget.axis} to {t}": _or_none(reached[t][j])
                    for t in self.question.targets
                }
                final = float(self.question.shown(self.finals[i, j]))
                head = {"contestant": self.labels[i], "seed": run.seed, "final": final}
                rows.append({**head, **costs, **spent, "reason": run.reason})
        return Table(rows, list(rows[0]))

    @property
    def curves(self) -> Table:
        """Points of all curves, with the ends of their bands."""
        columns = ("contestant", "axis", "cost", "median", "low", "high")
        rows = [
            dict(zip(columns, (self.labels[i], axis, *map(float, point)), strict=True))
            for axis in self.axes
            for i in self.order
            for point in zip(*self.curve(i, axis), strict=True)
        ]
        return Table(rows, columns)

    @cached_property
    def sentences(self) -> list[str]:
        """The result in words: who is better, what is not significant, how many seeds it takes."""
        from optunas.compare.words import sentences

        return sentences(self)

    @cached_property
    def headlines(self) -> list[str]:
        """:attr:`sentences`, of the pairs only those with the best contestant where it is many."""
        from optunas.compare.words import TOLD, sentences

        return sentences(self, against_best=len(self.tests) > TOLD)

    def to_csv(self) -> str:
        """:attr:`table` as CSV text."""
        return self.table.to_csv()

    def report(self, folder: str | Path) -> Path:
        """Write the report: Markdown, self-contained HTML, CSV files and pictures.

        Returns:
            The path of the HTML file.

        Raises:
            StorageError: when the folder cannot be written.
        """
        from optunas.compare.report import write_report

        return write_report(self, Path(folder))

    def __str__(self) -> str:
        return "\n".join([str(self.table), "", *self.headlines])


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
