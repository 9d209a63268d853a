"""FGSM and PGD: what they promise of every network, and their definitions where these are plain."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from optunas.metrics.robustness import fgsm, pgd

LOW, HIGH = -1.5, 2.0


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = (nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        return nn.Sequential(*layers, nn.Linear(4 * 25, 3)).eval()


def data(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand((n, 2, 5, 5), generator=generator) * (HIGH - LOW) + LOW
    return x, torch.randint(3, (n,), generator=generator)


def test_fgsm_of_a_linear_network_is_the_sign_of_its_weights() -> None:
    """Loss of two classes grows with the wrong logit: along the difference of the weights."""
    linear = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, -2.0, 0.0], [0.0, 1.0, 0.0]]))
    x, y = torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([0])
    moved = fgsm(linear, x, y, 0.05, -1.0, 1.0)
    # w1 - w0 = (-1, 3, 0): down, up, and not at all where both agree.
    torch.testing.assert_close(moved, torch.tensor([[0.05, 0.25, 0.3]]))


@settings(max_examples=15, deadline=None)
@given(eps=st.floats(0, 1), step=st.floats(0, 1), steps=st.integers(1, 4))
def test_the_box_and_the_range_are_kept(eps: float, step: float, steps: int) -> None:
    x, y = data()
    generator = torch.Generator().manual_seed(0)
    for moved in (
        fgsm(network(), x, y, eps, LOW, HIGH),
        pgd(network(), x, y, eps, LOW, HIGH, step, steps, generator),
    ):
        assert moved.shape == x.shape
        assert (moved - x).abs().max() <= eps + 1e-6
        assert moved.min() >= LOW
        assert moved.max() <= HIGH


def test_budgets_of_each_channel_are_obeyed() -> None:
    x, y = data()
    eps = torch.tensor([0.3, 0.0]).reshape(2, 1, 1)
    for moved in (
        fgsm(network(), x, y, eps, LOW, HIGH),
        pgd(network(), x, y, eps, LOW, HIGH, 0.1 * eps, 5, torch.Generator().manual_seed(0)),
    ):
        assert not torch.equal(moved[:, 0], x[:, 0])
        assert torch.equal(moved[:, 1], x[:, 1])


def test_no_budget_moves_nothing() -> None:
    x, y = data()
    assert torch.equal(fgsm(network(), x, y, 0.0, LOW, HIGH), x)
    assert torch.equal(pgd(network(), x, y, 0.0, LOW, HIGH, 0.5, 3), x)


def test_the_loss_never_falls_and_pgd_finds_no_less_than_its_start() -> None:
    net, (x, y) = network(), data(64)

    def loss(at: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return F.cross_entropy(net(at), y, reduction="none")

    moved = pgd(net, x, y, 0.2, LOW, HIGH, 0.05, 10, torch.Generator().manual_seed(0))
    assert (loss(moved) >= loss(x) - 1e-5).all()
    assert loss(moved).mean() > loss(fgsm(net, x, y, 0.2, LOW, HIGH)).mean() > loss(x).mean()


def test_weights_gradients_and_inputs_stay() -> None:
    net, (x, y) = network(), data()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    given_x = x.clone()
    with torch.no_grad():  # as a scoring pass calls it
        fgsm(net, x, y, 0.1, LOW, HIGH)
        pgd(net, x, y, 0.1, LOW, HIGH, 0.03, 3)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert torch.equal(x, given_x)
    assert not x.requires_grad


def test_the_start_is_the_generators() -> None:
    net, (x, y) = network(), data()

    def run(seed: int) -> torch.Tensor:
        return pgd(net, x, y, 0.3, LOW, HIGH, 0.01, 1, torch.Generator().manual_seed(seed))

    assert torch.equal(run(0), run(0))
    assert not torch.equal(run(0), run(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_inputs_type_is_kept(dtype: torch.dtype) -> None:
    x, y = data()
    net = network().to(dtype)
    assert fgsm(net, x.to(dtype), y, 0.1, LOW, HIGH).dtype == dtype
    assert pgd(net, x.to(dtype), y, 0.1, LOW, HIGH, 0.1, 2).dtype == dtype
