"""What a measurement says: the median, its interval, how far the readings spread, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optunas.metrics.timing.interval import median_interval
from optunas.metrics.timing.settings import How

__all__ = ["Latency", "Readings", "of_passes", "of_readings"]


@dataclass(frozen=True)
class Readings:
    """The readings of one block, in milliseconds.

    Attributes:
        ms: one a repeat.
        busy: share of the wall time in which this process waited for a processor; None where that
            cannot be told.
        exhausted: the time was up before the interval was narrow enough.
    """

    ms: tuple[float, ...]
    busy: float | None = None
    exhausted: bool = False


@dataclass(frozen=True)
class Latency:
    """Readings of one network on one device, in milliseconds for a whole batch.

    Attributes:
        median_ms: the value: the median, or of a set measured in passes the median of the passes'
            medians.
        p10_ms: a tenth of the readings were faster.
        p90_ms: a tenth of the readings were slower.
        repeats: readings, of all passes.
        device: where.
        threads: threads inside one reading.
        low_ms, high_ms: what the true median lies between (distribution-free; of the passes'
            medians where there were several). Fewer than six readings cover less than 95 %.
        min_ms: the fastest reading: what the machine can do when nothing else runs on it.
        batch: inputs in one reading.
        dtype, backend: how, such as ``float32`` and ``eager``.
        clock: ``wall``, ``processor`` (time on a core), ``events`` (CUDA's) or ``graph`` (CUDA's
            events around a captured graph).
        passes: rounds over the set that the network was measured in.
        busy: share of the wall time in which the process waited for a core; None where unknown.
        settled: the interval is as narrow as was asked for.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    repeats: int
    device: str = "cpu"
    threads: int = 1
    low_ms: float | None = None
    high_ms: float | None = None
    min_ms: float | None = None
    batch: int = 1
    dtype: str = "float32"
    backend: str = "eager"
    clock: str = "wall"
    passes: int = 1
    busy: float | None = None
    settled: bool = True

    @property
    def spread(self) -> float:
        """Width of the interval from p10 to p90, as a fraction of the median."""
        return (self.p90_ms - self.p10_ms) / self.median_ms

    @property
    def margin(self) -> float:
        """Half the width of the median's interval, as a fraction of the median; NaN without one."""
        if self.low_ms is None or self.high_ms is None:
            return float("nan")
        return (self.high_ms - self.low_ms) / 2 / self.median_ms

    def __str__(self) -> str:
        interval = ""
        if self.low_ms is not None and self.high_ms is not None:
            interval = f"median between {self.low_ms:.3g} and {self.high_ms:.3g}, "
        spread = f"p10 to p90 {self.p10_ms:.3g} to {self.p90_ms:.3g}"
        return (
            f"{self.median_ms:.3g} ms ({interval}{spread}, {self.repeats} repeats on {self.device})"
        )


def of_readings(block: Readings, how: How, clock: str, batch: int, confidence: float) -> Latency:
    """One block as a latency."""
    low, median, high = np.percentile(block.ms, (10, 50, 90))
    bounds = median_interval(block.ms, confidence)
    return Latency(
        float(median),
        float(low),
        float(high),
        len(block.ms),
        how.device,
        how.threads,
        *bounds,
        min(block.ms),
        batch,
        how.dtype,
        how.backend,
        clock,
        busy=block.busy,
        settled=not block.exhausted,
    )


def of_passes(
    blocks: Sequence[Readings],
    how: How,
    clock: str,
    batch: int,
    confidence: float,
    within: float,
) -> Latency:
    """The blocks of one network, one a pass, as a latency: the median of the passes' medians."""
    medians = [float(np.median(block.ms)) for block in blocks]
    every = [ms for block in blocks for ms in block.ms]
    p10, p90 = np.percentile(every, (10, 90))
    median = float(np.median(medians))
    low, high = median_interval(medians, confidence)
    told = [block.busy for block in blocks if block.busy is not None]
    return Latency(
        median,
        float(p10),
        float(p90),
        len(every),
        how.device,
        how.threads,
        low,
        high,
        min(every),
        batch,
        how.dtype,
        how.backend,
        clock,
        len(blocks),
        sum(told) / len(told) if told else None,
        (high - low) / 2 <= within * median,
    )
