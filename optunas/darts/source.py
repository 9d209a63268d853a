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
from torch import Tensor
from torch.nn import functional as F

from optunas.darts.depthwise import depthwise_pointwise, pointwise
from optunas.darts.norms import normed
from optunas.nets.operations import FactorizedReduce

__all__ = ["Phases", "Source", "combined", "merged"]


def combined(parts: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
    """``[sum_p weights[t, p] * parts[p] for t]`` as one matrix product.

    Shapes: parts P x (N, C, H, W), weights (T, P) -> T x (N, C, H, W), channels last.
    """
    if len(parts) == 1:
        return [parts[0] * weight for weight in weights[:, 0].unbind()]
    rows = torch.stack([part.permute(0, 2, 3, 1) for part in parts])  # (P, N, H, W, C)
    mixed = weights @ rows.flatten(1)  # (T, N * H * W * C)
    return [row.view(rows.shape[1:]).permute(0, 3, 1, 2) for row in mixed.unbind()]


def merged(x: Tensor, size: Sequence[int]) -> Tensor:
    """Parity phases (4 N, C, ceil(H / 2), ceil(W / 2)) of an image -> the image (N, C, H, W)."""
    (n, _, h, w), (c, *half) = size, x.shape[1:]
    split = x.permute(0, 2, 3, 1).reshape(2, 2, n, *half, c)
    whole = split.permute(2, 3, 0, 4, 1, 5).reshape(n, 2 * half[0], 2 * half[1], c)
    return whole.permute(0, 3, 1, 2)[:, :, :h, :w]


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
            return normed(pointwise(x, conv.weight), [module[2]], weight)
        x = F.conv2d(self.relu, conv.weight, None, conv.stride, conv.padding)
        return normed(x, [module[2]], weight)

    def separable(self, module: Any, weight: Tensor) -> Tensor:
        """Depthwise and pointwise, twice."""
        _, first, mix, middle, _, second, last_mix, last = module
        x = depthwise_pointwise(self.relu, first, mix, self.stride)
        x = F.relu(normed(x, [middle]), inplace=True)
        return normed(depthwise_pointwise(x, second, last_mix), [last], weight)

    def reduced(self, module: FactorizedReduce, weight: Tensor) -> Tensor:
        """The strided skip: two 1x1 convolutions of shared slices."""
        halves = (
            pointwise(self.corner, module.even.weight),
            pointwise(self.shifted, module.odd.weight),
        )
        return normed(torch.cat(halves, dim=1), [module.norm], weight)

    def dilated(self, module: Any, weight: Tensor) -> Tensor:
        """Depthwise with dilation 2 and pointwise, without a dilated convolution.

        At stride 1 and even sizes the result is (4 N, C, H / 2, W / 2), see :meth:`in_phases`: the
        sum over all such terms of a node is put together once.
        """
        _, depth, mix, last = module
        if self.stride == 2:
            return normed(depthwise_pointwise(self.corner, depth, mix), [last], weight)
        x = depthwise_pointwise(self.phases.joined, depth, mix)
        return normed(x if self.phases.even else merged(x, self.x.shape), [last], weight)

    def in_phases(self, operation: str) -> bool:
        """Whether the operation's term comes in parity phases."""
        return operation.startswith("dil_conv") and self.stride == 1 and self.phases.even
