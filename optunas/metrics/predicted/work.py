"""How much a piece of a network computes and moves, in plain numbers."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLASSES", "NOTHING", "Work", "conv", "linear", "moving", "total"]


class Work(NamedTuple):
    """The work of one input.

    Attributes:
        dense: multiply-accumulates of convolutions with a window.
        pointwise: of 1x1 convolutions.
        depthwise: of convolutions with one filter a channel.
        linear: of linear layers.
        traffic: numbers read and written, weights included, each step by itself.
        steps: kernels to launch, about: convolutions, norms, activations, sums.
    """

    dense: int = 0
    pointwise: int = 0
    depthwise: int = 0
    linear: int = 0
    traffic: int = 0
    steps: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all classes."""
        return self.dense + self.pointwise + self.depthwise + self.linear


CLASSES = Work._fields
"""The columns that whole networks are described by."""

NOTHING = Work()


def total(*parts: Work) -> Work:
    """The sum of several pieces."""
    return Work(*(sum(column) for column in zip(*parts, strict=True))) if parts else NOTHING


def conv(
    channels_in: int,
    channels_out: int,
    kernel: int,
    inside: int,
    outside: int,
    groups: int = 1,
    around: int = 1,
) -> Work:
    """A convolution from ``inside`` pixels to ``outside`` ones.

    ``around`` counts what reads and writes the output once more: a norm, an activation.
    """
    weights = kernel * kernel * channels_in // groups * channels_out
    macs = weights * outside
    moved = channels_in * inside + weights + (1 + 2 * around) * channels_out * outside
    if groups > 1:
        return Work(depthwise=macs, traffic=moved, steps=1 + around)
    if kernel == 1:
        return Work(pointwise=macs, traffic=moved, steps=1 + around)
    return Work(dense=macs, traffic=moved, steps=1 + around)


def linear(features: int, units: int, around: int = 0) -> Work:
    """A fully connected layer."""
    weights = features * units
    return Work(
        linear=weights, traffic=features + weights + (1 + 2 * around) * units, steps=1 + around
    )


def moving(read: int, written: int, steps: int = 1) -> Work:
    """What computes next to nothing: pools, sums, activations."""
    return Work(traffic=read + written, steps=steps)
