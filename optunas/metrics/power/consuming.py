"""Energy of one pass: many passes between two readings of a meter."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics.lock import machine_lock
from optunas.metrics.power.meters import Meter, find_meter

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Energy", "energy", "energy_mj"]

UPDATES = 20
"""A measurement lasts so many changes of the meter at least."""


@dataclass(frozen=True)
class Energy:
    """What a meter counted.

    Attributes:
        millijoules: for one pass of the batch, everything that the meter sees included.
        idle_millijoules: what the meter counts in the time of a pass when nothing runs; NaN where
            that was not asked for.
        passes: how many were measured.
        seconds: how long that took.
        meter: its name.
    """

    millijoules: float
    idle_millijoules: float
    passes: int
    seconds: float
    meter: str

    @property
    def watts(self) -> float:
        """The mean power while measuring."""
        return self.millijoules * self.passes / self.seconds / 1000

    def __str__(self) -> str:
        idle = ""
        if not math.isnan(self.idle_millijoules):
            idle = f", idle {self.idle_millijoules:.3g}"
        return f"{self.millijoules:.3g} mJ{idle} ({self.passes} passes, {self.meter})"


def energy_mj(
    network: nn.Module,
    input_shape: tuple[int, ...],
    device: str = "cpu",
    threads: int = 1,
    meter: Meter | None = None,
) -> float:
    """Millijoules of one pass; arguments and errors as in :func:`energy`."""
    return energy(network, input_shape, device, threads, meter).millijoules


def energy(
    network: nn.Module,
    input_shape: tuple[int, ...],
    device: str = "cpu",
    threads: int = 1,
    meter: Meter | None = None,
    min_seconds: float = 1.0,
    idle: bool = False,
) -> Energy:
    """Measure the energy of one inference pass of a batch.

    A copy of the network runs in evaluation and inference mode, again and again, between two
    readings of the meter, under the lock that latency is measured under. A meter counts the whole
    processor or GPU, so nothing else should run.

    Args:
        network: left as it is.
        input_shape: of the input, with batch, such as (1, 3, 32, 32).
        device: ``cpu`` or ``cuda``, ``cuda:1``.
        threads: of torch, on a CPU.
        meter: None takes the device's own (:func:`find_meter`).
        min_seconds: to measure for; at least 20 changes of the meter.
        idle: measure as long without a pass as well.

    Raises:
        DeviceError: where there is no such device or no meter, or it may not be read or does not
            move.
        InvalidSpecError: for an input that the network cannot take, or times that cannot be.
    """
    if not 0 < min_seconds < math.inf or isinstance(threads, bool) or threads < 1:
        raise InvalidSpecError(
            "min_seconds must be a finite number above 0 and threads at least 1, got "
            f"{min_seconds!r} and {threads!r}."
        )
    meter = find_meter(device) if meter is None else meter
    import torch

    from optunas.metrics.counting import run_once, sample_input
    from optunas.train import resolve_device

    place = resolve_device(device)
    subject = copy.deepcopy(network).eval().to(place)
    x = sample_input(subject, tuple(input_shape)).to(place)
    seconds = max(min_seconds, UPDATES * meter.update_seconds)
    with machine_lock(), _threads(threads), torch.inference_mode():
        run_once(subject, x)  # what cannot run is told here
        _passes(lambda: subject(x), min(seconds, 0.2), place)  # clocks and caches warm up
        joules, passes, lasted = _between(
            meter, lambda: _passes(lambda: subject(x), seconds, place)
        )
        rest = math.nan
        if idle:
            resting, _, rested = _between(meter, lambda: _sleep(lasted))
            rest = 1000 * resting / rested * lasted / passes
    if joules <= 0:
        raise DeviceError(
            f"The energy meter {meter.name} did not move in {lasted:.2f} s of passes: its reading "
            "cannot be used; leave energy_mj out, or give a meter of your own."
        )
    return Energy(1000 * joules / passes, rest, passes, lasted, meter.name)


def _between(meter: Meter, run: Callable[[], int]) -> tuple[float, int, float]:
    """Joules, passes and seconds."""
    before, start = meter.read(), time.perf_counter()
    passes = run()
    lasted, after = time.perf_counter() - start, meter.read()
    joules = 0.0
    for first, last, wrap in zip(before, after, meter.wraps_joules, strict=True):
        # A counter that begins anew shows less than before.
        joules += last - first if last >= first else last - first + wrap
    if not math.isfinite(joules) or joules < 0:
        raise DeviceError(f"The energy meter {meter.name} went back from {before} to {after} J.")
    return joules, passes, lasted


def _passes(one_pass: Callable[[], object], seconds: float, place: torch.device) -> int:
    """Run for ``seconds``; how many passes that were."""
    end, count = time.perf_counter() + seconds, 0
    while count == 0 or time.perf_counter() < end:
        one_pass()
        count += 1
        if place.type == "cuda" and count % 16 == 0:
            _wait(place)  # or the queue would run on after the clock
    _wait(place)
    return count


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        import torch

        torch.cuda.synchronize(place)


def _sleep(seconds: float) -> int:
    time.sleep(seconds)
    return 1


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
