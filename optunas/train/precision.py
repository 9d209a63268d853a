"""Mixed precision and memory layout: the two switches that change speed, not the method."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from optunas.train.settings import TrainSettings

__all__ = ["Precision", "as_channels_last", "use_channels_last"]


class Precision:
    """Autocast where it is wanted, and loss scaling where float16 needs it."""

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        self.device = device
        self.dtype = _dtype(settings, device)
        scaled = self.dtype == torch.float16
        self._scaler = torch.amp.GradScaler(device.type) if scaled else None

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def backward(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Compute gradients; they have their true size afterwards."""
        if self._scaler is None:
            loss.backward()
            return
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Step, unless a scaled gradient overflowed."""
        if self._scaler is None:
            optimizer.step()
            return
        self._scaler.step(optimizer)
        self._scaler.update()

    def state(self) -> dict[str, Any] | None:
        """The scaler's state, for :meth:`restore`; None without one."""
        return None if self._scaler is None else self._scaler.state_dict()

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on from a :meth:`state`; one of a device that scales otherwise is left out."""
        if self._scaler is not None and state:
            self._scaler.load_state_dict(state)


def use_channels_last(settings: TrainSettings, device: torch.device) -> bool:
    """Whether images and weights are laid out channels last."""
    if settings.channels_last != "auto":
        return settings.channels_last == "on"
    return device.type == "cpu" or _dtype(settings, device) is not None


def as_channels_last(x: Tensor) -> Tensor:
    """Return ``x`` of shape (N, C, H, W) in channels-last layout; other shapes as they are.

    A single channel is the same memory in both layouts; the weights' layout decides there.
    """
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _dtype(settings: TrainSettings, device: torch.device) -> torch.dtype | None:
    wanted = settings.mixed_precision
    if wanted == "off" or (wanted == "auto" and device.type != "cuda"):
        return None
    if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] < 8:
        return torch.float16
    return torch.bfloat16
