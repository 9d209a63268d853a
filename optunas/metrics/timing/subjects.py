"""Networks made ready to be measured: a copy on its device, in its number type and back end."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

import torch
from torch import Tensor, nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics.counting import run_once, sample_input
from optunas.metrics.timing.devices import find_device
from optunas.metrics.timing.repeats import Once
from optunas.metrics.timing.settings import How, processor_clock

__all__ = ["Subject", "plain_subject", "prepare", "running"]

NAN = float("nan")

TRIES, TRY_SECONDS = 3, 0.5
"""Runs that tell whether a network waits; fewer of a slow one."""


@dataclass(frozen=True)
class Subject:
    """A network that can be read.

    Attributes:
        once: runs it once.
        running: what must be around the runs: threads, inference mode.
        clock: what ``once`` reads, see :class:`optunas.metrics.timing.Latency`.
        batch: inputs in one run.
    """

    once: Once
    running: Callable[[], AbstractContextManager[None]]
    clock: str
    batch: int


def prepare(network: nn.Module, input_shape: tuple[int, ...], how: How) -> Subject:
    """Make ``network`` ready; it is left as it is, whatever its mode and device.

    Raises:
        DeviceError: when the device is not there, or lacks the memory.
        InvalidSpecError: for an input that the network cannot take, or a network that the back end
            or the number type cannot run; and when the back end is not installed.
    """
    place = find_device(how.device)
    shape = tuple(input_shape)
    x = sample_input(network, shape)
    if how.backend == "onnxruntime":
        from optunas.metrics.timing.onnx_runtime import onnx_subject

        return onnx_subject(network, x, how, place)
    dtype = getattr(torch, how.dtype)
    with _memory(place):
        subject = copy.deepcopy(network).eval().to(place, dtype)
        x = x.to(place, dtype)
        if x.ndim == 4 and place.type in ("cpu", "cuda"):
            subject.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            x = x.contiguous(memory_format=torch.channels_last)
        run: Callable[[Tensor], Any] = subject
        with running(how.threads):
            run_once(subject, x)
            if how.backend == "compile":
                run = _compiled(subject, x)
            if place.type == "cuda":
                from optunas.metrics.timing.cuda import cuda_subject

                return cuda_subject(run, x, how, place)
        return plain_subject(lambda: run(x), how, place, len(x))


def plain_subject(run: Callable[[], Any], how: How, place: torch.device, batch: int) -> Subject:
    """A network that is read by a clock of this process."""
    single = place.type == "cpu" and how.threads == 1
    clock = how.clock
    if clock == "auto":
        own_time = processor_clock(how.device, how.threads) and not _waits(run)
        clock = "processor" if own_time else "wall"
    processor = clock == "processor"

    def once() -> tuple[float, float, float]:
        begun, own = perf_counter(), thread_time()
        run()
        if place.type == "mps":
            torch.mps.synchronize()
        spent = 1000 * (thread_time() - own)
        wall = 1000 * (perf_counter() - begun)
        return spent if processor else wall, wall, spent if single else NAN

    return Subject(once, lambda: running(how.threads), clock, batch)


def _waits(run: Callable[[], Any]) -> bool:
    """Whether a run gives its core away by itself: it sleeps, or waits for threads of its own.

    A thread that others push off its core does not (``getrusage(2)`` counts the two apart).
    """
    if sys.platform != "linux":
        return True  # as far as can be told
    from resource import RUSAGE_THREAD, getrusage

    before, end = getrusage(RUSAGE_THREAD).ru_nvcsw, perf_counter() + TRY_SECONDS
    runs = 0
    while runs < TRIES and (runs == 0 or perf_counter() < end):
        run()
        runs += 1
    return getrusage(RUSAGE_THREAD).ru_nvcsw - before >= runs


@contextmanager
def running(threads: int) -> Iterator[None]:
    """Torch with so many threads and without gradients; restored afterwards."""
    before = torch.get_num_threads()
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, before)
        torch.set_num_threads(threads)
        stack.enter_context(torch.inference_mode())
        yield


def _compiled(subject: nn.Module, x: Tensor) -> Callable[[Tensor], Any]:
    try:
        compiled = torch.compile(subject)
        compiled(x)
    except Exception as error:  # the compiler and what it calls raise whatever they like
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise InvalidSpecError(
            f"torch.compile cannot compile the network on this machine: {reason}; take "
            "backend='eager' or 'onnxruntime'."
        ) from error
    return compiled


@contextmanager
def _memory(place: torch.device) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not any(words in str(error) for words in ("out of memory", "allocate memory")):
            raise
        raise DeviceError(
            f"The memory of {str(place)!r} is too small for this network and batch; take a smaller "
            "batch, or another device."
        ) from error
