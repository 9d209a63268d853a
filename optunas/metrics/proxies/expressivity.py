"""``expressivity``: how evenly each block's features fill their space.

    sum over blocks of the entropy of the shares of the features' principal components

Lee and Ham 2024, "AZ-NAS" (arXiv:2403.19232), section 3.1. See ``blocks``.
"""

from __future__ import annotations

import torch
from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.blocks import block_features, entropy

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    with torch.no_grad():
        return sum(entropy(features) for features in block_features(network, batch, least=1))
