"""How to measure: device, threads, number type, back end, clock; how long. No torch here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from optunas.errors import InvalidSpecError, UnknownNameError

__all__ = ["BACKENDS", "CLOCKS", "DTYPES", "MIN_REPEATS", "Effort", "How", "processor_clock"]

BACKENDS = ("eager", "compile", "onnxruntime")
DTYPES = ("float32", "float16", "bfloat16")
CLOCKS = ("auto", "wall", "processor")

MIN_REPEATS = 5
"""Readings however slow the network is."""

FINE_S = 1e-6
"""A clock of a thread's processor time must be as fine as that to be of use."""


@dataclass(frozen=True)
class How:
    """Where and by what a network runs while it is measured.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        threads: inside one reading, on the CPU.
        dtype: of weights and input: ``float32``, ``float16``, ``bfloat16``.
        backend: ``eager`` (torch as it is), ``compile`` (``torch.compile``) or ``onnxruntime``.
        cuda_graph: on CUDA, replay a captured graph, which leaves out the time that Python takes
            to launch kernels; None does so where the network can be captured.
        clock: ``wall``, or ``processor``: the time that the calling thread spent on a core. On a
            machine that others use too, a network of one thread is measured by it as if it had the
            core alone, but for the caches. ``auto`` takes that where it says all: for one thread on
            the CPU, of a network that, tried, waits for nothing but its turn.

    Raises:
        InvalidSpecError: naming all that cannot be.
        UnknownNameError: for a back end, number type or clock of another name.
    """

    device: str = "cpu"
    threads: int = 1
    dtype: str = "float32"
    backend: str = "eager"
    cuda_graph: bool | None = None
    clock: str = "wall"

    def __post_init__(self) -> None:
        for what, given, known in (
            ("number type (dtype)", self.dtype, DTYPES),
            ("back end", self.backend, BACKENDS),
            ("clock", self.clock, CLOCKS),
        ):
            if given not in known:
                raise UnknownNameError(what, given, known)
        _check_counts(threads=self.threads)
        if self.cuda_graph not in (None, True, False):
            raise InvalidSpecError(
                f"cuda_graph must be True, False or None, got {self.cuda_graph!r}."
            )
        if self.clock == "processor" and not processor_clock(self.device, self.threads):
            raise InvalidSpecError(
                "clock='processor' is the time of one thread on the CPU, of a system that keeps it "
                f"to the microsecond; got device {self.device!r} with {self.threads} threads. Take "
                "clock='wall'."
            )


@dataclass(frozen=True)
class Effort:
    """How long to measure one network.

    Attributes:
        repeats: readings, exactly so many (fewer when time is up); None reads until the interval
            of the median is within ``within`` of it.
        warmup: runs before.
        max_seconds: of readings; then reading ends, after at least 5, and a quarter of it ends the
            warm-up. On a busy machine the wall clock may run four times as long.
        within: half the interval's width, as a fraction of the median.
        confidence: of the interval.

    Raises:
        InvalidSpecError: for numbers that cannot be.
    """

    repeats: int | None = None
    warmup: int = 10
    max_seconds: float = 2.0
    within: float = 0.02
    confidence: float = 0.95

    def __post_init__(self) -> None:
        _check_counts(warmup=self.warmup)
        if self.repeats is not None:
            _check_counts(repeats=self.repeats)
        seconds = self.max_seconds
        if not _is_number(seconds) or seconds < 0:
            raise InvalidSpecError(f"max_seconds must be a number from 0 on, got {seconds!r}.")
        for name, value in (("within", self.within), ("confidence", self.confidence)):
            if not _is_number(value) or not 0 < value < 1:
                raise InvalidSpecError(f"{name} must be a fraction between 0 and 1, got {value!r}.")


def processor_clock(device: str, threads: int) -> bool:
    """Whether a thread's own processor time can be read there, and says all of a reading."""
    if str(device).partition(":")[0] != "cpu" or threads != 1:
        return False
    try:
        return time.get_clock_info("thread_time").resolution <= FINE_S
    except ValueError:  # a system without it
        return False


def _check_counts(**counts: object) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidSpecError(f"{name} must be a positive integer, got {value!r}.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
