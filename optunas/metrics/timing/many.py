"""Latencies of a set of networks, measured so that they can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from optunas.errors import InvalidSpecError
from optunas.metrics.lock import machine_lock
from optunas.metrics.timing.repeats import read
from optunas.metrics.timing.result import Latency, Readings, of_passes
from optunas.metrics.timing.settings import Effort, How
from optunas.metrics.timing.subjects import Subject, prepare

__all__ = ["Block", "blocks", "latencies", "order_of"]

BLOCK_SECONDS = 0.5
"""A network's readings in one pass end by then: more passes say more than longer ones."""


class Block(NamedTuple):
    """What one network read in one pass."""

    number: int
    network: int
    readings: Readings


def order_of(count: int, number: int, seed: int = 0) -> list[int]:
    """The random order of the ``number``-th pass, the same in every process."""
    return np.random.default_rng((seed, number)).permutation(count).tolist()


def blocks(
    subjects: Sequence[Subject] | Callable[[int], Subject],
    count: int,
    passes: int,
    effort: Effort,
    seed: int = 0,
    done: frozenset[tuple[int, int]] = frozenset(),
    measure: Callable[[Subject, Effort], Readings] | None = None,
) -> Iterator[Block]:
    """Read every network once in every pass, each pass in another random order.

    Args:
        subjects: by index, or what makes the one of an index.
        count: networks.
        passes: rounds.
        effort: of one block.
        seed: of the orders.
        done: (pass, index) that need not be read again.
        measure: reads one subject; None reads it until its median is sure.
    """
    measure = _measured if measure is None else measure
    for number in range(passes):
        for index in order_of(count, number, seed):
            if (number, index) in done:
                continue
            subject = subjects(index) if callable(subjects) else subjects[index]
            yield Block(number, index, measure(subject, effort))


def _measured(subject: Subject, effort: Effort) -> Readings:
    with machine_lock(), subject.running():
        return read(subject.once, effort)


def latencies(
    networks: Sequence[nn.Module],
    input_shape: tuple[int, ...],
    device: str | torch.device = "cpu",
    threads: int = 1,
    *,
    passes: int = 5,
    repeats: int | None = None,
    warmup: int = 3,
    max_seconds: float = BLOCK_SECONDS,
    within: float = 0.02,
    confidence: float = 0.95,
    dtype: str = "float32",
    backend: str = "eager",
    cuda_graph: bool | None = None,
    clock: str = "auto",
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> list[Latency]:
    """Measure networks in repeated passes over all of them, each in a random order.

    A machine drifts between two passes by more than readings spread inside one: two single passes
    rank networks alike only to .90-.98 (Spearman). Each network's value is the median of its
    passes' medians, its interval that of the passes' medians; on a machine that others use too,
    ``min_ms`` ranks better.

    Args:
        networks: all of one input shape; left as they are.
        input_shape: with batch.
        device, threads, dtype, backend, cuda_graph, clock, warmup, confidence: as in
            :func:`optunas.metrics.latency`.
        passes: rounds over the set.
        repeats: readings of a network in one pass; None reads until the median is sure.
        max_seconds: ends a network's readings in one pass.
        within: half the interval's width that is narrow enough, inside a pass and for ``settled``.
        seed: of the orders.
        watch: called with (blocks done, blocks in all) after each.

    Returns:
        A latency for each network, in order; none for no networks.

    Raises:
        DeviceError, UnknownNameError, InvalidSpecError: as in :func:`optunas.metrics.latency`.
    """
    if isinstance(passes, bool) or not isinstance(passes, int) or passes < 1:
        raise InvalidSpecError(f"passes must be a positive integer, got {passes!r}.")
    how = How(str(device), threads, dtype, backend, cuda_graph, clock)
    effort = Effort(repeats, warmup, max_seconds, within, confidence)
    subjects = [prepare(network, input_shape, how) for network in networks]
    found: list[list[Readings]] = [[] for _ in subjects]
    total = passes * len(subjects)
    for done, block in enumerate(blocks(subjects, len(subjects), passes, effort, seed), start=1):
        found[block.network].append(block.readings)
        if watch is not None:
            watch(done, total)
    return [
        of_passes(one, how, subject.clock, subject.batch, confidence, within)
        for one, subject in zip(found, subjects, strict=True)
    ]
