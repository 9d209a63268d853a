"""The modules of the candidate operations.

ReLU-Conv-BN order, affine batch norms, no bias in convolutions, "same" padding, so that an output
has size ``ceil(size / stride)``. Names and forms follow NAS-Bench-201 (Dong and Yang 2020) and
DARTS (Liu et al. 2019). No ReLU works in place: in a cell its input is also other edges' input.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.space.operations import VOCABULARY, Operation

__all__ = ["FORMS", "FactorizedReduce", "Zero", "check_form", "make", "relu_conv_bn"]

FORMS = ("final", "search")
"""Of a network: as it is trained and shipped, or as it stands in a supernet."""


def make(
    operation: str | Operation,
    channels_in: int,
    channels_out: int,
    stride: int,
    form: str = "final",
) -> nn.Module:
    """Return the module of ``operation``.

    Shapes: (N, channels_in, H, W) -> (N, channels_out, ceil(H / stride), ceil(W / stride)).
    Weights are torch's defaults (Kaiming uniform), as in the code of both papers.

    Args:
        operation: a name of the vocabulary, or a user's own operation with a factory.
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: 1 or 2.
        form: ``final``, or ``search``, as DARTS searches: batch norms without weights (a mixing
            weight could be undone by them), and one after each pool. Own operations stay as they
            are.

    Raises:
        UnknownNameError: for a name outside the vocabulary, or another form.
        InvalidSpaceError: for an own operation without a factory, or whose factory gives no module.
        InvalidSpecError: for another stride, or a pool asked to change the number of channels.
    """
    if stride not in (1, 2):
        raise InvalidSpecError(f"An operation's stride must be 1 or 2, got {stride!r}.")
    if isinstance(operation, Operation):
        if operation.factory is not None:
            return _own(operation, channels_in, channels_out, stride)
        operation = operation.name
        if operation not in _MODULES:
            raise InvalidSpaceError(
                f"Operation {operation!r} is not in the vocabulary and has no factory; give it "
                "factory(channels_in, channels_out, stride) -> torch.nn.Module."
            )
    if operation not in _MODULES:
        raise UnknownNameError("operation", operation, VOCABULARY)
    check_form(form)
    return _MODULES[operation](channels_in, channels_out, stride, form == "final")


def check_form(form: str) -> None:
    """Raise for anything but one of ``FORMS``.

    Raises:
        UnknownNameError: with the nearest form.
    """
    if form not in FORMS:
        raise UnknownNameError("form", form, FORMS)


def _own(operation: Operation, channels_in: int, channels_out: int, stride: int) -> nn.Module:
    assert operation.factory is not None
    try:
        module = operation.factory(channels_in, channels_out, stride)
    except Exception as error:  # whatever the user's code raises is told as theirs
        raise InvalidSpaceError(
            f"The factory of operation {operation.name!r} fails with channels_in={channels_in}, "
            f"channels_out={channels_out} and stride={stride}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise InvalidSpaceError(
            f"The factory of operation {operation.name!r} must return a torch.nn.Module, "
            f"got {type(module).__name__}."
        )
    return module


def relu_conv_bn(
    channels_in: int, channels_out: int, kernel: int, stride: int, affine: bool = True
) -> nn.Sequential:
    """ReLU, convolution, batch norm: (N, C_in, H, W) -> (N, C_out, H / stride, W / stride)."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out, affine=affine),
    )


def _depthwise_pointwise(
    channels_in: int, channels_out: int, kernel: int, stride: int, dilation: int, affine: bool
) -> list[nn.Module]:
    """ReLU, one filter per channel, a 1x1 that mixes the channels, batch norm."""
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels_in,
            channels_in,
            kernel,
            stride,
            padding,
            dilation,
            groups=channels_in,
            bias=False,
        ),  # (N, C_in, H / stride, W / stride)
        nn.Conv2d(channels_in, channels_out, 1, bias=False),  # (N, C_out, H / stride, W / stride)
        nn.BatchNorm2d(channels_out, affine=affine),
    ]


