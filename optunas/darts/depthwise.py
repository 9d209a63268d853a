"""Depthwise and pointwise convolution in a row, on a CPU with gradients that torch 2.13 lacks.

The same sums as ``conv2d``'s own. Where that is slow, measured on AVX-512 (64 x 16 x 32 x 32):

- the gradient of 5 x 5 depthwise weights has no fast kernel, since that stops at a width of 3: in
  two strips of columns it takes 1.6 ms instead of 7.8;
- the gradient of a depthwise input is a convolution with the turned weights: 0.7 ms instead of 1.3;
- taps that only ever see padding are left out: on an image of one pixel, nothing but a scale is
  left, which goes into the pointwise weights;
- for tiny inputs a matrix product is three times as fast as a pointwise convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["centre", "depthwise", "depthwise_pointwise", "pointwise"]

TINY = 2**15
"""Numbers in an input up to which a matrix product beats a pointwise convolution."""

LARGE = 2**18
"""Numbers in an input from which the gradients here save more than a call from Python costs; with
wide kernels a quarter of them."""

NARROWEST = 8
"""Columns of an input below which strips of columns cost more than they save."""

WIDEST = 3
"""Columns that the fast kernel for the gradient of depthwise weights takes."""


def depthwise_pointwise(x: Tensor, depth: nn.Conv2d, mix: nn.Conv2d, stride: int = 1) -> Tensor:
    """``mix(depth(x))`` without dilation, "same" padding; (N, C, H, W) -> (N, C', H', W')."""
    if x.shape[2] == x.shape[3] == 1:
        return pointwise(x, mix.weight * centre(depth.weight).view(1, -1, 1, 1))
    return pointwise(depthwise(x, depth.weight, stride), mix.weight)


def depthwise(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """A depthwise convolution, "same" padding; (N, C, H, W) -> (N, C, H', W')."""
    enough = LARGE if weight.shape[3] <= WIDEST else LARGE // 4
    if x.device.type == "cpu" and x.numel() >= enough and x.shape[3] >= NARROWEST:
        return _Depthwise.apply(x, weight, stride)
    return F.conv2d(x, weight, None, stride, _half(weight), 1, x.shape[1])


def centre(weight: Tensor) -> Tensor:
    """What a depthwise convolution (C, 1, k, k) multiplies a single pixel with: (C,)."""
    return weight[:, 0, weight.shape[2] // 2, weight.shape[3] // 2]


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """A 1 x 1 convolution; (N, C, H, W) -> (N, C', H, W), channels last."""
    if x.device.type != "cpu" or x.numel() > TINY:
        return F.conv2d(x, weight)
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, c)  # (N * H * W, C), no copy where channels are last
    return torch.mm(rows, weight.flatten(1).t()).view(n, h, w, -1).permute(0, 3, 1, 2)


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution with an odd kernel, "same" padding and a stride of 1 or 2."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        # A tap further out than the image is wide sees padding at every position.
        cut = [
            max(k // 2 - size + 1, 0) for k, size in zip(weight.shape[2:], x.shape[2:], strict=True)
        ]
        seen = weight[:, :, cut[0] : weight.shape[2] - cut[0], cut[1] : weight.shape[3] - cut[1]]
        ctx.stride, ctx.cut = stride, cut
        ctx.save_for_backward(x, seen)
        return F.conv2d(x, seen, None, stride, _half(seen), 1, x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, seen = ctx.saved_tensors
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = _of_input(gradients[0], x, seen, ctx.stride)
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(gradients[0], x, tuple(seen.shape[2:]), ctx.stride)
            rows, columns = ctx.cut
            if rows or columns:
                of_weight = F.pad(of_weight, (columns, columns, rows, rows))
        return of_x, of_weight, None


def _half(weight: Tensor) -> tuple[int, int]:
    return weight.shape[2] // 2, weight.shape[3] // 2


def _of_input(gradient: Tensor, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    if stride == 1:
        return F.conv2d(gradient, weight.flip(2, 3), None, 1, _half(weight), 1, x.shape[1])
    return _backward(gradient, x, weight, stride, _half(weight), (True, False))


def _of_weight(gradient: Tensor, x: Tensor, kernel: tuple[int, int], stride: int) -> Tensor:
    rows, columns = kernel
    if columns <= WIDEST:
        return _strip(gradient, x, rows, columns, stride, columns // 2)
    left = F.pad(x, (columns // 2, WIDEST - columns + columns // 2))  # columns that WIDEST taps see
    right = F.pad(x, (columns // 2 - WIDEST, columns // 2))
    return torch.cat(
        [
            _strip(gradient, left, rows, WIDEST, stride, 0),
            _strip(gradient, right, rows, columns - WIDEST, stride, 0),
        ],
        dim=3,
    )


def _strip(gradient: Tensor, x: Tensor, rows: int, columns: int, stride: int, pad: int) -> Tensor:
    weight = x.new_empty((x.shape[1], 1, rows, columns))
    return _backward(gradient, x, weight, stride, (rows // 2, pad), (False, True))


def _backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: int,
    pad: tuple[int, int],
    wanted: tuple[bool, bool],
) -> Tensor:
    """One gradient of a depthwise convolution, that of its input or that of its weight."""
    found = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, [stride] * 2, pad, [1, 1], False, [0, 0], x.shape[1],
        [*wanted, False],
    )  # fmt: skip
    return found[0] if wanted[0] else found[1]
