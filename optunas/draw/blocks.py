"""Blocks with words in them: a layer, an input, the output; and lines with round corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optunas.draw.families import Family
from optunas.draw.svg import (
    BOLD,
    BOLDER,
    DARK,
    FAINT,
    INK,
    MUTED,
    PALE,
    clean,
    number,
    text,
    text_width,
)

__all__ = ["Item", "arrow", "block", "input_item", "output_item", "rounded"]

_LINE = 15.0


@dataclass
class Item:
    """One thing in a row of layers.

    Attributes:
        width: and ``height`` of its drawing.
        drawing: SVG elements between (0, 0) and (width, height).
        live: whether it is on a way from the input to the output.
        join: how it joins its inputs, ``+`` for instance; "" for one input.
        sources: items whose outputs are joined to that of the item before.
        caption: a word below.
        heading: words to the left of the row, which begins with this item; empty to go on.
    """

    width: float
    height: float
    drawing: str
    live: bool = True
    join: str = ""
    sources: tuple[int, ...] = ()
    caption: str = ""
    heading: tuple[str, ...] = ()


def block(
    lines: Sequence[str],
    kind: Family,
    live: bool = True,
    least: tuple[float, float] = (64.0, 0.0),
    name: str = "",
) -> Item:
    """A box with a bold first line and further smaller ones, centred.

    Args:
        lines: words; empty ones keep their room.
        kind: gives the colours.
        live: False for pale ones.
        least: smallest width and height.
        name: spoken name; default: the first line.
    """
    sizes = [12.0] + [11.0] * (len(lines) - 1)
    widths = [text_width(line, size) for line, size in zip(lines, sizes, strict=True)]
    widths[0] *= BOLDER
    width = max(least[0], max(widths) + 14)
    height = max(least[1], len(lines) * _LINE + 13)
    ink, line, tint = (kind.ink, kind.line, kind.tint) if live else (FAINT, PALE, "#ffffff")
    dash = "" if live else ' stroke-dasharray="4 3"'
    box = f'width="{number(width)}" height="{number(height)}" rx="8"'
    y = (height - len(lines) * _LINE) / 2 + 11.5
    words = []
    for at, (value, size) in enumerate(zip(lines, sizes, strict=True)):
        if value:
            bold = BOLD if at == 0 else ""
            words.append(text(width / 2, y + at * _LINE, value, size, ink, "middle", bold))
    drawing = (
        f"<g><title>{clean(name or lines[0])}</title>"
        f'<rect x="0" y="0" {box} fill="{tint}" stroke="{line}" stroke-width="1.4"{dash}/>'
        f"{''.join(words)}</g>"
    )
    return Item(width, height, drawing, live)


def input_item(live: bool = True) -> Item:
    """The network's input."""
    return _capsule("input", "#e2e8f0" if live else "#ffffff", DARK, INK, live)


def output_item(live: bool = True) -> Item:
    """The network's output, behind its classifier."""
    return _capsule("output", DARK if live else "#ffffff", DARK, "#ffffff", live)


def _capsule(words: str, fill: str, stroke: str, ink: str, live: bool) -> Item:
    dash = "" if live else ' stroke-dasharray="4 3"'
    if not live:
        stroke, ink = PALE, FAINT
    width = text_width(words) * BOLDER + 20
    drawing = (
        f'<rect x="0" y="0" width="{number(width)}" height="30" rx="15" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="1.6"{dash}/>'
        f"{text(width / 2, 19, words, 12, ink, 'middle', BOLD)}"
    )
    return Item(width, 30.0, drawing, live)


def rounded(points: Sequence[tuple[float, float]], radius: float = 8.0) -> str:
    """Path data of a level and upright line through ``points`` with round corners."""
    x, y = points[0]
    path = [f"M{number(x)} {number(y)}"]
    for (px, py), (cx, cy), (nx, ny) in zip(points, points[1:], points[2:], strict=False):
        before, after = abs(cx - px) + abs(cy - py), abs(nx - cx) + abs(ny - cy)
        r = min(radius, before / 2, after / 2)
        ax, ay = cx - r * _sign(cx - px), cy - r * _sign(cy - py)
        bx, by = cx + r * _sign(nx - cx), cy + r * _sign(ny - cy)
        path.append(f"L{number(ax)} {number(ay)}")
        path.append(f"Q{number(cx)} {number(cy)} {number(bx)} {number(by)}")
    x, y = points[-1]
    path.append(f"L{number(x)} {number(y)}")
    return "".join(path)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def arrow(
    points: Sequence[tuple[float, float]], colour: str, thick: float = 1.5, head: bool = True
) -> str:
    """A line with round corners through level and upright ``points``, with a head at its end."""
    (px, py), (x, y) = points[-2:]
    tip = ""
    if head:
        dx, dy = _sign(x - px), _sign(y - py)
        wings = (
            (x - 7 * dx + 3.4 * dy, y - 7 * dy + 3.4 * dx),
            (x - 7 * dx - 3.4 * dy, y - 7 * dy - 3.4 * dx),
        )
        corners = "L".join(f"{number(a)} {number(b)}" for a, b in ((x, y), *wings))
        tip = f'<path d="M{corners}z" fill="{colour}"/>'
        points = [*points[:-1], (x - 5 * dx, y - 5 * dy)]
    path = rounded(points)
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{thick:g}"/>{tip}'


def caption(x: float, y: float, words: str) -> str:
    """A small word, centred."""
    return text(x, y, words, 10, MUTED, "middle")
