"""Puts a segment together, step by step, as the modules of a network run."""

from __future__ import annotations

from optunas.metrics.flow.steps import Segment, Step, Weights, moved
from optunas.space.layers import Shape, Tally

__all__ = ["Builder"]


class Builder(Tally):
    """A segment that grows by the layers that it is told of."""

    def __init__(self, *inputs: Shape) -> None:
        super().__init__(*inputs)
        self.steps: list[Step] = []
        self._inputs = len(inputs)
        self._buffers = self._counters = 0

    def done(self, output: int) -> Segment:
        """The segment whose output is this tensor."""
        sizes = tuple([c * h * w for c, h, w in self.shapes])
        held = Weights(self.params, self._buffers, self._counters)
        return Segment(sizes, tuple(self.steps), self._inputs, output, held)

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
        """Keep one layer."""
        made = super().step(kind, reads, shape, macs, weights)
        if kind == "norm" and saved_stats:  # a batch norm: it runs on means and variances
            self._buffers += saved_stats
            self._counters += 1
        self.steps.append(
            Step(kind, reads, made, macs, weights, saves, saved_bytes, saved_stats, in_training)
        )
        return made

    def splice(self, segment: Segment, reads: tuple[int, ...], shape: Shape) -> int:
        """A whole segment, whose output has this shape."""
        at = dict(enumerate(reads))
        for number in range(segment.inputs, len(segment.sizes)):
            at[number] = len(self.shapes)
            self.shapes.append((segment.sizes[number], 1, 1))
        self.steps += [moved(step, at) for step in segment.steps]
        params, buffers, counters = segment.weights
        self.params += params
        self.macs += segment.macs
        self._buffers += buffers
        self._counters += counters
        output = at[segment.output]
        if output not in reads:
            self.shapes[output] = shape
        return output
