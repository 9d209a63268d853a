"""The one batch that zero-cost proxies look at: of a task's training data, or noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.of_task import network_shape
from optunas.train import TrainSettings
from optunas.train.random_state import seeded

__all__ = ["BATCH_SIZE", "Batch", "as_batch", "noise_batch", "task_batch"]

BATCH_SIZE = 64
"""Samples of a batch, as in most of the papers."""

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """What a proxy may look at.

    Attributes:
        x: inputs (N, *input_shape), N from 2 on.
        y: targets, as the loss takes them.
        loss: ``(outputs, y) -> scalar``, the mean over the batch.
        seed: of what a proxy draws besides (weights, noise).
    """

    x: Tensor
    y: Tensor
    loss: Loss
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.x) < 2 or len(self.x) != len(self.y):
            raise InvalidSpecError(
                "A proxy's batch needs at least two inputs and a target for each, got "
                f"{len(self.x)} inputs and {len(self.y)} targets."
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one input, without batch."""
        return tuple(self.x.shape[1:])

    def generator(self) -> torch.Generator:
        """A new stream of random numbers, the same at each call and on every device."""
        return torch.Generator().manual_seed(self.seed)

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """The batch on ``device``, its floating numbers as ``dtype``."""
        x, y = (t.to(device, dtype if t.is_floating_point() else t.dtype) for t in (self.x, self.y))
        return Batch(x, y, self.loss, self.seed)


def task_batch(task: Any, size: int = BATCH_SIZE, seed: int = 0) -> Batch:
    """Random training samples of ``task`` with its loss; no data of validation or test is read.

    A task that builds networks but shows no batches (a table of recorded results) gives noise in
    its inputs' shape, with classes at random.

    Args:
        task: see :class:`optunas.tasks.Task`.
        size: samples; fewer where the task has fewer.
        seed: of the choice.

    Raises:
        InvalidSpecError: for a task without networks, a size below 2 or a wrong seed.
    """
    _check(size, seed)
    shape = network_shape(task)
    if not hasattr(task, "train_batches") or not hasattr(task, "goal"):
        return noise_batch(shape, task.num_outputs or 2, size, seed)
    settings = TrainSettings(batch_size=size)
    draw = torch.Generator().manual_seed(seed)
    xs, ys, count = [], [], 0
    with seeded(seed):  # a loader may shuffle by torch's global numbers
        for x, y in task.train_batches(settings, torch.device("cpu"))(0, draw):
            xs.append(x)
            ys.append(y)
            count += len(x)
            if count >= size:
                break
    return Batch(torch.cat(xs)[:size], torch.cat(ys)[:size], task.goal.loss(settings), seed)


def noise_batch(
    input_shape: tuple[int, ...], num_outputs: int, size: int = BATCH_SIZE, seed: int = 0
) -> Batch:
    """Standard normal inputs; random classes, or with one output standard normal targets.

    Raises:
        InvalidSpecError: for sizes below 1 (2 for the batch's), or a wrong seed.
    """
    _check(size, seed)
    sizes = (*input_shape, num_outputs)
    if not input_shape or any(
        isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in sizes
    ):
        raise InvalidSpecError(
            "Noise needs input_shape, such as (3, 32, 32) without batch, and a number of outputs, "
            f"all of them positive integers; got {input_shape!r} and {num_outputs!r}."
        )
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn((size, *input_shape), generator=draw)
    if num_outputs == 1:
        return Batch(x, torch.randn((size, 1), generator=draw), F.mse_loss, seed)
    y = torch.randint(num_outputs, (size,), generator=draw)
    return Batch(x, y, F.cross_entropy, seed)


def as_batch(given: Batch | tuple[Tensor, Tensor], seed: int = 0) -> Batch:
    """A user's pair (x, y): whole numbers (N,) are classes, others targets of a squared error.

    Raises:
        InvalidSpecError: for anything that is no such pair.
    """
    if isinstance(given, Batch):
        return given
    pair = isinstance(given, (tuple, list)) and len(given) == 2
    if not pair or not all(isinstance(t, Tensor) and t.ndim for t in given):
        raise InvalidSpecError(
            f"batch must be a pair of tensors (x, y), got a {type(given).__name__}."
        )
    x, y = given
    return Batch(x, y, F.mse_loss if y.is_floating_point() else F.cross_entropy, seed)


def _check(size: int, seed: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or size < 2:
        raise InvalidSpecError(f"A proxy's batch needs a size of at least 2, got {size!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidSpecError(f"seed must be a whole number from 0 on, got {seed!r}.")
