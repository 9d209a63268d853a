"""What all tasks that train a network share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.measures import metric
from optunas.space import Cell, Genotype, Stack, Subnet
from optunas.tasks.goals import Goal
from optunas.tasks.protocol import Score
from optunas.tasks.scoring import score_function
from optunas.train import TrainSettings, fit, resolve_device, seeded
from optunas.train.loop import Batches, Fitting

__all__ = ["NetworkTask"]

SMALL_IMAGE = 16 * 16
"""Pixels of a small image, or features of a short vector; two threads on a busy machine were
measured nine times slower there."""

_OF_IMAGES = (Cell, Genotype, Stack, Subnet)
"""Architectures of convolutions throughout; a macro network can also take vectors."""


class NetworkTraining(Iterator[Score]):
    """A network's training under way; see :class:`~optunas.tasks.resuming.Training`."""

    def __init__(self, network: nn.Module, epochs: Fitting) -> None:
        self.network, self._epochs = network, epochs

    def __next__(self) -> Score:
        epoch = next(self._epochs)
        return Score(epoch.step, epoch.score, epoch.seconds)

    def state(self) -> bytes:
        """Network, optimizer and random numbers after the last epoch."""
        return self._epochs.state()


def _returning(training: NetworkTraining) -> Generator[Score, None, nn.Module]:
    yield from training
    return training.network


class NetworkTask(ABC):
    """A task (see :class:`~optunas.tasks.Task`) whose candidates are networks that are trained.

    A subclass brings the batches; this brings building, training and scoring.
    """

    network_keys: tuple[str, ...] = ("channels", "num_cells")
    default_epochs: int = TrainSettings.epochs
    """Epochs of a training whose hyperparameters name none."""

    def __init__(
        self,
        name: str,
        score: str,
        goal: Goal,
        input_shape: tuple[int, ...],
        options: Mapping[str, Any],
        kind: str = "classification",
    ) -> None:
        self._score = score_function(score, kind)
        self.name = name
        self.kind = kind
        self.score_name = score
        self.direction = metric(score).direction
        self.goal = goal
        self.input_shape = input_shape
        self.num_outputs = goal.num_outputs
        self.options = dict(options)

    @abstractmethod
    def train_batches(self, settings: TrainSettings, device: torch.device) -> Batches:
        """The training batches of one epoch, in an order drawn from the generator."""

    @abstractmethod
    def batches(self, part: str, device: torch.device) -> Iterable[tuple[Tensor, NDArray[Any]]]:
        """Inputs and true values (in their own terms) of the ``validation`` or ``test`` part."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of data and split."""

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> nn.Module:
        """The untrained network; ``channels`` and ``num_cells`` come from ``hyperparameters``.

        Raises:
            InvalidSpecError: for an architecture that cannot take the task's inputs, or one with
                widths and depths of its own when one of the two is given.
        """
        from optunas.nets.build import build

        if len(self.input_shape) == 1 and isinstance(architecture, _OF_IMAGES):
            raise InvalidSpecError(
                f"The inputs of {self.name!r} are vectors of {self.input_shape[0]} features, and a "
                f"{type(architecture).__name__} is a network for images: search a MacroSpace with "
                "depth=0, of fully connected layers, or give the data as images (samples, height, "
                "width)."
            )
        shape = {key: hyperparameters[key] for key in self.network_keys if key in hyperparameters}
        return build(architecture, self.input_shape, self.num_outputs, **shape)

    @property
    def _positions(self) -> int:
        """Pixels of one image (height times width), or features of one vector."""
        return math.prod(self.input_shape[1:] or self.input_shape)

    @property
    def builds_cells(self) -> bool:
        """Whether :meth:`build` is ``optunas.build``, whose costs have a closed form."""
        return type(self).build is NetworkTask.build

    def settings(self, hyperparameters: Mapping[str, Any]) -> TrainSettings:
        """The training settings among ``hyperparameters``.

        Raises:
            UnknownNameError: for a key that is neither a setting nor a network key.
            InvalidSpecError: for a value that cannot be.
        """
        known = (*TrainSettings.names(), *self.network_keys)
        for key, value in hyperparameters.items():
            if key not in known:
                raise UnknownNameError("hyperparameter", key, known)
            if key in self.network_keys and (
                not isinstance(value, int) or isinstance(value, bool) or value < 1
            ):
                raise InvalidSpecError(f"{key} must be a whole number above 0, got {value!r}.")
        return TrainSettings.from_mapping(
            {k: v for k, v in hyperparameters.items() if k not in self.network_keys}
        )

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Raise what :meth:`settings` raises, and InvalidSpecError for what does not fit here."""
        settings = self.settings(hyperparameters)
        self.goal.check(settings)
        if settings.augmentation != "none" and len(self.input_shape) != 3:
            raise InvalidSpecError(
                f"augmentation={settings.augmentation!r} is for images; an input of {self.name!r} "
                f"has the shape {tuple(self.input_shape)}, leave it at 'none'."
            )

    def scores(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
        threads: int | None = None,
    ) -> Generator[Score, None, nn.Module]:
        """Train ``candidate``; yield a :class:`Score` an epoch and return the trained network.

        Args:
            candidate: an architecture, built here with initial weights from ``seed``, or a module,
                trained in place from the weights it has.
            hyperparameters: any of ``network_keys`` and of :class:`TrainSettings`.
            seed: with the thread count it decides every bit of the result on a CPU.
            device: ``cpu``, ``cuda`` or ``cuda:N``.
            threads: CPU threads; None takes one for small images and short vectors, where a second
                costs more than it brings, and else the process's own number.

        Raises:
            UnknownNameError, InvalidSpecError, DeviceError: at once, before any training.
            TrainingError: at once for what cannot be trained, else while iterating.
            DataError: while iterating.
        """
        training = self.training(candidate, hyperparameters, seed, device, threads=threads)
        return _returning(training)

    def training(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
        state: bytes | None = None,
        threads: int | None = None,
    ) -> NetworkTraining:
        """What :meth:`scores` iterates over; it can be written down, and go on from ``state``.

        See :class:`~optunas.tasks.resuming.Resumable`; the other arguments are those of
        :meth:`scores`. On a CPU a resumed training is bit-equal to one without a break.

        Raises:
            UnknownNameError, InvalidSpecError, DeviceError, TrainingError: at once.
        """
        self.check(hyperparameters)
        settings, target = self.settings(hyperparameters), resolve_device(device)
        if threads is None and self._positions <= SMALL_IMAGE:
            threads = 1
        network = candidate
        if not isinstance(candidate, nn.Module):
            with seeded(seed):
                network = self.build(candidate, hyperparameters)
        epochs = fit(
            network,
            self.train_batches(settings, target),
            lambda net: self._part_score(net, "validation", target),
            self.goal.loss(settings),
            settings,
            seed=seed,
            device=device,
            threads=threads,
            maximize=self.direction == "maximize",
            state=state,
        )
        return NetworkTraining(network, epochs)

    def test_score(self, network: nn.Module, device: str = "cpu") -> float:
        """The score on the test part; the network moves to ``device`` and keeps its mode."""
        target, training = resolve_device(device), network.training
        network = network.to(target).eval()
        try:
            with torch.no_grad():
                return self._part_score(network, "test", target)
        finally:
            network.train(training)

    def _part_score(self, network: nn.Module, part: str, device: torch.device) -> float:
        truth, predicted = [], []
        for x, y in self.batches(part, device):
            predicted.append(self.goal.predict(network(x)))
            truth.append(y)
        return self._score(np.concatenate(truth), np.concatenate(predicted))
