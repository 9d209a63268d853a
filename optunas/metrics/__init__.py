"""Network in, number with a unit out: parameters, FLOPs and latency.

Parameters and FLOPs of an architecture need no network and no torch; the names that need torch are
resolved when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.metrics.closed_form import cost
from optunas.metrics.costs import flops, params
from optunas.metrics.lock import machine_lock

if TYPE_CHECKING:
    from optunas.metrics.timing import Latency, latency, latency_ms

__all__ = ["Latency", "cost", "flops", "latency", "latency_ms", "machine_lock", "params"]


def __getattr__(name: str) -> Any:
    if name not in ("Latency", "latency", "latency_ms"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.timing"), name)
