"""What a meter is, and which one a device has."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from optunas.errors import DeviceError

__all__ = ["Meter", "find_meter"]


@runtime_checkable
class Meter(Protocol):
    """Counts energy, for a user's own instrument too.

    Attributes:
        name: for reports.
        wraps_joules: what its counters count to before they begin at 0 again, one number for each
            that ``read`` returns; infinity for never.
        update_seconds: how often the counters change.
    """

    name: str
    update_seconds: float

    @property
    def wraps_joules(self) -> tuple[float, ...]:
        """The range of each counter."""
        ...

    def read(self) -> tuple[float, ...]:
        """The counters, in joules since any moment; their differences are added up.

        Raises:
            DeviceError: where they cannot be read.
        """
        ...


def find_meter(device: str = "cpu") -> Meter:
    """The meter of ``cpu`` (RAPL), or of ``cuda`` or ``cuda:N`` (NVML).

    Raises:
        DeviceError: where there is none, or it may not be read, with what to do.
    """
    kind, _, index = str(device).partition(":")
    if kind == "cuda" and (not index or index.isdigit()):
        from optunas.metrics.power.nvml import NvmlMeter

        return NvmlMeter(int(index or 0))
    if kind == "cpu":
        from optunas.metrics.power.rapl import RaplMeter

        return RaplMeter()
    raise DeviceError(
        f"Energy is measured on 'cpu' (RAPL) and 'cuda' (NVML), not on {str(device)!r}; give a "
        "meter of your own."
    )
