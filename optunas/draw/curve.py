"""Learning curves as an SVG line chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from optunas.draw.axes import Box, axis, finite, frame, left_room, tick_label
from optunas.draw.svg import INK, MUTED, PALETTE, document, number, shorten, text, text_width

__all__ = ["curve_svg"]

_WIDTH, _HEIGHT = 640.0, 320.0
_MOST_NAMED = 8

Series = tuple[Sequence[float], Sequence[float]]


def curve_svg(
    curves: Mapping[str, Series],
    title: str = "",
    y_label: str = "score",
    x_label: str = "epoch",
) -> str:
    """Draw learning curves: name -> (steps, values), one line each.

    A value that is not finite leaves a gap in its line. The first eight curves have a colour and a
    name in the legend, further ones are grey. Without any finite value the chart says so.
    """
    steps = finite(step for xs, _ in curves.values() for step in xs)
    values = finite(value for _, ys in curves.values() for value in ys)
    label = f"{title or 'learning curve'}: {y_label} over {x_label}"
    if not steps or not values:
        words = text(_WIDTH / 2, 60, "no values yet", 13, MUTED, "middle")
        head = text(18, 28, shorten(title, 70), 14, INK, extra=' font-weight="600"')
        return document(_WIDTH, 100, [head, words], label)
    named = len(curves) > 1
    top = 18.0 + (22 if title else 0) + (22 if named else 0)
    y = axis(values, around=0.08)
    box = Box(left_room(y), top, _WIDTH - 24, _HEIGHT - 52, axis(steps, whole=True, around=0.03), y)
    parts = frame(box, x_label, y_label, title)
    for i, (xs, ys) in reversed(list(enumerate(curves.values()))):
        colour = PALETTE[i] if i < _MOST_NAMED else "#cbd5e1"
        parts.append(_curve(box, xs, ys, colour, named))
    if named:
        parts += _legend(list(curves), box, top - 14)
    return document(_WIDTH, _HEIGHT, parts, label)


def _curve(box: Box, xs: Sequence[float], ys: Sequence[float], colour: str, named: bool) -> str:
    points = list(zip(xs, ys, strict=True))
    parts: list[str] = []
    drawn: list[tuple[float, float]] = []
    for whole, group in groupby(points, key=lambda p: math.isfinite(p[0]) and math.isfinite(p[1])):
        if whole:
            run = [box.place(x, y) for x, y in group]
            drawn += run
            path = "L".join(f"{number(x)} {number(y)}" for x, y in run)
            parts.append(f'<path d="M{path}"/>')
    line = f'fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
    dots = "".join(
        f'<circle cx="{number(x)}" cy="{number(y)}" r="3"/>' for x, y in drawn if len(drawn) <= 40
    )
    last = "" if named or not drawn else _last_value(box, drawn[-1], ys)
    return f'<g {line}>{"".join(parts)}</g><g fill="{colour}">{dots}</g>{last}'


def _last_value(box: Box, at: tuple[float, float], ys: Sequence[float]) -> str:
    """The final value in words, above its point or below it near the upper edge."""
    x, y = at
    up = -10 if y - box.top > 22 else 20
    return text(x, y + up, tick_label(finite(ys)[-1]), 12, INK, "end", ' font-weight="600"')


def _legend(names: list[str], box: Box, y: float) -> list[str]:
    parts, x = [], box.left
    for i, name in enumerate(names[:_MOST_NAMED]):
        name = shorten(name, 24)
        room = text_width(name, 11) + 34
        if x + room > box.right - 60 and i < len(names) - 1:
            parts.append(text(x, y + 4, f"and {len(names) - i} more", 11, MUTED))
            return parts
        parts.append(
            f'<path d="M{number(x)} {number(y)}h14" stroke="{PALETTE[i]}" stroke-width="3"/>'
        )
        parts.append(text(x + 19, y + 4, name, 11, MUTED))
        x += room
    if len(names) > _MOST_NAMED:
        parts.append(text(x, y + 4, f"and {len(names) - _MOST_NAMED} more", 11, MUTED))
    return parts
