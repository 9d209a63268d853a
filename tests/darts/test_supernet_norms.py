"""Batch norms of edges side by side are those of torch, running statistics included."""

import pytest
import torch
from torch import Tensor, nn

from optunas.darts.norms import normed


def images(n: int, c: int, h: int, w: int) -> Tensor:
    x = 3 + torch.randn(n, c, h, w, dtype=torch.double)
    return x.contiguous(memory_format=torch.channels_last).requires_grad_()


def layers(count: int, width: int) -> list[nn.BatchNorm2d]:
    return [nn.BatchNorm2d(width, affine=False, momentum=0.3).double() for _ in range(count)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("edges", [1, 3])
@pytest.mark.parametrize("size", [(4, 1, 1, 1), (4, 2, 3, 4), (3, 5, 3, 3), (2, 40, 4, 4)])
def test_it_is_torchs_times_the_weight(
    size: tuple[int, int, int, int], edges: int, weighted: bool
) -> None:
    torch.manual_seed(0)
    n, c, h, w = size
    x, mine, theirs = images(n, edges * c, h, w), layers(edges, c), layers(edges, c)
    weights = torch.randn(edges, dtype=torch.double, requires_grad=True)
    given = normed(x, mine, weights if weighted else None)
    each = zip(theirs, x.chunk(edges, dim=1), weights, strict=True)
    wanted = torch.cat([norm(part) * (t if weighted else 1.0) for norm, part, t in each], dim=1)
    torch.testing.assert_close(given, wanted, rtol=0, atol=1e-12)
    towards = torch.randn(wanted.shape, dtype=torch.double)
    leaves = [x, weights] if weighted else [x]
    for of_mine, of_theirs in zip(
        torch.autograd.grad(given, leaves, towards),
        torch.autograd.grad(wanted, leaves, towards),
        strict=True,
    ):
        torch.testing.assert_close(of_mine, of_theirs, rtol=0, atol=1e-11)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one.running_mean, other.running_mean, rtol=0, atol=1e-13)
        torch.testing.assert_close(one.running_var, other.running_var, rtol=0, atol=1e-13)
