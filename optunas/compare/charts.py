"""Curves with bands, and shares of runs, as SVG charts with a legend of any length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from optunas.draw.axes import Box, axis, finite, frame, left_room
from optunas.draw.svg import MUTED, PALETTE, document, number, shorten, text, text_width

__all__ = ["Line", "colour", "dash", "lines_svg"]

WIDTH, HEIGHT = 720.0, 400.0
ROW = 18.0
DASHES = ("", "7 4", "2 3")
"""A ninth contestant has the first one's colour, and a dashed line."""

Points = Sequence[tuple[float, float]]


class Line(NamedTuple):
    """One contestant in a chart.

    Attributes:
        name: in the legend.
        costs, values: its line.
        low, high: its band; empty for none.
        tint: number of its colour.
    """

    name: str
    costs: Sequence[float]
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    tint: int = 0


def colour(index: int) -> str:
    """The colour of a contestant."""
    return PALETTE[index % len(PALETTE)]


def dash(index: int) -> str:
    """The further attribute of a contestant's line that tells it from one of the same colour."""
    pattern = DASHES[(index // len(PALETTE)) % len(DASHES)]
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def lines_svg(
    lines: Sequence[Line],
    title: str,
    x_label: str,
    y_label: str,
    *,
    level: float | None = None,
    level_name: str = "",
    around: Sequence[float] = (),
    steps: bool = True,
) -> str:
    """Draw lines with bands.

    Args:
        lines: not empty.
        title, x_label, y_label: in words.
        level: a value to mark with a horizontal line.
        level_name: its name.
        around: values that the axis holds besides those of the lines.
        steps: lines that stay at a value until the next.
    """
    rows = _legend_rows([line.name for line in lines])
    top = 44.0 + ROW * len(rows)
    values = finite(v for line in lines for v in (*line.values, *line.low, *line.high))
    values += [level] if level is not None and _near(level, values) else []
    x = axis(finite(c for line in lines for c in line.costs) or [0.0, 1.0], around=0.0)
    y = axis([*_settled(lines, values), *around] or [0.0, 1.0], around=0.06)
    height = HEIGHT + ROW * (len(rows) - 1)
    box = Box(left_room(y), top, WIDTH - 24, height - 52, x, y)
    parts = frame(box, x_label, y_label, title)
    if level is not None and y.low <= level <= y.high:
        parts += _level(box, level, level_name)
    # Fainter where there are many.
    opacity = max(0.05, min(0.13, 0.5 / len(lines)))
    for line in reversed(lines):
        parts.append(_band(box, line, steps, opacity))
    for line in reversed(lines):
        parts.append(_line(box, line, steps))
    parts += _legend(rows, lines, box.left)
    return document(WIDTH, height, parts, f"{title}: {y_label} against {x_label}")


def _near(level: float, values: Sequence[float]) -> bool:
    """Whether a line may widen the chart without flattening what it is about."""
    if not values:
        return False
    low, high = min(values), max(values)
    return low - (high - low) <= level <= high + (high - low)


def _settled(lines: Sequence[Line], values: Sequence[float]) -> list[float]:
    """Values that decide the axis: far beginnings are cut off, so that the ends can be told apart.

    The worst of all lines once a tenth of their cost is spent, and everything better.
    """
    late = [
        v
        for line in lines
        for band in (line.values, line.low, line.high)
        for v in band[len(band) // 10 :]
    ]
    settled = finite(late)
    if not settled:
        return list(values)
    low, high = min(settled), max(settled)
    return [v for v in values if low <= v <= high] or settled


def _inside(box: Box, cost: float, value: float) -> tuple[float, float]:
    """Pixels, kept within the chart's height."""
    return box.place(cost, min(max(value, box.y.low), box.y.high))


def _corners(box: Box, costs: Sequence[float], values: Sequence[float], steps: bool) -> Points:
    """Pixels of a line; as steps it goes right before it goes up."""
    points: list[tuple[float, float]] = []
    for cost, value in zip(costs, values, strict=True):
        if not math.isfinite(value):
            continue
        at = _inside(box, cost, value)
        if steps and points:
            points.append((at[0], points[-1][1]))
        points.append(at)
    return points


def _path(points: Points) -> str:
    return "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _band(box: Box, line: Line, steps: bool, opacity: float) -> str:
    if not len(line.low):
        return ""
    low = _corners(box, line.costs, line.low, steps)
    high = _corners(box, line.costs, line.high, steps)
    if not low or not high:
        return ""
    whole = _path([*high, *reversed(low)])
    paint = f'fill="{colour(line.tint)}" fill-opacity="{opacity:.3g}" stroke="none"'
    return f'<path d="M{whole}Z" {paint}/>'


def _line(box: Box, line: Line, steps: bool) -> str:
    points = _corners(box, line.costs, line.values, steps)
    if not points:
        return ""
    if len(points) == 1:
        x, y = points[0]
        return f'<circle cx="{number(x)}" cy="{number(y)}" r="3" fill="{colour(line.tint)}"/>'
    return (
        f'<path d="M{_path(points)}" fill="none" stroke="{colour(line.tint)}" stroke-width="2" '
        f'stroke-linejoin="round"{dash(line.tint)}/>'
    )


def _level(box: Box, level: float, name: str) -> list[str]:
    _, y = box.place(box.x.low, level)
    parts = [
        f'<path d="M{number(box.left)} {number(y)}H{number(box.right)}" stroke="{MUTED}" '
        f'stroke-dasharray="3 3" fill="none"/>'
    ]
    if name:
        # At the beginning, where the lines are still far from it.
        parts.append(text(box.left + 6, y - 5, name, 11, MUTED))
    return parts


def _legend_rows(names: Sequence[str]) -> list[list[int]]:
    rows: list[list[int]] = [[]]
    used = 0.0
    for i, name in enumerate(names):
        room = text_width(shorten(name, 40), 11) + 40
        if rows[-1] and used + room > WIDTH - 90:
            rows.append([])
            used = 0.0
        rows[-1].append(i)
        used += room
    return rows


def _legend(rows: Sequence[Sequence[int]], lines: Sequence[Line], left: float) -> list[str]:
    parts = []
    for at, row in enumerate(rows):
        x, y = left, 46.0 + at * ROW
        for i in row:
            line, name = lines[i], shorten(lines[i].name, 40)
            parts.append(
                f'<path d="M{number(x)} {number(y)}h20" stroke="{colour(line.tint)}" '
                f'stroke-width="3" fill="none"{dash(line.tint)}/>'
            )
            parts.append(text(x + 26, y + 4, name, 11, MUTED))
            x += text_width(name, 11) + 40
    return parts
