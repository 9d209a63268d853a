"""What a network computes, as steps that each read tensors and write one.

A :class:`Segment` is a piece of a network between two points where little is alive (a cell, a
block, a layer); a :class:`Program` is a whole network as segments in a row. Sizes are elements of
one sample, so a batch of ``n`` needs ``n`` times as much. No torch here.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Program", "Segment", "Step", "Weights", "flatten"]


class Step(NamedTuple):
    """One operation as a framework runs it: a convolution, a norm, an activation, a sum.

    Attributes:
        kind: ``conv``, ``linear``, ``norm``, ``activation``, ``pool``, ``sum``, ``cat``, ``mean``,
            ``mul``, ``pad``, ``zeros``, ``dropout``, or another operation's own name.
        reads: numbers of tensors.
        writes: number of the tensor that it makes.
        macs: multiply-accumulates of one sample.
        weights: elements of the parameters that it reads.
        saves: tensors that its gradient needs later.
        saved_bytes: what its gradient needs beside tensors, for each sample: a pool's indices.
        saved_stats: elements that its gradient needs, for the whole batch: a norm's means.
        in_training: whether inference leaves the step out, its output being its input (dropout).
    """

    kind: str
    reads: tuple[int, ...]
    writes: int
    macs: int = 0
    weights: int = 0
    saves: tuple[int, ...] = ()
    saved_bytes: int = 0
    saved_stats: int = 0
    in_training: bool = False


class Weights(NamedTuple):
    """What a network holds beside activations.

    Attributes:
        params: elements of trainable parameters.
        buffers: elements of other state in the network's type: running means and variances.
        counters: integers of 8 bytes: how many batches a norm has seen.
    """

    params: int = 0
    buffers: int = 0
    counters: int = 0

    def plus(self, other: Weights) -> Weights:
        """Both together."""
        return Weights(
            self.params + other.params,
            self.buffers + other.buffers,
            self.counters + other.counters,
        )


class Segment(NamedTuple):
    """A piece of a network.

    Attributes:
        sizes: elements of each tensor, for one sample; the first ``inputs`` come from outside.
        steps: in the order of execution.
        inputs: how many tensors come from outside.
        output: the tensor that goes on; an input where nothing is computed.
        weights: that its modules hold.
    """

    sizes: tuple[int, ...]
    steps: tuple[Step, ...]
    inputs: int
    output: int
    weights: Weights

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum([step.macs for step in self.steps])


class Program(NamedTuple):
    """A whole network.

    Values are numbered: 0 is the network's input, ``i`` what the i-th segment puts out.

    Attributes:
        input_size: elements of one input.
        segments: each with the values that it reads, in the order of its inputs.
    """

    input_size: int
    segments: tuple[tuple[Segment, tuple[int, ...]], ...]

    @property
    def weights(self) -> Weights:
        """Of all segments."""
        total = Weights()
        for segment, _ in self.segments:
            total = total.plus(segment.weights)
        return total

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum([segment.macs for segment, _ in self.segments])


def flatten(program: Program) -> Segment:
    """The program as one segment, whose input is the network's."""
    sizes, steps = [program.input_size], []
    values = [0]  # the tensor that each value is
    for segment, reads in program.segments:
        at = {number: values[value] for number, value in enumerate(reads)}
        for number in range(segment.inputs, len(segment.sizes)):
            at[number] = len(sizes)
            sizes.append(segment.sizes[number])
        for step in segment.steps:
            steps.append(moved(step, at))
        values.append(at[segment.output])
    return Segment(tuple(sizes), tuple(steps), 1, values[-1], program.weights)


def moved(step: Step, at: dict[int, int]) -> Step:
    """The step with other numbers for its tensors."""
    kind, reads, writes, macs, weights, saves, extra, stats, in_training = step
    reads = tuple([at[number] for number in reads])
    saves = tuple([at[number] for number in saves])
    return Step(kind, reads, at[writes], macs, weights, saves, extra, stats, in_training)
