"""All edges of one operation that leave one state, computed together: for tiny inputs.

There a convolution's fixed cost is most of its time. Channel ``k * C + c`` of a stack is channel c
of edge k: depthwise convolutions, batch norms and sums of the edges are then one call each. The
weights and statistics stay those of the edges' own modules. Measured on 64 x 16 x 4 x 4, four
edges: a depthwise 3 x 3 .31 ms instead of 1.06, a batch norm .13 instead of .28. Large inputs fit
no cache when stacked, and lose, unless they have so few channels that a stack of them takes as long
as one: a depthwise 3 x 3 on 32 x 2 x 32 x 32 takes .15 ms, on four times the channels too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from optunas.darts.depthwise import centre, depthwise, pointwise
from optunas.darts.norms import normed
from optunas.darts.source import Source, merged

__all__ = ["stackable", "stacked"]

SMALL = 2**15
"""Numbers in a state up to which its edges are stacked."""

FEW = 4
"""Channels of a state up to which they are, whatever its size."""

NARROW = 16
"""Channels from which a product of matrices beats a grouped pointwise convolution."""


def stackable(name: str, source: Source, edges: int) -> bool:
    """Whether the edges of an operation from this state are better computed together."""
    known = name.startswith(("sep_conv", "dil_conv", "nor_conv"))
    small = source.x.numel() <= SMALL or source.x.shape[1] <= FEW
    return known and edges > 1 and small


def stacked(name: str, source: Source, modules: Sequence[Any], weights: Tensor) -> Tensor:
    """The terms of all edges side by side; K modules, K mixing weights -> (N, K * C, H', W').

    Dilated ones at stride 1 come in parity phases, as in :meth:`Source.dilated`.
    """
    edges = len(modules)
    if name.startswith("nor_conv"):
        conv = modules[0][1]
        x = F.conv2d(source.relu, _joined(modules, 1), None, conv.stride, conv.padding)
        return normed(x, [module[2] for module in modules], weights)
    if name.startswith("sep_conv"):
        x = _repeated(source, "relu", edges)
        x = _pointwise(depthwise(x, _joined(modules, 1), source.stride), _joined(modules, 2))
        x = F.relu(normed(x, [module[3] for module in modules]), inplace=True)
        x = _pointwise(depthwise(x, _joined(modules, 5)), _joined(modules, 6))
        return normed(x, [module[7] for module in modules], weights)
    x = _repeated(source, "corner" if source.stride == 2 else "joined", edges)
    depth, mix = _joined(modules, 1), _joined(modules, 2)
    if x.shape[2] == x.shape[3] == 1:
        scales = centre(depth).view(edges, 1, -1)
        x = _pointwise(x, (mix.view(edges, -1, scales.shape[2]) * scales).view(mix.shape))
    else:
        x = _pointwise(depthwise(x, depth), mix)
    if source.stride == 1 and not source.phases.even:
        x = merged(x, source.x.shape)
    return normed(x, [module[3] for module in modules], weights)


def _joined(modules: Sequence[Any], at: int) -> Tensor:
    """The weights of one layer of every edge, one after another."""
    return torch.cat([module[at].weight for module in modules])


def _repeated(source: Source, name: str, edges: int) -> Tensor:
    """(N, C, H, W) -> (N, K * C, H, W), shared by the operations of a state."""
    key = (name, edges)
    if key not in source.repeated:
        x = source.phases.joined if name == "joined" else getattr(source, name)
        n, c, h, w = x.shape
        wide = x.permute(0, 2, 3, 1).unsqueeze(3).expand(n, h, w, edges, c)
        source.repeated[key] = wide.reshape(n, h, w, edges * c).permute(0, 3, 1, 2)
    return source.repeated[key]


def _pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """Each edge's 1 x 1 convolution; x (N, K * C, H, W), weight (K * C', C, 1, 1)."""
    n, wide, h, w = x.shape
    c = weight.shape[1]
    edges = wide // c
    if wide <= NARROW:  # zeros between the edges cost less than groups
        squares = weight.view(edges, c, c).unbind()
        return pointwise(x, torch.block_diag(*squares).view(wide, wide, 1, 1))
    if c < NARROW:
        return F.conv2d(x, weight, None, 1, 0, 1, edges)
    rows = x.permute(0, 2, 3, 1).reshape(-1, edges, c).transpose(0, 1)  # (K, N * H * W, C)
    y = torch.bmm(rows, weight.view(edges, -1, c).transpose(1, 2))  # (K, N * H * W, C')
    return y.transpose(0, 1).reshape(n, h, w, -1).permute(0, 3, 1, 2)
