"""Tasks whose data fits into memory: tensors, and batches by index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from optunas.errors import DataError
from optunas.tasks.goals import Classes, Goal, Numbers
from optunas.tasks.network_task import NetworkTask
from optunas.train import TrainSettings
from optunas.train.loop import Batches

__all__ = ["InMemoryTask", "Part"]

_PIXELS_AT_ONCE = 1 << 18  # scoring batches of this size stay in a CPU's cache


@dataclass(frozen=True)
class Part:
    """Some of the data.

    Attributes:
        x: images (N, channels, height, width) or vectors (N, features).
        y: (N,) classes or (N, targets).
    """

    x: NDArray[Any]
    y: NDArray[Any]


class InMemoryTask(NetworkTask):
    """Images or vectors in memory, split into training, validation and test parts.

    Inputs are standardised per channel (images) or feature (vectors) and regression targets per
    column, all with the training part's mean and standard deviation; a channel or feature that
    never changes becomes 0. So a zero, which augmentation and dropout put in, is the mean. Classes
    are numbers from 0. The task owns no random numbers.

    Attributes:
        input_mean, input_std: per channel or feature; what a deployed network's inputs must go
            through.
        classes: the label of each output; empty for regression.
    """

    def __init__(
        self,
        name: str,
        parts: Mapping[str, Part],
        score: str,
        options: Mapping[str, Any],
        kind: str = "classification",
        classes: tuple[Any, ...] = (),
    ) -> None:
        for part, data in parts.items():
            _sound(part, data, name)
        train = parts["train"]
        goal: Goal = Classes(len(classes)) if kind == "classification" else _numbers(train.y)
        super().__init__(name, score, goal, train.x.shape[1:], options, kind)
        self.classes = classes
        others = tuple(axis for axis in range(train.x.ndim) if axis != 1)
        mean = train.x.mean(axis=others, dtype=np.float64)
        std = train.x.std(axis=others, dtype=np.float64)
        self.input_mean = tuple(mean.tolist())
        self.input_std = tuple(np.where(std > 1e-7 * np.abs(mean), std, 1.0).tolist())
        self._parts = dict(parts)
        self._tensors: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}

    def part(self, name: str) -> Part:
        """The raw data of ``train``, ``validation`` or ``test``."""
        return self._parts[name]

    def train_batches(self, settings: TrainSettings, device: torch.device) -> Batches:
        """Shuffled batches; a last batch of a single sample is left out (batch norm needs two)."""
        x, y = self.tensors("train", device)

        def epoch_batches(epoch: int, generator: torch.Generator) -> _Shuffled:
            order = torch.randperm(len(x), generator=generator)
            return _Shuffled(x, y, order.to(device), settings.batch_size)

        return epoch_batches

    def batches(self, part: str, device: torch.device) -> Iterable[tuple[Tensor, NDArray[Any]]]:
        """The part in its order, in batches whose size only depends on the inputs' size."""
        x, _ = self.tensors(part, device)
        truth = self.part(part).y
        size = min(max(_PIXELS_AT_ONCE // self._positions, 16), 1024)
        for start in range(0, len(x), size):
            yield x[start : start + size], truth[start : start + size]

    def fingerprint(self) -> str:
        """A hash of all inputs and targets, part by part."""
        digest = hashlib.sha256(f"{self.kind} {self.score_name} {self.classes!r}".encode())
        for name, part in sorted(self._parts.items()):
            for array in (part.x, part.y):
                digest.update(f"{name} {array.shape} {array.dtype}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def tensors(self, part: str, device: torch.device) -> tuple[Tensor, Tensor]:
        """A part's standardised inputs and its targets as the loss takes them, on ``device``.

        Moved there once.
        """
        key = (str(device), part)
        if key not in self._tensors:
            data = self.part(part)
            shape = (-1,) + (1,) * (data.x.ndim - 2)
            wide = np.result_type(data.x.dtype, np.float32)  # bytes stay narrow, float64 exact
            mean = np.array(self.input_mean, wide).reshape(shape)
            std = np.array(self.input_std, wide).reshape(shape)
            x = ((data.x.astype(wide) - mean) / std).astype(np.float32, copy=False)
            inputs, targets = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, data.y))
            self._tensors[key] = inputs.to(device), self.goal.encode(targets).to(device)
        return self._tensors[key]


class _Shuffled:
    """One epoch's batches, with a length."""

    def __init__(self, x: Tensor, y: Tensor, order: Tensor, size: int) -> None:
        self._x, self._y, self._size = x, y, size
        single = len(order) % size == 1 and len(order) > 1 and size > 1
        self._order = order[:-1] if single else order

    def __len__(self) -> int:
        return -(-len(self._order) // self._size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in self._order.split(self._size):
            yield self._x.index_select(0, chosen), self._y.index_select(0, chosen)


def _numbers(y: NDArray[Any]) -> Goal:
    mean, std = y.mean(axis=0), y.std(axis=0)
    if (y == y[0]).all(axis=0).any():
        column = int(np.argmax((y == y[0]).all(axis=0)))
        raise DataError(
            f"Target {column} of y is the same in all {len(y)} training samples: there is nothing "
            "to learn; drop it or check y."
        )
    return Numbers(tuple(mean.tolist()), tuple(std.tolist()))


def _sound(part: str, data: Part, name: str) -> None:
    if data.x.ndim not in (2, 4) or len(data.x) != len(data.y) or data.x.size == 0:
        raise DataError(
            f"{name}: the {part} part has x of shape {data.x.shape} and y of shape {data.y.shape}; "
            "x must be (samples, channels, height, width) or (samples, features), with a y for "
            "each sample."
        )
    for what, array in (("x", data.x), ("y", data.y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataError(
                f"{name}: {what} of the {part} part has NaN or infinite values (first in sample "
                f"{row}): remove or fill them."
            )
