"""What the outputs of a network mean: classes, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from optunas.errors import InvalidSpecError, TrainingError
from optunas.train import TrainSettings
from optunas.train.loop import Loss

__all__ = ["Classes", "Goal", "Numbers"]


class Goal(Protocol):
    """The loss of a network's outputs and the predictions in them."""

    @property
    def num_outputs(self) -> int:
        """How many outputs the network has."""
        ...

    def check(self, settings: TrainSettings) -> None:
        """Raise for settings that make no sense here."""
        ...

    def loss(self, settings: TrainSettings) -> Loss:
        """``(outputs, y) -> scalar``, the mean over the batch."""
        ...

    def encode(self, y: Tensor) -> Tensor:
        """Targets in the data's own terms -> what the loss takes."""
        ...

    def predict(self, outputs: Tensor) -> NDArray[Any]:
        """Predictions in the data's own terms."""
        ...


@dataclass(frozen=True)
class Classes:
    """Outputs are logits, y is class numbers from 0; loss: cross entropy."""

    num_outputs: int

    def check(self, settings: TrainSettings) -> None:
        """Every setting fits classification."""

    def loss(self, settings: TrainSettings) -> Loss:
        """Cross entropy with label smoothing."""
        smoothing = float(settings.label_smoothing)

        def cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
            _right_shape(outputs, len(y), self.num_outputs)
            return F.cross_entropy(outputs, y, label_smoothing=smoothing)

        return cross_entropy

    def encode(self, y: Tensor) -> Tensor:
        """Class numbers as they are."""
        return y

    def predict(self, outputs: Tensor) -> NDArray[Any]:
        """The class with the largest logit: (N,) integers."""
        _right_shape(outputs, len(outputs), self.num_outputs)
        _finite(outputs)
        return outputs.argmax(dim=1).cpu().numpy()


@dataclass(frozen=True)
class Numbers:
    """Outputs are standardised targets of shape (N, targets); loss: mean squared error.

    Attributes:
        mean: of each target in the training data.
        std: likewise; scores are computed on ``outputs * std + mean``.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def num_outputs(self) -> int:
        """One output for each target."""
        return len(self.mean)

    def check(self, settings: TrainSettings) -> None:
        """Numbers have no labels to smooth."""
        if settings.label_smoothing:
            raise InvalidSpecError(
                f"label_smoothing={settings.label_smoothing!r} is for classification; this is a "
                "regression task, leave it at 0."
            )

    def loss(self, settings: TrainSettings) -> Loss:
        """Mean squared error of standardised targets."""

        def squared_error(outputs: Tensor, y: Tensor) -> Tensor:
            _right_shape(outputs, len(y), self.num_outputs)
            return F.mse_loss(outputs.float(), y)

        return squared_error

    def encode(self, y: Tensor) -> Tensor:
        """(N, targets) in their own unit -> standardised float32."""
        wide = y.double()
        return ((wide - wide.new_tensor(self.mean)) / wide.new_tensor(self.std)).float()

    def predict(self, outputs: Tensor) -> NDArray[Any]:
        """(N, targets) float64 in the targets' own unit."""
        _right_shape(outputs, len(outputs), self.num_outputs)
        _finite(outputs)
        return outputs.double().cpu().numpy() * np.array(self.std) + np.array(self.mean)


def _right_shape(outputs: Tensor, n: int, num_outputs: int) -> None:
    if outputs.shape != (n, num_outputs):
        raise TrainingError(
            f"The network's outputs have shape {tuple(outputs.shape)}; this task needs "
            f"(samples, outputs) = ({n}, {num_outputs})."
        )


def _finite(outputs: Tensor) -> None:
    if not torch.isfinite(outputs).all():
        raise TrainingError(
            "The network's outputs are not finite: training diverged; lower lr, or set grad_clip."
        )
