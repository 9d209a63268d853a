"""A training that goes on where an earlier trial's ended: the seam between objective and study."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial

from optunas.errors import TrainingError
from optunas.pruning import report
from optunas.tasks import Task
from optunas.tasks.resuming import Training, begin

__all__ = ["CHECKPOINT", "RESUMED_EPOCHS", "Checkpoints", "Earlier", "start", "whole_epochs"]

CHECKPOINT = "optunas:checkpoint"
"""User attribute of a pruned trial: the training's seed, and the artifact that holds its state."""

RESUMED_EPOCHS = "resumed_epochs"
"""User attribute of a promotion: epochs that earlier trials have paid for."""


def whole_epochs(trial: FrozenTrial) -> int | None:
    """Epochs of a trial's network: also those that earlier trials paid for; None where unknown."""
    own = trial.user_attrs.get("epochs")
    return None if own is None else int(own) + int(trial.user_attrs.get(RESUMED_EPOCHS, 0))


@dataclass(frozen=True)
class Earlier:
    """What a promotion goes on from.

    Attributes:
        number: of the pruned trial.
        seed: of its training; None when it is not known.
        state: of its training after its last step; None when it is lost.
        curve: step -> score, as it reported them.
        lost: why there is no state.
    """

    number: int
    seed: int | None
    state: bytes | None
    curve: Mapping[int, float]
    lost: str = ""


class Checkpoints(Protocol):
    """Where the states of pruned trainings are kept."""

    def find(self, trial: optuna.Trial) -> Earlier | None:
        """What a trial goes on from; None for one that begins its training."""
        ...

    def keep(self, trial: optuna.Trial, state: bytes | None, seed: int) -> None:
        """Keep the state of a training that ends for now."""
        ...


def start(
    trial: optuna.Trial,
    task: Task,
    subject: Any,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    earlier: Earlier | None,
    objective: int,
    cheap: Mapping[int, float],
) -> tuple[Training, list[float]]:
    """Begin a trial's training, or go on with an earlier one.

    The scores of the earlier one are reported anew, so that the trial's curve is whole. Where the
    state is lost or cannot be read, the training begins anew and the trial says so.

    Returns:
        The training, and the scores that it has behind it.
    """
    if earlier is None:
        return begin(task, subject, settings, seed, device), []
    lost = earlier.lost
    if earlier.state is not None:
        # A state that does not fit may leave a half-loaded network behind.
        own = copy.deepcopy(subject) if hasattr(subject, "load_state_dict") else subject
        try:
            training = begin(task, own, settings, seed, device, earlier.state)
        except TrainingError as error:
            lost = str(error)
        else:
            trial.set_user_attr(RESUMED_EPOCHS, len(earlier.curve))
            for step, value in earlier.curve.items():
                report(trial, value, step, cheap=cheap, objective=objective)
            return training, list(earlier.curve.values())
    trial.set_user_attr(
        "checkpoint_lost",
        f"Trained from the beginning: the checkpoint of trial {earlier.number} is lost "
        f"({lost.rstrip('.')}).",
    )
    return begin(task, subject, settings, seed, device), []
