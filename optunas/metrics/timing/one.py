"""Latency of one network: warm-up, inference mode, readings until their median is sure."""

from __future__ import annotations

import torch
from torch import nn

from optunas.metrics.lock import machine_lock
from optunas.metrics.timing.repeats import read
from optunas.metrics.timing.result import Latency, of_readings
from optunas.metrics.timing.settings import Effort, How
from optunas.metrics.timing.subjects import prepare

__all__ = ["latency", "latency_ms"]


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
    repeats: int | None = None,
    warmup: int = 10,
    max_seconds: float = 2.0,
    *,
    within: float = 0.02,
    confidence: float = 0.95,
    dtype: str = "float32",
    backend: str = "eager",
    cuda_graph: bool | None = None,
    clock: str = "auto",
) -> Latency:
    """Measure how long ``network`` takes for one batch.

    A copy of the network runs in evaluation and inference mode, channels-last, under a lock that
    only one process of the machine holds at a time; torch's thread count is restored. It is read
    until the interval of the median (from order statistics, whatever the readings' distribution)
    is within ``within`` of it. What the interval does not hold is drift from one minute to the next
    of about the same size, or more: to compare networks, measure them as a set by
    :func:`optunas.metrics.latencies`.

    Args:
        network: left as it is, whatever its mode and device.
        input_shape: of the input, with batch, such as (1, 3, 32, 32).
        device: "cpu", "cuda", "cuda:1", "mps". On CUDA the readings are CUDA's events.
        threads: threads inside one run.
        repeats: readings, exactly so many; None reads until the median is sure.
        warmup: runs before.
        max_seconds: ends measuring early, after at least 5 readings; ``settled`` is then False.
        within: half the interval's width that is narrow enough, as a fraction of the median.
        confidence: of the interval.
        dtype: of weights and input: "float32", "float16", "bfloat16".
        backend: "eager", "compile" (``torch.compile``) or "onnxruntime" (extra ``onnx``).
        cuda_graph: on CUDA, replay a captured graph (no launching from Python); None does where
            the network can be captured.
        clock: "wall"; or "processor", the thread's time on a core, for one thread on the CPU; or
            "auto", that where the network waits for nothing but its turn on the core, else "wall".
            Single readings of twelve networks in five processes, beside other work, in two tries:
            ranks agreed to a median of .92 and .90 by the thread's time, of .63 and .92 by the
            wall; a network's p90 over its p10 was 1.2 and 1.1 by the one, 2.3 and 1.1 by the other.

    Raises:
        DeviceError: when the device is not there, or lacks the memory.
        UnknownNameError: for a back end, number type or clock of another name.
        InvalidSpecError: for counts below one, an input that the network cannot take, a network
            that the back end cannot run, or a back end that is not installed.
    """
    how = How(str(device), threads, dtype, backend, cuda_graph, clock)
    effort = Effort(repeats, warmup, max_seconds, within, confidence)
    subject = prepare(network, input_shape, how)
    with machine_lock(), subject.running():
        block = read(subject.once, effort)
    return of_readings(block, how, subject.clock, subject.batch, confidence)
