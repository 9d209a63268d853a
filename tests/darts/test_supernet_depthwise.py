"""The CPU's gradients of depthwise convolutions are those of torch."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts import depthwise
from optunas.darts.depthwise import depthwise_pointwise, pointwise

SIZES = [(1, 1), (1, 4), (2, 2), (3, 2), (5, 4), (7, 7), (8, 8), (1, 9)]


def gradients(y: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(1)
    towards = torch.randn(y.shape, dtype=y.dtype)  # randn_like would follow the order in memory
    return [y, *torch.autograd.grad(y, leaves, towards)]


@pytest.mark.parametrize("large", [0, 10**9])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", SIZES)
def test_depthwise_pointwise_is_two_convolutions(
    size: tuple[int, int], kernel: int, stride: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depthwise, "LARGE", large)
    monkeypatch.setattr(depthwise, "NARROWEST", 0)
    torch.manual_seed(0)
    x = torch.randn(3, 6, *size, dtype=torch.double, requires_grad=True)
    depth = nn.Conv2d(6, 6, kernel, stride, kernel // 2, groups=6, bias=False).double()
    mix = nn.Conv2d(6, 4, 1, bias=False).double()
    leaves = [x, depth.weight, mix.weight]
    last = x.contiguous(memory_format=torch.channels_last)
    given = gradients(depthwise_pointwise(last, depth, mix, stride), leaves)
    wanted = gradients(mix(depth(x)), leaves)
    for mine, theirs in zip(given, wanted, strict=True):
        assert mine.shape == theirs.shape
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("tiny", [0, 10**9])
def test_pointwise_is_a_convolution(tiny: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "TINY", tiny)
    torch.manual_seed(0)
    x = torch.randn(3, 6, 5, 4, dtype=torch.double, requires_grad=True)
    weight = torch.randn(7, 6, 1, 1, dtype=torch.double, requires_grad=True)
    last = x.contiguous(memory_format=torch.channels_last)
    given = gradients(pointwise(last, weight), [x, weight])
    wanted = gradients(F.conv2d(x, weight), [x, weight])
    for mine, theirs in zip(given, wanted, strict=True):
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-13)


def test_only_the_wanted_gradients_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "LARGE", 0)
    monkeypatch.setattr(depthwise, "NARROWEST", 0)

    def never(*_: object) -> Tensor:
        raise AssertionError("computed for nothing")

    monkeypatch.setattr(depthwise, "_of_weight", never)
    depth = nn.Conv2d(4, 4, 5, padding=2, groups=4, bias=False).requires_grad_(False)
    mix = nn.Conv2d(4, 4, 1, bias=False).requires_grad_(False)
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    depthwise_pointwise(x, depth, mix).sum().backward()
    assert x.grad is not None
