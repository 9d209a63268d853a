"""Readings until the interval of their median is narrow enough, or the time is up."""

from __future__ import annotations

from time import perf_counter
from typing import Protocol

from optunas.metrics.timing.interval import median_interval
from optunas.metrics.timing.result import Readings
from optunas.metrics.timing.settings import MIN_REPEATS, Effort

__all__ = ["MOST_REPEATS", "Once", "read"]

MOST_REPEATS = 2000
"""Readings of a network that never settles, however short it is."""

WALL = 4
"""Times as long as the readings themselves may the wall clock run."""

FIRST = 10
"""Readings before the interval is looked at."""


class Once(Protocol):
    """Runs a network once: the reading in milliseconds, and the wall and processor time in it.

    The last two are NaN where they say nothing of waiting.
    """

    def __call__(self) -> tuple[float, float, float]: ...


def read(once: Once, effort: Effort) -> Readings:
    """Warm up, then read.

    The interval is looked at after 10 readings and each time there are a tenth more, so that
    looking takes no time and the chance to stop too early by luck stays small.
    """
    limit = _Limit(effort.max_seconds / 4)
    for done in range(effort.warmup):
        if done >= MIN_REPEATS and limit.reached():
            break
        limit.spend(once()[0])
    limit = _Limit(effort.max_seconds)
    wanted, look = effort.repeats or MOST_REPEATS, FIRST
    readings: list[float] = []
    wall = processor = 0.0
    settled = False
    while len(readings) < wanted and (len(readings) < MIN_REPEATS or not limit.reached()):
        ms, one_wall, one_processor = once()
        limit.spend(ms)
        readings.append(ms)
        wall, processor = wall + one_wall, processor + one_processor
        if effort.repeats is None and len(readings) >= look:
            look = len(readings) + max(len(readings) // 10, 1)
            if _narrow(readings, effort):
                settled = True
                break
    busy = max(0.0, 1 - processor / wall) if wall > 0 and processor == processor else None
    if effort.repeats is not None:
        settled = _narrow(readings, effort)
    return Readings(tuple(readings), busy, exhausted=not settled)


class _Limit:
    """Seconds of readings; and several times as many by the wall, where others take most of it."""

    def __init__(self, seconds: float) -> None:
        self.left = 1000 * seconds
        self.end = perf_counter() + WALL * seconds

    def spend(self, ms: float) -> None:
        self.left -= ms

    def reached(self) -> bool:
        return self.left <= 0 or perf_counter() >= self.end


def _narrow(readings: list[float], effort: Effort) -> bool:
    low, high = median_interval(readings, effort.confidence)
    middle = sorted(readings)[len(readings) // 2]
    return (high - low) / 2 <= effort.within * middle
