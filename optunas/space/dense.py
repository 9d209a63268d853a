"""One operation per edge of a complete directed graph: the NAS-Bench-201 kind of cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import contains
from typing import Any, ClassVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, nearest
from optunas.space.base import Values, short_hash
from optunas.space.cell import Cell, Edge, form_faults
from optunas.space.digest import BoundedCache
from optunas.space.operations import Operation
from optunas.space.over_operations import OperationSpace, refuse_many
from optunas.space.parameters import Choice, Parameter
from optunas.space.structure import structure_expression

__all__ = ["NB201_OPERATIONS", "DenseCellSpace"]

NB201_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""In the order of NAS-Bench-201 (Dong and Yang 2020, arXiv:2001.00326)."""


class DenseCellSpace(OperationSpace[Cell]):
    """Cells in which every node receives one operation from every earlier node, summed.

    Node 0 is the input, the last node the output. Parameters: ``edge0-1``, ``edge0-2``,
    ``edge1-2``, ...; their order is that of the nodes that the edges end at.

    Attributes:
        operations: the candidates, in the order of the choices.
        num_nodes: input and output included, 2 to 300; ``len(operations) ** (n * (n - 1) / 2)``
            cells in all.

    Raises:
        InvalidSpaceError: for an empty or repeated list of operations, or too few nodes.
        UnknownNameError: for an operation that the vocabulary lacks.
    """

    default_name: ClassVar[str] = "cell"
    member: ClassVar[type] = Cell
    stored_kind: ClassVar[str] = "dense_cell"

    def __init__(
        self, operations: Iterable[str | Operation] = NB201_OPERATIONS, num_nodes: int = 4
    ) -> None:
        if isinstance(num_nodes, bool) or not isinstance(num_nodes, int) or num_nodes < 2:
            raise InvalidSpaceError(
                f"DenseCellSpace: num_nodes must be an integer from 2 on (input and output), "
                f"got {num_nodes!r}."
            )
        refuse_many("DenseCellSpace", num_nodes, 300)
        super().__init__(operations, num_nodes)
        names = self._names
        self._choice: Parameter = Choice(names)
        self._pairs = [(i, j) for j in range(1, num_nodes) for i in range(j)]
        self._keys = [f"edge{i}-{j}" for i, j in self._pairs]
        self._edges = [[Edge(i, j, name) for name in names] for i, j in self._pairs]
        self._members = [frozenset(edges) for edges in self._edges]
        self._cache = BoundedCache()

    def parameters(self) -> dict[str, Parameter]:
        return dict.fromkeys(self._keys, self._choice)

    def encode(self, architecture: Cell) -> Values:
        return {k: e[2] for k, e in zip(self._keys, architecture.edges, strict=True)}

    def decode(self, values: Mapping[str, Any]) -> Cell:
        pairs = zip(self._keys, self._pairs, strict=True)
        return Cell(tuple([Edge(i, j, values[key]) for key, (i, j) in pairs]), 1, self._own)

    def sample(self, rng: np.random.Generator) -> Cell:
        picks = rng.integers(len(self._names), size=len(self._keys)).tolist()
        edges = tuple([row[pick] for row, pick in zip(self._edges, picks, strict=True)])
        return Cell(edges, 1, self._own)

    def validate(self, architecture: Cell) -> None:
        if (
            isinstance(architecture, Cell)
            and not form_faults(architecture)
            and architecture.num_inputs == 1
            and len(architecture.edges) == len(self._members)
            and all(map(contains, self._members, architecture.edges))
        ):
            return
        raise InvalidArchitectureError("\n".join(self._faults(architecture)))

    def _faults(self, cell: object) -> list[str]:
        if not isinstance(cell, Cell):
            return [f"A dense cell space holds Cells, got a {type(cell).__name__}."]
        found = form_faults(cell)
        if found:
            return found
        if cell.num_inputs != 1:
            return [f"A dense cell has one input, this cell has num_inputs={cell.num_inputs}."]
        for edge in cell.edges:
            where = f"edge {edge.source}-{edge.target}"
            if (edge.source, edge.target) not in self._pairs:
                found.append(
                    f"There is no {where} in a dense cell of {self.num_nodes} nodes "
                    f"(0 to {self.num_nodes - 1})."
                )
            elif edge.operation not in self._names:
                hint = nearest(edge.operation, self._names)
                found.append(f"{where}: unknown operation {edge.operation!r}{hint}")
        ends = [(edge.source, edge.target) for edge in cell.edges]
        for pair in self._pairs:
            if ends.count(pair) != 1:
                state = "is missing" if pair not in ends else "is there more than once"
                found.append(f"edge {pair[0]}-{pair[1]} {state}.")
        return found or ["The cell's edges must be sorted by (target, source)."]

    def digest(self, architecture: Cell) -> str:
        """Equal only for cells that compute the same function with the same parameters.

        Two such cells give the same float64 output once their weights are copied: dead edges and
        the numbering of the nodes do not count, shared and separate weights do.
        """
        edges = architecture.edges
        known = self._cache.get(edges)
        if known is None:
            try:
                certificate = self._digest.certificate(edges, 1, self.num_nodes)
            except KeyError:
                self.validate(architecture)
                raise
            known = self._cache[edges] = short_hash("dense", certificate)
        return known

    def is_connected(self, architecture: Cell) -> bool:
        return architecture.is_connected(self._zeros)

    def structure_digest(self, architecture: Cell) -> str:
        """NAS-Bench-201's class, 6,466 in its space; see :mod:`optunas.space.structure`."""
        expression = structure_expression(architecture, self._digest.kinds)
        return short_hash("dense-structure", expression)
