"""A drawing before its frame: what it shows, and how title, legend and notes are put around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from optunas.draw.families import Family
from optunas.draw.svg import BOLD, INK, MUTED, document, number, shorten, text, text_width

__all__ = ["PAD", "Picture", "framed"]

PAD = 18.0
_LEAST = 240.0


@dataclass
class Picture:
    """Everything drawn lies between (0, 0) and (width, height).

    Attributes:
        parts: SVG elements.
        families: kinds of operations to explain by their colours.
        notes: lines of words below.
        below: a further picture under this one, such as a table of hyperparameters.
    """

    width: float
    height: float
    parts: list[str]
    families: set[Family] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    below: Picture | None = None


def framed(picture: Picture, title: str | None, label: str) -> str:
    """The SVG document of a picture; ``label`` is its spoken name."""
    width = max(picture.width, picture.below.width if picture.below else 0.0) + 2 * PAD
    width = max(width, _LEAST)
    parts, y = [], PAD
    if title:
        fitting = shorten(title, int((width - 2 * PAD) / 8))
        parts.append(text(PAD, 28, fitting, 14, INK, extra=BOLD))
        y += 22
    parts.append(_moved(picture, y))
    footer, y = _footer(picture.families, picture.notes, y + picture.height + 14, width)
    parts += footer
    if picture.below is not None:
        y += 4
        parts.append(_moved(picture.below, y))
        y += picture.below.height + 10
    return document(width, y + PAD - 8, parts, label)


def _moved(picture: Picture, y: float) -> str:
    return f'<g transform="translate({number(PAD)} {number(y)})">{"".join(picture.parts)}</g>'


def _footer(
    families: Iterable[Family], notes: Iterable[str], y: float, width: float
) -> tuple[list[str], float]:
    """The families' colours and the notes; returns the parts and where they end."""
    kinds = sorted(set(families))
    parts: list[str] = []
    x = PAD
    for kind in kinds if len(kinds) > 1 else ():
        room = text_width(kind.name, 11) + 34
        if x > PAD and x + room - 16 > width - PAD:
            x, y = PAD, y + 18
        box = f'x="{number(x)}" y="{number(y - 1)}" width="12" height="10" rx="5"'
        parts.append(f'<rect {box} fill="{kind.tint}" stroke="{kind.line}"/>')
        parts.append(text(x + 17, y + 8, kind.name, 11, MUTED))
        x += room
    y += 20 if parts else 0
    for note in notes:
        for line in _wrapped(note, width - 2 * PAD):
            parts.append(text(PAD, y + 8, line, 11, MUTED))
            y += 18
    return parts, y


def _wrapped(note: str, width: float) -> list[str]:
    lines: list[str] = []
    for word in note.split():
        if lines and text_width(f"{lines[-1]} {word}", 11) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
