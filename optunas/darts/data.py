"""The two halves of the training data: one for the weights, one for the alphas, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from optunas.darts.numbers import is_whole
from optunas.errors import DataError, InvalidSpecError
from optunas.tasks import InMemoryTask, NetworkTask
from optunas.tasks.split import split_indices
from optunas.train import TrainSettings

__all__ = ["Batch", "Halves", "check_seed", "mixed"]

Batch = tuple[Tensor, Tensor]


def check_seed(seed: object) -> None:
    """Raise InvalidSpecError for a seed that cannot be."""
    if not is_whole(seed, 0) or seed >= 2**32:  # type: ignore[operator]
        raise InvalidSpecError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}.")


class Halves:
    """Pairs of batches, one of each half; every epoch in an order drawn from (seed, epoch).

    A task in memory has its training part split into two stratified halves by ``seed``. A task
    over the user's own loaders gives its training loader to the weights and its validation loader
    to the alphas, whose validation score is then no longer a held-out one.

    Args:
        task: a task whose candidates are networks.
        batch_size: of both halves; loaders have their own.
        seed: of split and orders.
        device: where the batches are.

    Raises:
        InvalidSpecError: for a task without networks, or a seed that cannot be.
        DataError: when a half would hold fewer than two samples, or not every class.
    """

    def __init__(self, task: NetworkTask, batch_size: int, seed: int, device: torch.device) -> None:
        if not isinstance(task, NetworkTask):
            raise InvalidSpecError(
                f"A differentiable search needs a task whose candidates are networks, such as "
                f"optunas.tasks.digits() or loaders(...); got a {type(task).__name__}."
            )
        check_seed(seed)
        self.task, self.batch_size, self.seed, self.device = task, batch_size, seed, device
        self._parts: list[Batch] = []
        self._steps: int | None = None
        if isinstance(task, InMemoryTask):
            self._split(task)

    def _split(self, task: InMemoryTask) -> None:
        x, y = task.tensors("train", self.device)
        classes = y.cpu().numpy() if task.kind == "classification" else None
        if len(x) < 4:
            raise DataError(
                f"The training data of {task.name!r} has {len(x)} samples, too few to split "
                "into a half for the weights and a half for the alphas; a search needs 4."
            )
        for rows in split_indices(len(x), (0.5, 0.5), self.seed, classes, parts=2):
            at = torch.from_numpy(rows).to(self.device)
            self._parts.append((x[at], y[at]))

    @property
    def held_out(self) -> bool:
        """Whether the task's validation part has no say in the search."""
        return bool(self._parts)

    def steps(self) -> int:
        """Pairs of batches an epoch; a loader that does not say is read through once."""
        if self._steps is None:
            self._steps = len(self._batches(0, 0)) if self._parts else self._counted()
        return self._steps

    def pairs(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """(training batch, validation batch) of one epoch; the second half is gone round in."""
        if self._parts:
            first, second = self._batches(0, epoch), self._batches(1, epoch)
            for at, rows in enumerate(first):
                yield self._at(0, rows), self._at(1, second[at % len(second)])
            return
        held_out = self._validation()
        for x, y in self._loader(epoch):
            batch = next(held_out, None)
            if batch is None:
                held_out = self._validation()
                batch = next(held_out)
            yield (x.to(self.device), y.to(self.device)), batch

    def validation(self) -> Iterator[Batch]:
        """The second half, once and in its own order: what choices are judged by."""
        if not self._parts:
            yield from self._validation()
            return
        for rows in _whole(torch.arange(len(self._parts[1][0])).split(self.batch_size)):
            yield self._at(1, rows.to(self.device))

    def _at(self, half: int, rows: Tensor) -> Batch:
        x, y = self._parts[half]
        return x.index_select(0, rows), y.index_select(0, rows)

    def _batches(self, half: int, epoch: int) -> list[Tensor]:
        """The rows of an epoch's batches."""
        count = len(self._parts[half][0])
        generator = torch.Generator().manual_seed(mixed(self.seed, epoch, half))
        order = torch.randperm(count, generator=generator).to(self.device)
        return _whole(order.split(self.batch_size))

    def _counted(self) -> int:
        loader = self._loader(0)
        try:
            return max(len(loader), 1)
        except TypeError:
            return max(sum(1 for _ in loader), 1)

    def _loader(self, epoch: int) -> Any:
        generator = torch.Generator().manual_seed(mixed(self.seed, epoch, 0))
        settings = TrainSettings(batch_size=self.batch_size)
        return self.task.train_batches(settings, self.device)(epoch, generator)

    def _validation(self) -> Iterator[Batch]:
        usual = 0
        for x, y in self.task.batches("validation", self.device):
            usual = max(usual, len(x))
            if len(x) == 1 < usual:
                continue  # a batch norm needs two samples
            yield x.to(self.device), self.task.goal.encode(torch.as_tensor(y)).to(self.device)


def _whole(batches: tuple[Tensor, ...]) -> list[Tensor]:
    """Without a last batch of a single sample: a batch norm needs two."""
    return [batch for batch in batches if len(batch) > 1]


def mixed(*parts: int) -> int:
    """One seed out of several numbers."""
    total = 0
    for part in parts:
        total = (total * 1_000_003 + part + 1) % (2**63 - 1)
    return total
