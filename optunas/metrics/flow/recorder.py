"""Writes down what torch runs: the only place that looks below torch's modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from optunas.errors import InvalidSpecError
from optunas.metrics.flow.steps import Segment, Step, Weights

__all__ = ["Recorder"]

SHAPE_ONLY = (
    *("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided", "empty_strided"),
)
"""Operations that look at the shape of what they are given, not at its values."""

KEEPS_RESULT = ("relu", "sigmoid", "tanh", "exp", "sqrt", "rsqrt", "amax", "_softmax")
"""Operations whose gradient needs their result."""

KINDS = {
    "convolution": "conv",
    "addmm": "linear",
    "mm": "linear",
    "mean": "mean",
    "amax": "mean",
    "add": "sum",
    "constant_pad_nd": "pad",
    **dict.fromkeys(("relu", "gelu", "silu", "hardtanh", "hardswish"), "activation"),
    **dict.fromkeys(("hardsigmoid", "sigmoid", "tanh", "leaky_relu", "elu"), "activation"),
    **dict.fromkeys(("zeros", *SHAPE_ONLY), "zeros"),
}


class Recorder(TorchDispatchMode):
    """The steps of the pass that runs inside it.

    Args:
        x: the network's input; its first side is the batch.
        parameters: of the network.
        state: its parameters and buffers.
    """

    def __init__(self, x: Tensor, parameters: list[Tensor], state: list[Tensor]) -> None:
        super().__init__()
        self._batch, self._itemsize = len(x), x.element_size()
        self._numbers: dict[int, int] = {}  # a storage's identity -> its tensor's number
        self._storages: list[Any] = []  # kept, or identities would be used again
        self._tensors: list[_Tensor] = []
        self._weights = {self._identity(tensor): tensor.numel() for tensor in parameters}
        self._state = {self._identity(tensor) for tensor in state}
        self._steps: list[Step] = []
        self._beside: list[tuple[int, ...]] = []  # what each step put out beside its result
        self._keeps = False  # whether the last step's gradient needs its result
        self._learning: set[int] = set()  # tensors that parameters have a part in
        self._saved: list[int] = []  # since the last step
        self._number(x)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operation and write it down, unless it only looks at a tensor another way."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        given, made = list(_tensors((args, kwargs))), list(_tensors(out))
        old = {self._identity(tensor) for tensor in given}
        fresh = [tensor for tensor in made if self._identity(tensor) not in old]
        in_place = func._schema.is_mutable and bool(made) and not fresh
        if fresh or (in_place and self._identity(made[0]) not in self._state):
            name = func._schema.name.removeprefix("aten::")
            count = flop_registry.get(func.overloadpacket)
            flops = 0 if count is None else count(*args, **kwargs, out_val=out)
            self._write(name, given, fresh or made[:1], flops // (2 * self._batch))
        return out

    def save(self, tensor: Tensor) -> Tensor:
        """Autograd keeps ``tensor`` for a gradient."""
        if self._identity(tensor) not in self._state:
            self._saved.append(self._number(tensor))
        return tensor

    def segment(self, output: Any, weights: Weights) -> Segment:
        """What was recorded.

        Raises:
            InvalidSpecError: where the network returned no tensor.
        """
        results = [self._number(tensor) for tensor in _tensors(output)]
        if not results:
            raise InvalidSpecError(f"The network returned a {type(output).__name__}, not a tensor.")
        self._settle(None)
        read = {number for step in self._steps for number in step.reads} | set(results)
        steps: list[Step] = []
        for step, beside in zip(self._steps, self._beside, strict=True):
            unread = {number for number in beside if number not in read}
            steps.append(self._apart(step, unread))
            steps += [Step(step.kind, (), number) for number in beside if number in read]
        sizes = [-(-tensor.bytes // self._itemsize) for tensor in self._tensors]
        steps = [step for step in steps if sizes[step.writes] or step.macs or step.saved_stats]
        return Segment(tuple(sizes), tuple(steps), 1, results[0], weights)

    def _write(self, name: str, given: list[Tensor], made: list[Tensor], macs: int) -> None:
        own = {self._identity(tensor): tensor for tensor in given}
        activations = [t for at, t in own.items() if at not in self._state]
        reads = [] if name in SHAPE_ONLY else [self._number(tensor) for tensor in activations]
        weights = sum(self._weights.get(at, 0) for at in own)
        first, *beside = [self._number(tensor) for tensor in made]
        step = Step(_kind(name), tuple(reads), first, macs, weights)
        self._steps.append(step._replace(saves=self._settle(step)))
        self._beside.append(tuple(beside))
        learns = bool(weights) or not self._learning.isdisjoint(reads)
        if learns:
            self._learning.update((first, *beside))
        self._keeps = learns and name.rstrip("_") in KEEPS_RESULT

    def _settle(self, following: Step | None) -> tuple[int, ...]:
        """What was saved since the last step: its results here, the next one's inputs returned.

        Autograd saves what a gradient reads just before its step and the results just after.
        """
        saved, self._saved = self._saved, []
        last = self._steps[-1] if self._steps else None
        results = () if last is None else (last.writes, *self._beside[-1])
        before, after = [], []
        for number in dict.fromkeys(saved):
            made, read = number in results, following is not None and number in following.reads
            twice = saved.count(number) > 1
            if made and (not read or twice or self._keeps):
                before.append(number)
            if not made or (read and (twice or before[-1:] != [number])):
                after.append(number)
        if before and last is not None:
            self._steps[-1] = last._replace(saves=(*last.saves, *before))
        return tuple(after)

    def _apart(self, step: Step, beside: set[int]) -> Step:
        """The step with what it saved of its side results, and of constants, in their own terms."""
        tensors = self._tensors
        extra = [number for number in step.saves if number in beside or not tensors[number].bytes]
        stats = sum(tensors[n].constant for n in extra) // self._itemsize
        held = sum(tensors[number].bytes for number in extra)
        saves = tuple(number for number in step.saves if number not in extra)
        return step._replace(saves=saves, saved_bytes=held, saved_stats=stats)

    def _number(self, tensor: Tensor) -> int:
        at = self._identity(tensor)
        if at not in self._numbers:
            self._numbers[at] = len(self._tensors)
            self._tensors.append(self._sized(tensor))
        return self._numbers[at]

    def _sized(self, tensor: Tensor) -> _Tensor:
        size = tensor.untyped_storage().nbytes()
        if any(side % self._batch == 0 for side in tensor.shape):
            return _Tensor(size // self._batch, 0)
        return _Tensor(0, size)

    def _identity(self, tensor: Tensor) -> int:
        storage = tensor.untyped_storage()
        self._storages.append(storage)
        return id(storage)


class _Tensor:
    """Bytes for each sample, or for the whole batch."""

    def __init__(self, each: int, constant: int) -> None:
        self.bytes, self.constant = each, constant


def _kind(name: str) -> str:
    plain = name.rstrip("_") if not name.startswith("_") else name
    for part, kind in (("batch_norm", "norm"), ("layer_norm", "norm"), ("group_norm", "norm")):
        if part in plain:
            return kind
    return "pool" if "pool" in plain else KINDS.get(plain, plain)


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors inside tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))
