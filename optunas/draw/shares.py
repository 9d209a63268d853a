"""Shares that add up to one, over epochs: stacked bands, a panel for each kind of cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from optunas.draw.axes import Box, axis, frame
from optunas.draw.svg import MUTED, PALETTE, document, number, shorten, text, text_width
from optunas.errors import InvalidSpecError

__all__ = ["shares_svg"]

_WIDTH, _PANEL, _GAP = 640.0, 200.0, 34.0
_MORE = ("#1e3a8a", "#7c2d12", "#134e4a", "#581c87", "#831843", "#164e63", "#365314", "#292524")
"""Colours after the palette's: darker ones of the same hues."""

Shares = Mapping[str, Sequence[float]]


def shares_svg(panels: Mapping[str, Shares], title: str = "") -> str:
    """Draw shares over epochs: panel -> name -> one share an epoch, from 0 to 1.

    The bands of a panel lie on one another in the order of its names; the legend names each with
    its last share. An epoch with a share that is not finite is left out. Without any epoch the
    picture says so.

    Raises:
        InvalidSpecError: for rows of different lengths in a panel, or a share below 0.
    """
    for panel, shares in panels.items():
        _check(panel, shares)
    label = f"{title or 'operation shares'}: shares over epochs"
    kept = {panel: _epochs(shares) for panel, shares in panels.items()}
    if not any(kept.values()):
        words = text(_WIDTH / 2, 60, "no epochs yet", 13, MUTED, "middle")
        return document(_WIDTH, 100, [words], label)
    names = list(dict.fromkeys(name for shares in panels.values() for name in shares))
    colours = dict(zip(names, _colours(len(names)), strict=True))
    parts: list[str] = []
    top = 46.0 if title else 18.0
    for at, (panel, epochs) in enumerate((p, e) for p, e in kept.items() if e):
        legend, height = _legend(panel, panels[panel], epochs, colours, top)
        parts += legend
        top += height
        last = epochs[-1]
        ticks = axis([epochs[0], last], whole=True, around=0.0 if last > epochs[0] else 0.05)
        box = Box(66, top, _WIDTH - 24, top + _PANEL, ticks, axis([0.0, 1.0], around=0.0))
        parts += _bands(box, panels[panel], epochs, colours)
        parts += frame(box, "epoch", "mean weight", title if at == 0 else "")
        top += _PANEL + 40 + _GAP
    return document(_WIDTH, top - _GAP + 12, parts, label)


def _check(panel: str, shares: Shares) -> None:
    lengths = {name: len(row) for name, row in shares.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidSpecError(f"The shares of {panel!r} differ in length: {lengths}.")
    below = [name for name, row in shares.items() if any(share < 0 for share in row)]
    if below:
        raise InvalidSpecError(f"The shares of {panel!r} must be at least 0; see {below[0]!r}.")


def _epochs(shares: Shares) -> list[int]:
    """The epochs whose shares are all numbers, and add up to something."""
    columns = zip(*shares.values(), strict=True)
    return [
        at for at, column in enumerate(columns) if all(map(math.isfinite, column)) and sum(column)
    ]


def _colours(count: int) -> list[str]:
    wheel = (*PALETTE, *_MORE)
    return [wheel[at % len(wheel)] for at in range(count)]


def _bands(
    box: Box, shares: Shares, epochs: Sequence[int], colours: Mapping[str, str]
) -> list[str]:
    """One polygon a name; a single epoch is drawn as wide as the panel."""
    totals = {epoch: math.fsum(row[epoch] for row in shares.values()) for epoch in epochs}
    floor = dict.fromkeys(epochs, 0.0)
    parts = []
    for name, row in shares.items():
        ceiling = {epoch: floor[epoch] + row[epoch] / totals[epoch] for epoch in epochs}
        upper = [box.place(epoch, min(ceiling[epoch], 1.0)) for epoch in epochs]
        lower = [box.place(epoch, min(floor[epoch], 1.0)) for epoch in epochs]
        if len(epochs) == 1:
            upper = [(box.left, upper[0][1]), (box.right, upper[0][1])]
            lower = [(box.left, lower[0][1]), (box.right, lower[0][1])]
        points = " ".join(f"{number(x)},{number(y)}" for x, y in [*upper, *lower[::-1]])
        parts.append(
            f'<polygon points="{points}" fill="{colours[name]}" fill-opacity="0.85" '
            'stroke="#ffffff" stroke-width="0.5"/>'
        )
        floor = ceiling
    return parts


def _legend(
    panel: str,
    shares: Shares,
    epochs: Sequence[int],
    colours: Mapping[str, str],
    top: float,
) -> tuple[list[str], float]:
    """The panel's name and its names with their last shares, in as many lines as they need."""
    total = math.fsum(row[epochs[-1]] for row in shares.values())
    parts = [text(18, top + 8, shorten(panel, 40), 12, extra=' font-weight="600"')]
    x, y = 18.0, top + 28
    for name, row in shares.items():
        words = f"{shorten(name, 28)} {row[epochs[-1]] / total:.0%}"
        room = text_width(words, 11) + 32
        if x > 18 and x + room > _WIDTH - 12:
            x, y = 18.0, y + 18
        swatch = f'x="{number(x)}" y="{number(y - 8)}" width="10" height="10" rx="2"'
        parts.append(f'<rect {swatch} fill="{colours[name]}" fill-opacity="0.85"/>')
        parts.append(text(x + 15, y + 1, words, 11, MUTED))
        x += room
    return parts, y - top + 16
