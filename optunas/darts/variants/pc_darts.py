"""PC-DARTS: partial channels, and edges that compete."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.variants.base import Alphas, Variant

__all__ = ["PCDarts"]

EDGES = ".edges"
"""End of the name of a kind's edge weights, beta, among the leaves."""


class PCDarts(Variant):
    """``x_j = sum_i beta_ij o_ij(x_i)``, beta a softmax over a node's edges (Xu et al. 2020).

    Equations 2 and 4: ``o_ij`` mixes one in ``settings.partial`` channels with softmax(alpha) and
    lets the others pass (:mod:`optunas.darts.partial`); an architecture is read off the products of
    both. The alphas wait for the first 15 of 50 epochs, as in the paper's section 4.2. Deviation:
    pools are followed by a batch norm, as in all supernets here.
    """

    warmup_share = 15 / 50

    def __init__(
        self,
        settings: SearchSettings,
        ends: list[tuple[int, int]],
        closed: np.ndarray | None = None,
    ) -> None:
        super().__init__(settings, ends, closed)
        self.partial = settings.partial

    def alphas(
        self, kinds: tuple[str, ...], shape: tuple[int, int], generator: torch.Generator
    ) -> dict[str, Tensor]:
        leaves = super().alphas(kinds, shape, generator)
        for kind in kinds:
            beta = 1e-3 * torch.randn(shape[0], generator=generator)
            leaves[kind + EDGES] = beta.requires_grad_()
        return leaves

    def mix(self, alphas: Alphas, generator: torch.Generator, progress: float) -> Mixing:
        return self.settled(alphas)

    def settled(self, alphas: Alphas) -> Mixing:
        shares = self._shares(alphas)
        weights = {k: self.open(alphas[k]).softmax(dim=-1) * s[:, None] for k, s in shares.items()}
        return Mixing(weights, bypass=shares if self.partial > 1 else {})

    def read(self, alphas: Alphas) -> dict[str, Tensor]:
        return dict(self.settled(alphas).weights)

    def _shares(self, alphas: Alphas) -> dict[str, Tensor]:
        """Softmax of beta over the edges into each node (E,), for each kind."""
        targets = [target for _, target in self.ends]
        sizes = [targets.count(target) for target in dict.fromkeys(targets)]
        return {
            name.removesuffix(EDGES): torch.cat([b.softmax(dim=0) for b in beta.split(sizes)])
            for name, beta in alphas.items()
            if name.endswith(EDGES)
        }
