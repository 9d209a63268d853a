"""DrNAS, DARTS and beta decay: their equations, recomputed."""

import math

import pytest
import torch
from plain_steps import DENSE, SPACES, alphas_of
from torch.distributions import Dirichlet

from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import edges_of
from optunas.darts.variants import make_variant
from optunas.darts.variants.beta_decay import beta_decay
from optunas.darts.variants.drnas import concentration

DRNAS = SearchSettings(variant="drnas")


def variant_of(settings: SearchSettings, space=DENSE):
    return make_variant(settings, edges_of(space))


def test_the_concentration_is_elu_plus_one():
    alpha = torch.linspace(-5, 5, 101, dtype=torch.float64)
    wanted = torch.nn.functional.elu(alpha) + 1
    torch.testing.assert_close(concentration(alpha), wanted, rtol=1e-12, atol=0)
    assert float(concentration(torch.tensor([-60.0]))) > 0


def test_samples_have_the_mean_that_is_read():
    leaves = {"cell": alphas_of(DENSE, DRNAS)["cell"].detach() * 3}
    variant, generator = variant_of(DRNAS), torch.Generator().manual_seed(0)
    draws = torch.stack([variant.mix(leaves, generator, 0.0).weights["cell"] for _ in range(3000)])
    beta = torch.nn.functional.elu(leaves["cell"]) + 1
    mean = beta / beta.sum(dim=1, keepdim=True)
    torch.testing.assert_close(variant.read(leaves)["cell"], mean)
    torch.testing.assert_close(draws.mean(dim=0), mean, rtol=0, atol=0.03)
    total = beta.sum(dim=1, keepdim=True)
    torch.testing.assert_close(draws.var(dim=0), mean * (1 - mean) / (total + 1), rtol=0, atol=0.01)


def test_the_gradient_passes_through_the_sample():
    """The mean over draws of a linear function's gradient is the gradient of its mean."""
    alpha = torch.tensor([[0.3, -0.4, 0.8]], dtype=torch.float64, requires_grad=True)
    value = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    variant, generator = make_variant(DRNAS, [(0, 1)]), torch.Generator().manual_seed(1)
    total = torch.zeros_like(alpha)
    for _ in range(4000):
        draw = variant.mix({"cell": alpha}, generator, 0.0).weights["cell"]
        total += torch.autograd.grad((draw * value).sum(), alpha)[0]
    beta = torch.nn.functional.elu(alpha) + 1
    exact = torch.autograd.grad((beta / beta.sum() * value).sum(), alpha)[0]
    torch.testing.assert_close(total / 4000, exact, rtol=0, atol=0.02)


def test_the_anchor_is_the_divergence_from_the_flat_dirichlet():
    leaves = alphas_of(DENSE, DRNAS)
    found = variant_of(DRNAS).penalty(leaves, 0.5)
    total = 0.0
    for row in (torch.nn.functional.elu(leaves["cell"].detach()) + 1).tolist():
        size = len(row)
        total += math.lgamma(sum(row)) - sum(map(math.lgamma, row)) - math.lgamma(size)
        digamma = torch.special.digamma(torch.tensor([*row, sum(row)], dtype=torch.float64))
        total += sum(
            (b - 1) * float(d - digamma[-1]) for b, d in zip(row, digamma[:-1], strict=True)
        )
    assert found.item() == pytest.approx(1e-3 * total, rel=1e-9)
    assert not variant_of(DRNAS).alphas_decay


def test_the_anchor_is_least_at_the_flat_dirichlet():
    flat = {"cell": torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)}
    value = variant_of(DRNAS).penalty(flat, 0.0)
    assert value.item() == pytest.approx(0.0, abs=1e-15)
    assert torch.autograd.grad(value, flat["cell"])[0].abs().max() < 1e-15


@pytest.mark.parametrize("low", [-12.0, -40.0])
def test_extreme_alphas_give_finite_samples_and_gradients(low):
    alpha = torch.tensor([[low, 3.0, low], [low, low, low]], requires_grad=True)
    variant, generator = make_variant(DRNAS, [(0, 1), (0, 2)]), torch.Generator().manual_seed(0)
    for _ in range(50):
        draw = variant.mix({"cell": alpha}, generator, 0.0).weights["cell"]
        assert torch.isfinite(draw).all()
        gradient = torch.autograd.grad((draw * torch.arange(3.0)).sum(), alpha)[0]
        assert torch.isfinite(gradient).all()


def test_equal_generators_draw_equally_and_touch_no_global_numbers():
    leaves, before = alphas_of(DENSE, DRNAS), torch.get_rng_state()
    one, same, other = (
        variant_of(DRNAS).mix(leaves, torch.Generator().manual_seed(s), 0.0).weights["cell"]
        for s in (4, 4, 5)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_a_generator_gives_another_draw_each_time():
    leaves, generator = alphas_of(DENSE, DRNAS), torch.Generator().manual_seed(0)
    variant = variant_of(DRNAS)
    draws = [variant.mix(leaves, generator, 0.0).weights["cell"] for _ in range(2)]
    assert not torch.equal(*draws)


def test_the_mean_is_that_of_torchs_dirichlet():
    leaves = alphas_of(DENSE, DRNAS)
    wanted = Dirichlet(torch.nn.functional.elu(leaves["cell"]) + 1).mean
    torch.testing.assert_close(variant_of(DRNAS).settled(leaves).weights["cell"], wanted)


@pytest.mark.parametrize("space", SPACES)
def test_darts_is_a_softmax(space):
    settings = SearchSettings(variant="darts")
    leaves, variant = alphas_of(space, settings), variant_of(settings, space)
    for kind, weight in variant.mix(leaves, torch.Generator(), 0.0).weights.items():
        exponents = leaves[kind].detach().exp()
        torch.testing.assert_close(weight.detach(), exponents / exponents.sum(dim=1, keepdim=True))
        torch.testing.assert_close(variant.read(leaves)[kind], weight)
    assert variant.penalty(leaves, 0.5) is None


@pytest.mark.parametrize("name", ["darts", "gdas", "pc_darts", "drnas"])
def test_beta_decay_is_the_mean_logsumexp_of_the_operations_alphas(name):
    """Of the alphas of operations alone: edge weights have no part in it."""
    settings = SearchSettings(variant=name, beta_decay=20.0, alpha_weight_decay=0.0)
    leaves, variant = alphas_of(DENSE, settings), variant_of(settings)
    rows = leaves["cell"].detach().tolist()
    plain = sum(math.log(sum(map(math.exp, row))) for row in rows) / len(rows)
    for progress in (0.0, 0.25, 1.0):
        found = variant.penalty(leaves, progress)
        assert found.item() == pytest.approx(20.0 * progress * plain, rel=1e-9)


def test_beta_decay_pulls_by_the_softmax():
    alpha = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(beta_decay([alpha], 50.0, 0.5), alpha)
    torch.testing.assert_close(found, 25.0 * alpha.detach().softmax(-1) / 3)
