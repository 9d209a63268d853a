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
    from optunas.metrics import proxies
    from optunas.metrics.proxies.catalogue import PROXIES
    from optunas.metrics.proxies.choosing import prefilter
    from optunas.metrics.proxies.computing import proxy, proxy_values
    from optunas.metrics.proxies.members import MemberProxies
    from optunas.metrics.proxies.mix import ProxyMix
    from optunas.metrics.proxies.table import ProxyTable, proxy_table
    from optunas.metrics.timing import Latency, latencies, latency, latency_ms

__all__ = [
    "PROXIES",
    "Latency",
    "MemberProxies",
    "ProxyMix",
    "ProxyTable",
    "cost",
    "flops",
    "latencies",
    "latency",
    "latency_ms",
    "machine_lock",
    "params",
    "prefilter",
    "proxies",
    "proxy",
    "proxy_table",
    "proxy_values",
]

_HOME = {
    "Latency": "timing",
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
    if name == "proxies":
        return import_module(f"{__name__}.proxies")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
