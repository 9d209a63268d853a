"""The network of a ``Subnet``: each inverted residual block is a segment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from optunas.metrics.flow.builder import Builder, Shape
from optunas.metrics.flow.steps import Program, Segment
from optunas.nets.subnet_plan import BlockPlan, ConvPlan, HeadPlan, SubnetPlan

__all__ = ["subnet_program"]


def subnet_program(plan: SubnetPlan, input_shape: tuple[int, int, int]) -> Program:
    """The program of the network that ``build`` makes."""
    return Program(math.prod(input_shape), tuple(_segments(plan, input_shape)))


def _segments(
    plan: SubnetPlan, shape: tuple[int, int, int]
) -> Iterator[tuple[Segment, tuple[int, ...]]]:
    builder = Builder(shape)
    yield builder.done(_conv(builder, 0, plan.stem)), (0,)
    value, at = 1, (plan.stem.channels_out, plan.stem.height, plan.stem.width)
    for stage in plan.stages:
        for block in stage:
            yield _block(block, at), (value,)
            value += 1
            at = (block.project.channels_out, block.project.height, block.project.width)
    yield _head(plan.head, at), (value,)


def _conv(builder: Builder, x: int, plan: ConvPlan) -> int:
    x = builder.conv(x, plan.channels_out, plan.kernel, plan.stride, plan.groups)
    return builder.activation(builder.norm(x), plan.activation)


@lru_cache(maxsize=4096)
def _block(plan: BlockPlan, shape: Shape) -> Segment:
    builder, x = Builder(shape), 0
    if plan.expand is not None:
        x = _conv(builder, x, plan.expand)
    x = _conv(builder, x, plan.depthwise)
    if plan.squeezed:
        gate = builder.conv(builder.read_out(x), plan.squeezed, bias=True)
        gate = builder.conv(builder.activation(gate), plan.depthwise.channels_out, bias=True)
        x = builder.weigh(x, builder.activation(gate, "hardsigmoid"))
    x = _conv(builder, x, plan.project)
    return builder.done(builder.total([0, x]) if plan.residual else x)


@lru_cache(maxsize=1024)
def _head(plan: HeadPlan, shape: Shape) -> Segment:
    builder, x = Builder(shape), 0
    if plan.conv is not None:
        x = _conv(builder, x, plan.conv)
    x = builder.read_out(x)
    if plan.features:
        x = builder.activation(builder.linear(x, plan.features, bias=False), plan.activation)
    return builder.done(builder.linear(x, plan.num_classes))
