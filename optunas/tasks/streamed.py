"""Tasks whose data comes batch by batch from the user's own loaders."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from optunas.errors import DataError, InvalidSpecError
from optunas.tasks.goals import Classes, Goal, Numbers
from optunas.tasks.network_task import NetworkTask
from optunas.train import TrainSettings, seeded
from optunas.train.loop import Batches

__all__ = ["LoaderTask"]


class LoaderTask(NetworkTask):
    """See :func:`optunas.tasks.loaders`. Holds the loaders, never their data."""

    def __init__(
        self,
        parts: Mapping[str, Iterable[Any]],
        name: str,
        kind: str,
        score: str,
        num_classes: int | None,
        target_stats: tuple[float, float],
    ) -> None:
        for part, loader in parts.items():
            if not isinstance(loader, Iterable) or isinstance(loader, Iterator):
                raise DataError(
                    f"The {part} loader is a {type(loader).__name__}, which cannot be read once an "
                    "epoch: give a DataLoader or another object that can be iterated anew."
                )
        with seeded(0):  # looking must not use up the caller's random numbers
            first = next(iter(parts["train"]), None)
        if first is None:
            raise DataError("The train loader is empty: it yields no batch.")
        x, y = _pair(first, kind, "Batch 0 of the train loader")
        goal = _goal(kind, num_classes, target_stats, y)
        super().__init__(name, score, goal, tuple(x.shape[1:]), {}, kind)
        self._loaders = dict(parts)

    def train_batches(self, settings: TrainSettings, device: torch.device) -> Batches:
        """The train loader's batches; ``settings.batch_size`` has no part in it."""
        return lambda epoch, generator: _Epoch(self, self._loaders["train"], generator)

    def batches(self, part: str, device: torch.device) -> Iterable[tuple[Tensor, NDArray[Any]]]:
        """The part's batches, inputs on ``device``; in one order, whatever was read before."""
        with _reseeded(self._loaders.get(part), torch.Generator().manual_seed(0)):
            for x, y in self.checked(part):
                yield x.to(device, non_blocking=True), y.cpu().numpy()

    def checked(self, part: str) -> Iterator[tuple[Tensor, Tensor]]:
        """The loader's batches: float32 (N, *input_shape), class numbers or float64 (N, targets).

        Raises:
            DataError: for what the network could not be trained or judged on.
        """
        if part not in self._loaders:
            raise DataError(
                f"The task {self.name!r} has no {part} data: give loaders(..., {part}=...)."
            )
        low, high, number = math.inf, -math.inf, -1
        for number, batch in enumerate(self._loaders[part]):
            where = f"Batch {number} of the {part} loader"
            x, y = _pair(batch, self.kind, where)
            self._fits(x, y, where)
            if self.kind == "classification":
                smallest, largest = (int(v) for v in y.aminmax())
                low, high = min(low, smallest), max(high, largest)
            yield x, y
        if number < 0:
            raise DataError(f"The {part} loader is empty: it yields no batch.")
        if low == high:
            raise DataError(
                f"All labels of the {part} loader are {low}: there is nothing to learn or judge."
            )

    def fingerprint(self) -> str:
        """A hash of the name, the shapes and the number of samples, not of the data itself."""
        sizes = {part: _size(loader) for part, loader in sorted(self._loaders.items())}
        text = f"{self.name} {self.kind} {self.score_name} {self.input_shape} {self.goal} {sizes}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _fits(self, x: Tensor, y: Tensor, where: str) -> None:
        if tuple(x.shape[1:]) != self.input_shape:
            raise DataError(
                f"{where} has inputs of shape {tuple(x.shape[1:])}; the first batch of the train "
                f"loader had {self.input_shape}."
            )
        for what, values in (("x", x), ("y", y)):
            # a sum is quicker than a look at each value; it is not finite when any of them is not
            if not math.isfinite(values.sum().item()) and not torch.isfinite(values).all():
                raise DataError(f"{where} has NaN or infinite values in {what}: remove them.")
        if self.kind == "regression" and y.shape[1] != self.num_outputs:
            raise DataError(
                f"{where} has {y.shape[1]} targets a sample; the first batch of the train loader "
                f"had {self.num_outputs}."
            )
        if self.kind == "classification" and (y.min() < 0 or y.max() >= self.num_outputs):
            raise DataError(
                f"{where} has labels from {int(y.min())} to {int(y.max())}; with num_classes="
                f"{self.num_outputs} they must lie from 0 to {self.num_outputs - 1}."
            )


class _Epoch:
    """One epoch of the train loader, with its length when the loader has one."""

    def __init__(self, task: LoaderTask, loader: Any, generator: torch.Generator) -> None:
        self._task, self._loader, self._generator = task, loader, generator

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        usual = 0
        with _reseeded(self._loader, self._generator):
            for x, y in self._task.checked("train"):
                usual = max(usual, len(y))
                if len(y) == 1 < usual:
                    continue  # a last batch of a single sample: batch norm needs two
                yield x, self._task.goal.encode(y)


@contextmanager
def _reseeded(loader: Any, generator: torch.Generator) -> Iterator[None]:
    """Let a loader's own generator follow the run's seed, and put it back afterwards."""
    own = getattr(loader, "generator", None)
    if not isinstance(own, torch.Generator):
        yield
        return
    before = own.get_state()
    own.manual_seed(int(torch.randint(2**62, (), generator=generator)))
    try:
        yield
    finally:
        own.set_state(before)


def _pair(batch: Any, kind: str, where: str) -> tuple[Tensor, Tensor]:
    """A batch as float32 (N, C, H, W) or (N, features), and int64 (N,) or float64 (N, targets)."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise DataError(f"{where} is a {type(batch).__name__}; it must be a pair (x, y).")
    x, y = batch
    fits = isinstance(x, Tensor) and x.dim() in (2, 4) and x.is_floating_point()
    if not fits or not x.numel():
        raise DataError(
            f"{where} has x {_described(x)}; it must be a tensor of floats of shape "
            "(N, channels, height, width) or (N, features)."
        )
    wanted = "integers of shape (N,)" if kind == "classification" else "(N,) or (N, targets)"
    fits = isinstance(y, Tensor) and y.dim() in (1, 2) and len(y) == len(x)
    if kind == "classification":
        fits = fits and y.dim() == 1 and not y.is_floating_point()
    if not fits:
        raise DataError(f"{where} has y {_described(y)} for {len(x)} inputs; it must be {wanted}.")
    return x.float(), y.long() if kind == "classification" else y.double().reshape(len(y), -1)


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"of shape {tuple(value.shape)} and {value.dtype}"
    return f"of type {type(value).__name__}"


def _goal(kind: str, num_classes: int | None, target_stats: tuple[float, float], y: Tensor) -> Goal:
    if kind == "regression":
        mean, std = (float(value) for value in target_stats)
        if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
            raise InvalidSpecError(
                f"target_mean must be finite and target_std above 0, got {target_stats!r}."
            )
        return Numbers((mean,) * y.shape[1], (std,) * y.shape[1])
    if not isinstance(num_classes, int) or num_classes < 2:
        raise InvalidSpecError(
            f"loaders(...) needs num_classes, at least 2, for classification; got {num_classes!r}."
        )
    return Classes(num_classes)


def _size(loader: Any) -> int | None:
    """Samples, or batches, or None for a stream without length."""
    for counted in (getattr(loader, "dataset", None), loader):
        try:
            return len(counted)  # type: ignore[arg-type]
        except TypeError:
            continue
    return None
