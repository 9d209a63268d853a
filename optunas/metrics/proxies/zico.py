"""``zico``: gradients that are large and agree between batches, for every layer.

    sum over layers of log sum over weights w of E|g_w| / sqrt(Var g_w),    g_w = dL/dw

over two batches, here the halves of one labelled batch; weights whose gradients do not vary are
left out. Li et al. 2023, "ZiCo: zero-shot NAS via inverse coefficient of variation on gradients"
(arXiv:2301.11300), with the variance of the authors' code (of g_w, not of its absolute value).
"""

from __future__ import annotations

import math

import torch
from torch import nn

from optunas.metrics.proxies.batch import Batch
from optunas.metrics.proxies.catalogue import ProxyError
from optunas.metrics.proxies.subject import gradients, weights

__all__ = ["PARTS", "score"]

PARTS = 2


def score(network: nn.Module, batch: Batch) -> float:
    """More is better; ``network`` is a private copy."""
    free = weights(network)
    if len(batch.x) < 2 * PARTS:
        raise ProxyError(f"it compares {PARTS} batches, which takes {2 * PARTS} inputs or more")
    parts = zip(batch.x.chunk(PARTS), batch.y.chunk(PARTS), strict=True)
    found = [gradients(batch.loss(network(x), y), free) for x, y in parts]
    layers = [torch.stack(grads).double() for grads in zip(*found, strict=True)]  # (PARTS, *W)
    if not all(bool(grads.isfinite().all()) for grads in layers):
        return math.nan
    sums = (_ratios(grads) for grads in layers)
    logs = [math.log(value) for value in sums if value > 0]
    return sum(logs) if logs else -math.inf


def _ratios(grads: torch.Tensor) -> float:
    spread = grads.std(0, unbiased=False)
    varies = spread > 0
    return float((grads.abs().mean(0)[varies] / spread[varies]).sum())
