"""``synflow``: how much flows through the network along all paths; needs no data.

    log sum over weights w of w dR/dw,    R = sum of the outputs of an input of ones

with every parameter replaced by its absolute value, norms bypassed and in float64. Tanaka et al.
2020, "Pruning neural networks without any data by iteratively conserving synaptic flow"
(arXiv:2006.05467); bypassing batch norms as by Abdelfattah et al. 2021 (other norms
likewise here). The logarithm keeps deep networks within the floats and leaves the order as it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.subject import NORMS, gradients, weights

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    network.double().eval()
    for module in network.modules():
        if isinstance(module, NORMS):
            module.forward = _same  # type: ignore[method-assign, assignment]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    ones = torch.ones((1, *batch.input_shape), dtype=torch.float64, device=batch.x.device)
    free = weights(network)
    pairs = zip(free, gradients(network(ones).sum(), free), strict=True)
    flow = sum(float((w.detach() * grad).sum()) for w, grad in pairs)
    return math.log(flow) if flow > 0 else -math.inf


def _same(x: Tensor) -> Tensor:
    return x.clone()  # the next unit may work in place on what the last one has saved
