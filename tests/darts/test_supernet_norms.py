"""Batch norms with pixels side by side are those of torch, running statistics included."""

import pytest
import torch
from plain_steps import PAIR, alphas_of, batch, network_of
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts import norms
from optunas.darts.curvature import dominant
from optunas.darts.norms import normed
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import edges_of
from optunas.darts.variants import make_variant

PLAIN, SIDE_BY_SIDE = 10**9, 0


def images(n: int, c: int, h: int, w: int) -> Tensor:
    x = 3 + torch.randn(n, c, h, w, dtype=torch.double)
    return x.contiguous(memory_format=torch.channels_last).requires_grad_()


def layers(count: int, width: int) -> list[nn.BatchNorm2d]:
    return [nn.BatchNorm2d(width, affine=False, momentum=0.3).double() for _ in range(count)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("edges", [1, 3])
@pytest.mark.parametrize("size", [(4, 1, 1, 1), (4, 2, 3, 4), (3, 5, 3, 3), (2, 40, 4, 4)])
def test_it_is_torchs_times_the_weight(
    size: tuple[int, int, int, int], edges: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(norms, "MANY", SIDE_BY_SIDE)
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


def test_pixels_do_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "MANY", 32)
    assert norms._side_by_side(images(4, 2, 4, 4)) == 64
    assert norms._side_by_side(images(4, 2, 4, 3)) == 16  # of 48 pixels
    assert norms._side_by_side(images(4, 2, 3, 2)) == 1
    assert norms._side_by_side(images(4, 65, 4, 4)) == 1


@pytest.mark.parametrize("frozen", [False, True])
def test_it_can_be_differentiated_twice(frozen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "MANY", SIDE_BY_SIDE)
    torch.manual_seed(0)
    x, (norm,) = images(3, 2, 4, 2).detach().requires_grad_(not frozen), layers(1, 2)
    weight = torch.tensor(0.7, dtype=torch.double, requires_grad=True)

    def curved(weight: Tensor, *own: Tensor) -> Tensor:
        return normed(own[0] if own else x, [norm], weight).pow(3).sum()

    leaves = [weight] if frozen else [weight, x]
    assert torch.autograd.gradgradcheck(curved, leaves)


def test_the_curvature_of_a_search_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SearchSettings(variant="darts")
    variant = make_variant(settings, edges_of(PAIR))
    found = []
    for many in (PLAIN, SIDE_BY_SIDE):
        monkeypatch.setattr(norms, "MANY", many)
        alphas = alphas_of(PAIR, settings)
        found.append(dominant(network_of(PAIR), alphas, variant, F.cross_entropy, batch(0)))
    assert found[0] != 0
    assert found[1] == pytest.approx(found[0], rel=1e-8)
