"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

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
from optunas.train.state import pack, unpack

__all__ = ["Batches", "Epoch", "Fitting", "Loss", "ScoreOf", "fit"]

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
    state: bytes | None = None,
) -> Fitting:
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
        state: what :meth:`Fitting.state` gave in a training of the same network with the same
            arguments: go on from there.

    Raises:
        DeviceError: when the device is not there.
        InvalidSpecError: when ``threads`` is below 1.
        TrainingError: for a network without weights, or without a linear layer when
            ``settings.dropout`` is above 0; while iterating, when the loss or the score is not
            finite, or ``settings.augmentation`` meets batches that are no images; for a ``state``
            that is no training's, or another network's.
    """
    if threads is not None and threads < 1:
        raise InvalidSpecError(f"threads must be at least 1 or None, got {threads!r}.")
    run = _Run(network, loss, settings, seed, resolve_device(device))
    if state is not None:
        run.restore(unpack(state))
    return Fitting(run, _epochs(run, train_batches, score, threads, 1 if maximize else -1))


class Fitting(Iterator[Epoch]):
    """A training under way: an iterator over its epochs that can be written down between two.

    On a CPU a training that goes on from :meth:`state` gives the same bits as one that was never
    interrupted, as far as all of its randomness comes from the seed: a data loader's own state is
    not part of it.
    """

    def __init__(self, run: _Run, epochs: Iterator[Epoch]) -> None:
        self._run, self._epochs = run, epochs

    def __next__(self) -> Epoch:
        return next(self._epochs)

    def state(self) -> bytes:
        """Network, optimizer and random numbers after the last epoch, for :func:`fit`."""
        return pack(self._run.snapshot())


def _epochs(
    run: _Run, train_batches: Batches, score: ScoreOf, threads: int | None, sign: int
) -> Iterator[Epoch]:
    settings, so_far = run.settings, run.so_far
    for step in range(so_far.epochs, settings.epochs):
        with _threads(threads), run.random.active():
            start = time.perf_counter()
            with run.dropout.active():
                loss = run.train(step, train_batches(step, run.generator))
            value = run.score(step, score)
            seconds = time.perf_counter() - start
        so_far.epochs = step + 1
        if sign * value > so_far.best:
            so_far.best, so_far.best_step = sign * value, step
            if settings.keep == "best":
                so_far.kept = {k: v.detach().clone() for k, v in run.network.state_dict().items()}
        yield Epoch(step, value, loss, seconds)
        if settings.patience is not None and step - so_far.best_step >= settings.patience:
            break
    if so_far.kept is not None and so_far.best_step != so_far.epochs - 1:
        run.network.load_state_dict(so_far.kept)


@dataclass
class _SoFar:
    """What a training remembers of its epochs."""

    epochs: int = 0
    best: float = -math.inf
    best_step: int = 0
    kept: dict[str, Tensor] | None = None
    steps: int | None = None  # of an epoch


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
        self.so_far = _SoFar()

    def snapshot(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        return {
            "so_far": asdict(self.so_far),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.state(),
            "random": self.random.state(),
            "order": self.generator.get_state(),
            "augment": self.augment.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`snapshot`.

        Raises:
            TrainingError: when it is another network's or another optimizer's.
        """
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.precision.restore(state["scaler"])
            self.random.restore(state["random"])
            self.generator.set_state(state["order"])
            self.augment.restore(state["augment"])
            self.so_far = _SoFar(**state["so_far"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                "The stored training is not one of this network with these settings: "
                f"{str(error).splitlines()[0]}"
            ) from error

    def train(self, step: int, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        """Train one epoch; its mean loss."""
        self.network.train()
        self.so_far.steps = _length(batches) or self.so_far.steps
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
        self.so_far.steps = done
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
        before = step + (done - 1) / (self.so_far.steps or math.inf)
        share = rate(self.settings.schedule, min(before / self.settings.epochs, 1.0))
        warmup = float(self.settings.warmup_epochs)
        if warmup > 0:  # by the end of the step, or the first one would do nothing
            after = step + (done / self.so_far.steps if self.so_far.steps else 1.0)
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
