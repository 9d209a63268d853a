"""The terms of a ``Subnet``."""

from __future__ import annotations

from functools import lru_cache

from optunas.metrics.predicted.terms import Counted, Term
from optunas.metrics.predicted.work import Work, conv, linear, moving, total
from optunas.nets.subnet_plan import BlockPlan, ConvPlan, HeadPlan, subnet_plan
from optunas.space.subnet import Subnet

__all__ = ["subnet_terms"]


def subnet_terms(
    architecture: Subnet, input_shape: tuple[int, ...], num_outputs: int
) -> list[Counted]:
    """Every convolution with its norm and activation, gates, residual sums, and the head."""
    plan = subnet_plan(architecture, input_shape, num_outputs)
    found = [_conv(plan.stem)]
    for stage in plan.stages:
        for block in stage:
            found += _block(block)
    last = plan.stages[-1][-1].project if plan.stages else plan.stem
    return [*found, *_head(plan.head, last)]


@lru_cache(maxsize=65536)
def _conv(plan: ConvPlan) -> Counted:
    """The plan has the sizes of the output; those of the input are at most a pixel smaller here."""
    outside = plan.height * plan.width
    inside = outside * plan.stride**2
    around = 1 if plan.activation is None else 2
    work = conv(
        plan.channels_in, plan.channels_out, plan.kernel, inside, outside, plan.groups, around
    )
    kind = "depthwise" if plan.groups > 1 else "pointwise" if plan.kernel == 1 else "conv"
    name = f"{kind}_{plan.kernel}x{plan.kernel}_{plan.activation or 'linear'}"
    place = (plan.channels_in, plan.channels_out, plan.stride)
    size = (plan.height * plan.stride, plan.width * plan.stride)
    return Counted(Term(name, *place, *size, work), 1, 1, plan)


@lru_cache(maxsize=65536)
def _block(plan: BlockPlan) -> tuple[Counted, ...]:
    found = [] if plan.expand is None else [_conv(plan.expand)]
    found.append(_conv(plan.depthwise))
    if plan.squeezed:
        found.append(_gate(plan.depthwise, plan.squeezed))
    found.append(_conv(plan.project))
    if plan.residual:
        c, height, width = plan.project.channels_out, plan.project.height, plan.project.width
        size = c * height * width
        found.append(
            Counted(Term("add", c, c, 1, height, width, moving(2 * size, size)), 1, 1, "add")
        )
    return tuple(found)


def _gate(plan: ConvPlan, squeezed: int) -> Counted:
    hidden = plan.channels_out
    size = hidden * plan.height * plan.width
    work = total(
        moving(size, hidden),
        conv(hidden, squeezed, 1, 1, 1),
        conv(squeezed, hidden, 1, 1, 1),
        moving(size, size),
    )
    term = Term("squeeze_excite", hidden, squeezed, 1, plan.height, plan.width, work)
    return Counted(term, 1, 1, ("squeeze_excite", hidden, squeezed))


def _head(plan: HeadPlan, last: ConvPlan) -> list[Counted]:
    found = [] if plan.conv is None else [_conv(plan.conv)]
    size = plan.pooled * last.height * last.width
    parts: list[Work] = [moving(size, plan.pooled)]
    if plan.features:
        parts.append(linear(plan.pooled, plan.features, 1))
    parts.append(linear(plan.features or plan.pooled, plan.num_classes))
    work = total(*parts)
    term = Term("head", plan.pooled, plan.num_classes, 1, last.height, last.width, work)
    return [*found, Counted(term, 1, 1, plan)]
