"""SVG text in plain Python: escaping, text widths, colours, and the frame every drawing has.

A drawing carries its own light background, so that it reads the same on a dark page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from xml.sax.saxutils import escape

__all__ = [
    "BOLD",
    "BOLDER",
    "DARK",
    "FAINT",
    "INK",
    "LINE",
    "MUTED",
    "PALE",
    "PALETTE",
    "clean",
    "document",
    "number",
    "plain",
    "shorten",
    "text",
    "text_width",
]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK, MUTED, FAINT, LINE = "#0f172a", "#64748b", "#94a3b8", "#e2e8f0"
DARK, PALE = "#334155", "#cbd5e1"
PALETTE = ("#2563eb", "#d97706", "#0f9d76", "#9333ea", "#db2777", "#0891b2", "#65a30d", "#78716c")
"""Colours of series, apart from each other in hue and in lightness."""

BOLD = ' font-weight="600"'
"""Further attributes of a text."""

BOLDER = 1.16
"""How much wider bold words are."""

_NARROW, _WIDE = frozenset("iljtfrI.,:;|!'()[] "), frozenset("mwMW@%")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(value: object) -> str:
    """``value`` on one line; characters that XML forbids become a replacement mark."""
    return _NOT_XML.sub("\ufffd", " ".join(str(value).splitlines()))


def clean(value: object) -> str:
    """:func:`plain` text, escaped for XML."""
    return escape(plain(value), {'"': "&quot;"})


@lru_cache(maxsize=4096)
def text_width(value: str, size: float = 12.0) -> float:
    """Estimated width of ``value`` in pixels at font size ``size``, a little on the wide side."""
    width = 0.0
    for char in value:
        if char in _NARROW:
            width += 0.34
        elif char in _WIDE:
            width += 0.9
        elif char.isupper():
            width += 0.7
        else:
            width += 1.02 if ord(char) > 0x2E80 else 0.6
    return width * size


def shorten(value: str, limit: int) -> str:
    """``value`` cut to ``limit`` characters with an ellipsis."""
    return value if len(value) <= limit else value[: limit - 1].rstrip() + "…"


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def text(
    x: float,
    y: float,
    value: object,
    size: float = 12,
    fill: str = INK,
    anchor: str = "start",
    extra: str = "",
) -> str:
    """A text element whose baseline starts, centres or ends at (x, y)."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{size:g}" fill="{fill}"{where}{extra}>'
        f"{clean(value)}</text>"
    )


def document(width: float, height: float, body: Iterable[str], label: str) -> str:
    """A drawing of ``width`` x ``height`` pixels on a light card; ``label`` is its spoken name."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    card = f'width="{width - 1:.0f}" height="{height - 1:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}">'
        f"<title>{clean(label)}</title>"
        f'<rect x="0.5" y="0.5" {card} rx="8" fill="#ffffff" stroke="{LINE}"/>'
        f"{''.join(body)}</svg>"
    )
