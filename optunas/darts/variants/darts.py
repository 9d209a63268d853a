"""DARTS itself: a softmax over the operations of each edge."""

from __future__ import annotations

import torch
from torch import Tensor

from optunas.darts.mixing import Mixing
from optunas.darts.variants.base import Alphas, Variant

__all__ = ["Darts"]


class Darts(Variant):
    """``o(x) = sum_o softmax(alpha)_o o(x)`` (Liu et al. 2019, equation 2)."""

    def mix(self, alphas: Alphas, generator: torch.Generator, progress: float) -> Mixing:
        return Mixing(self.read(alphas))

    def read(self, alphas: Alphas) -> dict[str, Tensor]:
        return {kind: self.open(alpha).softmax(dim=-1) for kind, alpha in alphas.items()}
