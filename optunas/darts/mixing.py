"""What a forward pass of the supernet mixes with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

__all__ = ["Mixing"]


@dataclass(frozen=True)
class Mixing:
    """What a forward pass of the supernet mixes with.

    Attributes:
        weights: for each kind of cell (E, O).
        active: operations to compute at all, for each kind (E, O) booleans; None is all.
        bypass: weight of each edge's unmixed channels, for each kind (E,); PC-DARTS only.
    """

    weights: Mapping[str, Tensor]
    active: Mapping[str, np.ndarray] | None = None
    bypass: Mapping[str, Tensor] = field(default_factory=dict)

    def tensors(self) -> list[Tensor]:
        """All mixing weights, in a fixed order."""
        return [*self.weights.values(), *self.bypass.values()]

    def detached(self) -> Mixing:
        """The same numbers, without a way back to the alphas."""
        weights = {kind: weight.detach() for kind, weight in self.weights.items()}
        bypass = {kind: weight.detach() for kind, weight in self.bypass.items()}
        return Mixing(weights, self.active, bypass)

    def leaves(self) -> Mixing:
        """The same numbers as leaves that have gradients of their own."""
        apart = self.detached()
        for tensor in apart.tensors():
            tensor.requires_grad_()
        return apart
