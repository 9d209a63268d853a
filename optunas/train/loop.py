"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from optunas.errors import InvalidSpecError, TrainingError
from optunas.train.augment import Augmentation
from optunas.train.device import resolve_device
from optunas.train.input_dropout import InputDropout
from optunas.train.optimizers import make_optimizer, rate
from optunas.train.precision import Precision, as_channels_last, use_channels_last
from optunas.train.random_state import RandomState
from optunas.train.settings import TrainSettings

__all__ = ["Batches", "Epoch", "Loss", "ScoreOf", "fit"]

Batches = Callable[[int, torch.Generator], Iterable[tuple[Tensor, Tensor]]]
ScoreOf = Callable[[nn.Module], float]
Loss = Callable[[Tensor, Tensor], Tensor]


class Epoch(NamedTuple):
    """What one epoch gave.

    Attributes:
        step: the epoch's number, from 0.
        score: of the validation data, after the epoch.
        loss: mean training loss of the epoch's samples.
        seconds: the epoch's own cost, validation included.
    """

    step: int
    score: float
    loss: float
    seconds: float


def fit(
    network: nn.Module,
    train_batches: Batches,
    score: ScoreOf,
    loss: Loss,
    settings: TrainSettings,
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
    maximize: bool = True,
) -> Iterator[Epoch]:
    """Train ``network`` in place and yield one :class:`Epoch` after each epoch.

    Equal seeds and thread counts give equal bits on a CPU, whatever torch's global seed is. The
    global random numbers and the thread count are the caller's own again at every ``yield``, so
    the iterator may be abandoned at any time.

    Args:
        network: moved to ``device``; its initial weights are taken as they are. It is left in eval
            mode.
        train_batches: ``(epoch, generator) -> iterable of (x, y)``; all randomness of the order
            comes from ``generator``. With a ``len()`` the schedule is exact from epoch 0 on.
        score: ``network -> float`` on the validation data; called in eval mode, without gradients.
        loss: ``(outputs, y) -> scalar``, a mean over the batch.
        settings: see :class:`TrainSettings`.
        seed: of the order of the samples, of augmentation and of dropout.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads while training; None leaves the process's own number.
        maximize: whether a larger score is better, for ``patience`` and ``keep="best"``.

    Raises:
        DeviceError: when the device is not there.
        InvalidSpecError: when ``threads`` is below 1.
        TrainingError: for a network without weights, or without a linear layer when
            ``settings.dropout`` is above 0; while iterating, when the loss or the score is not
            finite, or ``settings.augmentation`` meets batches that are no images.
    """
    if threads is not None and threads < 1:
        raise InvalidSpecError(f"threads must be at least 1 or None, got {threads!r}.")
    run = _Run(network, loss, settings, seed, resolve_device(device))
    return _epochs(run, train_batches, score, threads, 1 if maximize else -1)


def _epochs(
    run: _Run, train_batches: Batches, score: ScoreOf, threads: int | None, sign: int
) -> Iterator[Epoch]:
    settings, best, best_step, kept = run.settings, -math.inf, 0, None
    for step in range(settings.epochs):
        with _threads(threads), run.random.active():
            start = time.perf_counter()
            with run.dropout.active():
                loss = run.train(step, train_batches(step, run.generator))
            value = run.score(step, score)
            seconds = time.perf_counter() - start
        if sign * value > best:
            best, best_step = sign * value, step
            if settings.keep == "best":
                kept = {k: v.detach().clone() for k, v in run.network.state_dict().items()}
        yield Epoch(step, value, loss, seconds)
        if settings.patience is not None and step - best_step >= settings.patience:
            break
    if kept is not None and best_step != step:
        run.network.load_state_dict(kept)


class _Run:
    """The objects of one training run."""

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        settings: TrainSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.settings, self.device, self.loss = settings, device, loss
        self.channels_last = use_channels_last(settings, device)
        self.network = network.to(device)
        if self.channels_last:
            self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        if not self.parameters:
            raise TrainingError("The network has no weights that could be trained.")
        self.dropout = InputDropout(network, float(settings.dropout))
        self.augment = Augmentation(settings.augmentation, seed, device)
        self.optimizer = make_optimizer(self.parameters, settings)
        self.precision = Precision(settings, device)
        self.random = RandomState(seed, device)
        self.generator = torch.Generator().manual_seed(seed)
        self.steps: int | None = None

    def train(self, step: int, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        """Train one epoch; its mean loss."""
        self.network.train()
        self.steps = _length(batches) or self.steps
        total, count, done = torch.zeros((), device=self.device), 0, 0
        for done, (x, y) in enumerate(batches, start=1):
            self._set_rate(step, done)
            value = self._step(x, y)
            if self.device.type == "cpu":  # on CUDA reading the value would wait for the device
                self._finite(value, step)
            total += value * len(y)
            count += len(y)
        if count == 0:
            raise TrainingError("There are no training batches: the training data is empty.")
        self.steps = done
        self._finite(total, step)
        return total.item() / count

    def score(self, step: int, score: ScoreOf) -> float:
        """The validation score; the network is in eval mode meanwhile."""
        self.network.eval()
        with torch.no_grad():
            value = float(score(self.network))
        if not math.isfinite(value):
            raise TrainingError(f"The validation score became {value} in epoch {step}.")
        return value

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        x = self.augment(x)
        if self.channels_last:
            x = as_channels_last(x)
        with self.precision.autocast():
            value = self.loss(self._outputs(x), y)
        self.optimizer.zero_grad(set_to_none=True)
        self.precision.backward(value, self.optimizer)
        if self.settings.grad_clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.settings.grad_clip, foreach=True)
        self.precision.step(self.optimizer)
        return value.detach()

    def _outputs(self, x: Tensor) -> Tensor:
        try:
            return self.network(x)
        except ValueError as error:
            # What torch's batch norms say of a batch of one, where the map has a single pixel.
            if len(x) > 1 or not str(error).startswith("Expected more than 1 value per channel"):
                raise
            raise TrainingError(
                "A batch of one sample leaves a batch norm nothing to average: take a batch_size "
                "of at least 2 (and at least two training samples), or another norm."
            ) from error

    def _set_rate(self, step: int, done: int) -> None:
        """The rate of the epoch's step number ``done``, counted from 1."""
        before = step + (done - 1) / (self.steps or math.inf)
        share = rate(self.settings.schedule, min(before / self.settings.epochs, 1.0))
        warmup = float(self.settings.warmup_epochs)
        if warmup > 0:  # by the end of the step, or the first one would do nothing
            after = step + (done / self.steps if self.steps else 1.0)
            share *= min(after / warmup, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = float(self.settings.lr) * share

    def _finite(self, value: Tensor, step: int) -> None:
        if not math.isfinite(value.item()):
            raise TrainingError(
                f"The training loss became {value.item()} in epoch {step} (optimizer "
                f"{self.settings.optimizer!r}, lr {self.settings.lr:g}): lower lr or set grad_clip."
            )


def _length(batches: Iterable[object]) -> int | None:
    try:
        return len(batches)  # type: ignore[arg-type]
    except TypeError:  # no length, or a data loader over a stream
        return None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
