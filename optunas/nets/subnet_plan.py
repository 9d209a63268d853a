"""The plan of a sub-network's network in plain integers; no torch.

Both the network and the closed-form costs read it, so that they cannot disagree. Every resolution
is ``ceil(size / stride)``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from optunas.errors import InvalidArchitectureError
from optunas.nets.skeleton import check_counts, check_input_shape
from optunas.space.subnet import Subnet, hidden_channels, subnet_faults

__all__ = ["BlockPlan", "ConvPlan", "HeadPlan", "SubnetPlan", "squeezed_channels", "subnet_plan"]


class ConvPlan(NamedTuple):
    """A convolution without bias, batch norm and perhaps an activation; sizes of its output."""

    channels_in: int
    channels_out: int
    kernel: int
    stride: int
    groups: int
    activation: str | None
    height: int
    width: int


class BlockPlan(NamedTuple):
    """One inverted residual block: ``expand`` is None where the expansion is 1.

    ``squeezed`` is the number of channels that squeeze-and-excitation goes through, 0 without it;
    ``residual`` whether the block's input is added to its output.
    """

    expand: ConvPlan | None
    depthwise: ConvPlan
    squeezed: int
    project: ConvPlan
    residual: bool


class HeadPlan(NamedTuple):
    """After the stages: a 1x1 convolution or None, average pool, linear layers.

    ``pooled`` channels go into a linear layer of ``features`` units without bias (0: none), then
    into the classifier with bias.
    """

    conv: ConvPlan | None
    pooled: int
    features: int
    activation: str
    num_classes: int


class SubnetPlan(NamedTuple):
    """A whole network."""

    stem: ConvPlan
    stages: tuple[tuple[BlockPlan, ...], ...]
    head: HeadPlan


def subnet_plan(subnet: Subnet, input_shape: tuple[int, ...], num_classes: int) -> SubnetPlan:
    """The plan of ``subnet``'s network.

    Args:
        subnet: any, of an elastic space or written by hand.
        input_shape: (channels, height, width), without batch; any size from 1x1 on.
        num_classes: number of outputs.

    Raises:
        InvalidArchitectureError: naming all that is wrong with the sub-network.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """
    found = subnet_faults(subnet)
    if found:
        raise InvalidArchitectureError("\n".join(found))
    (outputs,) = check_counts(num_classes=num_classes)
    return _plan(subnet, check_input_shape(input_shape), outputs)


def squeezed_channels(hidden: int) -> int:
    """What squeeze-and-excitation reduces ``hidden`` channels to: a quarter, in eights.

    The nearest multiple of 8, at least 8, and the next one where that is below nine tenths of the
    quarter; as in the authors' code.
    """
    quarter = hidden // 4
    nearest = max(8, (quarter + 4) // 8 * 8)
    return nearest if 10 * nearest >= 9 * quarter else nearest + 8


@lru_cache(maxsize=1024)
def _plan(subnet: Subnet, shape: tuple[int, int, int], num_classes: int) -> SubnetPlan:
    channels, *size = shape
    outer, stride = subnet.activation, subnet.stem_stride
    size = [_strided(side, stride) for side in size]
    stem = ConvPlan(channels, subnet.stem, 3, stride, 1, outer, *size)
    channels = subnet.stem
    stages = []
    for stage in subnet.stages:
        blocks = []
        for number, block in enumerate(stage.blocks):
            stride = stage.stride if number == 0 else 1
            hidden = hidden_channels(channels, block.expansion)
            act, expand = stage.activation, None
            if block.expansion != 1:
                expand = ConvPlan(channels, hidden, 1, 1, 1, act, *size)
            size = [_strided(side, stride) for side in size]
            depthwise = ConvPlan(hidden, hidden, block.kernel, stride, hidden, act, *size)
            squeezed = squeezed_channels(hidden) if stage.squeeze_excite else 0
            project = ConvPlan(hidden, stage.width, 1, 1, 1, None, *size)
            residual = stride == 1 and channels == stage.width
            blocks.append(BlockPlan(expand, depthwise, squeezed, project, residual))
            channels = stage.width
        stages.append(tuple(blocks))
    conv = ConvPlan(channels, subnet.head, 1, 1, 1, outer, *size) if subnet.head else None
    head = HeadPlan(conv, subnet.head or channels, subnet.features, outer, num_classes)
    return SubnetPlan(stem, tuple(stages), head)


def _strided(size: int, stride: int) -> int:
    return -(-size // stride)
