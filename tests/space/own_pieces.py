"""A user's operations and spaces, importable by name; shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optunas.space import Choice, Cost, Int, Operation, Parameter, Space


def make_shift(channels_in: int, channels_out: int, stride: int) -> Any:
    """x + 1: parameter-free, yet zero does not stay zero."""
    from torch import nn

    class Shift(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[:, :, ::stride, ::stride] + 1.0

    return Shift()


def make_mute(channels_in: int, channels_out: int, stride: int) -> Any:
    """Zeros under another name than ``none``."""
    from torch import nn

    class Mute(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[:, :, ::stride, ::stride] * 0.0

    return Mute()


def make_same(channels_in: int, channels_out: int, stride: int) -> Any:
    """The input itself under another name than ``skip_connect``; a weight at stride 2."""
    from torch import nn

    return nn.Identity() if stride == 1 else nn.Conv2d(channels_in, channels_out, 1, stride=stride)


def make_scale(channels_in: int, channels_out: int, stride: int) -> Any:
    """A 1x1 convolution with bias."""
    from torch import nn

    return nn.Conv2d(channels_in, channels_out, 1, stride=stride)


def scale_cost(c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    """Closed form of :func:`make_scale`."""
    area = -(-height // stride) * -(-width // stride)
    return Cost(c_in * c_out + c_out, c_in * c_out * area)


SHIFT = Operation("shift", make_shift, parameter_free=True, weightless=True)
MUTE = Operation("mute", make_mute, parameter_free=True, weightless=True, zero=True)
SAME = Operation("same", make_same, parameter_free=True, identity=True)
SCALE = Operation("scale", make_scale, scale_cost)
OWN_SET = ("none", MUTE, "skip_connect", SAME, "avg_pool_3x3", SHIFT, SCALE)


@dataclass(frozen=True)
class Stack:
    """An own architecture: some layers of one width."""

    layers: int
    width: str


@dataclass(frozen=True, eq=False)
class StackSpace(Space[Stack]):
    """An own space with an argument."""

    deepest: int = 5

    def parameters(self) -> dict[str, Parameter]:
        return {"layers": Int(1, self.deepest), "width": Choice(("narrow", "wide"))}

    def encode(self, architecture: Stack) -> dict[str, Any]:
        return {"layers": architecture.layers, "width": architecture.width}

    def decode(self, values: Mapping[str, Any]) -> Stack:
        return Stack(values["layers"], values["width"])


class PlainSpace(StackSpace):
    """An own space that keeps its argument under another name, so it cannot be stored."""

    def __init__(self, depth: int) -> None:
        super().__init__(depth)


@dataclass(frozen=True, eq=False)
class NetworkSpace(StackSpace):
    """An own space with networks of its own."""

    def build(self, stack: Stack, input_shape: Any, outputs: int, settings: Any) -> Any:
        """(N, *input_shape) -> (N, outputs)."""
        from torch import nn

        channels, net = input_shape[0], nn.Sequential()
        for _ in range(stack.layers):
            width = 4 if stack.width == "narrow" else 8
            net.extend([nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()])
            channels = width
        return net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)])


@dataclass(frozen=True, eq=False)
class DivisorSpace(Space[int]):
    """An own space whose members are bare numbers."""

    highest: int

    def parameters(self) -> dict[str, Parameter]:
        return {"number": Int(1, self.highest)}

    def encode(self, architecture: int) -> dict[str, Any]:
        return {"number": architecture}

    def decode(self, values: Mapping[str, Any]) -> int:
        return values["number"]
