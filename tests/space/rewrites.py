"""Other codes of the same network, made by rules that are obvious one by one.

None of this uses the digest: the tests hold the digest to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from optunas.space import Cell, CellSpace, DenseCellSpace, Edge, Genotype, Operation

Ops = dict[tuple[int, int], str]


def _by_name(space: DenseCellSpace | CellSpace) -> Mapping[str, Operation]:
    return {operation.name: operation for operation in space.operations}


def _harmless(operation: Operation) -> bool:
    """Gives zero for zero, without weights."""
    pooled = operation.factory is None and operation.parameter_free
    return operation.zero or operation.identity or pooled


def _zero_nodes(edges: Sequence[Edge], inputs: int, ops: Mapping[str, Operation]) -> set[int]:
    last = max(edge.target for edge in edges)
    zero: set[int] = set()
    for node in range(inputs, last + 1):
        parts = [e for e in edges if e.target == node]
        if all(
            ops[e.operation].zero or (e.source in zero and _harmless(ops[e.operation]))
            for e in parts
        ):
            zero.add(node)
    return zero


def _reaching(edges: Sequence[Edge], last: int, ops: Mapping[str, Operation]) -> set[int]:
    reached = {last}
    for edge in sorted(edges, key=lambda e: -e.target):
        if edge.target in reached and not ops[edge.operation].zero:
            reached.add(edge.source)
    return reached


def _random_order(count: int, before: set[tuple[int, int]], rng: np.random.Generator) -> list[int]:
    """A random order of the numbers below ``count`` in which each pair of ``before`` is kept."""
    left, order = list(range(count)), []
    while left:
        free = [n for n in left if not any((m, n) in before for m in left)]
        order.append(free[int(rng.integers(len(free)))])
        left.remove(order[-1])
    return order


def rewrite_dense(cell: Cell, space: DenseCellSpace, rng: np.random.Generator) -> Cell:
    """Dead edges get any operation, edges from zeros any harmless one, inner nodes new numbers."""
    ops, last = _by_name(space), space.num_nodes - 1
    zeros = [name for name, operation in ops.items() if operation.zero]
    harmless = [name for name, operation in ops.items() if _harmless(operation)]
    names = list(ops)
    edges = list(cell.edges)
    for _ in range(4):
        at = int(rng.integers(len(edges)))
        edge = edges[at]
        if edge.target not in _reaching(edges, last, ops):
            options = names
        elif edge.source in _zero_nodes(edges, 1, ops) and edge.operation in harmless:
            options = harmless
        else:
            options = [n for n in zeros if ops[edge.operation].zero] or [edge.operation]
        edges[at] = edge._replace(operation=options[int(rng.integers(len(options)))])
    if not zeros:
        return Cell(tuple(edges), 1, cell.operations)
    before = {(e.source, e.target) for e in edges if not ops[e.operation].zero}
    inner = {(i - 1, j - 1) for i, j in before if i > 0 and j < last}
    order = [0, *[n + 1 for n in _random_order(last - 1, inner, rng)], last]
    place = {node: at for at, node in enumerate(order)}
    found: Ops = {(place[e.source], place[e.target]): e.operation for e in edges}
    pairs = [(i, j) for j in range(1, last + 1) for i in range(j)]
    new = tuple(Edge(i, j, found.get((i, j), zeros[0])) for i, j in pairs)
    return Cell(new, 1, cell.operations)


def rewrite_pair(cell: Cell, space: CellSpace, rng: np.random.Generator) -> Cell:
    """Zero edges come from anywhere, edges from zeros get any harmless operation, nodes move."""
    ops = _by_name(space)
    harmless = [name for name, operation in ops.items() if _harmless(operation)]
    edges = list(cell.edges)
    for at, edge in enumerate(edges):
        other = edges[at ^ 1].source
        if ops[edge.operation].zero:
            sources = [n for n in range(edge.target) if n != other]
            edges[at] = edge._replace(source=sources[int(rng.integers(len(sources)))])
        elif edge.source in _zero_nodes(edges, 2, ops) and edge.operation in harmless:
            edges[at] = edge._replace(operation=harmless[int(rng.integers(len(harmless)))])
    before = {(e.source - 2, e.target - 2) for e in edges}
    order = [0, 1, *[n + 2 for n in _random_order(space.num_nodes, before, rng)]]
    place = {node: at for at, node in enumerate(order)}
    moved = [Edge(place[s], place[t], name) for s, t, name in edges]
    return Cell(tuple(sorted(moved, key=lambda e: (e.target, e.source))), 2, cell.operations)


def rewrite_genotype(genotype: Genotype, space: CellSpace, rng: np.random.Generator) -> Genotype:
    """Both cells rewritten."""
    return Genotype(
        rewrite_pair(genotype.normal, space, rng),
        rewrite_pair(genotype.reduce, space, rng),
    )
