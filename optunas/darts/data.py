"""The two halves of the training data: one for the weights, one for the alphas, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from optunas.errors import DataError
from optunas.tasks import InMemoryTask, NetworkTask
from optunas.tasks.split import split_indices
from optunas.train import TrainSettings

__all__ = ["Halves"]


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
        DataError: when a half would hold fewer than two samples, or not every class.
    """

    def __init__(self, task: NetworkTask, batch_size: int, seed: int, device: torch.device) -> None:
        self.task, self.batch_size, self.seed, self.device = task, batch_size, seed, device
        self._parts: list[tuple[Tensor, Tensor]] = []
        if isinstance(task, InMemoryTask):
            x, y = task.tensors("train", device)
            classes = y.cpu().numpy() if task.kind == "classification" else None
            if len(x) < 4:
                raise DataError(
                    f"The training data of {task.name!r} has {len(x)} samples, too few to split "
                    "into a half for the weights and a half for the alphas; a search needs 4."
                )
            for rows in split_indices(len(x), (0.5, 0.5), seed, classes, parts=2):
                at = torch.from_numpy(rows).to(device)
                self._parts.append((x[at], y[at]))

    @property
    def held_out(self) -> bool:
        """Whether the task's validation part has no say in the search."""
        return bool(self._parts)

    def steps(self) -> int:
        """Pairs of batches an epoch; 1 where a loader does not say."""
        if self._parts:
            return max(-(-len(self._parts[0][0]) // self.batch_size), 1)
        try:
            return len(self._loader())
        except TypeError:
            return 1

    def pairs(self, epoch: int) -> Iterator[tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
        """(training batch, validation batch) of one epoch; the second half is gone round in."""
        if self._parts:
            first, second = self._batches(0, epoch), self._batches(1, epoch)
            yield from zip(first, second, strict=False)
            return
        held_out = self._validation()
        for x, y in self._loader(epoch):
            batch = next(held_out, None)
            if batch is None:
                held_out = self._validation()
                batch = next(held_out)
            yield (x.to(self.device), y.to(self.device)), batch

    def _batches(self, half: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self._parts[half]
        generator = torch.Generator().manual_seed(_mixed(self.seed, epoch, half))
        order = torch.randperm(len(x), generator=generator).to(self.device)
        batches = order.split(self.batch_size)
        # A batch norm needs two samples; the second half must not run out before the first.
        whole = [b for b in batches if len(b) > 1]
        for at in range(self.steps()):
            chosen = whole[at % len(whole)]
            yield x.index_select(0, chosen), y.index_select(0, chosen)

    def _loader(self, epoch: int = 0) -> Any:
        generator = torch.Generator().manual_seed(_mixed(self.seed, epoch, 0))
        settings = TrainSettings(batch_size=self.batch_size)
        return self.task.train_batches(settings, self.device)(epoch, generator)

    def _validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in self.task.batches("validation", self.device):
            yield x.to(self.device), self.task.goal.encode(torch.as_tensor(y)).to(self.device)


def _mixed(*parts: int) -> int:
    """One seed out of several numbers."""
    mixed = 0
    for part in parts:
        mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 1)
    return mixed
