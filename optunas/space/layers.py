"""The layers that networks are made of: what each makes, holds and computes. No torch.

A network is described by naming its layers to a :class:`Tally`, in the order in which they run. A
tally adds up parameters and multiply-accumulates; one that keeps more of each step
(:class:`optunas.metrics.flow.builder.Builder`) learns it from the same description.
"""

from __future__ import annotations

__all__ = ["Shape", "Tally", "factorized_reduce", "relu_conv_norm", "relu_separable_norm"]

Shape = tuple[int, int, int]
"""(channels, height, width); a vector is (features, 1, 1)."""

INDEX_BYTES = 8
"""Of one index that a max pool keeps for its gradient, in torch."""

SAVES_OUTPUT = ("relu",)
"""Activations whose gradient needs their output; the others' needs their input."""


class Tally:
    """Counts the layers that it is told of.

    Tensors are numbered, the inputs first. Every method stands for one layer that reads tensors,
    and returns the number of the one that it makes.

    Attributes:
        shapes: of all tensors, for one sample.
        params: elements of trainable parameters.
        macs: multiply-accumulates of one sample.
    """

    def __init__(self, *inputs: Shape) -> None:
        self.shapes = list(inputs)
        self.params = self.macs = 0

    def conv(
        self,
        x: int,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> int:
        """A convolution with "same" padding."""
        c_in, height, width = self.shapes[x]
        if stride > 1:
            height, width = -(-height // stride), -(-width // stride)
        weights = kernel * kernel * (c_in // groups) * channels
        shape, held = (channels, height, width), weights + channels * bias
        return self.step("conv", (x,), shape, weights * height * width, held, (x,))

    def linear(self, x: int, features: int, bias: bool = True) -> int:
        """A fully connected layer."""
        weights = self.shapes[x][0] * features
        held = weights + features * bias
        return self.step("linear", (x,), (features, 1, 1), weights, held, (x,))

    def norm(self, x: int, kind: str = "batch", groups: int = 1) -> int:
        """A norm with weights: ``batch``, ``group`` (of so many groups) or ``layer``."""
        shape = self.shapes[x]
        held = 2 * shape[0]
        beside = (0, held) if kind == "batch" else (2 * 4 * groups, 0)
        return self.step("norm", (x,), shape, 0, held, (x,), *beside)

    def activation(self, x: int, name: str | None = "relu") -> int:
        """An activation; None is none."""
        if name is None:
            return x
        keeps = len(self.shapes) if name in SAVES_OUTPUT else x
        return self.step("activation", (x,), self.shapes[x], 0, 0, (keeps,))

    def pool(self, x: int, kind: str, stride: int = 1, factor: int | None = None) -> int:
        """A ``max`` or ``avg`` pool; ``factor`` is the block's side where blocks do not overlap."""
        channels, height, width = self.shapes[x]
        side = factor or stride
        height, width = -(-height // side), -(-width // side)
        indices = INDEX_BYTES * channels * height * width if kind == "max" else 0
        return self.step("pool", (x,), (channels, height, width), 0, 0, (x,), indices)

    def total(self, terms: list[int]) -> int:
        """The sum of tensors of one shape, one addition after the other."""
        so_far = terms[0]
        for term in terms[1:]:
            so_far = self.step("sum", (so_far, term), self.shapes[so_far])
        return so_far

    def cat(self, terms: list[int]) -> int:
        """Side by side, channels added up."""
        shapes = [self.shapes[term] for term in terms]
        _, height, width = shapes[0]
        return self.step("cat", tuple(terms), (sum([c for c, _, _ in shapes]), height, width))

    def read_out(self, x: int, kind: str = "average") -> int:
        """A vector of feature maps; to ``flatten`` them moves nothing and is no step."""
        channels, height, width = self.shapes[x]
        if kind == "flatten":
            # The same tensor under another shape: its number stays.
            self.shapes[x] = (channels * height * width, 1, 1)
            return x
        keeps = (x, len(self.shapes)) if kind == "max" else ()
        return self.step("mean", (x,), (channels, 1, 1), 0, 0, keeps)

    def weigh(self, x: int, gate: int) -> int:
        """A product of maps and one number a channel."""
        return self.step("mul", (x, gate), self.shapes[x], 0, 0, (x, gate))

    def zeros(self, shape: Shape) -> int:
        """A tensor that reads nothing."""
        return self.step("zeros", (), shape)

    def dropout(self, x: int) -> int:
        """Only training runs it: a mask, which its gradient needs, times the values."""
        shape = self.shapes[x]
        mask = self.step("zeros", (), shape, in_training=True)
        return self.step("dropout", (x, mask), shape, saves=(mask,), in_training=True)

    def step(
        self,
        kind: str,
        reads: tuple[int, ...],
        shape: Shape,
        macs: int = 0,
        weights: int = 0,
        saves: tuple[int, ...] = (),
        saved_bytes: int = 0,
        saved_stats: int = 0,
        in_training: bool = False,
    ) -> int:
        """Any other layer, and what all of the above come to.

        The arguments are the attributes of :class:`optunas.metrics.flow.steps.Step`, but for the
        shape of the tensor that it makes.
        """
        self.shapes.append(shape)
        self.params += weights
        self.macs += macs
        return len(self.shapes) - 1


def relu_conv_norm(net: Tally, x: int, channels: int, stride: int = 1, kernel: int = 1) -> int:
    """ReLU, convolution, batch norm."""
    return net.norm(net.conv(net.activation(x), channels, kernel, stride))


def relu_separable_norm(net: Tally, x: int, channels: int, stride: int, kernel: int) -> int:
    """ReLU, one filter a channel, a 1x1 convolution, batch norm."""
    c_in = net.shapes[x][0]
    each = net.conv(net.activation(x), c_in, kernel, stride, groups=c_in)
    return net.norm(net.conv(each, channels))


def factorized_reduce(net: Tally, x: int, channels: int) -> int:
    """ReLU, two strided 1x1 convolutions, the second of the padded input, batch norm."""
    x = net.activation(x)
    c_in, height, width = net.shapes[x]
    padded = net.step("pad", (x,), (c_in, height + 1, width + 1))
    half = channels // 2
    even = net.conv(x, half, stride=2)
    # It reads the padded tensor without its first row and column, which is no tensor of its own.
    net.shapes[padded] = (c_in, height, width)
    odd = net.conv(padded, channels - half, stride=2)
    net.shapes[padded] = (c_in, height + 1, width + 1)
    return net.norm(net.cat([even, odd]))
