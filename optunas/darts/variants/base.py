"""What a variant of DARTS is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.variants.beta_decay import beta_decay

__all__ = ["Alphas", "Variant"]

Alphas = Mapping[str, Tensor]
"""For each kind of cell one leaf tensor (E, O), rows as in ``edges_of``; further leaves by name."""


class Variant(ABC):
    """How alphas become mixing weights, in training and when they are read.

    Args:
        settings: of the search.
        ends: (source, target) of each edge, in the order of the rows.
        closed: (E, O) booleans, operations that an edge cannot have: they get no weight and no
            gradient. None where every edge can have all.
    """

    warmup_share: float = 0.0
    """Share of the epochs in which only the weights learn, unless the settings say otherwise."""

    partial: int = 1
    """The supernet mixes one in so many channels."""

    alphas_decay: bool = True
    """Whether the alphas' Adam decays them; False where a variant has another anchor."""

    def __init__(
        self,
        settings: SearchSettings,
        ends: list[tuple[int, int]],
        closed: np.ndarray | None = None,
    ) -> None:
        self.settings, self.ends = settings, ends
        self.closed = None if closed is None else torch.from_numpy(closed)

    def alphas(
        self, kinds: tuple[str, ...], shape: tuple[int, int], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """New leaves, drawn from N(0, 1e-3) as in the paper's code."""
        return {
            kind: (1e-3 * torch.randn(shape, generator=generator)).requires_grad_()
            for kind in kinds
        }

    def open(self, alpha: Tensor) -> Tensor:
        """The alphas (E, O) of what can stand there; minus infinity for what cannot."""
        if self.closed is None:
            return alpha
        return alpha.masked_fill(self.closed.to(alpha.device), -torch.inf)

    @abstractmethod
    def mix(self, alphas: Alphas, generator: torch.Generator, progress: float) -> Mixing:
        """The mixing of one forward pass, differentiable in the alphas.

        Args:
            alphas: the leaves.
            generator: of whatever is drawn.
            progress: share of the search that is done, in [0, 1).
        """

    @abstractmethod
    def read(self, alphas: Alphas) -> dict[str, Tensor]:
        """The weight (E, O) of each operation as the search stands; each row adds up to 1.

        What shares, entropies and the choice of an architecture go by. Edges compete too where the
        variant says so: then the rows are scaled, and do not add up to 1.
        """

    def settled(self, alphas: Alphas) -> Mixing:
        """The mixing by which the supernet is judged: nothing is drawn, differentiable."""
        return Mixing(self.read(alphas))

    def penalty(self, alphas: Alphas, progress: float) -> Tensor | None:
        """What is added to the validation loss of the alphas: the anchor, and beta decay."""
        operations = [alpha for alpha in alphas.values() if alpha.dim() == 2]
        parts = [self.anchor(operations)]
        if self.settings.beta_decay > 0:
            held = [self.open(alpha) for alpha in operations]
            parts.append(beta_decay(held, self.settings.beta_decay, progress))
        there = [part for part in parts if part is not None]
        return torch.stack(there).sum() if there else None

    def anchor(self, operations: list[Tensor]) -> Tensor | None:
        """What the variant itself holds its operations' alphas back with."""
        return None
