"""Names and values as a table in as many columns as make it a handy shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optunas.draw.picture import Picture
from optunas.draw.svg import (
    BOLD,
    BOLDER,
    INK,
    LINE,
    MUTED,
    clean,
    number,
    plain,
    shorten,
    text,
    text_width,
)

__all__ = ["table_picture", "value_text"]

_ROW, _GAP, _BETWEEN = 22.0, 18.0, 36.0
_MOST_ROWS = 14


def table_picture(values: Mapping[str, Any], width: float | None = None) -> Picture:
    """A table of ``values``; ``width`` is that of the drawing above, whose room it fills.

    Without a width, up to fourteen rows stand in one column. An empty table says so.
    """
    rows = [(shorten(plain(name), 36), value_text(value)) for name, value in values.items()]
    if not rows:
        return Picture(120, 20, [text(0, 14, "no parameters", 12, MUTED)])
    count = _columns(rows, width)
    per_column = -(-len(rows) // count)
    parts, x = [], 0.0
    for start in range(0, len(rows), per_column):
        column = rows[start : start + per_column]
        column_width, name_width = _widths(column)
        for at, (name, value) in enumerate(column):
            y = at * _ROW
            parts.append(
                f'<path d="M{number(x)} {number(y + _ROW)}H{number(x + column_width)}" '
                f'stroke="{LINE}" fill="none"/>'
            )
            parts.append(text(x, y + 15, name, 12, MUTED))
            parts.append(text(x + name_width + _GAP, y + 15, value, 12, INK, extra=BOLD))
        x += column_width + _BETWEEN
    head = "".join(f"{clean(name)} {clean(value)}; " for name, value in values.items())
    height = per_column * _ROW + 2
    return Picture(x - _BETWEEN, height, [f"<g><title>{head}</title>{''.join(parts)}</g>"])


def value_text(value: Any) -> str:
    """A value in at most 40 characters; numbers with six significant digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return shorten(plain(value), 40)


def _widths(rows: list[tuple[str, str]]) -> tuple[float, float]:
    """Of a column, and of the names in it."""
    names = max(text_width(name) for name, _ in rows)
    return names + _GAP + max(text_width(value) * BOLDER for _, value in rows), names


def _columns(rows: list[tuple[str, str]], width: float | None) -> int:
    if width is None:
        return -(-len(rows) // _MOST_ROWS)
    widest, _ = _widths(rows)
    fitting = max(int((width + _BETWEEN) // (widest + _BETWEEN)), 1)
    # At least three rows a column: a table, not a line.
    return max(min(fitting, -(-len(rows) // 3)), -(-len(rows) // (4 * _MOST_ROWS)))
