"""Networks made of cells: NAS-Bench-201's and DARTS's skeletons, and stacks in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.operations import Own, operation_segment
from optunas.metrics.flow.pieces import Piece
from optunas.metrics.flow.steps import Program, Segment
from optunas.nets.skeleton import (
    DenseLayer,
    Head,
    PairLayer,
    Preprocess,
    ResidualLayer,
    Skeleton,
    Stem,
    cell_at,
    cells_of,
    halve,
    places,
)
from optunas.space.cell import Cell, Genotype
from optunas.space.layers import Tally, factorized_reduce, relu_conv_norm
from optunas.space.stack import Stack

__all__ = ["cells_program", "head_piece", "piece_of"]


def cells_program(architecture: Cell | Genotype | Stack, plan: Skeleton, training: bool) -> Program:
    """The program of the network that ``build`` makes of this plan.

    ``training`` matters to own operations, whose steps may differ.
    """
    dense = cells_of(architecture)[0].num_inputs == 1
    segments = (_dense if dense else _pair)(architecture, plan, training)
    stem = plan.stem
    return Program(stem.channels_in * stem.height * stem.width, tuple(segments))


def _dense(
    architecture: Cell | Genotype | Stack, plan: Skeleton, training: bool
) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    made: dict[object, Segment] = {}  # a stage repeats one cell
    yield piece_of(plan.stem).segment, (0,)
    value, height, width = 1, 0, 0
    for layer in plan.layers:
        if layer not in made:
            if isinstance(layer, ResidualLayer):
                made[layer] = piece_of(layer).segment
            else:
                assert isinstance(layer, DenseLayer)
                made[layer] = _dense_cell(cell_at(architecture, layer), layer, training)
        yield made[layer], (value,)
        value += 1
        height, width = layer.height, layer.width
        if isinstance(layer, ResidualLayer):
            height, width = halve(height), halve(width)
    yield head_piece(plan.head, height, width).segment, (value,)


def _pair(
    architecture: Cell | Genotype | Stack, plan: Skeleton, training: bool
) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    yield piece_of(plan.stem).segment, (0,)
    before = previous = 1
    height = width = 0
    made: dict[tuple[PairLayer, bool], Segment] = {}
    for value, layer in enumerate(plan.layers, start=2):
        assert isinstance(layer, PairLayer)
        cell, same = cell_at(architecture, layer), before == previous
        if (layer, same) not in made:
            made[layer, same] = _pair_cell(cell, layer, same, training)
        yield made[layer, same], ((previous,) if same else (before, previous))
        before, previous = previous, value
        height, width = layer.height, layer.width
        if layer.stride == 2:
            height, width = halve(height), halve(width)
    yield head_piece(plan.head, height, width).segment, (previous,)


def piece_of(plan: Stem | ResidualLayer | Preprocess) -> Piece:
    """What stands around the cells, as one piece."""
    return Piece(_LAYERS[type(plan)], plan, ((plan.channels_in, plan.height, plan.width),))


def head_piece(plan: Head, height: int = 1, width: int = 1) -> Piece:
    """What follows the cells; its parameters and multiply-accumulates are those of any size."""
    return Piece(_head, plan, ((plan.channels, height, width),))


def _stem(net: Tally, plan: Stem) -> int:
    return net.norm(net.conv(0, plan.channels_out, 3))


def _residual(net: Tally, plan: ResidualLayer) -> int:
    shortcut = net.conv(net.pool(0, "avg", factor=2), plan.channels_out)
    body = relu_conv_norm(net, 0, plan.channels_out, stride=2, kernel=3)
    body = relu_conv_norm(net, body, plan.channels_out, kernel=3)
    return net.total([shortcut, body])


def _preprocess(net: Tally, plan: Preprocess, x: int = 0) -> int:
    if plan.stride == 2:
        return factorized_reduce(net, x, plan.channels_out)
    return relu_conv_norm(net, x, plan.channels_out)


_LAYERS: dict[type, Callable[[Tally, Any], int]] = {
    Stem: _stem,
    ResidualLayer: _residual,
    Preprocess: _preprocess,
}


def _head(net: Tally, plan: Head) -> int:
    last = net.activation(net.norm(0)) if plan.norm else 0
    return net.linear(net.read_out(last), plan.num_classes)


def _dense_cell(cell: Cell, layer: DenseLayer, training: bool) -> Segment:
    builder = Builder((layer.channels, layer.height, layer.width))
    return builder.done(_nodes(builder, cell, layer, [0], training)[-1])


def _pair_cell(cell: Cell, layer: PairLayer, same: bool, training: bool) -> Segment:
    """Where both inputs are the same tensor (the first cell's) there is only one input."""
    plans = (layer.before, layer.previous)
    inputs = [(plan.channels_in, plan.height, plan.width) for plan in plans]
    builder = Builder(*inputs[same:])
    states = [
        _preprocess(builder, layer.before),
        _preprocess(builder, layer.previous, 0 if same else 1),
    ]
    return builder.done(builder.cat(_nodes(builder, cell, layer, states, training)[2:]))


def _nodes(
    builder: Builder,
    cell: Cell,
    layer: DenseLayer | PairLayer,
    states: list[int],
    training: bool,
) -> list[int]:
    """The tensor of each node, inputs first; a node's edges run before its sum."""
    own = Own({operation.name: operation for operation in cell.operations}, training)
    zeros = "none" not in own.by_name or own.by_name["none"].factory is None
    height, width = layer.height, layer.width
    if layer.stride == 2:
        height, width = halve(height), halve(width)
    shape = (layer.channels, height, width)
    incoming: dict[int, list[int]] = {}
    at = places(cell, layer)
    for number, edge in enumerate(cell.edges):
        if not (zeros and edge.operation == "none"):  # the network leaves zeros out of a sum
            incoming.setdefault(edge.target, []).append(number)
    for node in range(cell.num_inputs, cell.num_nodes):
        terms = []
        for number in incoming.get(node, ()):
            segment = operation_segment(at[number], own)
            terms.append(builder.splice(segment, (states[cell.edges[number].source],), shape))
        states.append(builder.total(terms) if terms else builder.zeros(shape))
    return states
