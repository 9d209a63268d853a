"""DrNAS: mixing weights drawn from Dirichlet distributions whose concentrations are learned."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence

from optunas.darts.mixing import Mixing
from optunas.darts.variants.base import Alphas, Variant
from optunas.train import seeded

__all__ = ["DrNas", "concentration"]

LOWEST = -30.0
"""Alphas below this count as this: samples of smaller concentrations are 0 / 0."""


def concentration(alpha: Tensor) -> Tensor:
    """``elu(alpha) + 1``: above 0, and about 1 at the start; float64, as samples of small ones."""
    alpha = alpha.double()
    # elu(alpha) + 1 itself would round to 0 from about -37 on.
    return torch.where(alpha > 0, alpha + 1, alpha.clamp(LOWEST, 0.0).exp())


class DrNas(Variant):
    """``theta ~ Dirichlet(elu(alpha) + 1)`` for each edge (Chen et al. 2021, equations 3 to 5).

    The gradient passes through the sample (pathwise derivatives). The alphas are held by the
    divergence from Dirichlet(1) (the paper's section 2.2 and the code's ``kl``, summed over the
    edges) in place of a weight decay, and with its weight, ``alpha_weight_decay``: the code's 1e-3
    is the same number. An architecture is read off the distributions' means. Without the paper's
    progressive stages, which narrow the operations and widen the channels half way.
    """

    alphas_decay = False

    def mix(self, alphas: Alphas, generator: torch.Generator, progress: float) -> Mixing:
        # torch's reparameterised sample takes no generator: its global numbers are borrowed.
        seed = int(torch.randint(2**62, (), generator=generator))
        with seeded(seed):
            return Mixing({kind: self._among(_sample(self.open(a))) for kind, a in alphas.items()})

    def read(self, alphas: Alphas) -> dict[str, Tensor]:
        means = {
            kind: Dirichlet(concentration(self.open(alpha)), False).mean
            for kind, alpha in alphas.items()
        }
        return {kind: self._among(mean.to(alphas[kind].dtype)) for kind, mean in means.items()}

    def _open_parts(self, alpha: Tensor) -> list[Tensor]:
        """The alphas of what can stand there; edge by edge where that is not the same."""
        if self.closed is None:
            return [alpha]
        return [
            row[~shut.to(row.device)][None] for row, shut in zip(alpha, self.closed, strict=True)
        ]

    def _among(self, theta: Tensor) -> Tensor:
        """The shares (E, O) among what can stand there; the others' are as good as 0 already."""
        if self.closed is None:
            return theta
        left = theta.masked_fill(self.closed.to(theta.device), 0.0)
        return left / left.sum(dim=-1, keepdim=True).clamp_min(1e-30)

    def anchor(self, operations: list[Tensor]) -> Tensor | None:
        weight = self.settings.alpha_weight_decay
        if not weight:
            return None
        parts = [part for alpha in operations for part in self._open_parts(alpha)]
        total = torch.stack([_divergence(part) for part in parts]).sum()
        return weight * total.to(operations[0].dtype)


def _sample(alpha: Tensor) -> Tensor:
    """(E, O) -> (E, O), drawn on the CPU: equal seeds draw equally on every device."""
    drawn = Dirichlet(concentration(alpha).cpu(), False).rsample()
    return drawn.to(alpha.device, alpha.dtype)


def _divergence(alpha: Tensor) -> Tensor:
    """KL(Dirichlet(concentration) || Dirichlet(1)), summed over the edges."""
    learned = concentration(alpha)
    return kl_divergence(
        Dirichlet(learned, False), Dirichlet(torch.ones_like(learned), False)
    ).sum()
