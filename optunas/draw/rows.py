"""Items in a row, wrapped into several: placed, joined by arrows, with skips above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optunas.draw.blocks import Item, arrow, caption
from optunas.draw.skips import RIGHT, Skip, Ways, find_ways
from optunas.draw.svg import BOLD, BOLDER, DARK, FAINT, INK, MUTED, PALE, number, text, text_width

__all__ = ["in_rows", "wrapped"]

_GAP, _LEAVE, _TURN, _HEAD = 26.0, 6.0, 14.0, 17.0
_LANE, _GUTTER, _BETWEEN = 11.0, 10.0, 22.0
_FLOW, _SKIP = DARK, "#64748b"
_HEADING = 14.0

Point = tuple[float, float]


@dataclass
class _Grid:
    """Where every item stands; x before the room on the left is added."""

    items: Sequence[Item]
    rows: list[list[int]]
    x: list[float]
    row_of: list[int]
    width: float
    middle: list[float] = field(default_factory=list)
    bottom: list[float] = field(default_factory=list)
    lane_0: list[float] = field(default_factory=list)
    left: float = 0.0


def in_rows(items: Sequence[Item], limit: float) -> tuple[float, float, list[str]]:
    """Draw items from left to right, in as many rows as a width of about ``limit`` takes.

    An item with a heading begins a row. An item's output goes to the next one, and over skips to
    those that name it among their ``sources``.

    Returns:
        Width, height and SVG elements.
    """
    grid = _placed(items, wrapped(items, limit))
    ways = find_ways(_skips(grid), len(grid.rows), grid.width)
    headings = [text_width(w, 12) * BOLDER for item in items for w in item.heading]
    turns = _TURN + 4 if len(grid.rows) > 1 else 0.0
    grid.left = turns + _GUTTER * ways.widths[0] + (max(headings) + 16 if headings else 0.0)
    height = _heights(grid, ways)
    parts = [part for at in range(1, len(items)) for part in _flow(grid, at)]
    parts += _skip_lines(grid, ways)
    parts += [_join(grid, at) for at, item in enumerate(items) if item.join]
    for at, item in enumerate(items):
        x, y = grid.left + grid.x[at], grid.middle[grid.row_of[at]] - item.height / 2
        move = f"translate({number(x)} {number(y)})"
        parts.append(f'<g transform="{move}">{item.drawing}</g>')
        if item.caption:
            parts.append(caption(x + item.width / 2, y + item.height + 13, item.caption))
    parts += _headings(grid)
    right = turns + _GUTTER * ways.widths[1] + (2.0 if ways.widths[1] else 0.0)
    return grid.left + grid.width + right, height, parts


def wrapped(items: Sequence[Item], limit: float) -> list[list[int]]:
    """The items of each row: as few rows as ``limit`` allows, about equally wide."""
    starts = [at for at, item in enumerate(items) if item.heading or at == 0]
    rows: list[list[int]] = []
    for start, end in zip(starts, [*starts[1:], len(items)], strict=True):
        group = list(range(start, end))
        fewest = _filled(items, group, limit)
        low, high = 0.0, limit
        for _ in range(12):
            middle = (low + high) / 2
            if len(_filled(items, group, middle)) > len(fewest):
                low = middle
            else:
                high = middle
        rows += _filled(items, group, high)
    return rows


def _filled(items: Sequence[Item], group: list[int], limit: float) -> list[list[int]]:
    rows: list[list[int]] = [[]]
    x = 0.0
    for at in group:
        room = _lead(items, at) + items[at].width
        if rows[-1] and x + room > limit:
            rows.append([])
            x = 0.0
        rows[-1].append(at)
        x += room
    return rows


def _lead(items: Sequence[Item], at: int) -> float:
    """Room to the left of an item for what arrives."""
    if at == 0:
        return 0.0
    item = items[at]
    return _GAP if not item.join else _LEAVE + 8 + _badge(item) + _HEAD


def _badge(item: Item) -> float:
    """Width of the mark of a join."""
    return max(text_width(item.join, 11) + 11, 8.0 * (len(item.sources) - 1) + 20)


def _placed(items: Sequence[Item], rows: list[list[int]]) -> _Grid:
    x, row_of = [0.0] * len(items), [0] * len(items)
    width = 0.0
    for row, members in enumerate(rows):
        at_x = 0.0
        for at in members:
            at_x += _lead(items, at)
            x[at], row_of[at] = at_x, row
            at_x += items[at].width
        width = max(width, at_x)
    return _Grid(items, rows, x, row_of, width)


def _skips(grid: _Grid) -> list[Skip]:
    return [
        Skip(
            source,
            target,
            grid.x[source] + grid.items[source].width + _LEAVE,
            _badge_middle(grid, target),
            grid.row_of[source],
            grid.row_of[target],
        )
        for target, item in enumerate(grid.items)
        for source in item.sources
    ]


def _badge_middle(grid: _Grid, at: int) -> float:
    return grid.x[at] - _HEAD - _badge(grid.items[at]) / 2


def _heights(grid: _Grid, ways: Ways) -> float:
    """Set the heights of rows and lanes; return the whole height."""
    y = 0.0
    for row, members in enumerate(grid.rows):
        tallest = max(grid.items[at].height for at in members)
        tallest = max(tallest, _HEADING * len(grid.items[members[0]].heading) + 6)
        y += _BETWEEN if row else 0.0
        lanes = ways.heights[row]
        y += lanes * _LANE + (4 if lanes else 0)
        grid.lane_0.append(y - 4 - _LANE / 2)
        grid.middle.append(y + tallest / 2)
        y += tallest + (16 if any(grid.items[at].caption for at in members) else 0)
        grid.bottom.append(y)
    return y


def _flow(grid: _Grid, at: int) -> list[str]:
    """The arrow from the item before, through the mark of a join."""
    before, item = grid.items[at - 1], grid.items[at]
    live = before.live and item.live
    row, last = grid.row_of[at], grid.row_of[at - 1]
    y, end = grid.middle[row], grid.left + grid.x[at] - 1
    start = grid.left + grid.x[at - 1] + before.width
    points: list[Point] = [(start, grid.middle[last])]
    if row != last:
        turn = grid.left - 8
        between = grid.bottom[last] + _BETWEEN / 2
        points += [(start + _TURN, points[0][1]), (start + _TURN, between)]
        points += [(turn, between), (turn, y)]
    colour, thick = (_FLOW, 1.7) if live else (PALE, 1.3)
    if not item.join:
        return [arrow([*points, (end, y)], colour, thick)]
    mark = grid.left + _badge_middle(grid, at)
    out = _FLOW if item.live else PALE
    return [
        arrow([*points, (mark, y)], colour, thick, head=False),
        arrow([(mark, y), (end, y)], out, thick if live else 1.3),
    ]


def _skip_lines(grid: _Grid, ways: Ways) -> list[str]:
    """The skips, pale ones first so that none of them covers a live one."""
    items, parts = grid.items, []
    dots = set()
    for live in (False, True):
        for target, item in enumerate(items):
            for at, source in enumerate(_arrivals(grid, ways, target)):
                if (items[source].live and item.live) != live:
                    continue
                points = _way(grid, ways, source, target, at)
                parts.append(arrow(points, _SKIP if live else PALE, 1.4 if live else 1.2))
                dots.add((source, points[0]))
    for source, (x, y) in sorted(dots):
        colour = _SKIP if items[source].live else PALE
        parts.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="2.6" fill="{colour}"/>')
    return parts


def _arrivals(grid: _Grid, ways: Ways, target: int) -> list[int]:
    """The sources of a join in the order in which they arrive without crossing one another."""
    row = grid.row_of[target]

    def place(source: int) -> tuple[bool, int]:
        from_right = grid.row_of[source] < row and ways.sides[source] == RIGHT
        lane = ways.lanes[source, row]
        return from_right, -lane if from_right else lane

    return sorted(grid.items[target].sources, key=place)


def _way(grid: _Grid, ways: Ways, source: int, target: int, at: int) -> list[Point]:
    row, to = grid.row_of[source], grid.row_of[target]
    leave = grid.left + grid.x[source] + grid.items[source].width + _LEAVE
    count = len(grid.items[target].sources)
    arrive = grid.left + _badge_middle(grid, target) + (at - (count - 1) / 2) * 8

    def lane(of_row: int) -> float:
        return grid.lane_0[of_row] - _LANE * ways.lanes[source, of_row]

    points = [(leave, grid.middle[row]), (leave, lane(row))]
    if to != row:
        gutter = _GUTTER * ways.gutters[source]
        if ways.sides[source] == RIGHT:
            x = grid.left + grid.width + _TURN + _GUTTER + gutter
        else:
            x = grid.left - _TURN - _GUTTER - gutter
        points += [(x, lane(row)), (x, lane(to))]
    return [*points, (arrive, lane(to)), (arrive, grid.middle[to] - 10)]


def _join(grid: _Grid, at: int) -> str:
    item, y = grid.items[at], grid.middle[grid.row_of[at]]
    width, x = _badge(item), grid.left + _badge_middle(grid, at)
    stroke, ink = (_SKIP, INK) if item.live else (PALE, FAINT)
    box = f'x="{number(x - width / 2)}" y="{number(y - 9)}" width="{number(width)}" height="18"'
    words = text(x, y + 4, item.join, 11, ink, "middle", BOLD if item.join == "+" else "")
    return f'<rect {box} rx="9" fill="#ffffff" stroke="{stroke}" stroke-width="1.3"/>{words}'


def _headings(grid: _Grid) -> list[str]:
    parts = []
    for row, members in enumerate(grid.rows):
        lines = grid.items[members[0]].heading
        y = grid.middle[row] - _HEADING / 2 * (len(lines) - 1) + 4
        for at, line in enumerate(lines):
            first = at == 0
            parts.append(
                text(
                    0,
                    y + _HEADING * at,
                    line,
                    12,
                    INK if first else MUTED,
                    extra=BOLD if first else "",
                )
            )
    return parts
