"""The devices that are there."""

from __future__ import annotations

import torch

from optunas.errors import DeviceError

__all__ = ["find_device"]


def find_device(name: str | torch.device) -> torch.device:
    """The device called ``name``.

    Raises:
        DeviceError: when it is not there, saying what is.
    """
    present = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = torch.device("meta")  # no such kind: never present
    spellings = {str(device)}
    if device.index in (None, 0):  # "cuda" is "cuda:0"
        spellings = {device.type, f"{device.type}:0"}
    if spellings.isdisjoint(present):
        raise DeviceError(
            f"The device {str(name)!r} is not there; this machine has {', '.join(present)}."
        )
    return device
