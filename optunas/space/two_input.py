"""Two operations per node, a normal and a reduction cell: the DARTS kind of space."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, nearest
from optunas.space.base import Values, short_hash
from optunas.space.cell import Cell, Edge, Genotype, form_faults
from optunas.space.digest import BoundedCache
from optunas.space.operations import Operation
from optunas.space.over_operations import OperationSpace, refuse_many
from optunas.space.parameters import Choice, Parameter
from optunas.space.structure import structure_expression

__all__ = ["DARTS_OPERATIONS", "CellSpace"]

DARTS_OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""In the order of DARTS (Liu et al. 2019, arXiv:1806.09055), without its ``none``."""

_HALVES = ("normal", "reduce")


class CellSpace(OperationSpace[Genotype]):
    """Genotypes whose nodes sum two operations of two different earlier nodes.

    Nodes 0 and 1 are the outputs of the two previous cells; a cell's output concatenates its own
    nodes. Parameters, for the normal and the reduction cell: ``normal.node2.inputs`` (``"0-1"``:
    both inputs are one choice), ``normal.node2.op0`` (of the smaller input), ``normal.node2.op1``.

    Attributes:
        operations: the candidates, in the order of the choices.
        num_nodes: own nodes of a cell, 1 to 100; with DARTS's 7 operations and 4 nodes a cell has
            1,037,664,180 members and a genotype the square of that.

    Raises:
        InvalidSpaceError: for an empty or repeated list of operations, or no nodes.
        UnknownNameError: for an operation that the vocabulary lacks.
    """

    default_name: ClassVar[str] = ""
    member: ClassVar[type] = Genotype
    stored_kind: ClassVar[str] = "cell"

    def __init__(
        self, operations: Iterable[str | Operation] = DARTS_OPERATIONS, num_nodes: int = 4
    ) -> None:
        if isinstance(num_nodes, bool) or not isinstance(num_nodes, int) or num_nodes < 1:
            raise InvalidSpaceError(
                f"CellSpace: num_nodes must be an integer from 1 on (the two inputs not counted), "
                f"got {num_nodes!r}."
            )
        refuse_many("CellSpace", num_nodes, 100)
        super().__init__(operations, num_nodes)
        self._nodes = range(2, num_nodes + 2)
        self._pairs = [list(itertools.combinations(range(node), 2)) for node in self._nodes]
        self._parameters = self._make_parameters()
        self._sources = {f"{i}-{j}": (i, j) for pairs in self._pairs for i, j in pairs}
        self._edges = {
            (source, node): tuple(Edge(source, node, name) for name in self._names)
            for node in self._nodes
            for source in range(node)
        }
        self._members = [
            {e: e for source in range(node) for e in self._edges[source, node]}
            for node in self._nodes
        ]
        self._highs = np.array([[len(p), *[len(self._names)] * 2] for p in self._pairs] * 2).ravel()
        self._caches = {half: BoundedCache() for half in _HALVES}

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._parameters)

    def _make_parameters(self) -> dict[str, Parameter]:
        table: dict[str, Parameter] = {}
        operation = Choice(self._names)
        for half in _HALVES:
            for node, pairs in zip(self._nodes, self._pairs, strict=True):
                table[f"{half}.node{node}.inputs"] = Choice(tuple(f"{i}-{j}" for i, j in pairs))
                table[f"{half}.node{node}.op0"] = operation
                table[f"{half}.node{node}.op1"] = operation
        return table

    def encode(self, architecture: Genotype) -> Values:
        values: Values = {}
        for half in _HALVES:
            edges = getattr(architecture, half).edges
            for at, node in enumerate(self._nodes):
                first, second = edges[2 * at], edges[2 * at + 1]
                values[f"{half}.node{node}.inputs"] = f"{first.source}-{second.source}"
                values[f"{half}.node{node}.op0"] = first.operation
                values[f"{half}.node{node}.op1"] = second.operation
        return values

    def decode(self, values: Mapping[str, Any]) -> Genotype:
        return Genotype(*[self._decode_cell(values, half) for half in _HALVES])

    def _decode_cell(self, values: Mapping[str, Any], half: str) -> Cell:
        edges = []
        for node in self._nodes:
            key = f"{half}.node{node}"
            first, second = self._sources[values[key + ".inputs"]]
            edges.append(Edge(first, node, values[key + ".op0"]))
            edges.append(Edge(second, node, values[key + ".op1"]))
        return Cell(tuple(edges), 2, self._own)

    def sample(self, rng: np.random.Generator) -> Genotype:
        picks = rng.integers(self._highs).tolist()
        half = len(picks) // 2
        return Genotype(self._pick_cell(picks[:half]), self._pick_cell(picks[half:]))

    def _pick_cell(self, picks: list[int]) -> Cell:
        edges = []
        for at, node in enumerate(self._nodes):
            first, second = self._pairs[at][picks[3 * at]]
            edges.append(self._edges[first, node][picks[3 * at + 1]])
            edges.append(self._edges[second, node][picks[3 * at + 2]])
        return Cell(tuple(edges), 2, self._own)

    def validate(self, architecture: Genotype) -> None:
        if not isinstance(architecture, Genotype):
            raise InvalidArchitectureError(
                f"A cell space holds Genotypes, got a {type(architecture).__name__}."
            )
        if self._is_member(architecture.normal) and self._is_member(architecture.reduce):
            return
        found = [
            f"{half}: {fault}" for half in _HALVES for fault in self._faults(architecture, half)
        ]
        raise InvalidArchitectureError("\n".join(found))

    def _is_member(self, cell: object) -> bool:
        if not isinstance(cell, Cell) or type(cell.num_inputs) is not int or cell.num_inputs != 2:
            return False
        edges = cell.edges
        if not isinstance(edges, tuple) or len(edges) != 2 * self.num_nodes:
            return False
        ours = True  # edges of this space's own making need no second look at their types
        try:
            for at, members in enumerate(self._members):
                first, second = edges[2 * at], edges[2 * at + 1]
                one, two = members.get(first), members.get(second)
                if one is None or two is None or first[0] >= second[0]:
                    return False
                ours = ours and one is first and two is second
        except TypeError:  # not hashable, so no edge
            return False
        return ours or not form_faults(cell)

    def _faults(self, genotype: Genotype, half: str) -> list[str]:
        cell = getattr(genotype, half)
        if not isinstance(cell, Cell):
            return [f"expected a Cell, got a {type(cell).__name__}."]
        if self._is_member(cell):
            return []
        found = form_faults(cell)
        if found:
            return found
        if cell.num_inputs != 2:
            return [f"a cell of a genotype has two inputs, got num_inputs={cell.num_inputs}."]
        for edge in cell.edges:
            where = f"edge {edge.source}-{edge.target}"
            if edge.target not in self._nodes or not 0 <= edge.source < edge.target:
                last = self.num_nodes + 1
                found.append(f"there is no {where}; the nodes are 2 to {last}.")
            elif edge.operation not in self._names:
                hint = nearest(edge.operation, self._names)
                found.append(f"{where}: unknown operation {edge.operation!r}{hint}")
        for node in self._nodes:
            sources = [edge.source for edge in cell.into(node)]
            if len(sources) != 2 or sources[0] == sources[1]:
                found.append(f"node {node} needs two different inputs, got {sources}.")
        return found or ["the edges must be sorted by (target, source)."]

    def digest(self, architecture: Genotype) -> str:
        """Equal only for genotypes that compute the same function with the same parameters.

        The order of a cell's nodes does not count (what consumes the concatenation has weights,
        which are permuted); a skip at stride 2 has weights.
        """
        normal = self._cell_digest(architecture.normal, "normal", architecture)
        reduce = self._cell_digest(architecture.reduce, "reduce", architecture)
        return short_hash("genotype", normal, reduce)

    def _cell_digest(self, cell: Cell, half: str, genotype: Genotype) -> str:
        cache = self._caches[half]
        known = cache.get(cell.edges)
        if known is None:
            total = self.num_nodes + 2
            try:
                known = self._digest.certificate(cell.edges, 2, total, half == "reduce")
            except KeyError:
                self.validate(genotype)
                raise
            cache[cell.edges] = known
        return known

    def is_connected(self, architecture: Genotype) -> bool:
        """Both cells: they stand in a row, so one that passes nothing on cuts the network."""
        zeros = self._zeros
        return all(cell.is_connected(zeros) for cell in (architecture.normal, architecture.reduce))

    def structure_digest(self, architecture: Genotype) -> str:
        """The coarser class of NAS-Bench-201's expressions, the concatenation sorted."""
        kinds = self._digest.kinds
        normal = structure_expression(architecture.normal, kinds)
        reduce = structure_expression(architecture.reduce, kinds, strided=True)
        return short_hash("genotype-structure", normal, reduce)
