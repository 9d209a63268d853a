"""``progressivity``: how much expressivity grows from block to block, where it grows least.

    min over neighbouring blocks of (entropy of the later one - entropy of the earlier one)

Lee and Ham 2024, "AZ-NAS" (arXiv:2403.19232), section 3.1. See ``blocks``.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.blocks import block_features, entropy

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    with torch.no_grad():
        values = [entropy(features) for features in block_features(network, batch, least=2)]
    steps = [later - earlier for earlier, later in pairwise(values)]
    return float("nan") if any(step != step for step in steps) else min(steps)
