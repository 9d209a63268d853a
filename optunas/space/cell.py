"""The value types of cell spaces: an edge, a cell, and a pair of cells.

Nodes are numbered from the inputs on: a dense cell (NAS-Bench-201) has one input, node 0, sums what
arrives at a node, and its last node is the output; a two-input cell (DARTS) has inputs 0 and 1, its
nodes 2, 3, ... sum two operations each, and the output concatenates them.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from optunas.errors import InvalidArchitectureError
from optunas.space.json_text import load_json
from optunas.space.operations import Operation

__all__ = ["Cell", "Edge", "Genotype", "form_faults"]


class Edge(NamedTuple):
    """One operation from node ``source`` to the later node ``target``."""

    source: int
    target: int
    operation: str


@dataclass(frozen=True)
class Cell:
    """A directed acyclic graph of operations.

    Attributes:
        edges: sorted by (target, source); a target is later than its source.
        num_inputs: 1 for a dense cell, 2 for a DARTS cell.
        operations: a user's own operations that the edges name; not part of equality or JSON, a
            space's ``from_json`` and ``from_params`` put them back.
    """

    edges: tuple[Edge, ...]
    num_inputs: int = 1
    operations: tuple[Operation, ...] = field(default=(), compare=False, repr=False)

    @property
    def num_nodes(self) -> int:
        """Number of nodes, inputs included."""
        return max((edge.target for edge in self.edges), default=self.num_inputs - 1) + 1

    def into(self, node: int) -> tuple[Edge, ...]:
        """The edges that end at ``node``, by source."""
        return tuple(edge for edge in self.edges if edge.target == node)

    def is_connected(self, zeros: Collection[str] = ("none",)) -> bool:
        """Whether the output depends on an input: some path of operations not in ``zeros``."""
        reached = set(range(self.num_inputs))
        for source, target, operation in self.edges:  # sorted by target, so sources come first
            if source in reached and operation not in zeros:
                reached.add(target)
        last = self.num_nodes - 1
        return last in reached if self.num_inputs == 1 else len(reached) > self.num_inputs

    def to_json(self) -> str:
        """JSON text; :meth:`from_json` gives an equal cell back."""
        return json.dumps(
            {
                "kind": "cell",
                "version": 1,
                "num_inputs": self.num_inputs,
                "edges": [list(edge) for edge in self.edges],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str, operations: tuple[Operation, ...] = ()) -> Cell:
        """The cell that :meth:`to_json` wrote.

        Raises:
            InvalidArchitectureError: for text of another kind or version.
        """
        return _cell(load_json(text, "cell"), operations)

    @classmethod
    def from_str(cls, text: str, operations: tuple[Operation, ...] = ()) -> Cell:
        """The dense cell of NAS-Bench-201's string, ``|nor_conv_3x3~0|+|none~0|skip_connect~1|``.

        Raises:
            InvalidArchitectureError: when the text is not such a string.
        """
        edges = []
        try:
            for target, node in enumerate(text.strip().split("+"), start=1):
                for part in node.strip().strip("|").split("|"):
                    operation, source = part.strip().split("~")
                    if not 0 <= int(source) < target:
                        raise ValueError
                    edges.append(Edge(int(source), target, operation))
        except ValueError:
            raise InvalidArchitectureError(
                "Expected a NAS-Bench-201 string such as "
                f"'|nor_conv_3x3~0|+|none~0|skip_connect~1|', got {text!r}."
            ) from None
        return cls(tuple(sorted(edges, key=lambda e: (e.target, e.source))), 1, operations)

    def __str__(self) -> str:
        """NAS-Bench-201's string; the same form serves two-input cells, from node 2 on."""
        return "+".join(
            "|" + "|".join(f"{e.operation}~{e.source}" for e in self.into(node)) + "|"
            for node in range(self.num_inputs, self.num_nodes)
        )


@dataclass(frozen=True)
class Genotype:
    """A normal cell, used at stride 1, and a reduction cell, which halves the resolution."""

    normal: Cell
    reduce: Cell

    def to_json(self) -> str:
        """JSON text; :meth:`from_json` gives an equal genotype back."""
        cells = {"normal": self.normal, "reduce": self.reduce}
        body = {"kind": "genotype", "version": 1, "num_inputs": self.normal.num_inputs}
        body |= {name: [list(edge) for edge in cell.edges] for name, cell in cells.items()}
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, operations: tuple[Operation, ...] = ()) -> Genotype:
        """The genotype that :meth:`to_json` wrote.

        Raises:
            InvalidArchitectureError: for text of another kind or version.
        """
        body = load_json(text, "genotype")
        halves = [_cell({**body, "edges": body.get(k)}, operations) for k in ("normal", "reduce")]
        return cls(*halves)

    def __str__(self) -> str:
        return f"normal {self.normal} reduce {self.reduce}"


def form_faults(cell: Cell) -> list[str]:
    """What is no edge or no number of inputs in a cell, one sentence each, whatever its space."""
    found = []
    if type(cell.num_inputs) is not int:
        found.append(f"num_inputs must be an integer, got {cell.num_inputs!r}.")
    if not isinstance(cell.edges, tuple):
        return [*found, f"edges must be a tuple of Edges, got {cell.edges!r}."]
    found += [
        f"edge {number} must be an Edge(source, target, operation) of two integers and a name, "
        f"got {edge!r}."
        for number, edge in enumerate(cell.edges, start=1)
        if not isinstance(edge, Edge)
        or type(edge.source) is not int
        or type(edge.target) is not int
        or not isinstance(edge.operation, str)
    ]
    return found


def _cell(body: dict[str, object], operations: tuple[Operation, ...]) -> Cell:
    num_inputs, rows = body.get("num_inputs"), body.get("edges")
    if type(num_inputs) is not int or num_inputs < 1:
        raise InvalidArchitectureError(
            f"A cell's num_inputs is an integer from 1 on, got {num_inputs!r}."
        )
    try:
        edges = tuple(Edge(*row) for row in rows)  # type: ignore[attr-defined]
        # Every node a cell has is the end of an edge, so that no target lies beyond their number.
        most = len(edges) + num_inputs
        if form_faults(Cell(edges, num_inputs)) or any(
            not 0 <= e.source < e.target < most for e in edges
        ):
            raise ValueError
    except (TypeError, ValueError):
        raise InvalidArchitectureError(
            "A cell's edges are [source, target, operation] with source < target, an edge into "
            f"every node, got {rows!r}."
        ) from None
    return Cell(tuple(sorted(edges, key=lambda e: (e.target, e.source))), num_inputs, operations)
