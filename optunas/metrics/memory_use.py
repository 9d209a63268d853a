"""Memory that a network needs: weights and the most activations alive at once, without running it.

Read off an architecture's plan, without torch; of a network (or a user's own operation) by
recording its steps, which holds no data. The rule is that of :mod:`optunas.metrics.flow.live`:
every operation writes a tensor of its own, which lives until its last reader is done. A framework
needs more (workspaces, tensors that a calling function still names, the allocator's rounding);
:func:`optunas.metrics.measured_memory` measures that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics.costs import is_network
from optunas.metrics.flow.live import peak_inference, peak_training
from optunas.metrics.flow.planned import program_of
from optunas.metrics.flow.steps import Program
from optunas.nets.skeleton import Architecture, check_counts
from optunas.space.joint import Joint

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ITEM_BYTES", "OPTIMIZER_COPIES", "Memory", "memory", "peak_memory_bytes"]

ITEM_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
"""Bytes of one number."""

OPTIMIZER_COPIES = {"none": 0, "sgd": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""Numbers that an optimizer keeps for each parameter; SGD with momentum."""

COUNTER_BYTES = 8


@dataclass(frozen=True)
class Memory:
    """Bytes, by what they are for.

    Attributes:
        weights: parameters and running statistics.
        activations: the most that is alive at once; in training with what gradients need and the
            gradients of activations.
        gradients: of the parameters; 0 at inference.
        optimizer: its state; 0 at inference.
    """

    weights: int
    activations: int
    gradients: int = 0
    optimizer: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.activations + self.gradients + self.optimizer

    def __str__(self) -> str:
        parts = {name: value for name, value in vars(self).items() if value}
        told = ", ".join(f"{name} {value:,}" for name, value in parts.items())
        return f"{self.total:,} bytes ({told})"


def peak_memory_bytes(
    x: Architecture | Joint | nn.Module,
    input_shape: tuple[int, ...],
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    *,
    batch: int = 1,
    training: bool = False,
    optimizer: str = "sgd",
    dtype: str | None = None,
) -> int:
    """The most memory that ``x`` needs, in bytes: :attr:`Memory.total` of :func:`memory`."""
    return memory(
        x,
        input_shape,
        num_classes,
        channels,
        num_cells,
        batch=batch,
        training=training,
        optimizer=optimizer,
        dtype=dtype,
    ).total


def memory(
    x: Architecture | Joint | nn.Module,
    input_shape: tuple[int, ...],
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    *,
    batch: int = 1,
    training: bool = False,
    optimizer: str = "sgd",
    dtype: str | None = None,
) -> Memory:
    """Memory of one pass, by the rule of this module; an architecture's equals its network's.

    Args:
        x: an architecture, or a ``Joint`` that holds one, then the next arguments are those of
            ``build``; or a network, which needs ``input_shape`` alone.
        input_shape: of one sample, (channels, height, width) or (features,), without batch.
        num_classes: number of outputs.
        channels: as for ``build``.
        num_cells: as for ``build``.
        batch: samples at once.
        training: a forward and backward pass, with gradients and the optimizer's state.
        optimizer: of ``OPTIMIZER_COPIES``, for training.
        dtype: of ``ITEM_BYTES``; None is the network's own, float32 for an architecture.

    Raises:
        InvalidSpecError: when an architecture comes without classes, for a shape or count that
            cannot work, or an input that the network cannot take.
        InvalidArchitectureError: when ``x`` is neither an architecture nor a network.
        UnknownNameError: for another optimizer or dtype.
    """
    (batch,) = check_counts(batch=batch)
    if optimizer not in OPTIMIZER_COPIES:
        raise UnknownNameError("optimizer", optimizer, OPTIMIZER_COPIES)
    if dtype is not None and dtype not in ITEM_BYTES:
        raise UnknownNameError("dtype", dtype, ITEM_BYTES)
    itemsize = ITEM_BYTES[dtype or "float32"]
    if is_network(x):
        from optunas.metrics.flow.recorded import item_bytes, network_program

        program = network_program(x, input_shape, training)
        itemsize = item_bytes(x) if dtype is None else itemsize
    elif num_classes is None:
        raise InvalidSpecError(
            "The memory of an architecture needs input_shape and num_classes, such as "
            "peak_memory_bytes(cell, (3, 32, 32), 10)."
        )
    else:
        program = program_of(x, input_shape, num_classes, channels, num_cells, training)  # type: ignore[arg-type]
    return _memory(program, batch, training, OPTIMIZER_COPIES[optimizer], itemsize)


def _memory(program: Program, batch: int, training: bool, copies: int, itemsize: int) -> Memory:
    held = program.weights
    weights = (held.params + held.buffers) * itemsize + held.counters * COUNTER_BYTES
    if not training:
        return Memory(weights, batch * peak_inference(program) * itemsize)
    activations = peak_training(program).in_bytes(batch, itemsize)
    gradients = held.params * itemsize
    return Memory(weights, activations, gradients, copies * gradients)
