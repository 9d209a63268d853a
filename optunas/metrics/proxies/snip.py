"""``snip``: how much the loss feels the removal of each weight.

    sum over weights w of | w dL/dw |

L is the mean loss of one labelled batch. Lee, Ajanthan and Torr 2019, "SNIP: single-shot network
pruning based on connection sensitivity" (arXiv:1810.02340), section 4, before its
normalisation; summed over the network as by Abdelfattah et al. 2021.
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
    pairs = zip(free, found, strict=True)
    return sum(float((w.detach() * grad).double().abs().sum()) for w, grad in pairs)
