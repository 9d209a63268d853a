"""What a predictor sees of a cell: its operations, its paths and the shape of its graph.

Everything is read off the live part of the cell: edges that no input reaches, or that reach no
output, count nothing. Numbers of nodes do not appear, so that two numberings of one graph have the
same rows, except in ``edges``, which says what stands where.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from optunas.samplers.trials.seen import Floats
from optunas.space.cell import Cell, Edge
from optunas.space.operations import VOCABULARY, Operation

__all__ = ["CellGraphs"]

LISTED_PATHS = 400
"""Kinds of paths up to which each has a column of its own."""

HASHED_PATHS = 128
"""Columns for more kinds, several in one."""

MOST_PATHS = 2_000
"""Paths of one cell that are followed; a dense cell of 12 nodes has a thousand."""

STATISTICS = 11


class CellGraphs:
    """Rows about cells of one vocabulary, all of the same width.

    Args:
        operations: the candidates.
        num_nodes: inputs included.
        num_inputs: 1 for dense cells, 2 for two-input cells.
    """

    def __init__(self, operations: Sequence[Operation], num_nodes: int, num_inputs: int) -> None:
        self.num_nodes, self.num_inputs = num_nodes, num_inputs
        self.names = [o.name for o in operations]
        self._place = {name: at for at, name in enumerate(self.names)}
        self._zeros = {o.name for o in operations if o.zero}
        self._identities = {o.name for o in operations if o.identity}
        self.working = [n for n in self.names if n not in self._zeros | self._identities]
        self._weight = _weights(operations)
        self._columns = self._path_columns()
        self._rows: dict[tuple[Edge, ...], tuple[list[float], ...]] = {}
        self._paths_known: dict[tuple[str, ...], tuple[int, int, int]] = {}

    def _path_columns(self) -> dict[tuple[str, ...], int] | None:
        """Column of each path, identities left out; None where there are too many."""
        longest = self.num_nodes - self.num_inputs
        count = sum(len(self.working) ** length for length in range(longest + 1))
        if count > LISTED_PATHS:
            return None
        paths = itertools.chain.from_iterable(
            itertools.product(self.working, repeat=length) for length in range(longest + 1)
        )
        return {path: at for at, path in enumerate(paths)}

    @property
    def widths(self) -> tuple[int, int, int]:
        """Columns of ``edges`` (two-input cells: of operations by depth), ``paths``, ``graph``."""
        slots = (self.num_nodes * (self.num_nodes - 1)) // 2 if self.num_inputs == 1 else 0
        edges = slots * len(self.names) if slots else self.num_nodes * len(self.names)
        paths = HASHED_PATHS if self._columns is None else len(self._columns)
        return edges, paths, STATISTICS + len(self.names)

    def rows(self, cell: Cell) -> tuple[list[float], ...]:
        """``edges``, ``paths`` and ``graph`` of one cell; remembered by its edges."""
        known = self._rows.get(cell.edges)
        if known is None:
            if len(self._rows) > 100_000:
                self._rows.clear()
            known = self._rows[cell.edges] = self._describe(cell)
        return known

    def _describe(self, cell: Cell) -> tuple[list[float], ...]:
        live = self._live(cell)
        paths = self._paths(live)
        return self._edges(cell, live), self._path_row(paths), self._graph(live, paths)

    def _live(self, cell: Cell) -> list[Edge]:
        reached = set(range(self.num_inputs))
        forward = []
        for edge in cell.edges:  # sorted by target
            if edge.source in reached and edge.operation not in self._zeros:
                reached.add(edge.target)
                forward.append(edge)
        # A two-input cell concatenates its nodes: all of them are outputs.
        needed = {self.num_nodes - 1} if self.num_inputs == 1 else set(range(self.num_nodes))
        live = []
        for edge in reversed(forward):
            if edge.target in needed:
                needed.add(edge.source)
                live.append(edge)
        return live[::-1]

    def _paths(self, live: Iterable[Edge]) -> list[tuple[str, ...]]:
        """From an input to an output, the operations without the identities."""
        into: list[list[tuple[str, ...]]] = [[()] for _ in range(self.num_inputs)]
        into += [[] for _ in range(self.num_nodes - self.num_inputs)]
        for source, target, operation in live:
            step = () if operation in self._identities else (operation,)
            room = MOST_PATHS - len(into[target])
            into[target] += [path + step for path in into[source][:room]]
        if self.num_inputs == 1:
            return into[-1]
        return [path for node in into[self.num_inputs :] for path in node]

    def _edges(self, cell: Cell, live: list[Edge]) -> list[float]:
        width = len(self.names)
        row = [0.0] * self.widths[0]
        if self.num_inputs == 1:
            for source, target, operation in live:
                slot = target * (target - 1) // 2 + source
                row[slot * width + self._place[operation]] = 1.0
            return row
        depth = [0] * self.num_nodes
        for source, target, operation in live:
            depth[target] = max(depth[target], depth[source] + 1)
            row[depth[source] * width + self._place[operation]] += 1.0
        return row

    def _path_row(self, paths: Iterable[tuple[str, ...]]) -> list[float]:
        row = [0.0] * self.widths[1]
        for path in paths:
            row[self._of_path(path)[0]] += 1.0
        return row

    def _of_path(self, path: tuple[str, ...]) -> tuple[int, int, int]:
        """Its column, its operations with weights and its heavy ones; remembered."""
        known = self._paths_known.get(path)
        if known is None:
            if len(self._paths_known) > 100_000:
                self._paths_known.clear()
            if self._columns is None:
                digest = hashlib.blake2b("/".join(path).encode(), digest_size=4).digest()
                column = int.from_bytes(digest, "big") % HASHED_PATHS
            else:
                column = self._columns[path]
            weights = [self._weight[operation] for operation in path]
            known = column, sum(w > 0 for w in weights), sum(w > 0.5 for w in weights)
            self._paths_known[path] = known
        return known

    def _graph(self, live: list[Edge], paths: list[tuple[str, ...]]) -> list[float]:
        """Counts of operations and how much work stands on the paths; zeros for a dead cell."""
        counts = [0.0] * len(self.names)
        for edge in live:
            counts[self._place[edge.operation]] += 1.0
        if not paths:
            return [0.0] * STATISTICS + counts
        known = [self._of_path(path) for path in paths]
        weighted, heavy = [w for _, w, _ in known], [h for _, _, h in known]
        free = [len(path) - w for path, w in zip(paths, weighted, strict=True)]
        n = len(paths)
        statistics = [
            n**0.5,
            len(live),
            max(weighted),
            max(heavy),
            min(weighted),
            sum(weighted) / n,
            sum(heavy) / n,
            sum(free) / n,
            min(free),
            max(map(len, paths)),
            float(() in paths),  # a residual connection
        ]
        return [float(value) for value in statistics] + counts


def _weights(operations: Sequence[Operation]) -> dict[str, float]:
    """Logarithm of parameters, the heaviest operation 1, those without parameters 0.

    An own operation that states no cost counts as heavy: to count it would need torch.
    """
    found: dict[str, float] = {}
    for operation in operations:
        if operation.parameter_free or operation.zero or operation.identity:
            found[operation.name] = 0.0
            continue
        known = VOCABULARY.get(operation.name, operation)
        cost = operation.cost or known.cost
        try:
            params = 9e4 if cost is None else float(cost(64, 64, 1, 8, 8)[0])
        except Exception:  # a user's function; whoever asks for the cost is told
            params = 9e4
        found[operation.name] = max(params, 0.0)
    most = max(found.values(), default=0.0)
    return {name: value / most if most > 0 else 0.0 for name, value in found.items()}


def statistics_of(values: Sequence[float]) -> Floats:
    """Number, sum, mean, least and largest, zeros of none: a list of any length in five numbers."""
    if not values:
        return np.zeros(5)
    array = np.asarray(values, dtype=float)
    return np.array([len(array), array.sum(), array.mean(), array.min(), array.max()])
