"""The pictures of a report: curves, finals, reached targets, critical differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from optunas.compare import statistics
from optunas.compare.amount import AXES
from optunas.compare.charts import WIDTH, Line, colour, lines_svg
from optunas.compare.comparison import Comparison
from optunas.compare.measure import Target
from optunas.compare.words import number as number_words
from optunas.draw.axes import Axis, Box, axis, frame
from optunas.draw.svg import BOLD, INK, MUTED, document, number, shorten, text, text_width

__all__ = ["curves_svg", "differences_svg", "finals_svg", "reached_svg"]

ROW = 26.0
RANKS_TITLE = "Mean ranks; a bar joins what Nemenyi's test does not tell apart"

Place = Callable[[float], float]
"""A mean rank to pixels."""


def curves_svg(comparison: Comparison, along: str) -> str:
    """Quality against a cost: medians and bands; the target, where there is one, dashed."""
    lines = []
    unit, words = _unit(comparison, along)
    for i in comparison.order:
        curve = comparison.curve(i, along)
        costs, middle, low, high = (column.tolist() for column in curve)
        costs = [cost / unit for cost in costs]
        lines.append(Line(comparison.labels[i], costs, middle, low, high, tint=i))
    target = comparison.question.targets[0]
    level = float(comparison.question.shown(comparison.measure.quality_of(target)))
    return lines_svg(
        lines,
        f"{_begun(comparison.question.name)}, median of {comparison.count} runs",
        words,
        comparison.question.name,
        level=level,
        level_name=f"target {_level(comparison, target)}",
    )


def _unit(comparison: Comparison, along: str) -> tuple[float, str]:
    """What a cost is divided by, and its name: long trainings are told in hours."""
    if along != "seconds":
        return 1.0, AXES[along]
    spent = [run.costs[along][-1] for row in comparison.runs for run in row if len(run.values)]
    return (3600.0, "hours of training") if max(spent, default=0.0) > 7200 else (1.0, AXES[along])


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]


def _level(comparison: Comparison, target: Target) -> str:
    """A target as a number on the picture's axis."""
    return number_words(float(comparison.question.shown(comparison.measure.quality_of(target))))


def reached_svg(comparison: Comparison, target: Target) -> str:
    """Which share of the runs has reached a target after how much cost."""
    along, limit = comparison.question.budget.axis, comparison.question.budget.limit
    unit, words = _unit(comparison, along)
    lines = []
    for i in comparison.order:
        found = comparison.reach(i, target)
        costs = sorted(c for c in found.costs.tolist() if math.isfinite(c))
        xs, shares = [0.0], [0.0]
        for n, cost in enumerate(costs, start=1):
            xs.append(cost / unit)
            shares.append(n / comparison.count)
        lines.append(
            Line(
                comparison.labels[i],
                [*xs, max(limit / unit, xs[-1])],
                [*shares, shares[-1]],
                tint=i,
            )
        )
    return lines_svg(
        lines,
        f"Runs that reached the target, {_level(comparison, target)}",
        words,
        "share of runs",
        around=(0.0, 1.0),
    )


def finals_svg(comparison: Comparison) -> str:
    """Every run's quality at the end of the budget, a row a contestant, with median and band."""
    order = comparison.order
    shown = comparison.question.shown(comparison.finals)
    x = axis(shown.ravel().tolist(), around=0.04)
    height = 44 + ROW * len(order) + 56
    left = 30 + max(text_width(_name(comparison, i), 12) for i in order)
    box = Box(left, 44, WIDTH - 24, height - 52, x, Axis(0.0, 1.0, ()))
    parts = frame(box, comparison.question.name, "", f"All {comparison.count} runs at the budget")
    for at, i in enumerate(order):
        y = 44 + ROW * (at + 0.5)
        parts.append(text(left - 10, y + 4, _name(comparison, i), 12, INK, "end"))
        middle, low, high = (
            float(v[0])
            for v in statistics.bootstrap_band(shown[i][:, None], comparison.question.significance)
        )
        ends = [box.place(v, 0)[0] for v in (low, high)]
        parts.append(
            f'<rect x="{number(ends[0])}" y="{number(y - 8)}" '
            f'width="{number(max(ends[1] - ends[0], 1))}" height="16" rx="3" '
            f'fill="{colour(i)}" fill-opacity="0.16" stroke="none"/>'
        )
        for n, value in enumerate(shown[i].tolist()):
            # Spread a little, always the same way, so that equal runs can be told apart.
            spread = y + (n * 7 % 11 - 5) * 1.1
            parts.append(
                f'<circle cx="{number(box.place(value, 0)[0])}" cy="{number(spread)}" r="3" '
                f'fill="{colour(i)}" fill-opacity="0.65"/>'
            )
        tick = number(box.place(middle, 0)[0])
        parts.append(
            f'<path d="M{tick} {number(y - 10)}V{number(y + 10)}" stroke="{INK}" '
            f'stroke-width="2" fill="none"/>'
        )
    return document(WIDTH, height, parts, "Every run's quality at the end of the budget")


