"""What is alive while a network runs: the most, at inference and in training.

One rule for all. Every step writes a tensor of its own; a tensor is alive from the step that writes
it through the last step that reads it, and the network's input from the start. What a framework
allocates inside a step (indices of a max pool at inference, a convolution's workspace) is not
counted.
"""

from __future__ import annotations

from typing import NamedTuple

from optunas.metrics.flow.steps import Program, Segment, Step, flatten

__all__ = ["Kept", "peak_inference", "peak_segment", "peak_training"]


class Kept(NamedTuple):
    """Memory at one moment of a training step.

    Attributes:
        elements: of activations and their gradients, for one sample.
        bytes: kept beside them for each sample, whatever the type of the network.
        stats: elements kept for the whole batch.
    """

    elements: int
    bytes: int
    stats: int

    def in_bytes(self, batch: int, itemsize: int) -> int:
        """For a batch of so many samples."""
        return batch * (self.elements * itemsize + self.bytes) + self.stats * itemsize


def peak_inference(program: Program) -> int:
    """The most elements that are alive at once, for one sample."""
    own = {id(segment): segment for segment, _ in program.segments}  # a stage repeats its cell
    inferring = {key: _inferring(segment) for key, segment in own.items()}
    needs = {key: _needed(segment) for key, segment in inferring.items()}
    roots, sizes, segments = [0], [program.input_size], []
    for made, reads in program.segments:
        segment, whole = inferring[id(made)], tuple([roots[value] for value in reads])
        segments.append((segment, whole))
        # What passes an input on makes no tensor: the value is the earlier one.
        passes = segment.output < segment.inputs
        roots.append(whole[segment.output] if passes else len(roots))
        sizes.append(segment.sizes[segment.output])
    last = [0] * len(roots)  # the last segment that needs each tensor between segments
    for number, (made, _) in enumerate(program.segments):
        for at in needs[id(made)]:
            last[segments[number][1][at]] = number
    last[roots[-1]] = len(segments)
    peak, known = 0, {}
    for number, (segment, reads) in enumerate(segments):
        beside = [
            sizes[tensor]
            for tensor in range(number + 1)
            if roots[tensor] == tensor and last[tensor] > number and tensor not in reads
        ]
        kept = tuple([last[tensor] > number for tensor in reads])
        stays = last[roots[number + 1]] > number
        key = (id(segment), kept, stays)
        if key not in known:
            known[key] = peak_segment(segment, kept, stays)
        peak = max(peak, known[key] + sum(beside))
    return peak


def peak_segment(segment: Segment, kept: tuple[bool, ...] = (), keep_output: bool = True) -> int:
    """The most elements alive at once inside a segment.

    Args:
        segment: of steps that inference runs.
        kept: which inputs are needed after it.
        keep_output: whether anything needs its output.
    """
    last = _last_uses(segment, kept, keep_output)
    ending: dict[int, list[int]] = {}
    for tensor, when in enumerate(last):
        ending.setdefault(when, []).append(tensor)
    sizes = segment.sizes
    alive = sum([sizes[t] for t in range(segment.inputs) if last[t] >= 0])
    peak, there = alive, set(range(segment.inputs))
    for number, step in enumerate(segment.steps):
        if step.writes not in there:
            there.add(step.writes)
            alive += sizes[step.writes]
        peak = max(peak, alive)
        for tensor in ending.get(number, ()):
            alive -= sizes[tensor]
    return peak


def peak_training(program: Program) -> Kept:
    """The most that is alive at once in a forward and backward pass, weights aside.

    Forward: what is alive and what gradients will need. Backward, in reverse: a step's turn has
    what it and the steps before it saved, and the gradient of every tensor that was alive in its
    turn forward; tensors that no parameter has a part in have none.
    """
    segment = flatten(program)
    sizes, last = segment.sizes, _last_uses(segment, (), True)
    learns = _learns(segment)
    saved: set[int] = set()
    alive: set[int] = {0}
    beside = stats = 0
    peak = Kept(sizes[0], 0, 0)
    for number, step in enumerate(segment.steps):
        alive.add(step.writes)
        if step.writes in learns:
            saved.update(step.saves)
            beside += step.saved_bytes
            stats += step.saved_stats
        held = sum([sizes[tensor] for tensor in saved])
        forward = held + sum([sizes[tensor] for tensor in alive - saved])
        backward = held + sum([sizes[tensor] for tensor in alive & learns])
        peak = max(peak, Kept(max(forward, backward), beside, stats), key=_order)
        alive = {tensor for tensor in alive if last[tensor] > number}
    return peak


def _order(kept: Kept) -> int:
    return 4 * kept.elements + kept.bytes


def _learns(segment: Segment) -> set[int]:
    """The tensors that parameters have a part in."""
    learns: set[int] = set()
    for step in segment.steps:
        if step.weights or not learns.isdisjoint(step.reads):
            learns.add(step.writes)
    return learns


def _last_uses(segment: Segment, kept: tuple[bool, ...], keep_output: bool) -> list[int]:
    """The last step that needs each tensor; -1 for an input that nothing needs."""
    end = len(segment.steps)
    last = [-1] * len(segment.sizes)
    for number, step in enumerate(segment.steps):
        last[step.writes] = number
        for tensor in step.reads:
            last[tensor] = number
    if keep_output:
        last[segment.output] = end
    for tensor, stays in enumerate(kept):
        if stays:
            last[tensor] = end
    return last


def _needed(segment: Segment) -> list[int]:
    """The inputs that a segment really needs."""
    needed = {tensor for step in segment.steps for tensor in step.reads} | {segment.output}
    return [tensor for tensor in range(segment.inputs) if tensor in needed]


def _inferring(segment: Segment) -> Segment:
    """The segment without the steps that only training runs."""
    if not any(step.in_training for step in segment.steps):
        return segment
    same: dict[int, int] = {}
    steps: list[Step] = []
    for step in segment.steps:
        reads = tuple(same.get(tensor, tensor) for tensor in step.reads)
        if step.in_training:
            same[step.writes] = reads[0] if reads else step.writes
        else:
            steps.append(step._replace(reads=reads))
    output = same.get(segment.output, segment.output)
    return segment._replace(steps=tuple(steps), output=output)
