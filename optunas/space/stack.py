"""The value type of spaces whose cells differ along the depth."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from optunas.errors import InvalidArchitectureError
from optunas.space.cell import Cell
from optunas.space.json_text import load_json
from optunas.space.operations import Operation

__all__ = ["Stack", "first_place"]


@dataclass(frozen=True)
class Stack:
    """Cells in a row, each its own; widths by stage, and where the resolution is halved.

    Attributes:
        cells: one a position, all dense cells or all two-input cells. Dense cells work at stride 1
            and a residual block halves the resolution before each reduction's position; a two-input
            cell at such a position has stride 2 itself.
        widths: channels of each stage, one more than there are reductions; the network's stem is as
            wide as the first stage (three times as wide before two-input cells).
        reductions: ascending positions in ``cells``, counted from 0, that begin a new stage. The
            first cell can be one only where it has two inputs; its stage is then the second.
    """

    cells: tuple[Cell, ...]
    widths: tuple[int, ...]
    reductions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cells", "widths", "reductions"):
            given = getattr(self, name)
            if not isinstance(given, str) and isinstance(given, Iterable):
                items = given if name == "cells" else (_plain(item) for item in given)
                object.__setattr__(self, name, tuple(items))

    @property
    def num_inputs(self) -> int:
        """Inputs of each cell: 1 for dense cells, 2 for two-input cells."""
        return self.cells[0].num_inputs

    def stage_of(self, position: int) -> int:
        """The stage, from 0, of the cell at ``position``."""
        return sum(start <= position for start in self.reductions)

    def check(self) -> None:
        """Refuse what no network can be built from.

        Raises:
            InvalidArchitectureError: naming every problem at once; cells are numbered from 1.
        """
        found = _cell_faults(self.cells)
        if not found:
            two = self.num_inputs == 2
            found += _place_faults(self.reductions, first_place(two), len(self.cells))
            found += _width_faults(self.widths, self.reductions, two)
        if found:
            raise InvalidArchitectureError("\n".join(found))

    def to_json(self) -> str:
        """JSON text; :meth:`from_json` gives an equal stack back."""
        body = {
            "kind": "stack",
            "version": 1,
            "num_inputs": self.num_inputs,
            "cells": [[list(edge) for edge in cell.edges] for cell in self.cells],
            "widths": list(self.widths),
            "reductions": list(self.reductions),
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, operations: tuple[Operation, ...] = ()) -> Stack:
        """The stack that :meth:`to_json` wrote.

        Args:
            text: JSON.
            operations: a user's own operations that the cells name.

        Raises:
            InvalidArchitectureError: for text of another kind or version, or of a stack that no
                network can be built from.
        """
        body = load_json(text, "stack")
        fields = [body.get(name) for name in ("cells", "widths", "reductions")]
        if not all(isinstance(field, list) for field in fields):
            raise InvalidArchitectureError(
                "The JSON of a stack has lists of cells, widths and reductions, got "
                f"{str(text)[:200]!r}."
            )
        num_inputs = body.get("num_inputs")
        if type(num_inputs) is not int or num_inputs not in (1, 2):
            raise InvalidArchitectureError(
                f"The num_inputs of a stack's cells are 1 or 2, got {num_inputs!r}."
            )
        rows, widths, reductions = fields
        cells, found = [], []
        for number, edges in enumerate(rows or (), start=1):
            try:
                cells.append(_read_cell(body, edges, operations))
            except InvalidArchitectureError as error:
                found += [f"cell {number}: {line}" for line in str(error).splitlines()]
        if found:
            raise InvalidArchitectureError("\n".join(found))
        stack = cls(tuple(cells), tuple(widths or ()), tuple(reductions or ()))
        stack.check()
        return stack

    def __str__(self) -> str:
        """The stages, ``16: CELL CELL / 32: CELL``; each cell as NAS-Bench-201 writes it."""
        stages: list[list[str]] = [[] for _ in self.widths]
        for position, cell in enumerate(self.cells):
            stages[self.stage_of(position)].append(str(cell))
        pairs = zip(self.widths, stages, strict=True)
        return " / ".join(f"{width}: {' '.join(cells) or '-'}" for width, cells in pairs)


def first_place(two_inputs: bool) -> int:
    """The first position of a reduction: a dense stage has a cell, a two-input cell strides."""
    return 0 if two_inputs else 1


def _read_cell(body: dict[str, Any], edges: Any, operations: tuple[Operation, ...]) -> Cell:
    num_inputs = body.get("num_inputs")
    cell = {"kind": "cell", "version": 1, "num_inputs": num_inputs, "edges": edges}
    return Cell.from_json(json.dumps(cell), operations)


def _plain(number: Any) -> Any:
    """A NumPy integer as Python's; anything else as it is, :meth:`Stack.check` looks at that."""
    try:
        return number if isinstance(number, bool) else operator.index(number)
    except TypeError:
        return number


def _is_count(number: object, lowest: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= lowest


def _cell_faults(cells: object) -> list[str]:
    if not isinstance(cells, tuple) or not cells:
        return [f"A Stack has a tuple of at least one Cell, got {cells!r}."]
    found = []
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, Cell):
            found.append(f"cell {number}: expected a Cell, got a {type(cell).__name__}.")
        elif cell.num_inputs not in (1, 2):
            found.append(f"cell {number}: a cell has one or two inputs, got {cell.num_inputs}.")
        elif cell.num_inputs == 2 and cell.num_nodes < 3:
            found.append(f"cell {number}: a two-input cell needs at least one node.")
    kinds = {cell.num_inputs for cell in cells if isinstance(cell, Cell)}
    if not found and len(kinds) > 1:
        found.append(
            "A Stack's cells are all dense (one input) or all two-input cells, got "
            f"num_inputs of {[cell.num_inputs for cell in cells]}."
        )
    return found


def _place_faults(places: object, first: int, num_cells: int) -> list[str]:
    if (
        isinstance(places, tuple)
        and all(_is_count(place, first) and place < num_cells for place in places)
        and list(places) == sorted(set(places))
    ):
        return []
    return [
        f"reductions are ascending positions from {first} to {num_cells - 1}, none for a single "
        f"stage, got {places!r}."
    ]


def _width_faults(widths: object, places: object, two_inputs: bool) -> list[str]:
    if not isinstance(widths, tuple) or not all(_is_count(width, 1) for width in widths):
        return [f"widths are positive integers, one a stage, got {widths!r}."]
    if isinstance(places, tuple) and len(widths) != len(places) + 1:
        return [
            f"{len(places)} reductions make {len(places) + 1} stages, got {len(widths)} widths."
        ]
    if two_inputs and min(widths[1:], default=2) < 2:
        return [
            "A two-input cell after a reduction halves its channels, so those widths are 2 or "
            f"more, got {widths!r}."
        ]
    return []