def _name(comparison: Comparison, index: int) -> str:
    return shorten(comparison.labels[index], 32)


def differences_svg(comparison: Comparison) -> str | None:
    """The critical-difference picture (Demsar 2006, figure 1); None for two contestants.

    Mean ranks on a line, the best on the left; a bar joins those that do not differ significantly.
    """
    difference = comparison.critical_difference
    if difference is None:
        return None
    return ranks_svg(comparison.labels, comparison.ranks.tolist(), difference)


def ranks_svg(labels: list[str], ranks: list[float], difference: float) -> str:
    """Mean ranks, the critical difference, and the groups that it joins."""
    order = np.argsort(ranks, kind="stable").tolist()
    k = len(order)
    names = {i: shorten(labels[i], 30) for i in order}
    room = 40 + max(text_width(f"{name}  0.00", 12) for name in names.values())
    bars = statistics.groups(ranks, difference)
    left, right, line_y = room, WIDTH - room, 84.0
    first = line_y + 22 + 11 * len(bars)
    half = (k + 1) // 2
    height = first + 22 * half + 18

    def at(rank: float) -> float:
        return left + (rank - 1) / (k - 1) * (right - left)

    parts = [
        text(18, 28, RANKS_TITLE, 14, INK, extra=BOLD),
        *_ruler(at, k, line_y),
        *_scale(at, difference, k, left),
    ]
    for place, i in enumerate(order):
        on_left = place < half
        y = first + 22 * (place if on_left else k - 1 - place)
        end = left - 14 if on_left else right + 14
        down = number(at(ranks[i]))
        parts.append(
            f'<path d="M{down} {number(line_y)}V{number(y)}H{number(end)}" stroke="{colour(i)}" '
            f'stroke-width="1.5" fill="none"/>'
        )
        words = f"{names[i]}  {ranks[i]:.2f}" if on_left else f"{ranks[i]:.2f}  {names[i]}"
        side = "end" if on_left else "start"
        parts.append(text(end + (-6 if on_left else 6), y + 4, words, 12, INK, side))
    for n, bar in enumerate(bars):
        bar_y = number(line_y + 12 + 11 * n)
        low, high = at(ranks[bar[0]]) - 4, at(ranks[bar[-1]]) + 4
        parts.append(
            f'<path d="M{number(low)} {bar_y}H{number(high)}" stroke="{INK}" stroke-width="4" '
            f'fill="none"/>'
        )
    return document(WIDTH, height, parts, "Critical differences of mean ranks")


def _ruler(at: Place, k: int, y: float) -> list[str]:
    parts = [f'<path d="M{number(at(1))} {number(y)}H{number(at(k))}" stroke="{INK}" fill="none"/>']
    for rank in range(1, k + 1):
        x = number(at(rank))
        parts.append(f'<path d="M{x} {number(y)}V{number(y - 7)}" stroke="{INK}" fill="none"/>')
        parts.append(text(at(rank), y - 12, rank, 11, MUTED, "middle"))
    return parts


def _scale(at: Place, difference: float, k: int, left: float) -> list[str]:
    """How long the critical difference is."""
    length = difference / (k - 1) * (at(k) - at(1))
    shown = min(length, WIDTH - left - 30)
    right = number(left + shown)
    more = "" if shown == length else " (longer than the line)"
    return [
        f'<path d="M{number(left)} 44V52M{number(left)} 48H{right}M{right} 44V52" '
        f'stroke="{INK}" fill="none"/>',
        text(left - 8, 52, f"CD {difference:.2f}{more}", 11, MUTED, "end"),
    ]
