"""``grasp``: what the removal of the weights does to the gradients' flow.

    - sum over weights w of w (H g)_w,    g = dL/dw,  H = d^2L/dw^2

L is the mean loss of one labelled batch. Wang, Zhang and Grosse 2020, "Picking winning tickets
before training by preserving gradient flow" (arXiv:2002.07376), section 4, with temperature 1;
summed over the network as by Abdelfattah et al. 2021.
"""

from __future__ import annotations

import torch
from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.subject import gradients, weights

__all__ = ["score"]


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    free = weights(network)
    loss = batch.loss(network(batch.x), batch.y)
    if not loss.requires_grad:
        return 0.0
    grads = torch.autograd.grad(loss, free, create_graph=True, allow_unused=True)
    # d (g . c) / dw with c = g held fixed is H g.
    flow = sum((g.detach() * g).sum() for g in grads if g is not None)
    assert isinstance(flow, torch.Tensor)
    pairs = zip(free, gradients(flow, free), strict=True)
    return -sum(float((w.detach() * hg).double().sum()) for w, hg in pairs)
