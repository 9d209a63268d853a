"""Puts a segment together, step by step, as the modules of a network run."""

from __future__ import annotations

from optunas.metrics.flow.steps import Segment, Step, Weights, moved

__all__ = ["Builder", "Shape"]

Shape = tuple[int, int, int]
"""(channels, height, width); a vector is (features, 1, 1)."""

INDEX_BYTES = 8
"""Of one index that a max pool keeps for its gradient, in torch."""

SAVES_OUTPUT = ("relu",)
"""Activations whose gradient needs their output; the others' needs their input."""


class Builder:
    """A segment that grows; every method returns the number of the tensor that it makes."""

    def __init__(self, *inputs: Shape) -> None:
        self.shapes = list(inputs)
        self.steps: list[Step] = []
        self._inputs = len(inputs)
        self._weights = Weights()

    def done(self, output: int) -> Segment:
        """The segment whose output is this tensor."""
        sizes = tuple([c * h * w for c, h, w in self.shapes])
        return Segment(sizes, tuple(self.steps), self._inputs, output, self._weights)

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
        c_in, *size = self.shapes[x]
        height, width = (-(-side // stride) for side in size)
        weights = kernel * kernel * (c_in // groups) * channels
        held = weights + channels * bias
        self._weights = self._weights.plus(Weights(held))
        shape = (channels, height, width)
        return self.step("conv", (x,), shape, weights * height * width, held, saves=(x,))

    def linear(self, x: int, features: int, bias: bool = True) -> int:
        """A fully connected layer."""
        weights = self.shapes[x][0] * features
        held = weights + features * bias
        self._weights = self._weights.plus(Weights(held))
        return self.step("linear", (x,), (features, 1, 1), weights, held, saves=(x,))

    def norm(self, x: int, kind: str = "batch", groups: int = 1) -> int:
        """A norm with weights: ``batch``, ``group`` (of so many groups) or ``layer``."""
        channels = self.shapes[x][0]
        batch = kind == "batch"
        state = Weights(2 * channels, 2 * channels * batch, int(batch))
        self._weights = self._weights.plus(state)
        made = self.step("norm", (x,), self.shapes[x], 0, 2 * channels, saves=(x,))
        if batch:
            self.steps[-1] = self.steps[-1]._replace(saved_stats=2 * channels)
        else:
            self.steps[-1] = self.steps[-1]._replace(saved_bytes=2 * 4 * groups)
        return made

    def activation(self, x: int, name: str | None = "relu") -> int:
        """An activation; None is none."""
        if name is None:
            return x
        keeps = len(self.shapes) if name in SAVES_OUTPUT else x
        return self.step("activation", (x,), self.shapes[x], saves=(keeps,))

    def pool(self, x: int, kind: str, stride: int = 1, factor: int | None = None) -> int:
        """A ``max`` or ``avg`` pool; ``factor`` is the block's side where blocks do not overlap."""
        channels, *size = self.shapes[x]
        height, width = (-(-side // (factor or stride)) for side in size)
        made = self.step("pool", (x,), (channels, height, width), saves=(x,))
        if kind == "max":
            indices = INDEX_BYTES * channels * height * width
            self.steps[-1] = self.steps[-1]._replace(saved_bytes=indices)
        return made

    def total(self, terms: list[int]) -> int:
        """The sum of tensors of one shape, one addition after the other."""
        so_far = terms[0]
        for term in terms[1:]:
            so_far = self.step("sum", (so_far, term), self.shapes[so_far])
        return so_far

    def cat(self, terms: list[int]) -> int:
        """Side by side, channels added up."""
        channels = sum([self.shapes[term][0] for term in terms])
        return self.step("cat", tuple(terms), (channels, *self.shapes[terms[0]][1:]))

    def read_out(self, x: int, kind: str = "average") -> int:
        """A vector of feature maps; to ``flatten`` them moves nothing and is no step."""
        channels, height, width = self.shapes[x]
        if kind == "flatten":
            # The same tensor under another shape: its number stays.
            self.shapes[x] = (channels * height * width, 1, 1)
            return x
        keeps = (x, len(self.shapes)) if kind == "max" else ()
        return self.step("mean", (x,), (channels, 1, 1), saves=keeps)

    def weigh(self, x: int, gate: int) -> int:
        """A product of maps and one number a channel."""
        return self.step("mul", (x, gate), self.shapes[x], saves=(x, gate))

    def zeros(self, shape: Shape) -> int:
        """A tensor that reads nothing."""
        return self.step("zeros", (), shape)

    def dropout(self, x: int) -> int:
        """Only training runs it: a mask, which its gradient needs, times the values."""
        mask = self.zeros(self.shapes[x])
        made = self.step("dropout", (x, mask), self.shapes[x], saves=(mask,))
        self.steps[-2:] = [step._replace(in_training=True) for step in self.steps[-2:]]
        return made

    def step(
        self,
        kind: str,
        reads: tuple[int, ...],
        shape: Shape,
        macs: int = 0,
        weights: int = 0,
        saves: tuple[int, ...] = (),
    ) -> int:
        """Any other step."""
        made = len(self.shapes)
        self.shapes.append(shape)
        self.steps.append(Step(kind, reads, made, macs, weights, saves))
        return made

    def splice(self, segment: Segment, reads: tuple[int, ...], shape: Shape) -> int:
        """A whole segment, whose output has this shape."""
        at = dict(enumerate(reads))
        for number in range(segment.inputs, len(segment.sizes)):
            at[number] = len(self.shapes)
            self.shapes.append((segment.sizes[number], 1, 1))
        self.steps += [moved(step, at) for step in segment.steps]
        self._weights = self._weights.plus(segment.weights)
        output = at[segment.output]
        if output not in reads:
            self.shapes[output] = shape
        return output
