"""What a space of stacks asks of its cells, one answer for each kind of cell space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optunas.errors import InvalidArchitectureError
from optunas.space.base import Values, short_hash
from optunas.space.cell import Cell, Genotype
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import Operation
from optunas.space.over_operations import OperationSpace
from optunas.space.parameters import Parameter
from optunas.space.structure import structure_expression
from optunas.space.two_input import CellSpace

__all__ = ["DenseCells", "PairCells", "StackedCells"]


class StackedCells(ABC):
    """The parameters of one cell of a stack, and the verbs on it."""

    two_inputs: bool

    def __init__(self, space: OperationSpace[Any]) -> None:
        self.operations: tuple[Operation, ...] = space._own
        self._kinds, self._zeros = space._digest.kinds, frozenset(space._zeros)

    @abstractmethod
    def parameters(self) -> dict[str, Parameter]:
        """By name, those with a single option too."""

    @abstractmethod
    def encode(self, cell: Cell) -> Values:
        """The value of each of :meth:`parameters`."""

    @abstractmethod
    def decode(self, values: Mapping[str, Any]) -> Cell:
        """The cell of these values."""

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Cell:
        """One cell as its space draws it."""

    @abstractmethod
    def faults(self, cell: Cell) -> list[str]:
        """Why it is no member of the cell space; empty when it is one."""

    @abstractmethod
    def digest(self, cell: Cell, strided: bool) -> str | None:
        """Equal only for the same function; None where the cell passes its input on unchanged."""

    @abstractmethod
    def connected(self, cells: Sequence[Cell]) -> bool:
        """Whether the last cell's output depends on what the first one reads."""

    def structure(self, cell: Cell, strided: bool) -> str | None:
        """NAS-Bench-201's expression of the cell; None as for :meth:`digest`."""
        if self.digest(cell, strided) is None:
            return None
        return structure_expression(cell, self._kinds, strided)


class DenseCells(StackedCells):
    """The cells of a ``DenseCellSpace``, each at stride 1."""

    two_inputs = False

    def __init__(self, space: DenseCellSpace) -> None:
        super().__init__(space)
        self.space = space
        # A cell whose output is its input: the certificate of a single node that is both.
        self._unchanged = short_hash("dense", space._digest.certificate((), 1, 1))

    def parameters(self) -> dict[str, Parameter]:
        return self.space.parameters()

    def encode(self, cell: Cell) -> Values:
        return self.space.encode(cell)

    def decode(self, values: Mapping[str, Any]) -> Cell:
        return self.space.decode(values)

    def sample(self, rng: np.random.Generator) -> Cell:
        return self.space.sample(rng)

    def faults(self, cell: Cell) -> list[str]:
        try:
            self.space.validate(cell)
        except InvalidArchitectureError as error:
            return str(error).splitlines()
        return []

    def digest(self, cell: Cell, strided: bool) -> str | None:
        digest = self.space.digest(cell)
        return None if digest == self._unchanged else digest

    def connected(self, cells: Sequence[Cell]) -> bool:
        return all(self.space.is_connected(cell) for cell in cells)


class PairCells(StackedCells):
    """Either half of a ``CellSpace``'s genotypes."""

    two_inputs = True

    def __init__(self, space: CellSpace) -> None:
        super().__init__(space)
        self.space = space

    def parameters(self) -> dict[str, Parameter]:
        table = self.space.parameters()
        return {
            name.removeprefix("normal."): parameter
            for name, parameter in table.items()
            if name.startswith("normal.")
        }

    def encode(self, cell: Cell) -> Values:
        values = self.space.encode(Genotype(cell, cell))
        return {
            name.removeprefix("normal."): value
            for name, value in values.items()
            if name.startswith("normal.")
        }

    def decode(self, values: Mapping[str, Any]) -> Cell:
        return self.space._decode_cell({f"normal.{k}": v for k, v in values.items()}, "normal")

    def sample(self, rng: np.random.Generator) -> Cell:
        return self.space.sample(rng).normal

    def faults(self, cell: Cell) -> list[str]:
        return self.space._faults(Genotype(cell, cell), "normal")

    def digest(self, cell: Cell, strided: bool) -> str | None:
        half = "reduce" if strided else "normal"
        return self.space._cell_digest(cell, half, Genotype(cell, cell))

    def connected(self, cells: Sequence[Cell]) -> bool:
        before = previous = True  # whether those two states depend on the input
        for cell in cells:
            before, previous = previous, self._passes_on(cell, before, previous)
        return previous

    def _passes_on(self, cell: Cell, before: bool, previous: bool) -> bool:
        """Whether some node depends on an input that itself depends on the network's."""
        reached = {number for number, depends in enumerate((before, previous)) if depends}
        for source, target, operation in cell.edges:  # sorted by target, so sources come first
            if source in reached and operation not in self._zeros:
                reached.add(target)
        return any(node > 1 for node in reached)
