"""Latency measured on a device: warm-up, inference mode, median, and how far readings spread."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics.counting import run_once, sample_input
from optunas.metrics.lock import machine_lock

__all__ = ["Latency", "latency", "latency_ms"]

MIN_REPEATS = 5
"""Passes measured however slow the network is."""


@dataclass(frozen=True)
class Latency:
    """Readings of one network on one device, in milliseconds for a whole batch.

    Attributes:
        median_ms: the value.
        p10_ms: a tenth of the passes were faster.
        p90_ms: a tenth of the passes were slower.
        repeats: passes measured.
        device: where.
        threads: threads of torch inside one pass.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    repeats: int
    device: str = "cpu"
    threads: int = 1

    @property
    def spread(self) -> float:
        """Width of the interval from p10 to p90, as a fraction of the median."""
        return (self.p90_ms - self.p10_ms) / self.median_ms

    def __str__(self) -> str:
        return (
            f"{self.median_ms:.3g} ms ({self.p10_ms:.3g} to {self.p90_ms:.3g}, "
            f"{self.repeats} passes on {self.device})"
        )


def latency_ms(
    network: nn.Module,
    input_shape: tuple[int, ...],
    device: str | torch.device = "cpu",
    threads: int = 1,
) -> float:
    """Median latency in milliseconds; arguments and errors as in :func:`latency`."""
    return latency(network, input_shape, device, threads).median_ms


def latency(
    network: nn.Module,
    input_shape: tuple[int, ...],
    device: str | torch.device = "cpu",
    threads: int = 1,
    repeats: int = 50,
    warmup: int = 10,
    max_seconds: float = 2.0,
) -> Latency:
    """Measure how long ``network`` takes for one batch.

    A copy of the network runs in evaluation and inference mode, channels-last on the CPU, under a
    lock that only one process of the machine holds at a time; torch's thread count is restored. The
    spread inside one run hides drift from run to run of about the same size, or more.

    Args:
        network: left as it is, whatever its mode and device.
        input_shape: of the input, with batch, such as (1, 3, 32, 32).
        device: "cpu", "cuda", "cuda:1", "mps".
        threads: threads of torch inside one pass.
        repeats: passes to measure.
        warmup: passes before.
        max_seconds: ends measuring early, after at least 5 passes.

    Raises:
        DeviceError: when the device is not there.
        InvalidSpecError: for counts below one, or an input that the network cannot take.
    """
    place = _device(device)
    for name, value in (("threads", threads), ("repeats", repeats), ("warmup", warmup)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidSpecError(f"{name} must be a positive integer, got {value!r}.")
    subject = copy.deepcopy(network).eval().to(place)
    x = sample_input(subject, tuple(input_shape)).to(place)
    if place.type == "cpu" and x.ndim == 4:
        subject.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = x.contiguous(memory_format=torch.channels_last)
    with machine_lock(), _threads(threads), torch.inference_mode():
        run_once(subject, x)

        def one_pass() -> float:
            start = perf_counter()
            subject(x)
            _synchronize(place)
            return 1000 * (perf_counter() - start)

        _readings(one_pass, warmup, max_seconds / 4)
        readings = _readings(one_pass, repeats, max_seconds)
    low, median, high = np.percentile(readings, (10, 50, 90))
    return Latency(float(median), float(low), float(high), len(readings), str(place), threads)


def _readings(one_pass: Callable[[], float], count: int, max_seconds: float) -> list[float]:
    """``count`` readings; fewer when time is up, but at least ``MIN_REPEATS``."""
    end = perf_counter() + max_seconds
    readings: list[float] = []
    while len(readings) < count and (len(readings) < MIN_REPEATS or perf_counter() < end):
        readings.append(one_pass())
    return readings


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _synchronize(device: torch.device) -> None:
    """Wait for work that the device does behind Python's back."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _device(name: str | torch.device) -> torch.device:
    """The device called ``name``.

    Raises:
        DeviceError: when it is not there, saying what is.
    """
    present = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")  # no such kind: never present
    spellings = {str(device)}
    if device.index in (None, 0):  # "cuda" is "cuda:0"
        spellings = {device.type, f"{device.type}:0"}
    if spellings.isdisjoint(present):
        raise DeviceError(
            f"The device {str(name)!r} is not there; this machine has {', '.join(present)}."
        )
    return device
