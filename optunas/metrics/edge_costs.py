"""What each operation costs on each edge: the closed form, taken apart.

The cost of a cell architecture is a fixed part and a sum over its edges, so that a limit on it can
be met exactly while the architecture is being put together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optunas.metrics.closed_form import place_cost, shared_cost
from optunas.nets.skeleton import default_counts, places, skeleton
from optunas.space.cell import Cell, Edge
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import Cost
from optunas.space.two_input import CellSpace

__all__ = ["EdgeCosts", "cell_edges", "cell_kinds", "edge_costs"]

CELL_KINDS = {1: ("cell",), 2: ("normal", "reduce")}
"""The kinds of cells by a cell's number of inputs, as a layer's ``cell`` counts them."""


class EdgeCosts(NamedTuple):
    """A cost taken apart.

    Attributes:
        fixed: of stem, preprocessing, reductions between stages and head.
        params, flops: for each kind of cell (E, O) whole numbers, all its places in the network
            added up; rows as in :func:`cell_edges`, columns as in ``space.operations``.
    """

    fixed: Cost
    params: dict[str, np.ndarray]
    flops: dict[str, np.ndarray]


def cell_kinds(space: CellSpace | DenseCellSpace) -> tuple[str, ...]:
    """``("cell",)`` of a dense space, ``("normal", "reduce")`` of a two-input one."""
    return CELL_KINDS[_inputs(space)]


def cell_edges(space: CellSpace | DenseCellSpace) -> list[tuple[int, int]]:
    """All possible edges (source, target) of a cell, by target and source."""
    first = _inputs(space)
    last = space.num_nodes + (first if first == 2 else 0)
    return [(source, target) for target in range(first, last) for source in range(target)]


def edge_costs(
    space: CellSpace | DenseCellSpace,
    input_shape: tuple[int, ...],
    num_outputs: int,
    channels: int | None = None,
    num_cells: int | None = None,
) -> EdgeCosts:
    """Parameters and FLOPs of every operation on every edge, for the network that ``build`` makes.

    For any member, ``fixed`` and the entries of its edges add up to :func:`optunas.metrics.params`
    and (twice the fixed multiply-accumulates) :func:`optunas.metrics.flops`. Arguments and errors
    are those of ``optunas.build``.
    """
    member: Any = next(iter(space.enumerate(1)))
    plan = skeleton(member, input_shape, num_outputs, *default_counts(channels, num_cells))
    fixed, layers = shared_cost(plan)
    edges, kinds, inputs = cell_edges(space), cell_kinds(space), _inputs(space)
    own = {operation.name: operation for operation in space.operations}
    shape = (len(edges), len(space.operations))
    params = {kind: np.zeros(shape, dtype=np.int64) for kind in kinds}
    flops = {kind: np.zeros(shape, dtype=np.int64) for kind in kinds}
    for layer, count in layers:
        kind = kinds[layer.cell]
        for column, operation in enumerate(space.operations):
            full = Cell(tuple(Edge(s, t, operation.name) for s, t in edges), inputs)
            for row, place in enumerate(places(full, layer)):
                one = place_cost(place, own)
                params[kind][row, column] += count * one.params
                flops[kind][row, column] += 2 * count * one.macs
    return EdgeCosts(fixed, params, flops)


def _inputs(space: CellSpace | DenseCellSpace) -> int:
    return 2 if isinstance(space, CellSpace) else 1
