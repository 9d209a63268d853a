"""Partial channels: one in K of a state's channels is mixed, the others go round (PC-DARTS).

Xu et al. 2020 (arXiv:1907.05737), section 3.1 and the authors' code: on each edge the first C / K
channels go through the mixed operation and the others pass, max pooled where the edge halves the
resolution; both are put together and shuffled, and an edge's weight scales all of it. Putting
together and shuffling are the same for every edge into a node, so they are done once for their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from optunas.errors import InvalidSpecError

__all__ = ["Around", "check_partial", "shuffled"]


def check_partial(channels: int, partial: int) -> None:
    """Raise InvalidSpecError where the channels cannot be divided so."""
    if channels % partial:
        raise InvalidSpecError(
            f"partial={partial} mixes one in {partial} channels, so channels must be a multiple of "
            f"it, got {channels}; choose channels={-(-channels // partial) * partial}, or another "
            "partial."
        )


def shuffled(x: Tensor, groups: int) -> Tensor:
    """Channel c of group g becomes channel ``c * groups + g``: (N, C, H, W) -> (N, C, H, W)."""
    n, c, h, w = x.shape
    apart = x.permute(0, 2, 3, 1).reshape(n, h, w, groups, c // groups)
    return apart.transpose(3, 4).reshape(n, h, w, c).permute(0, 3, 1, 2)


class Around:
    """What goes round the mixed operations of one cell, summed up for each node.

    Args:
        weights: of the edges (E,).
        ends: (source, target) of each edge.
        partial: K.
    """

    def __init__(self, weights: Tensor, ends: Sequence[tuple[int, int]], partial: int) -> None:
        self.weights, self.ends, self.partial = weights, ends, partial
        self.targets = {target for _, target in ends}
        self._rests: list[Tensor] = []

    def split(self, x: Tensor, stride: int) -> Tensor:
        """Keep a state's other channels for the nodes it has edges to; the channels to be mixed.

        To be called for one state after another.
        """
        width = x.shape[1] // self.partial
        rest = x[:, width:]
        if stride == 2:
            rest = F.max_pool2d(rest, 2, ceil_mode=True)
        self._rests.append(rest.contiguous(memory_format=torch.channels_last))
        return x[:, :width].contiguous(memory_format=torch.channels_last)

    def join(self, at: int, mixed: Tensor | None) -> Tensor:
        """A node's whole state, from the sum of its mixed operations, once; None is zeros."""
        self.targets.remove(at)
        edges = [(e, source) for e, (source, target) in enumerate(self.ends) if target == at]
        weights = self.weights[[e for e, _ in edges]]
        rest = _Weighted.apply(weights, *(self._rests[source] for _, source in edges))
        if mixed is None:
            width = rest.shape[1] // (self.partial - 1)
            mixed = rest.new_zeros((rest.shape[0], width, *rest.shape[2:]))
        return shuffled(torch.cat([mixed, rest], dim=1), self.partial)


class _Weighted(torch.autograd.Function):
    """The sum of tensors times a weight each, without a tensor for every product."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, *terms: Tensor) -> Tensor:
        ctx.save_for_backward(weights, *terms)
        first, *others = weights.tolist()
        total = terms[0] * first
        for term, weight in zip(terms[1:], others, strict=True):
            total.add_(term, alpha=weight)
        return total

    @staticmethod
    def backward(ctx: Any, *towards: Any) -> Any:
        weights, *terms = ctx.saved_tensors
        of_weights, wanted = None, ctx.needs_input_grad[1:]
        if ctx.needs_input_grad[0]:
            of_weights = torch.stack([(towards[0] * term).sum() for term in terms])
        each = zip(weights.unbind(), wanted, strict=True)
        return of_weights, *(towards[0] * weight if needed else None for weight, needed in each)
