"""Batch norms times mixing weights, of several edges side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["normed"]


def normed(x: Tensor, layers: Sequence[nn.BatchNorm2d], weights: Tensor | None = None) -> Tensor:
    """Every edge's ``weight * batch_norm(x)``, with the layers' statistics.

    Shapes: (N, K * C, H, W), K layers, mixing weights (K,) or, for one layer, a scalar.
    """
    first, edges = layers[0], len(layers)
    tracking = first.track_running_stats and first.running_mean is not None
    # Dense: with an expanded weight, torch 2.13 gives wrong gradients for channels-last inputs.
    scale = None
    if weights is not None:
        scale = weights.view(-1, 1).expand(edges, x.shape[1] // edges).flatten().contiguous()
    mean, variance = _running(layers) if tracking else (None, None)
    bias = None if scale is None else torch.zeros_like(scale)
    training, momentum = first.training or not tracking, first.momentum or 0.0
    y = F.batch_norm(x, mean, variance, scale, bias, training, momentum, first.eps)
    if edges > 1 and mean is not None and variance is not None and first.training:
        own = [*(layer.running_mean for layer in layers), *(layer.running_var for layer in layers)]
        width = x.shape[1] // edges
        torch._foreach_copy_(own, [*mean.split(width), *variance.split(width)])  # type: ignore[arg-type]
    return y


def _running(layers: Sequence[nn.BatchNorm2d]) -> tuple[Tensor | None, Tensor | None]:
    """The running means and variances, copied where there are several layers."""
    if len(layers) == 1:
        return layers[0].running_mean, layers[0].running_var
    means, variances = [x.running_mean for x in layers], [x.running_var for x in layers]
    return torch.cat(means), torch.cat(variances)  # type: ignore[arg-type]
