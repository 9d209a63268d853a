"""Networks on CUDA: read by CUDA's events, around a captured graph where that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from optunas.errors import InvalidSpecError
from optunas.metrics.timing.settings import How
from optunas.metrics.timing.subjects import NAN, Subject, running

__all__ = ["cuda_subject"]

BEFORE_CAPTURE = 3
"""Runs beside the capture stream, in which libraries choose their kernels (torch's own advice)."""


def cuda_subject(
    run: Callable[[Tensor], Any], x: Tensor, how: How, place: torch.device, cuda: Any = None
) -> Subject:
    """A network that is read by events.

    An event pair covers what the device does, waits for Python included: small networks are as slow
    as their kernels are launched. A graph, captured once, is launched at once, which is what a
    deployed engine does. ``cuda`` is ``torch.cuda``.

    Raises:
        InvalidSpecError: when a graph is asked for and the network cannot be captured.
    """
    cuda = torch.cuda if cuda is None else cuda
    launch, clock = (lambda: run(x)), "events"
    if how.cuda_graph is not False:
        captured = _captured(run, x, how, place, cuda)
        if captured is not None:
            launch, clock = captured, "graph"
    begin, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)

    def once() -> tuple[float, float, float]:
        with cuda.device(place):
            cuda.synchronize(place)
            begin.record()
            launch()
            end.record()
            end.synchronize()
        return float(begin.elapsed_time(end)), NAN, NAN

    return Subject(once, lambda: running(how.threads), clock, len(x))


def _captured(
    run: Callable[[Tensor], Any], x: Tensor, how: How, place: torch.device, cuda: Any
) -> Callable[[], Any] | None:
    """A replay of the network's kernels; None where they cannot be captured."""
    try:
        with cuda.device(place):
            side = cuda.Stream(place)
            side.wait_stream(cuda.current_stream(place))
            with cuda.stream(side):
                for _ in range(BEFORE_CAPTURE):
                    run(x)
            cuda.current_stream(place).wait_stream(side)
            graph = cuda.CUDAGraph()
            with cuda.graph(graph):
                run(x)
    except RuntimeError as error:
        cuda.synchronize(place)
        if how.cuda_graph is None:
            return None
        reason = str(error).strip().split("\n")[0]
        raise InvalidSpecError(
            f"The network cannot be captured as a CUDA graph: {reason}; leave cuda_graph=True out."
        ) from error
    return graph.replay
