"""The states of a cell while they are added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from optunas.darts.partial import Around
from optunas.darts.source import Phases

__all__ = ["DenseGradient", "Sum", "Sums"]


class Sums:
    """The states of a cell while they are added up, plain terms and terms in phases apart."""

    def __init__(
        self,
        inputs: tuple[Tensor, ...],
        num_states: int,
        size: tuple[int, ...],
        around: Around | None = None,
    ) -> None:
        self._around, self._like, self._size = around, inputs[0], size
        self._plain: list[Sum] = [Sum(x) for x in inputs]
        self._plain += [Sum() for _ in range(num_states - len(inputs))]
        self._phased: list[Sum] = [Sum() for _ in range(num_states)]
        self._phases: Phases | None = None

    def add(self, at: int, term: Tensor, phases: Phases | None = None) -> None:
        """Add a term, in parity phases where ``phases`` says so."""
        if phases is None:
            self._plain[at].add(term)
        else:
            self._phases = phases
            self._phased[at].add(term)

    def add_all(
        self, targets: Sequence[int], terms: Sequence[Tensor], phases: Phases | None = None
    ) -> None:
        """Add one term to each of the targets."""
        for at, term in zip(targets, terms, strict=True):
            self.add(at, term, phases)

    def state(self, at: int) -> Tensor:
        """The finished state; zeros where nothing was added: norms turn them into something."""
        phased = self._phased[at].value
        if phased is not None and self._phases is not None:
            self._plain[at].add(self._phases.merge(phased))
            self._phased[at] = Sum()
        if self._around is not None and at in self._around.sums:
            self._plain[at] = Sum(self._around.join(at, self._plain[at].value))
        value = self._plain[at].value
        return self._like.new_zeros(self._size) if value is None else value


class Sum:
    """Terms added in place, once the sum is a tensor of its own that nothing else needs."""

    def __init__(self, value: Tensor | None = None) -> None:
        self.value, self._own = value, False

    def add(self, term: Tensor) -> None:
        if self.value is None:
            self.value = term
        elif self._own:
            self.value = self.value.add_(term)
        else:
            self.value, self._own = self.value + term, True


class DenseGradient(torch.autograd.Function):
    """The identity; makes a slice of a concatenation's gradient dense once, not in every use."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0].contiguous(memory_format=torch.channels_last)
