"""Ways of skip connections: lanes above rows of layers, and gutters from one row to a later one.

All skips that leave one layer share a lane in each row, so that they read as one line that branches
off. Lanes and gutters are given out as colours of an interval graph, short ones first, which keeps
them near the layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Skip", "Ways", "find_ways", "tracks"]

LEFT, RIGHT = -1, 1


@dataclass(frozen=True)
class Skip:
    """From the layer ``source`` to the join before the layer ``target``; x as if rows began at 0.

    Attributes:
        leave: x where it leaves the source.
        arrive: x of the join.
        from_row: of the source.
        to_row: of the target, the same or a later one.
    """

    source: int
    target: int
    leave: float
    arrive: float
    from_row: int
    to_row: int


@dataclass(frozen=True)
class Ways:
    """Where the skips run.

    Attributes:
        lanes: (source, row) -> lane above that row, 0 the lowest.
        heights: number of lanes above each row.
        sides: source -> the side, -1 or 1, of its gutter; 0 without one.
        gutters: source -> gutter, 0 the innermost on its side.
        widths: number of gutters on the left and on the right.
    """

    lanes: Mapping[tuple[int, int], int]
    heights: Sequence[int]
    sides: Mapping[int, int]
    gutters: Mapping[int, int]
    widths: tuple[int, int]


def find_ways(skips: Sequence[Skip], rows: int, width: float) -> Ways:
    """Give every skip its lanes and gutter; ``width`` is that of the widest row."""
    by_source: dict[int, list[Skip]] = {}
    for skip in skips:
        by_source.setdefault(skip.source, []).append(skip)
    sides = {source: _side(own, width) for source, own in by_source.items()}
    lanes: dict[tuple[int, int], int] = {}
    heights = []
    for row in range(rows):
        spans = {
            source: span
            for source, own in by_source.items()
            if (span := _span(own, row, sides[source], width)) is not None
        }
        found = tracks(spans, margin=8)
        lanes |= {(source, row): lane for source, lane in found.items()}
        heights.append(max(found.values(), default=-1) + 1)
    gutters: dict[int, int] = {}
    widths = []
    for side in (LEFT, RIGHT):
        runs = {
            source: (float(own[0].from_row), float(max(skip.to_row for skip in own)))
            for source, own in by_source.items()
            if sides[source] == side
        }
        found = tracks(runs, margin=0)
        gutters |= found
        widths.append(max(found.values(), default=-1) + 1)
    return Ways(lanes, heights, sides, gutters, (widths[0], widths[1]))


def _side(own: Sequence[Skip], width: float) -> int:
    """The side on which the lines of one source are shorter; 0 when all stay in its row."""
    far = [skip for skip in own if skip.to_row > skip.from_row]
    if not far:
        return 0
    left = own[0].leave + sum(skip.arrive for skip in far)
    right = (width - own[0].leave) + sum(width - skip.arrive for skip in far)
    return LEFT if left < right else RIGHT


def _span(own: Sequence[Skip], row: int, side: int, width: float) -> tuple[float, float] | None:
    """What one source's lines cover above a row."""
    ends = [skip.arrive for skip in own if skip.to_row == row]
    if own[0].from_row == row:
        ends.append(own[0].leave)
        reaches = any(skip.to_row > row for skip in own)
    else:
        reaches = bool(ends)
    if reaches:
        ends.append(width + 20 if side == RIGHT else -20.0)
    return (min(ends), max(ends)) if ends else None


def tracks(spans: Mapping[int, tuple[float, float]], margin: float) -> dict[int, int]:
    """A track for each span, the lowest free one, the shortest spans first.

    Spans on one track are more than ``margin`` apart.
    """
    found: dict[int, int] = {}
    taken: list[list[tuple[float, float]]] = []
    order = sorted(spans, key=lambda name: (spans[name][1] - spans[name][0], name))
    for name in order:
        low, high = spans[name]
        free = (
            track
            for track, others in enumerate(taken)
            if all(high + margin < other[0] or other[1] + margin < low for other in others)
        )
        found[name] = next(free, len(taken))
        if found[name] == len(taken):
            taken.append([])
        taken[found[name]].append((low, high))
    return found
