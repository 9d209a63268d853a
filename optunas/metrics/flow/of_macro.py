"""The network of a ``Macro``: each layer and each join is a segment."""

from __future__ import annotations

import math
from collections.abc import Iterator

from optunas.metrics.flow.builder import Builder, Shape
from optunas.metrics.flow.operations import Own, own_segment
from optunas.metrics.flow.steps import Program, Segment
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, MacroPlan, Source, groups
from optunas.space.macro_graph import ZERO
from optunas.space.macro_operations import POOLS

__all__ = ["macro_program"]


def macro_program(plan: MacroPlan, own: Own, input_shape: tuple[int, ...]) -> Program:
    """The program of the network that ``build`` makes."""
    return Program(math.prod(input_shape), tuple(_segments(plan, own)))


def _segments(plan: MacroPlan, own: Own) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    for node in plan.nodes:
        if isinstance(node, JoinPlan):
            yield _join(node)
        else:
            yield _layer(node, own), _reads([node.source])
    if plan.readout is None:
        builder = Builder((plan.dense[0].features if plan.dense else plan.features, 1, 1))
        yield _classify(builder, 0, plan), (0,)
        return
    builder, (x,) = _sources([plan.readout.source])
    x = builder.read_out(x, plan.readout.kind)
    yield _classify(builder, x, plan), _reads([plan.readout.source])


def _sources(sources: list[Source]) -> tuple[Builder, list[int]]:
    """A builder whose inputs are the distinct sources, and the tensor of each; zeros are made."""
    nodes = _reads(sources)
    shapes = {source.node: _shape(source) for source in sources}
    builder = Builder(*[shapes[node] for node in nodes])
    tensors = []
    for source in sources:
        zero = source.node == ZERO
        tensors.append(builder.zeros(_shape(source)) if zero else nodes.index(source.node))
    return builder, tensors


def _reads(sources: list[Source]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(source.node for source in sources if source.node != ZERO))


def _shape(source: Source) -> Shape:
    return source.channels, source.height, source.width


def _join(plan: JoinPlan) -> tuple[Segment, tuple[int, ...]]:
    sources = [term.source for term in plan.terms]
    builder, tensors = _sources(sources)
    aligned = []
    for term, x in zip(plan.terms, tensors, strict=True):
        if term.factor > 1:
            x = builder.pool(x, "avg", factor=term.factor)
        aligned.append(builder.conv(x, plan.channels) if term.project else x)
    joined = builder.cat(aligned) if plan.kind == "concat" else builder.total(aligned)
    return builder.done(joined), _reads(sources)


def _layer(plan: LayerPlan, own: Own) -> Segment:
    builder, (x,) = _sources([plan.source])
    if plan.operation in own.by_name:
        size = (plan.source.height, plan.source.width)
        place = (plan.source.channels, plan.channels, plan.stride, *size)
        segment = own_segment(own.by_name[plan.operation], place, own.training)
        shape = (plan.channels, plan.height, plan.width)
        return builder.done(builder.splice(segment, (x,), shape))
    if plan.operation in POOLS:
        return builder.done(builder.pool(x, plan.operation[:3], 2))
    assert plan.kernel is not None
    bias = plan.norm == "none"
    if plan.operation == "sep_conv":
        c_in = plan.source.channels
        x = builder.conv(x, c_in, plan.kernel, plan.stride, groups=c_in)
        x = builder.conv(x, plan.channels, bias=bias)
    else:
        x = builder.conv(x, plan.channels, plan.kernel, plan.stride, bias=bias)
    if plan.norm == "batch":
        x = builder.norm(x)
    elif plan.norm == "group":
        x = builder.norm(x, "group", groups(plan.channels))
    return builder.done(builder.activation(x, plan.activation))


def _classify(builder: Builder, x: int, plan: MacroPlan) -> Segment:
    for dense in plan.dense:
        x = _dense(builder, x, dense)
    return builder.done(builder.linear(x, plan.num_outputs))


def _dense(builder: Builder, x: int, plan: DensePlan) -> int:
    x = builder.linear(x, plan.units, bias=plan.norm == "none")
    if plan.norm != "none":
        x = builder.norm(x, plan.norm)
    x = builder.activation(x, plan.activation)
    return builder.dropout(x) if plan.dropout > 0 else x
