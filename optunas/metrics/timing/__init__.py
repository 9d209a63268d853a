"""Latency measured on a device: one network, or a set of networks that are to be compared."""

from __future__ import annotations

from optunas.metrics.timing.interval import median_interval
from optunas.metrics.timing.many import latencies
from optunas.metrics.timing.one import latency, latency_ms
from optunas.metrics.timing.result import Latency
from optunas.metrics.timing.settings import MIN_REPEATS, Effort, How

__all__ = [
    "MIN_REPEATS",
    "Effort",
    "How",
    "Latency",
    "latencies",
    "latency",
    "latency_ms",
    "median_interval",
]
