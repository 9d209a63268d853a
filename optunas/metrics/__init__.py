"""Network in, number with a unit out: parameters, FLOPs, latency, zero-cost proxies.

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
    from optunas.metrics import proxies, robustness
    from optunas.metrics.measured_use import MeasuredMemory, measured_memory
    from optunas.metrics.memory_use import Memory, memory, peak_memory_bytes
    from optunas.metrics.power import Energy, Meter, energy, energy_mj, find_meter
    from optunas.metrics.predicted import LatencyModel
    from optunas.metrics.proxies.catalogue import PROXIES
    from optunas.metrics.proxies.choosing import prefilter
    from optunas.metrics.proxies.computing import proxy, proxy_values
    from optunas.metrics.proxies.members import MemberProxies
    from optunas.metrics.proxies.mix import ProxyMix
    from optunas.metrics.proxies.table import ProxyTable, proxy_table
    from optunas.metrics.robustness import (
        RobustnessBudget,
        RobustnessReport,
        robust_accuracies,
        robustness_report,
    )
    from optunas.metrics.roofline import (
        EstimatedLatency,
        Profile,
        estimate_latency_ms,
        load_profile,
        profiles,
    )
    from optunas.metrics.timing import Latency, latencies, latency, latency_ms

__all__ = [
    "PROXIES",
    "Energy",
    "EstimatedLatency",
    "Latency",
    "LatencyModel",
    "MeasuredMemory",
    "MemberProxies",
    "Memory",
    "Meter",
    "Profile",
    "ProxyMix",
    "ProxyTable",
    "RobustnessBudget",
    "RobustnessReport",
    "cost",
    "energy",
    "energy_mj",
    "estimate_latency_ms",
    "find_meter",
    "flops",
    "latencies",
    "latency",
    "latency_ms",
    "load_profile",
    "machine_lock",
    "measured_memory",
    "memory",
    "params",
    "peak_memory_bytes",
    "prefilter",
    "profiles",
    "proxies",
    "proxy",
    "proxy_table",
    "proxy_values",
    "robust_accuracies",
    "robustness",
    "robustness_report",
]

_HOME = {
    "MeasuredMemory": "measured_use",
    "measured_memory": "measured_use",
    "Memory": "memory_use",
    "memory": "memory_use",
    "peak_memory_bytes": "memory_use",
    "Energy": "power",
    "Meter": "power",
    "energy": "power",
    "energy_mj": "power",
    "find_meter": "power",
    "RobustnessBudget": "robustness",
    "RobustnessReport": "robustness",
    "robust_accuracies": "robustness",
    "robustness_report": "robustness",
    "EstimatedLatency": "roofline",
    "Profile": "roofline",
    "estimate_latency_ms": "roofline",
    "load_profile": "roofline",
    "profiles": "roofline",
    "Latency": "timing",
    "LatencyModel": "predicted",
    "latencies": "timing",
    "latency": "timing",
    "latency_ms": "timing",
    "MemberProxies": "proxies",
    "PROXIES": "proxies",
    "ProxyMix": "proxies",
    "ProxyTable": "proxies",
    "prefilter": "proxies",
    "proxy": "proxies",
    "proxy_table": "proxies",
    "proxy_values": "proxies",
}


def __getattr__(name: str) -> Any:
    if name in ("proxies", "robustness"):
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