class Zero(nn.Module):
    """Zeros: (N, C_in, H, W) -> (N, channels_out, H / stride, W / stride)."""

    def __init__(self, channels_out: int, stride: int) -> None:
        super().__init__()
        self.channels_out, self.stride = channels_out, stride

    def forward(self, x: Tensor) -> Tensor:
        """Zeros of the right shape, whatever is in ``x``, NaN included."""
        strided = x[:, :, :: self.stride, :: self.stride]
        return x.new_zeros((x.shape[0], self.channels_out, *strided.shape[2:]))


class FactorizedReduce(nn.Module):
    """Halve the resolution without losing every second pixel (DARTS's strided skip).

    Two strided 1x1 convolutions, the second shifted by one pixel, give half of the channels each.
    The shift reads one row and column of zeros beyond the border, so odd sizes work too
    (NAS-Bench-201's form; on even sizes it is the same as DARTS's).
    """

    def __init__(self, channels_in: int, channels_out: int, affine: bool = True) -> None:
        super().__init__()
        if channels_out < 2:
            raise InvalidSpecError(
                "A factorized reduction halves its output channels, so it needs at least 2, got "
                f"{channels_out}; raise channels."
            )
        half = channels_out // 2
        self.even = nn.Conv2d(channels_in, half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out - half, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, ceil(H / 2), ceil(W / 2))."""
        x = F.relu(x)
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))


Make = Callable[[int, int, int, bool], nn.Module]
"""``(channels_in, channels_out, stride, affine)``; batch norms without weights mean search."""


def _conv(kernel: int) -> Make:
    return lambda c_in, c_out, stride, affine: relu_conv_bn(c_in, c_out, kernel, stride, affine)


def _separable(kernel: int) -> Make:
    """Depthwise-pointwise twice, the stride in the first."""
    return lambda c_in, c_out, stride, affine: nn.Sequential(
        *_depthwise_pointwise(c_in, c_in, kernel, stride, 1, affine),
        *_depthwise_pointwise(c_in, c_out, kernel, 1, 1, affine),
    )


def _dilated(kernel: int) -> Make:
    """Depthwise-pointwise once, with dilation 2."""
    return lambda c_in, c_out, stride, affine: nn.Sequential(
        *_depthwise_pointwise(c_in, c_out, kernel, stride, 2, affine)
    )


def _skip(c_in: int, c_out: int, stride: int, affine: bool) -> nn.Module:
    """The input itself where shapes allow, else what comes nearest with weights."""
    if stride == 2:
        return FactorizedReduce(c_in, c_out, affine)
    return nn.Identity() if c_in == c_out else relu_conv_bn(c_in, c_out, 1, 1, affine)


def _none(c_in: int, c_out: int, stride: int, affine: bool) -> nn.Module:
    return Zero(c_out, stride)


def _max_pool(c_in: int, c_out: int, stride: int, affine: bool) -> nn.Module:
    _check_pool("max_pool_3x3", c_in, c_out)
    return _pooled(nn.MaxPool2d(3, stride, padding=1), c_out, affine)


def _avg_pool(c_in: int, c_out: int, stride: int, affine: bool) -> nn.Module:
    _check_pool("avg_pool_3x3", c_in, c_out)
    return _pooled(nn.AvgPool2d(3, stride, padding=1, count_include_pad=False), c_out, affine)


def _pooled(pool: nn.Module, channels: int, affine: bool) -> nn.Module:
    return pool if affine else nn.Sequential(pool, nn.BatchNorm2d(channels, affine=False))


def _check_pool(name: str, c_in: int, c_out: int) -> None:
    if c_in != c_out:
        raise InvalidSpecError(
            f"{name} keeps the number of channels, so it cannot turn {c_in} into {c_out}."
        )


_MODULES: dict[str, Make] = {
    "none": _none,
    "skip_connect": _skip,
    "nor_conv_1x1": _conv(1),
    "nor_conv_3x3": _conv(3),
    "nor_conv_5x5": _conv(5),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "max_pool_3x3": _max_pool,
    "avg_pool_3x3": _avg_pool,
}
