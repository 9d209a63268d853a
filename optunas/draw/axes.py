"""Axes of a chart: round ticks, linear or logarithmic, and the frame they stand in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from optunas.draw.svg import FAINT, INK, LINE, MUTED, number, shorten, text, text_width

__all__ = ["Axis", "Box", "axis", "finite", "frame", "tick_label"]


TINY = 1e-100
"""Smaller sizes are drawn as zero: their ticks could not be told apart in floating point."""


@dataclass(frozen=True)
class Axis:
    """A range of values with its ticks; ``at`` maps a value to 0 .. 1."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """The place of ``value`` along the axis, 0 at its low end and 1 at its high end."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(value) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


class Box(NamedTuple):
    """The plotting area in pixels, and the two axes that map into it."""

    left: float
    top: float
    right: float
    bottom: float
    x: Axis
    y: Axis

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        across = self.left + self.x.at(x) * (self.right - self.left)
        return across, self.bottom - self.y.at(y) * (self.bottom - self.top)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x.low <= x <= self.x.high and self.y.low <= y <= self.y.high


def finite(values: Iterable[float]) -> list[float]:
    """The values that can be drawn."""
    return [value for value in values if math.isfinite(value)]


def axis(
    values: Sequence[float], log: bool = False, whole: bool = False, around: float = 0.05
) -> Axis:
    """An axis around ``values`` (finite, not empty; positive when ``log``).

    ``whole`` keeps the ticks on whole numbers; ``around`` is the free share on either side.
    """
    low, high = min(values), max(values)
    if log:
        room = math.log(high / low) * around if high > low else 0.1
        low, high = low * math.exp(-room), high * math.exp(room)
        return Axis(low, high, _log_ticks(low, high), log=True)
    size = abs(high) if abs(high) > TINY else 1.0
    room = (high - low) * around if high - low > TINY else size * 0.1
    if whole and high - low < 1:
        room = 0.5
    low, high = low - room, high + room
    step = _step((high - low) / 5)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    ticks = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    return Axis(low, high, tuple(ticks))


def _step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least about ``rough``."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.9)


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7)):
        ticks = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(ticks) >= 3:
            return tuple(ticks[:: max(len(ticks) // 6, 1)])
    return (low, (low * high) ** 0.5, high)


def tick_label(value: float, digits: int = 4) -> str:
    """A short number: ``0.95``, ``73k``, ``1.5M``."""
    size = abs(value)
    for limit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if 0.9999 * limit <= size < 1e15:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.{digits}g}"


def frame(box: Box, x_label: str, y_label: str, title: str) -> list[str]:
    """Grid, ticks, axis labels and title of a chart."""
    parts = [text(18, 28, shorten(title, 56), 14, INK, extra=' font-weight="600"')] if title else []
    grid = []
    for tick in box.y.ticks:
        _, y = box.place(box.x.low, tick)
        grid.append(f"M{number(box.left)} {number(y)}H{number(box.right)}")
        parts.append(text(box.left - 8, y + 4, tick_label(tick), 11, MUTED, "end"))
    for tick in box.x.ticks:
        x, _ = box.place(tick, box.y.low)
        grid.append(f"M{number(x)} {number(box.top)}V{number(box.bottom)}")
        parts.append(text(x, box.bottom + 16, tick_label(tick), 11, MUTED, "middle"))
    edge = f"M{number(box.left)} {number(box.top)}V{number(box.bottom)}H{number(box.right)}"
    lines = [
        f'<path d="{"".join(grid)}" stroke="{LINE}" fill="none"/>',
        f'<path d="{edge}" stroke="{FAINT}" fill="none"/>',
    ]
    middle = (box.left + box.right) / 2
    parts.append(text(middle, box.bottom + 36, shorten(x_label, 60), 12, MUTED, "middle"))
    down = (box.top + box.bottom) / 2
    turn = f' transform="rotate(-90 18 {number(down)})"'
    parts.append(text(18, down + 4, shorten(y_label, 40), 12, MUTED, "middle", turn))
    return [*lines, *parts]


def left_room(y: Axis) -> float:
    """Pixels that the labels left of the plotting area take."""
    return 40 + max((text_width(tick_label(tick), 11) for tick in y.ticks), default=0)
