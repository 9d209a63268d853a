"""Spaces of cells that differ along the depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, nearest
from optunas.space.base import Space, Values, short_hash
from optunas.space.cell import Cell
from optunas.space.conditions import Condition
from optunas.space.dense import DenseCellSpace
from optunas.space.parameters import Choice, Parameter
from optunas.space.presets import NB201
from optunas.space.references import Resolve
from optunas.space.stack import Stack, first_place
from optunas.space.stack_arguments import (
    MOST_CELLS,
    as_int,
    place_name,
    read_places,
    read_widths,
)
from optunas.space.stack_cells import DenseCells, PairCells, StackedCells
from optunas.space.two_input import CellSpace

__all__ = ["StackSpace"]

T = TypeVar("T")
SHARE = ("none", "stage")


class StackSpace(Space[Stack]):
    """A cell for each position, widths of the stages, number and places of the reductions.

    ``StackSpace()``: six NAS-Bench-201 cells, each its own, 16, 32 and 64 channels wide, with two
    reductions anywhere. ``StackSpace(CellSpace(), 8, widths=((16, 24), 32, 64), num_reductions=(1,
    2))``: eight DARTS cells, one or two of them at stride 2.

    Parameters, those with a single option left out:

    - ``reductions``: every allowed set of positions as one choice, so that each suggestion is
      valid. ``"2-4"`` are the positions 2 and 4 counted from 0, so ``cell3`` and ``cell5`` begin a
      stage; read it as "a reduction after the second and after the fourth cell". ``"none"`` is a
      single stage.
    - ``width1``, ``width2``, ...: of each stage; counts where the reductions make that stage.
    - ``cell1.edge0-1``, ... or ``cell1.node2.op0``, ...: of each cell, numbered from 1, with the
      names that the cell space has (without ``normal.``). With ``share="stage"`` they are numbered
      by stage, and count where that stage exists and has a cell.

    Args:
        cell: what each cell is drawn from. A ``DenseCellSpace``: cells at stride 1, and a residual
            block before each reduction's position (never the first). A ``CellSpace``: two-input
            cells, each drawn as one half of a genotype, at stride 2 where a reduction is.
        num_cells: in all.
        widths: one entry a stage, an int or a tuple of ints to choose from; as many as the largest
            number of stages. None is 16, doubled at every stage.
        num_reductions: a number, or a range (lowest, highest); None is two.
        placements: the sets of positions to choose from, such as ``((2, 4), (1, 3))``; None is
            every place for ``num_reductions``.
        share: ``"none"``: each position has a cell of its own; ``"stage"``: the cells of a stage
            are equal (in structure; each has its own weights).

    Raises:
        InvalidSpaceError: for another cell space, a count, width or placement that cannot be, or
            more than 10,000 places, which must then be listed.
    """

    default_name: ClassVar[str] = "stack"

    def __init__(
        self,
        cell: DenseCellSpace | CellSpace = NB201,
        num_cells: int = 6,
        widths: Sequence[int | Sequence[int]] | None = None,
        num_reductions: int | tuple[int, int] | None = None,
        placements: Iterable[Sequence[int]] | None = None,
        share: str = "none",
    ) -> None:
        found = _basic_faults(cell, num_cells, share)
        if found:
            raise InvalidSpaceError("\n".join(found))
        self.cell, self.num_cells, self.share = cell, int(num_cells), share
        self._cells: StackedCells = (
            PairCells(cell) if isinstance(cell, CellSpace) else DenseCells(cell)
        )
        two = self._cells.two_inputs
        places = read_places(self.num_cells, num_reductions, placements, first_place(two))
        self.num_reductions, self.placements = (places.lowest, places.highest), places.given
        self.widths, found = read_widths(widths, places.highest + 1, two)
        if found:
            raise InvalidSpaceError("\n".join(found))
        self._places = {place_name(placement): placement for placement in places.all}
        self._names = {placement: name for name, placement in self._places.items()}
        self._listed = places.all
        self._arrange()
        self._fill_tables()
        if not self._parameters:
            raise InvalidSpaceError(
                f"{self!r} has a single member, there is nothing to search; give it several "
                "operations, widths or placements."
            )

    def _arrange(self) -> None:
        """Which cell, by number from 0, stands at each position of each placement."""
        positions = range(self.num_cells)
        own = tuple(positions)
        self._owners: dict[tuple[int, ...], tuple[int, ...]] = dict.fromkeys(self._names, own)
        self._counting = dict.fromkeys(own, tuple(self._places))
        """Where each cell counts: names of placements."""
        if self.share == "stage":
            counting: dict[int, list[str]] = {}
            for name, placement in self._places.items():
                own = tuple(sum(start <= at for start in placement) for at in positions)
                self._owners[placement] = own
                for number in dict.fromkeys(own):
                    counting.setdefault(number, []).append(name)
            self._counting = {number: tuple(counting[number]) for number in sorted(counting)}

    def _fill_tables(self) -> None:
        names = tuple(self._places)
        self._parameters: dict[str, Parameter] = {}
        self._when: dict[str, Condition] = {}
        if len(names) > 1:
            self._parameters["reductions"] = Choice(names)
        for stage, options in enumerate(self.widths):
            counting = tuple(name for name, at in self._places.items() if len(at) >= stage)
            self._add({f"width{stage + 1}": Choice(options)}, counting)
        self._cell_table = self._cells.parameters()
        self._fixed = {name: p.first for name, p in self._cell_table.items() if p.size == 1}
        self._first = {name: p.first for name, p in self._cell_table.items() if p.size > 1}
        self._groups: list[tuple[int, dict[str, str]]] = []
        for number, counting in self._counting.items():
            full = {f"cell{number + 1}.{name}": name for name in self._first}
            self._add({name: self._cell_table[short] for name, short in full.items()}, counting)
            self._groups.append((number, full))

    def _add(self, table: Mapping[str, Parameter], counting: tuple[str, ...]) -> None:
        """Add parameters that count where ``reductions`` has one of these values."""
        free = {name: parameter for name, parameter in table.items() if parameter.size > 1}
        self._parameters.update(free)
        if len(counting) < len(self._places):
            self._when.update(dict.fromkeys(free, Condition("reductions", counting)))

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._parameters)

    def conditions(self) -> dict[str, Condition]:
        return dict(self._when)

    @cached_property
    def _conditions(self) -> dict[str, Condition]:
        return dict(self._when)  # made here, so there is nothing to check; places can be thousands

    @cached_property
    def size(self) -> int:
        """Number of members, exact: cells and widths that count, summed over the placements."""
        one_cell = 1
        for parameter in self._cell_table.values():
            one_cell *= int(parameter.size)
        kinds = Counter((len(at), len(set(self._owners[at]))) for at in self._names)
        total = 0
        for (reductions, cells), times in kinds.items():
            product = times * one_cell**cells
            for options in self.widths[: reductions + 1]:
                product *= len(options)
            total += product
        return total

    def encode(self, architecture: Stack) -> Values:
        placement, widths = architecture.reductions, architecture.widths
        owners = self._owners[placement]
        values: Values = {}
        if "reductions" in self._parameters:
            values["reductions"] = self._names[placement]
        for stage, options in enumerate(self.widths):
            if len(options) > 1:
                values[f"width{stage + 1}"] = widths[stage] if stage < len(widths) else options[0]
        for number, names in self._groups:
            encoded = self._first
            if number in owners:
                encoded = self._cells.encode(architecture.cells[owners.index(number)])
            values.update({name: encoded[short] for name, short in names.items()})
        return values

    def decode(self, values: Mapping[str, Any]) -> Stack:
        placement = self._places[values.get("reductions", next(iter(self._places)))]
        widths = tuple(
            values.get(f"width{stage}", options[0])
            for stage, options in enumerate(self.widths[: len(placement) + 1], start=1)
        )
        owners = self._owners[placement]
        cells = {
            number: self._cells.decode(
                {**self._fixed, **{short: values[name] for name, short in names.items()}}
            )
            for number, names in self._groups
            if number in owners
        }
        return Stack(tuple(cells[owner] for owner in owners), widths, placement)

    def sample(self, rng: np.random.Generator) -> Stack:
        placements = tuple(self._names)
        placement = placements[int(rng.integers(len(placements)))]
        widths = tuple(
            options[int(rng.integers(len(options)))]
            for options in self.widths[: len(placement) + 1]
        )
        owners = self._owners[placement]
        cells = {owner: self._cells.sample(rng) for owner in dict.fromkeys(owners)}
        return Stack(tuple(cells[owner] for owner in owners), widths, placement)

    def validate(self, architecture: Stack) -> None:
        """Refuse what is not a member; cells are numbered from 1, by position."""
        if not isinstance(architecture, Stack):
            raise InvalidArchitectureError(
                f"A StackSpace holds Stacks, got a {type(architecture).__name__}."
            )
        found = self._place_and_width_faults(architecture)
        cells = architecture.cells if isinstance(architecture.cells, tuple) else ()
        if len(cells) != self.num_cells:
            found.append(f"A member has {self.num_cells} cells, got {len(cells)}.")
        for number, cell in enumerate(cells, start=1):
            found += [f"cell {number}: {fault}" for fault in self._cells.faults(cell)]
        if self.share == "stage" and not found:
            owners = self._owners[architecture.reductions]
            for at in range(1, self.num_cells):
                if owners[at] == owners[at - 1] and cells[at] != cells[at - 1]:
                    found.append(
                        f"cell {at + 1}: the cells of one stage are equal here, but this one "
                        f"differs from cell {at}."
                    )
        if found:
            raise InvalidArchitectureError("\n".join(found))

    def _place_and_width_faults(self, stack: Stack) -> list[str]:
        places, widths = stack.reductions, stack.widths
        found = [
            f"{name} must be a tuple of integers, got {given!r}."
            for name, given in (("reductions", places), ("widths", widths))
            if not isinstance(given, tuple) or any(type(number) is not int for number in given)
        ]
        if found:
            return found
        if places not in self._names:
            shown = [repr(placement) for placement in list(self._names)[:8]]
            more = ", ..." if len(self._names) > len(shown) else ""
            found.append(
                f"reductions is {places!r}, but it must be one of the {len(self._names)} "
                f"placements {', '.join(shown)}{more}."
            )
        if len(widths) != len(places) + 1:
            found.append(
                f"widths must be one a stage, {len(places) + 1} with the reductions {places!r}, "
                f"got {widths!r}."
            )
        for stage, (width, options) in enumerate(zip(widths, self.widths, strict=False), start=1):
            if width not in options:
                allowed = ", ".join(map(str, options))
                found.append(f"width{stage} is {width}, but it must be one of {allowed}.")
        return found

    def digest(self, architecture: Stack) -> str:
        """Equal only for stacks that compute the same function with the same parameters.

        What counts is each cell's digest at its stride, the widths, and how the cells fall into the
        stages. A dense cell that passes its input on unchanged is not there.
        """
        return self._hash("stack", architecture, self._cells.digest)

    def structure_digest(self, architecture: Stack) -> str:
        """The coarser class of NAS-Bench-201's expressions, cell by cell."""
        return self._hash("stack-structure", architecture, self._cells.structure)

    def _hash(self, name: str, stack: Stack, of_cell: Callable[[Cell, bool], str | None]) -> str:
        parts, stage = [name, f"width {stack.widths[0]}"], 0
        for position, cell in enumerate(stack.cells):
            begins = position in stack.reductions
            if begins:
                stage += 1
                parts.append(f"width {stack.widths[stage]}")
            part = of_cell(cell, begins and self._cells.two_inputs)
            if part is not None:
                parts.append(part)
        return short_hash(*parts)

    def is_connected(self, architecture: Stack) -> bool:
        """Whether the output depends on the input, exactly, on the graph of the cells.

        One dense cell that passes nothing on cuts the network. A two-input cell may: the next one
        still reads the cell before it.
        """
        return self._cells.connected(architecture.cells)

    @property
    def _kind(self) -> str:
        return "stack"

    def to_json(self, architecture: Stack) -> str:
        return architecture.to_json()

    def from_json(self, text: str) -> Stack:
        stack = Stack.from_json(text, self._cells.operations)
        self.validate(stack)
        return stack

    def definition(self) -> dict[str, Any]:
        if type(self) is not StackSpace:
            return super().definition()
        return {
            "kind": "stack",
            "version": 1,
            "cell": self.cell.definition(),
            "num_cells": self.num_cells,
            "widths": [list(options) for options in self.widths],
            "num_reductions": list(self.num_reductions),
            "placements": self.placements and [list(placement) for placement in self.placements],
            "share": self.share,
        }

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> StackSpace:
        """The space that ``definition()`` described."""
        from optunas.space.definition import space_from_definition  # which imports this module

        arguments = ("num_cells", "widths", "num_reductions", "placements", "share")
        cell: Any = space_from_definition(definition["cell"], resolve)
        return cls(cell, **{name: definition[name] for name in arguments})

    def _identity(self) -> object:
        return self.cell, self.num_cells, self.widths, tuple(self._names), self.share

    def __repr__(self) -> str:
        return (
            f"StackSpace(cell={self.cell!r}, num_cells={self.num_cells}, widths={self.widths!r}, "
            f"num_reductions={self.num_reductions!r}, placements={self.placements!r}, "
            f"share={self.share!r})"
        )


def _pick(options: Sequence[T], rng: np.random.Generator) -> T:
    return options[int(rng.integers(len(options)))] if len(options) > 1 else options[0]


def _basic_faults(cell: object, num_cells: object, share: object) -> list[str]:
    found = []
    if not isinstance(cell, (DenseCellSpace, CellSpace)):
        found.append(
            f"StackSpace: cell must be a DenseCellSpace or a CellSpace, such as optunas.NB201, "
            f"got {cell!r}."
        )
    number = as_int(num_cells, 1)
    if number is None or number > MOST_CELLS:
        found.append(
            f"StackSpace: num_cells must be an integer from 1 to {MOST_CELLS:,}, got {num_cells!r}."
        )
    if not isinstance(share, str) or share not in SHARE:
        found.append(f"StackSpace: unknown share {share!r}{nearest(str(share), SHARE)}")
    return found
