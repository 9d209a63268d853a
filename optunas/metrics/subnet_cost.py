"""Parameters and multiply-accumulates of a ``Subnet`` without building it."""

from __future__ import annotations

from collections.abc import Iterator

from optunas.nets.subnet_plan import BlockPlan, ConvPlan, HeadPlan, subnet_plan
from optunas.space.operations import Cost
from optunas.space.subnet import Subnet

__all__ = ["subnet_cost"]


def subnet_cost(architecture: Subnet, input_shape: tuple[int, ...], num_outputs: int) -> Cost:
    """The cost of the network that ``build`` makes, exact.

    Multiply-accumulates of one image: those of convolutions and linear layers, the two 1x1
    convolutions of squeeze-and-excitation included, padding counted as if it were pixels.

    Raises:
        InvalidArchitectureError: naming all that is wrong with the sub-network.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """
    plan = subnet_plan(architecture, input_shape, num_outputs)
    parts = [_conv(plan.stem), *_head(plan.head)]
    for stage in plan.stages:
        for block in stage:
            parts += _block(block)
    return Cost(sum(part.params for part in parts), sum(part.macs for part in parts))


def _conv(plan: ConvPlan) -> Cost:
    """Convolution without bias and batch norm."""
    weights = plan.kernel**2 * (plan.channels_in // plan.groups) * plan.channels_out
    return Cost(weights + 2 * plan.channels_out, weights * plan.height * plan.width)


def _block(plan: BlockPlan) -> Iterator[Cost]:
    if plan.expand is not None:
        yield _conv(plan.expand)
    yield _conv(plan.depthwise)
    if plan.squeezed:
        hidden = plan.depthwise.channels_out
        weights = 2 * hidden * plan.squeezed
        yield Cost(weights + plan.squeezed + hidden, weights)
    yield _conv(plan.project)


def _head(plan: HeadPlan) -> Iterator[Cost]:
    if plan.conv is not None:
        yield _conv(plan.conv)
    if plan.features:
        weights = plan.pooled * plan.features
        yield Cost(weights, weights)
    weights = (plan.features or plan.pooled) * plan.num_classes
    yield Cost(weights + plan.num_classes, weights)
