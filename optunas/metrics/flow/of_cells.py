"""Networks made of cells: NAS-Bench-201's and DARTS's skeletons, and stacks in them."""

from __future__ import annotations

from collections.abc import Iterator

from optunas.metrics.flow.builder import Builder, Shape
from optunas.metrics.flow.operations import (
    Own,
    factorized_reduce,
    operation_segment,
    relu_conv_norm,
)
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
from optunas.space.stack import Stack

__all__ = ["cells_program"]


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
    yield _stem(plan.stem), (0,)
    value, shape = 1, (0, 0, 0)
    for layer in plan.layers:
        if layer not in made:
            if isinstance(layer, ResidualLayer):
                made[layer] = _residual(layer)
            else:
                assert isinstance(layer, DenseLayer)
                made[layer] = _dense_cell(cell_at(architecture, layer), layer, training)
        yield made[layer], (value,)
        value += 1
        if isinstance(layer, ResidualLayer):
            shape = (layer.channels_out, halve(layer.height), halve(layer.width))
        else:
            shape = (layer.channels, layer.height, layer.width)
    yield _head(plan.head, shape), (value,)


def _pair(
    architecture: Cell | Genotype | Stack, plan: Skeleton, training: bool
) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    yield _stem(plan.stem), (0,)
    before = previous = 1
    shape = (0, 0, 0)
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
        shape = ((cell.num_nodes - 2) * layer.channels, height, width)
    yield _head(plan.head, shape), (previous,)


def _stem(stem: Stem) -> Segment:
    builder = Builder((stem.channels_in, stem.height, stem.width))
    return builder.done(builder.norm(builder.conv(0, stem.channels_out, 3)))


def _head(head: Head, shape: Shape) -> Segment:
    builder, x = Builder(shape), 0
    if head.norm:
        x = builder.activation(builder.norm(x))
    return builder.done(builder.linear(builder.read_out(x), head.num_classes))


def _residual(layer: ResidualLayer) -> Segment:
    builder = Builder((layer.channels_in, layer.height, layer.width))
    shortcut = builder.conv(builder.pool(0, "avg", factor=2), layer.channels_out)
    body = relu_conv_norm(builder, 0, layer.channels_out, 3, 2)
    body = relu_conv_norm(builder, body, layer.channels_out, 3, 1)
    return builder.done(builder.total([shortcut, body]))


def _dense_cell(cell: Cell, layer: DenseLayer, training: bool) -> Segment:
    builder = Builder((layer.channels, layer.height, layer.width))
    return builder.done(_nodes(builder, cell, layer, [0], training)[-1])


def _pair_cell(cell: Cell, layer: PairLayer, same: bool, training: bool) -> Segment:
    """Where both inputs are the same tensor (the first cell's) there is only one input."""
    plans = (layer.before, layer.previous)
    inputs = [(plan.channels_in, plan.height, plan.width) for plan in plans]
    builder = Builder(*inputs[same:])
    states = [
        _preprocess(builder, 0, layer.before),
        _preprocess(builder, 0 if same else 1, layer.previous),
    ]
    return builder.done(builder.cat(_nodes(builder, cell, layer, states, training)[2:]))


def _preprocess(builder: Builder, x: int, plan: Preprocess) -> int:
    if plan.stride == 2:
        return factorized_reduce(builder, x, plan.channels_out)
    return relu_conv_norm(builder, x, plan.channels_out, 1, 1)


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
