"""The network of a ``Subnet``: each inverted residual block is a piece."""

from __future__ import annotations

from collections.abc import Iterator

from optunas.metrics.flow.pieces import Piece
from optunas.nets.subnet_plan import BlockPlan, ConvPlan, HeadPlan, SubnetPlan
from optunas.space.layers import Shape, Tally

__all__ = ["subnet_pieces"]


def subnet_pieces(plan: SubnetPlan, shape: Shape) -> Iterator[Piece]:
    """The network that ``build`` makes, piece after piece."""
    yield Piece(_stem, plan.stem, (shape,))
    last = plan.stem
    for stage in plan.stages:
        for block in stage:
            yield Piece(_block, block, (_made(last),))
            last = block.project
    yield Piece(_head, plan.head, (_made(last),))


def _made(plan: ConvPlan) -> Shape:
    return plan.channels_out, plan.height, plan.width


def _stem(net: Tally, plan: ConvPlan) -> int:
    return _conv(net, 0, plan)


def _conv(net: Tally, x: int, plan: ConvPlan) -> int:
    x = net.conv(x, plan.channels_out, plan.kernel, plan.stride, plan.groups)
    return net.activation(net.norm(x), plan.activation)


def _block(net: Tally, plan: BlockPlan) -> int:
    x = 0 if plan.expand is None else _conv(net, 0, plan.expand)
    x = _conv(net, x, plan.depthwise)
    if plan.squeezed:
        gate = net.conv(net.read_out(x), plan.squeezed, bias=True)
        gate = net.conv(net.activation(gate), plan.depthwise.channels_out, bias=True)
        x = net.weigh(x, net.activation(gate, "hardsigmoid"))
    x = _conv(net, x, plan.project)
    return net.total([0, x]) if plan.residual else x


def _head(net: Tally, plan: HeadPlan) -> int:
    x = net.read_out(0 if plan.conv is None else _conv(net, 0, plan.conv))
    if plan.features:
        x = net.activation(net.linear(x, plan.features, bias=False), plan.activation)
    return net.linear(x, plan.num_classes)
