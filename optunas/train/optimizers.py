"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from optunas.train.settings import TrainSettings

__all__ = ["make_optimizer", "rate"]

_WARM, _FIRST, _LAST = 0.3, 1 / 25, 1 / 25e4
"""One-cycle: share of steps going up, first and last rate as a share of the highest; as in torch."""


def make_optimizer(
    parameters: Iterable[torch.nn.Parameter], settings: TrainSettings
) -> torch.optim.Optimizer:
    """The optimizer that ``settings`` names, over ``parameters``."""
    lr, decay = float(settings.lr), float(settings.weight_decay)
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay)
    momentum = float(settings.momentum)
    nesterov = settings.nesterov and momentum > 0  # torch refuses Nesterov without momentum
    return torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov
    )


def rate(schedule: str, progress: float) -> float:
    """The learning rate as a share of the highest, after ``progress`` (0 to 1) of the training.

    ``cosine``: Loshchilov & Hutter 2017, equation 5, without restarts, down to 0. ``one_cycle``:
    Smith & Topin 2018 with cosine flanks as in torch's ``OneCycleLR``; momentum is not cycled.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return _flank(1.0, 0.0, progress)
    if progress < _WARM:
        return _flank(_FIRST, 1.0, progress / _WARM)
    return _flank(1.0, _LAST, (progress - _WARM) / (1 - _WARM))


def _flank(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
