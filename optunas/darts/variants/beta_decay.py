"""Beta-decay regularisation, which any variant can have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["beta_decay"]


def beta_decay(operations: Sequence[Tensor], weight: float, progress: float) -> Tensor:
    """``weight * progress * mean over the edges of logsumexp(alpha)`` (Ye et al. 2022).

    Equations 13 to 15 of arXiv:2203.01665: the gradient of an alpha is its own softmax, so that
    the large ones are held back most; what weight decay does to alphas, done to the softmax. The
    weight grows linearly from 0 to ``weight`` over the search; the paper ends at 50.

    Args:
        operations: alphas (E, O), one for each kind of cell; each kind counts for itself.
        weight: at the search's end.
        progress: share of the search that is done.
    """
    means = [alpha.logsumexp(dim=-1).mean() for alpha in operations]
    return weight * progress * torch.stack(means).sum()
