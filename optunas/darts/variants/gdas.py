"""GDAS: one operation an edge and step, drawn by Gumbel noise."""

from __future__ import annotations

import torch
from torch import Tensor

from optunas.darts.mixing import Mixing
from optunas.darts.variants.base import Alphas, Variant

__all__ = ["Gdas", "temperature"]

HOT, COLD = 10.0, 0.1
"""Temperatures at the search's start and end (the paper's section 4.1)."""


def temperature(progress: float) -> float:
    """From 10 down to .1, linearly as in the authors' code."""
    return HOT + (COLD - HOT) * progress


class Gdas(Variant):
    """``o(x) = o_k(x)``, k drawn from softmax(alpha) (Dong and Yang 2019, equations 3 to 5).

    The softmax of ``(log softmax(alpha) + Gumbel noise) / temperature`` is drawn, its largest
    operation alone is computed, with weight 1, and the gradient is that of the softmax: straight
    through, and only from the operation that was computed, as in the paper. Each forward pass
    draws one operation for each edge of each kind of cell. Operations that a step did not draw
    keep their weights: neither momentum nor decay moves them.
    """

    def mix(self, alphas: Alphas, generator: torch.Generator, progress: float) -> Mixing:
        weights, active = {}, {}
        for kind, alpha in alphas.items():
            noise = torch.empty(alpha.shape, dtype=alpha.dtype).exponential_(generator=generator)
            gumbel = -noise.clamp_min(torch.finfo(alpha.dtype).tiny).log()
            logits = self.open(alpha).log_softmax(dim=-1) + gumbel.to(alpha.device)
            soft = (logits / temperature(progress)).softmax(dim=-1)
            hard = torch.zeros_like(soft).scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
            weights[kind] = hard + (soft - soft.detach())
            active[kind] = hard.bool().cpu().numpy()
        return Mixing(weights, active)

    def read(self, alphas: Alphas) -> dict[str, Tensor]:
        return {kind: self.open(alpha).softmax(dim=-1) for kind, alpha in alphas.items()}
