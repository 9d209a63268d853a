"""``grad_norm``: how large the loss's gradients are at initialisation.

    sum over weights W of || dL / dW ||_2

L is the mean loss of one labelled batch; W goes over the weights of convolutions and linear layers.
Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS" (arXiv:2101.08134), section 3.
"""

from __future__ import annotations

from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.subject import gradients, weights

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    free = weights(network)
    found = gradients(batch.loss(network(batch.x), batch.y), free)
    return sum(float(grad.double().norm()) for grad in found)
