"""What the blocks of a network make of a batch: the features that AZ-NAS's proxies look at.

Lee and Ham 2024, "AZ-NAS: assembling zero-cost proxies for network architecture search"
(arXiv:2403.19232), section 3.1: the outputs of the stem and of each cell or residual block, with
weights drawn from N(0, 2 / fan in).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.catalogue import ProxyError
from optunas.metrics.proxies.subject import redraw
from optunas.nets.macro_layers import JoinModule

__all__ = ["as_maps", "block_features", "blocks", "entropy"]

_CONTAINERS = (nn.Sequential, nn.ModuleList)


def blocks(network: nn.Module) -> list[nn.Module]:
    """The parts that a network is a chain or graph of.

    Its children, where lists of modules that are made of modules themselves are opened: stem,
    cells, residual blocks, layers with norm and activation. Of single modules those with weights.
    A network that is wrapped whole in another is looked into.
    """
    parts = [part for child in network.children() for part in _opened(child)]
    if len(parts) == 1 and any(True for _ in parts[0].children()):
        return blocks(parts[0])
    return parts


def _opened(module: nn.Module) -> list[nn.Module]:
    children = list(module.children())
    if isinstance(module, JoinModule):
        return []  # of a macro: what stands between its layers
    if not children:
        return [module] if any(p.ndim >= 2 for p in module.parameters()) else []
    nested = any(True for child in children for _ in child.children())
    if isinstance(module, _CONTAINERS) and (nested or isinstance(module, nn.ModuleList)):
        return [part for child in children for part in _opened(child)]
    return [module]


def block_features(network: nn.Module, batch: Batch, least: int) -> list[Tensor]:
    """What each block gives, in the order they run, each (N, C, ...); still in the graph.

    The network's output itself is none of them. The weights are drawn anew.

    Raises:
        ProxyError: for a network of fewer than ``least`` blocks.
    """
    redraw(network, batch, scaled=True)
    kept: list[tuple[Tensor, Tensor]] = []

    def keep(module: nn.Module, given: Any, output: Any) -> Any:
        if not isinstance(output, Tensor) or output.ndim < 2 or not output.is_floating_point():
            return output
        # The graph goes on from a copy: what works in place must not change what is kept, and a
        # block that returns its input has an input and an output.
        kept.append((output, output.clone()))
        return kept[-1][1]

    for module in blocks(network):
        module.register_forward_hook(keep)
    result = network(batch.x)
    features = [output for output, copied in kept if copied is not result]
    if len(features) < least:
        raise ProxyError(
            f"it compares blocks (stem, cells, layers) and needs {least}, the network has "
            f"{len(features)}"
        )
    return features


def as_maps(x: Tensor) -> Tensor:
    """(N, C, ...) as (N, C, H, W)."""
    if x.ndim == 2:
        return x[:, :, None, None]
    return x.unsqueeze(-1) if x.ndim == 3 else x.flatten(3)


def entropy(features: Tensor) -> float:
    """Of the shares of the principal components of (N, C, ...): 0 to log C, NaN for constants.

    Positions are samples, channels are variables.
    """
    rows = features.detach().double().movedim(1, -1).flatten(0, -2)  # (N H W, C)
    if not bool(rows.isfinite().all()):
        return math.nan
    rows = rows - rows.mean(0)
    values = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).clamp(min=0.0)
    shares = values / values.sum()
    return -float((shares * (shares + 1e-8).log()).sum())
