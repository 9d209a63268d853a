"""Torch's global random numbers, borrowed and given back.

A network draws from torch's global generators (initial weights, dropout), and so does a data
loader that shuffles. Training must depend on its seed alone and leave the caller's random
numbers as they were, also while the caller works between two epochs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["RandomState", "seeded"]


class RandomState:
    """A private state of torch's generators, on the CPU and on one CUDA device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = device if device.type == "cuda" else None
        self._own = [torch.Generator().manual_seed(seed).get_state()]
        if self._cuda is not None:
            self._own.append(torch.Generator(self._cuda).manual_seed(seed).get_state())

    def state(self) -> list[torch.Tensor]:
        """The generators' states, the CPU's first."""
        return list(self._own)

    def restore(self, states: list[torch.Tensor]) -> None:
        """Go on from a :meth:`state`; what it has of another kind of device is left out."""
        self._own = [*states[: len(self._own)], *self._own[len(states) :]]

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, torch draws from this state and advances it; outside nothing has changed."""
        callers = self._read()
        self._write(self._own)
        try:
            yield
        finally:
            self._own = self._read()
            self._write(callers)

    def _read(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        return states if self._cuda is None else [*states, torch.cuda.get_rng_state(self._cuda)]

    def _write(self, states: list[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._cuda is not None:
            torch.cuda.set_rng_state(states[1], self._cuda)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's CPU numbers start from ``seed``; afterwards the caller's go on as before."""
    with RandomState(seed, torch.device("cpu")).active():
        yield
