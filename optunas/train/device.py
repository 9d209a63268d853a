"""From a device's name to a device that is there."""

from __future__ import annotations

import torch

from optunas.errors import DeviceError

__all__ = ["resolve_device"]


def resolve_device(name: str | torch.device) -> torch.device:
    """Return the device called ``name``: ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        DeviceError: when there is no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(
            f"Unknown device {name!r}: optunas trains on 'cpu', 'cuda' or 'cuda:0', 'cuda:1', ..."
        ) from None
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"optunas trains on 'cpu' and 'cuda' devices, not on {str(name)!r}.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise DeviceError(
            f"Device {str(name)!r} is not there: torch sees {count} CUDA devices here; "
            "choose device='cpu' or another number."
        )
    return device
