"""What the operations on one state of a cell share: its ReLU, slices, phases and pools.

Every edge that leaves a state applies the same first step to it, so each is computed once here. An
operation's mixing weight is the weight of its last batch norm, which has none of its own in a
search: scaling costs nothing then. All of it is the plain operations' arithmetic in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts.depthwise import depthwise_pointwise, pointwise
from optunas.nets.operations import FactorizedReduce

__all__ = ["Phases", "Source", "combined", "norm", "norm_arguments"]


def norm(x: Tensor, layer: nn.BatchNorm2d, weight: Tensor | None = None) -> Tensor:
    """``weight * batch_norm(x)``, with the layer's statistics; weight is a scalar.

    The weight is made dense: with an expanded one torch 2.13 gives wrong gradients, silently, for
    channels-last inputs.
    """
    scale = None if weight is None else weight.expand(x.shape[1]).contiguous()
    tracking = layer.track_running_stats
    mean, variance = (layer.running_mean, layer.running_var) if tracking else (None, None)
    return F.batch_norm(x, mean, variance, **norm_arguments(layer, scale))


def norm_arguments(layer: nn.BatchNorm2d, scale: Tensor | None) -> dict[str, Any]:
    """What ``F.batch_norm`` is told beside the statistics; scale is (C,), dense."""
    tracking = layer.track_running_stats and layer.running_mean is not None
    return {
        "weight": scale,
        "bias": None if scale is None else torch.zeros_like(scale),
        "training": layer.training or not tracking,
        "momentum": layer.momentum if layer.momentum is not None else 0.0,
        "eps": layer.eps,
    }


def combined(parts: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
    """``[sum_p weights[t, p] * parts[p] for t]`` as one matrix product.

    Shapes: parts P x (N, C, H, W), weights (T, P) -> T x (N, C, H, W), channels last.
    """
    if len(parts) == 1:
        return [parts[0] * weight for weight in weights[:, 0].unbind()]
    rows = torch.stack([part.permute(0, 2, 3, 1) for part in parts])  # (P, N, H, W, C)
    mixed = weights @ rows.flatten(1)  # (T, N * H * W * C)
    return [row.view(rows.shape[1:]).permute(0, 3, 1, 2) for row in mixed.unbind()]


class Phases:
    """The four parity phases of a state: a convolution with dilation 2 is plain on each.

    ``joined`` (4 N, C, H / 2, W / 2); odd sizes are padded with the zeros that the convolution
    would pad itself, and cut off again.
    """

    def __init__(self, x: Tensor) -> None:
        self.n, self.c, self.h, self.w = x.shape
        x = F.pad(x, (0, self.w % 2, 0, self.h % 2)) if self.h % 2 or self.w % 2 else x
        self.half = (x.shape[2] // 2, x.shape[3] // 2)
        split = x.permute(0, 2, 3, 1).reshape(self.n, self.half[0], 2, self.half[1], 2, self.c)
        self.joined = (
            split.permute(2, 4, 0, 1, 3, 5)
            .reshape(4 * self.n, *self.half, self.c)
            .permute(0, 3, 1, 2)
        )

    def merge(self, y: Tensor) -> Tensor:
        """(4 N, C', H / 2, W / 2) -> (N, C', H, W)."""
        c = y.shape[1]
        split = y.permute(0, 2, 3, 1).reshape(2, 2, self.n, *self.half, c)
        whole = split.permute(2, 3, 0, 4, 1, 5).reshape(
            self.n, 2 * self.half[0], 2 * self.half[1], c
        )
        return whole.permute(0, 3, 1, 2)[:, :, : self.h, : self.w]

    @property
    def even(self) -> bool:
        """Whether nothing was padded, so that statistics over phases are those over pixels."""
        return self.h % 2 == 0 and self.w % 2 == 0


class Source:
    """One state (N, C, H, W) of a cell and the stride of what leaves it."""

    def __init__(self, x: Tensor, stride: int) -> None:
        self.x, self.stride = x, stride
        self.repeated: dict[tuple[str, int], Tensor] = {}

    @cached_property
    def relu(self) -> Tensor:
        return F.relu(self.x)

    @cached_property
    def corner(self) -> Tensor:
        """Every second pixel of the ReLU, from the first on."""
        return self._dense(self.relu[:, :, ::2, ::2])

    @cached_property
    def shifted(self) -> Tensor:
        """Every second pixel of the ReLU, from the second on, zeros beyond the border."""
        h, w = self.relu.shape[2:]
        if h % 2 or w % 2:
            return self._dense(F.pad(self.relu, (0, 1, 0, 1))[:, :, 1::2, 1::2])
        return self._dense(self.relu[:, :, 1::2, 1::2])

    @cached_property
    def phases(self) -> Phases:
        return Phases(self.relu)

    @staticmethod
    def _dense(x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)

    def convolved(self, module: Any, weight: Tensor) -> Tensor:
        """ReLU-Conv-BN."""
        conv = module[1]  # after the ReLU
        if conv.kernel_size == (1, 1):
            x = self.relu if self.stride == 1 else self.corner
            return norm(pointwise(x, conv.weight), module[2], weight)
        x = F.conv2d(self.relu, conv.weight, None, conv.stride, conv.padding)
        return norm(x, module[2], weight)

    def separable(self, module: Any, weight: Tensor) -> Tensor:
        """Depthwise and pointwise, twice."""
        _, first, mix, middle, _, second, last_mix, last = module
        x = depthwise_pointwise(self.relu, first, mix, self.stride)
        x = F.relu(norm(x, middle), inplace=True)
        return norm(depthwise_pointwise(x, second, last_mix), last, weight)

    def reduced(self, module: FactorizedReduce, weight: Tensor) -> Tensor:
        """The strided skip: two 1x1 convolutions of shared slices."""
        halves = (
            pointwise(self.corner, module.even.weight),
            pointwise(self.shifted, module.odd.weight),
        )
        return norm(torch.cat(halves, dim=1), module.norm, weight)

    def dilated(self, module: Any, weight: Tensor) -> Tensor:
        """Depthwise with dilation 2 and pointwise, without a dilated convolution.

        At stride 1 and even sizes the result is (4 N, C, H / 2, W / 2), see :meth:`in_phases`: the
        sum over all such terms of a node is put together once.
        """
        _, depth, mix, last = module
        if self.stride == 2:
            return norm(depthwise_pointwise(self.corner, depth, mix), last, weight)
        x = depthwise_pointwise(self.phases.joined, depth, mix)
        return norm(x if self.phases.even else self.phases.merge(x), last, weight)

    def in_phases(self, operation: str) -> bool:
        """Whether the operation's term comes in parity phases."""
        return operation.startswith("dil_conv") and self.stride == 1 and self.phases.even
