"""The states of a cell while they are added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from optunas.darts.partial import Around
from optunas.darts.source import merged

__all__ = ["DenseGradient", "Sum", "Sums"]


class Sums:
    """The states of a cell while they are added up, plain terms and terms in phases apart.

    Args:
        inputs: the first states.
        num_states: of the cell.
        size: (N, C, H, W) of the others.
        around: what goes round the mixed operations, for partial channels.
    """

    def __init__(
        self,
        inputs: tuple[Tensor, ...],
        num_states: int,
        size: tuple[int, ...],
        around: Around | None = None,
    ) -> None:
        self._around, self._inputs, self._size = around, inputs, size
        self._plain: list[Sum] = [Sum(x) for x in inputs]
        self._plain += [Sum() for _ in range(num_states - len(inputs))]
        self._phased: list[Sum] = [Sum() for _ in range(num_states)]

    def add(self, at: int, term: Tensor, phased: bool = False) -> None:
        """Add a term, which comes in parity phases where ``phased`` says so."""
        (self._phased if phased else self._plain)[at].add(term)

    def add_all(
        self, targets: Sequence[int], terms: Sequence[Tensor], phased: bool = False
    ) -> None:
        """Add one term to each of the targets."""
        for at, term in zip(targets, terms, strict=True):
            self.add(at, term, phased)

    def parts(self) -> list[Tensor | None]:
        """Everything as it stands."""
        return [one.value for one in (*self._plain, *self._phased)]

    def take(self, parts: Sequence[Tensor | None]) -> None:
        """Add the parts of sums of as many states."""
        for one, part in zip((*self._plain, *self._phased), parts, strict=True):
            if part is not None:
                one.add(part)

    def state(self, at: int) -> Tensor:
        """The finished state; zeros where nothing was added: norms turn them into something."""
        phased = self._phased[at].value
        if phased is not None:
            self._plain[at].add(merged(phased, self._size))
            self._phased[at] = Sum()
        if self._around is not None and at in self._around.targets:
            self._plain[at] = Sum(self._around.join(at, self._plain[at].value))
        value = self._plain[at].value
        return self._inputs[0].new_zeros(self._size) if value is None else value


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
