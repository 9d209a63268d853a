"""How a network is trained, as plain data that loads no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from optunas.errors import InvalidSpecError, UnknownNameError

__all__ = ["AUGMENTATIONS", "OPTIMIZERS", "SCHEDULES", "SWITCH", "TrainSettings"]

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
SCHEDULES = ("cosine", "one_cycle", "linear", "step", "constant")
AUGMENTATIONS = ("none", "crop", "flip", "crop_flip", "cutout", "crop_flip_cutout")
SWITCH = ("auto", "on", "off")


@dataclass(frozen=True)
class TrainSettings:
    """The settings of one training run; the defaults are close to those of DARTS's weights.

    Attributes:
        epochs: passes over the training data, at least 1.
        batch_size: samples a step (data loaders of the user's own have theirs).
        optimizer: ``sgd``, ``adam``, ``adamw`` or ``rmsprop``.
        lr: the highest learning rate of the schedule.
        momentum: of ``sgd``; the other optimizers keep torch's betas.
        nesterov: Nesterov's momentum, ``sgd`` only.
        weight_decay: on every parameter, as NAS-Bench-201 and DARTS train.
        schedule: ``cosine`` down to 0, ``one_cycle`` (up for 30 % of the steps), ``linear`` down to
            0, ``step`` (a tenth after half and again after three quarters) or ``constant``; each is
            followed step by step. Sources: :func:`optunas.train.optimizers.rate`.
        warmup_epochs: the schedule's rate grows linearly to its full size over so many epochs, a
            fraction too (Goyal et al. 2017, section 2.2); ``one_cycle`` has its own.
        label_smoothing: classification only, in [0, 1) (Szegedy et al. 2016, section 7).
        augmentation: of training images, anew in every epoch: ``none``, ``crop``, ``flip``,
            ``crop_flip``, ``cutout`` (with crop) or ``crop_flip_cutout``. Sources and sizes:
            :mod:`optunas.train.augment`.
        dropout: share of the inputs of the network's last linear layer (the classifier) that are
            zero in a training step, in [0, 1) (Srivastava et al. 2014); beside the network's own
            dropout.
        grad_clip: largest norm of the whole gradient; None leaves gradients alone.
        mixed_precision: ``on``, ``off`` or ``auto`` (on CUDA only: bfloat16 where the device has
            it, else float16 with loss scaling; on a CPU it was measured to be slower).
        channels_last: ``on``, ``off`` or ``auto``: where convolutions are faster with it, on a CPU
            and on CUDA with mixed precision.
        patience: training ends after so many epochs in a row without a better score; None trains
            all epochs.
        keep: the weights that stay in the network: of the ``last`` or of the ``best`` epoch.

    Raises:
        InvalidSpecError: all impossible values at once, one a line.
        UnknownNameError: for an optimizer, schedule, augmentation or switch that does not exist.
    """

    epochs: int = 12
    batch_size: int = 64
    optimizer: str = "sgd"
    lr: float = 0.025
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 3e-4
    schedule: str = "cosine"
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    augmentation: str = "none"
    dropout: float = 0.0
    grad_clip: float | None = 5.0
    mixed_precision: str = "auto"
    channels_last: str = "auto"
    patience: int | None = None
    keep: str = "last"

    def __post_init__(self) -> None:
        for key, allowed in _NAMES.items():
            if getattr(self, key) not in allowed:
                raise UnknownNameError(key.replace("_", " "), getattr(self, key), allowed)
        problems = [
            f"{key} must be {wanted}, got {getattr(self, key)!r}."
            for key, (fits, wanted) in _LIMITS.items()
            if not fits(getattr(self, key))
        ]
        if problems:
            raise InvalidSpecError("\n".join(problems))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of all settings."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> TrainSettings:
        """The settings of a mapping; what it does not name keeps its default.

        Raises:
            UnknownNameError: for a key that is no setting, with the nearest one.
            InvalidSpecError: for values that cannot be.
        """
        for key in mapping:
            if key not in cls.names():
                raise UnknownNameError("hyperparameter", key, cls.names())
        return cls(**mapping)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))


def _positive(value: Any) -> bool:
    return _real(value) and value > 0


def _fraction(value: Any) -> bool:
    return _real(value) and 0 <= value < 1


_NAMES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augmentation": AUGMENTATIONS,
    "mixed_precision": SWITCH,
    "channels_last": SWITCH,
    "keep": ("last", "best"),
}
_LIMITS = {
    "epochs": (_whole, "a whole number of at least 1"),
    "batch_size": (_whole, "a whole number of at least 1"),
    "lr": (_positive, "a number above 0"),
    "momentum": (_fraction, "a number from 0 up to, not including, 1"),
    "nesterov": (lambda value: isinstance(value, bool), "True or False"),
    "weight_decay": (lambda value: _real(value) and value >= 0, "a number of at least 0"),
    "warmup_epochs": (lambda value: _real(value) and value >= 0, "a number of at least 0"),
    "label_smoothing": (_fraction, "a number from 0 up to, not including, 1"),
    "dropout": (_fraction, "a number from 0 up to, not including, 1"),
    "grad_clip": (lambda value: value is None or _positive(value), "a number above 0 or None"),
    "patience": (
        lambda value: value is None or _whole(value),
        "a whole number of at least 1 or None",
    ),
}
