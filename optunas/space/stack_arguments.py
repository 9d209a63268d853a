"""Reading a stack space's arguments: each reader gives the plain form and what is wrong."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable
from typing import NamedTuple

from optunas.errors import InvalidSpaceError

__all__ = ["MOST_CELLS", "MOST_PLACEMENTS", "Places", "place_name", "read_places", "read_widths"]

MOST_CELLS = 10_000
MOST_PLACEMENTS = 10_000
"""More than anybody can search or look through; listed placements are not limited."""

Placement = tuple[int, ...]


class Places(NamedTuple):
    """Where reductions may stand.

    Attributes:
        all: every allowed set of positions, ascending, in the order of the choice.
        lowest: number of reductions.
        highest: number of reductions.
        given: the placements as the user listed them, None when all of those numbers are meant.
    """

    all: tuple[Placement, ...]
    lowest: int
    highest: int
    given: tuple[Placement, ...] | None


def place_name(placement: Placement) -> str:
    """The option of the parameter ``reductions``: ``"2-4"``, or ``"none"``."""
    return "-".join(map(str, placement)) or "none"


def as_int(value: object, lowest: int) -> int | None:
    """``value`` as an int from ``lowest`` on, None when it is none; True is no number here."""
    if isinstance(value, bool):
        return None
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return number if number >= lowest else None


def _items(value: object) -> list[object] | None:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return None
    return list(value)


def read_places(num_cells: int, num_reductions: object, placements: object, first: int) -> Places:
    """Every allowed set of reductions.

    Args:
        num_cells: of the stack.
        num_reductions: an int, a range (lowest, highest) or None, which is two.
        placements: a list of ascending positions, or None for all that ``num_reductions`` allows.
        first: the lowest position.

    Raises:
        InvalidSpaceError: naming what is wrong with either, all of it at once.
    """
    bounds, found = None, []
    if num_reductions is not None or placements is None:
        bounds = _read_bounds((2, 2) if num_reductions is None else num_reductions)
        if bounds is None:
            found.append(
                "StackSpace: num_reductions is a number from 0 on or a range (lowest, highest) of "
                f"such, got {num_reductions!r}."
            )
    given = None
    if placements is not None:
        given, more = _read_listed(placements, num_cells, first)
        found += more
    if found:
        raise InvalidSpaceError("\n".join(found))
    if given is None:
        assert bounds is not None
        return Places(_every_placement(num_cells, *bounds, first), *bounds, None)
    lengths = [len(placement) for placement in given]
    lowest, highest = min(lengths), max(lengths)
    if bounds is not None and not bounds[0] <= lowest <= highest <= bounds[1]:
        raise InvalidSpaceError(
            f"StackSpace: the placements have {lowest} to {highest} reductions, but "
            f"num_reductions={num_reductions!r}; leave num_reductions out."
        )
    return Places(given, lowest, highest, given)


def _read_bounds(value: object) -> tuple[int, int] | None:
    single = as_int(value, 0)
    if single is not None:
        return single, single
    items = _items(value)
    if items is None or len(items) != 2:
        return None
    low, high = (as_int(item, 0) for item in items)
    return None if low is None or high is None or low > high else (low, high)


def _every_placement(num_cells: int, low: int, high: int, first: int) -> tuple[Placement, ...]:
    positions = range(first, num_cells)
    if high > len(positions):
        kind = "dense cells have" if first else "two-input cells have"
        raise InvalidSpaceError(
            f"StackSpace: num_cells={num_cells} {kind} {len(positions)} positions for a reduction, "
            f"too few for num_reductions={high}; take more cells or fewer reductions."
        )
    total = 0
    for number in range(low, high + 1):
        total += math.comb(len(positions), number)
        if total > MOST_PLACEMENTS:
            thirds = (max(first, num_cells // 3), 2 * num_cells // 3)
            wanted = f"{low}" if low == high else f"{low} to {high}"
            raise InvalidSpaceError(
                f"StackSpace: num_cells={num_cells} has more than {MOST_PLACEMENTS:,} places for "
                f"{wanted} reductions; list those to choose from, such as "
                f"placements=({thirds}, {(num_cells // 2,)}), or take fewer."
            )
    return tuple(
        placement
        for number in range(low, high + 1)
        for placement in itertools.combinations(positions, number)
    )


def _read_listed(
    placements: object, num_cells: int, first: int
) -> tuple[tuple[Placement, ...], list[str]]:
    rows = _items(placements)
    if not rows:
        return (), [
            "StackSpace: placements is a list of positions' tuples such as ((2, 4), (1, 3)), or "
            f"None for every place; got {placements!r}."
        ]
    read, found = [], []
    for row in rows:
        items = _items(row)
        if items is None:
            found.append(
                f"StackSpace: each placement is a tuple of positions, got {row!r}; a single "
                f"placement is written ((2, 4),)."
            )
            continue
        numbers = [as_int(item, first) for item in items]
        if any(number is None or number >= num_cells for number in numbers):
            found.append(
                f"StackSpace: placement {row!r} lies outside the positions {first} to "
                f"{num_cells - 1} (counted from 0) of num_cells={num_cells}."
            )
            continue
        placement = tuple(number for number in numbers if number is not None)
        if list(placement) != sorted(set(placement)):
            found.append(
                f"StackSpace: the positions of a placement ascend, got {row!r}; write "
                f"{tuple(sorted(set(placement)))!r}."
            )
        elif placement in read:
            found.append(f"StackSpace: placement {row!r} is listed twice.")
        else:
            read.append(placement)
    return tuple(read), found


def read_widths(
    widths: object, num_stages: int, two_inputs: bool
) -> tuple[tuple[tuple[int, ...], ...], list[str]]:
    """The widths to choose from, by stage, and what is wrong with them.

    Args:
        widths: one entry a stage, an int or a tuple of ints; None is 16, doubled at every stage.
        num_stages: the largest number of stages.
        two_inputs: then a stage after a reduction has at least two channels.
    """
    if widths is None:
        return tuple((16 * 2**stage,) for stage in range(num_stages)), []
    rows = _items(widths)
    if rows is None:
        return (), [
            "StackSpace: widths holds one entry a stage, an int or a tuple of ints, such as "
            f"(16, (32, 48), 64); got {widths!r}."
        ]
    found, read = [], []
    if len(rows) != num_stages:
        found.append(
            f"StackSpace: the reductions make up to {num_stages} stages, but widths has "
            f"{len(rows)} entries, got {widths!r}."
        )
    for stage, row in enumerate(rows, start=1):
        lowest = 2 if two_inputs and stage > 1 else 1
        items = _items(row)
        options = [as_int(item, lowest) for item in ([row] if items is None else items)]
        if not options or None in options:
            why = " (a two-input cell after a reduction halves its channels)" * (lowest - 1)
            found.append(
                f"StackSpace: the widths of stage {stage} are integers from {lowest} on{why}, "
                f"got {row!r}."
            )
        elif len(set(options)) < len(options):
            found.append(f"StackSpace: stage {stage} lists a width twice, got {row!r}.")
        read.append(tuple(option for option in options if option is not None))
    return tuple(read), found
