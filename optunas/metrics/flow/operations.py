"""The steps of one candidate operation of a cell, where it stands."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from optunas.errors import UnknownNameError
from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.steps import Segment, Step, Weights
from optunas.metrics.stated_cost import operation_cost
from optunas.nets.skeleton import Place
from optunas.space.operations import VOCABULARY, Operation

__all__ = ["Own", "factorized_reduce", "operation_segment", "own_segment", "relu_conv_norm"]


class Own(NamedTuple):
    """A user's own operations.

    Attributes:
        by_name: those that an architecture carries.
        training: whether their steps are those of training; inference leaves some out.
    """

    by_name: dict[str, Operation]
    training: bool = False


def operation_segment(place: Place, own: Own) -> Segment:
    """The segment of one edge's operation: one input, one output.

    An own operation with a factory is built and its steps are recorded, which needs torch; one that
    only states a cost is a single step.

    Raises:
        UnknownNameError: for an operation outside the vocabulary and the own ones.
    """
    operation = own.by_name.get(place.operation)
    if operation is not None and (operation.factory is not None or operation.cost is not None):
        size = (place.height, place.width)
        where = (place.channels, place.channels, place.stride, *size)
        return own_segment(operation, where, own.training)
    if place.operation not in VOCABULARY:
        raise UnknownNameError("operation", place.operation, {*VOCABULARY, *own.by_name})
    return _segment(*place)


@lru_cache(maxsize=4096)
def _segment(name: str, channels: int, stride: int, height: int, width: int) -> Segment:
    builder = Builder((channels, height, width))
    return builder.done(_steps(builder, name, channels, stride))


def _steps(builder: Builder, name: str, channels: int, stride: int) -> int:
    if name == "skip_connect":
        return 0 if stride == 1 else factorized_reduce(builder, 0, channels)
    if name in ("max_pool_3x3", "avg_pool_3x3"):
        return builder.pool(0, name[:3], stride)
    if name == "none":
        _, height, width = builder.shapes[0]
        return builder.zeros((channels, -(-height // stride), -(-width // stride)))
    kind, kernel = name.split("_")[0], int(name[-1])
    if kind == "nor":
        return relu_conv_norm(builder, 0, channels, kernel, stride)
    x = _depthwise(builder, 0, channels, kernel, stride)
    return _depthwise(builder, x, channels, kernel, 1) if kind == "sep" else x


def relu_conv_norm(builder: Builder, x: int, channels: int, kernel: int, stride: int) -> int:
    """ReLU, convolution, batch norm."""
    return builder.norm(builder.conv(builder.activation(x), channels, kernel, stride))


def _depthwise(builder: Builder, x: int, channels: int, kernel: int, stride: int) -> int:
    x = builder.activation(x)
    x = builder.conv(x, channels, kernel, stride, groups=channels)
    return builder.norm(builder.conv(x, channels))


def factorized_reduce(builder: Builder, x: int, channels: int) -> int:
    """ReLU, two strided 1x1 convolutions, the second of the padded input, batch norm."""
    x = builder.activation(x)
    c_in, height, width = builder.shapes[x]
    padded = builder.step("pad", (x,), (c_in, height + 1, width + 1))
    half = channels // 2
    even = builder.conv(x, half, stride=2)
    # It reads the padded tensor without its first row and column, which is no tensor of its own.
    builder.shapes[padded] = (c_in, height, width)
    odd = builder.conv(padded, channels - half, stride=2)
    builder.shapes[padded] = (c_in, height + 1, width + 1)
    return builder.norm(builder.cat([even, odd]))


def own_segment(
    operation: Operation, place: tuple[int, int, int, int, int], training: bool
) -> Segment:
    """A user's own operation: its steps as its module runs, or one step where it has no module.

    ``place`` is (channels_in, channels_out, stride, height, width), sizes of its input.

    Raises:
        InvalidSpaceError: when its factory or its cost gives nothing of use.
    """
    if operation.factory is not None:
        from optunas.metrics.flow.recorded import operation_recorded

        return operation_recorded(operation, place, training)
    channels_in, channels_out, stride, height, width = place
    cost = operation_cost(operation, *place)
    pixels = -(-height // stride) * -(-width // stride)
    step = Step(operation.name, (0,), 1, cost.macs, cost.params, saves=(0,))
    sizes = (channels_in * height * width, channels_out * pixels)
    return Segment(sizes, (step,), 1, 1, Weights(cost.params))
