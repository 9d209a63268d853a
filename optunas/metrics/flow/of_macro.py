"""The network of a ``Macro``: each layer and each join is a segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.operations import Own, own_segment
from optunas.metrics.flow.steps import Segment
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, MacroPlan, Source, groups
from optunas.space.layers import Shape, Tally
from optunas.space.macro_graph import ZERO
from optunas.space.macro_operations import POOLS

__all__ = ["OwnLayer", "as_maps", "macro_segments", "tell_head", "tell_node"]


OwnLayer = Callable[[Any, int, LayerPlan], int]
"""Tells a tally of a user's own operation on a tensor."""

Values = Mapping[int, int]
"""The tensor of the input, 0, and of the i-th node, i."""


def as_maps(input_shape: tuple[int, ...]) -> Shape:
    """The shape of an image, or of a vector as maps of one pixel."""
    channels, height, width = (*map(int, input_shape), 1, 1)[:3]
    return channels, height, width


def macro_segments(
    plan: MacroPlan, own: Own, shape: Shape
) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    """The network that ``build`` makes: each segment with the values that it reads."""
    spliced = {name: partial(_spliced, own) for name in own.by_name}
    for node in plan.nodes:
        terms = node.terms if isinstance(node, JoinPlan) else (node,)
        builder, values = _given([term.source for term in terms])
        yield builder.done(tell_node(builder, node, values, spliced)), tuple(values)
    builder, values = _given([plan.readout.source if plan.readout else Source(0, *shape, 0)])
    yield builder.done(tell_head(builder, plan, values)), tuple(values)


def _given(sources: list[Source]) -> tuple[Builder, dict[int, int]]:
    """A builder whose inputs are the distinct sources, and the tensor of each value."""
    shapes = {source.node: source.shape for source in sources if source.node != ZERO}
    return Builder(*shapes.values()), {node: tensor for tensor, node in enumerate(shapes)}


def _spliced(own: Own, builder: Builder, x: int, plan: LayerPlan) -> int:
    segment = own_segment(own.by_name[plan.operation], plan.place, own.training)
    return builder.splice(segment, (x,), (plan.channels, plan.height, plan.width))


def tell_node(
    net: Tally, plan: JoinPlan | LayerPlan, values: Values, own: Mapping[str, OwnLayer]
) -> int:
    """The layers of one node; ``own`` are the user's operations by name."""
    if isinstance(plan, JoinPlan):
        return _join(net, plan, values)
    tell = own.get(plan.operation, _layer)
    return tell(net, _tensor(net, plan.source, values), plan)


def tell_head(net: Tally, plan: MacroPlan, values: Values) -> int:
    """The layers after the nodes: readout, dense part and classifier."""
    x = 0
    if plan.readout is not None:
        x = net.read_out(_tensor(net, plan.readout.source, values), plan.readout.kind)
    for dense in plan.dense:
        x = _dense(net, x, dense)
    return net.linear(x, plan.num_outputs)


def _tensor(net: Tally, source: Source, values: Values) -> int:
    node = source.node
    return net.zeros(source.shape) if node == ZERO else values[node]


def _join(net: Tally, plan: JoinPlan, values: Values) -> int:
    aligned = [_tensor(net, source, values) for source, _, _ in plan.terms]
    for number, (_, factor, project) in enumerate(plan.terms):
        if factor > 1:
            aligned[number] = net.pool(aligned[number], "avg", factor=factor)
        if project:
            aligned[number] = net.conv(aligned[number], plan.channels)
    return net.cat(aligned) if plan.kind == "concat" else net.total(aligned)


def _layer(net: Tally, x: int, plan: LayerPlan) -> int:
    if plan.operation in POOLS:
        return net.pool(x, plan.operation[:3], 2)
    assert plan.kernel is not None
    bias = plan.norm == "none"
    if plan.operation == "sep_conv":
        c_in = net.shapes[x][0]
        x = net.conv(x, c_in, plan.kernel, plan.stride, groups=c_in)
        x = net.conv(x, plan.channels, bias=bias)
    else:
        x = net.conv(x, plan.channels, plan.kernel, plan.stride, bias=bias)
    if plan.norm == "batch":
        x = net.norm(x)
    elif plan.norm == "group":
        x = net.norm(x, "group", groups(plan.channels))
    return net.activation(x, plan.activation)


def _dense(net: Tally, x: int, plan: DensePlan) -> int:
    x = net.linear(x, plan.units, bias=plan.norm == "none")
    if plan.norm != "none":
        x = net.norm(x, plan.norm)
    x = net.activation(x, plan.activation)
    return net.dropout(x) if plan.dropout > 0 else x
