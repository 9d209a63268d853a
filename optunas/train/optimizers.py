"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from optunas.train.settings import TrainSettings

__all__ = ["make_optimizer", "rate"]

_WARM, _FIRST, _LAST = 0.3, 1 / 25, 1 / 25e4
"""One-cycle as in torch: share of steps going up, first and last rate over the highest."""

_TENTH = 0.1


def make_optimizer(
    parameters: Sequence[torch.nn.Parameter], settings: TrainSettings
) -> torch.optim.Optimizer:
    """The optimizer that ``settings`` names, over ``parameters``.

    All but ``rmsprop``, which torch has not fused, are torch's fused ones: of a small cell
    network's step on a CPU, 9 % of the time with the loop over parameters and 3 % fused. Apart from
    the settings' own, torch's values hold: betas (.9, .999), RMSprop's smoothing .99.
    """
    lr, decay = float(settings.lr), float(settings.weight_decay)
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=decay, fused=True)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay, fused=True)
    if settings.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, weight_decay=decay, foreach=True)
    return _sgd(parameters, settings)


def _sgd(parameters: Sequence[torch.nn.Parameter], settings: TrainSettings) -> torch.optim.SGD:
    momentum = float(settings.momentum)
    optimizer = torch.optim.SGD(
        parameters,
        lr=float(settings.lr),
        momentum=momentum,
        weight_decay=float(settings.weight_decay),
        nesterov=settings.nesterov and momentum > 0,  # torch refuses Nesterov without momentum
        fused=True,
    )
    if momentum > 0:  # from zeros is what a first step does; fused SGD breaks when some
        for parameter in parameters:  # parameters have a buffer and others get their first gradient
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def rate(schedule: str, progress: float) -> float:
    """The learning rate as a share of the highest, after ``progress`` (0 to 1) of the training.

    ``cosine``: Loshchilov & Hutter 2017, equation 5, without restarts, down to 0. ``one_cycle``:
    Smith & Topin 2018 with cosine flanks as in torch's ``OneCycleLR``; momentum is not cycled.
    ``linear``: Li et al. 2020 (Budgeted training), down to 0. ``step``: He et al. 2016, section
    4.2, a tenth after half and a hundredth after three quarters of the training.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return 1.0 - progress
    if schedule == "step":
        return _TENTH ** ((progress >= 0.5) + (progress >= 0.75))
    if schedule == "cosine":
        return _flank(1.0, 0.0, progress)
    if progress < _WARM:
        return _flank(_FIRST, 1.0, progress / _WARM)
    return _flank(1.0, _LAST, (progress - _WARM) / (1 - _WARM))


def _flank(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
