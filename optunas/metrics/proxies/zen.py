"""``zen``: how far a small change of the input moves the last features; needs no data.

    log E |f(x) - f(x + a e)|_1 + sum over batch norms i of log sqrt(mean over channels of s_ic^2)

x and e are standard normal, a = .01, the weights are drawn anew from N(0, 1); s_ic^2 is what batch
norm i measures of channel c on x. The second term gives back the scale that batch norms take away:
scaling a layer's weights by k under a norm adds log k. f are the last feature maps before pooling
(of a network of vectors, what its last layer reads). Lin et al. 2021, "Zen-NAS" (arXiv:2102.01063),
algorithm 1 with the authors' code, which sums absolute differences. Deviation: skip connections
stay, as a searched cell is not the same without them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.catalogue import ProxyError
from optunas.metrics.proxies.subject import owners, redraw

__all__ = ["CHANGE", "score"]

CHANGE = 0.01
"""a: how much noise is added."""

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    owners(network)  # raises for a network without weights
    redraw(network, batch, scaled=False)
    draw = batch.generator()
    x, noise = (torch.randn(batch.x.shape, generator=draw).to(batch.x) for _ in range(2))
    scales: list[float] = []
    norms = [
        module.register_forward_pre_hook(lambda m, given: scales.append(_log_scale(given[0])))
        for module in network.modules()
        if isinstance(module, _BATCH_NORMS)
    ]
    with torch.no_grad():
        features = _last_features(network, x)
        for handle in norms:
            handle.remove()
        moved = _last_features(network, x + CHANGE * noise)
    distance = (features - moved).double().abs().flatten(1).sum(1).mean()
    return math.log(float(distance)) + sum(scales) if float(distance) > 0 else -math.inf


def _log_scale(x: Tensor) -> float:
    """log sqrt of the mean variance of the channels of (N, C, ...)."""
    others = [axis for axis in range(x.ndim) if axis != 1]
    variance = float(x.double().var(dim=others, unbiased=False).mean())
    return 0.5 * math.log(variance) if variance > 0 else 0.0  # a dead branch scales nothing


def _last_features(network: nn.Module, x: Tensor) -> Tensor:
    """The last feature maps that a module gives; without any, what the last layer is given."""
    maps: list[Tensor] = []
    vectors: list[Tensor] = []

    def keep_map(module: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim >= 3:
            maps[:] = [output.clone()]  # what works in place must not change what is kept

    def keep_vector(module: nn.Module, given: Any) -> None:
        vectors[:] = [given[0].clone()]

    handles = [module.register_forward_hook(keep_map) for module in network.modules()]
    handles += [module.register_forward_pre_hook(keep_vector) for module in owners(network)]
    network(x)
    for handle in handles:
        handle.remove()
    if not maps and not vectors:
        raise ProxyError("no module of the network gives feature maps or reads a vector")
    return (maps or vectors)[-1]
