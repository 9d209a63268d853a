"""GDAS: what is drawn, what is computed, and where the gradient goes."""

import numpy as np
import pytest
import torch
from plain_steps import DENSE, SPACES, alphas_of, batch, bilevel_of, network_of
from torch.nn import functional as F

from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import edges_of
from optunas.darts.variants import make_variant
from optunas.darts.variants.gdas import temperature
from optunas.errors import InvalidSpecError
from optunas.space import DenseCellSpace

GDAS = SearchSettings(variant="gdas", channels=4)


def drawn(space, leaves, seed: int = 0, progress: float = 0.5) -> Mixing:
    generator = torch.Generator().manual_seed(seed)
    return make_variant(GDAS, edges_of(space)).mix(leaves, generator, progress)


@pytest.mark.parametrize("space", SPACES)
def test_one_operation_an_edge_with_weight_one(space):
    mixing = drawn(space, alphas_of(space, GDAS))
    for kind, weight in mixing.weights.items():
        np.testing.assert_array_equal(weight.detach().numpy(), mixing.active[kind].astype(float))
        assert (mixing.active[kind].sum(axis=1) == 1).all()


def test_the_gradient_is_that_of_the_softmax_of_the_noisy_logits():
    leaves = alphas_of(DENSE, GDAS)
    mixing = drawn(DENSE, leaves, seed=3, progress=0.25)
    upstream = torch.randn(mixing.weights["cell"].shape, dtype=torch.float64)
    (found,) = torch.autograd.grad((mixing.weights["cell"] * upstream).sum(), leaves["cell"])

    noise = torch.empty(upstream.shape, dtype=torch.float64)
    gumbel = -noise.exponential_(generator=torch.Generator().manual_seed(3)).log()
    alpha = leaves["cell"].detach()
    temperature_there = 10 - 9.9 * 0.25
    for e in range(len(alpha)):
        logits = (alpha[e] - alpha[e].exp().sum().log() + gumbel[e]) / temperature_there
        p = logits.exp() / logits.exp().sum()
        # The derivative by the logits of a softmax; that of log softmax is I - 1 softmax^T.
        by_logit = (torch.diag(p) - torch.outer(p, p)) @ upstream[e] / temperature_there
        q = alpha[e].exp() / alpha[e].exp().sum()
        wanted = by_logit - q * by_logit.sum()
        torch.testing.assert_close(found[e], wanted, rtol=1e-9, atol=1e-12)
        assert int(mixing.weights["cell"][e].argmax()) == int(logits.argmax())


@pytest.mark.parametrize("space", SPACES)
def test_only_the_drawn_operations_are_computed(space):
    """NaN weights in all others change nothing, and these get no gradient."""
    network, mixing = network_of(space), drawn(space, alphas_of(space, GDAS), seed=1)
    x, y = batch(2)
    whole = Mixing({k: w.detach() for k, w in mixing.weights.items()})
    wanted = network(x, whole)
    cells = [c for c in network.cells if hasattr(c, "kind")]
    others = []
    for cell in cells:
        for e, edge in enumerate(cell.edges):
            for o, module in enumerate(edge):
                if not mixing.active[cell.kind][e, o]:
                    others += list(module.parameters())
    for weight in others:
        weight.data.fill_(float("nan"))
    found = network(x, mixing)
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)
    F.cross_entropy(found, y).backward()
    assert others
    assert all(weight.grad is None for weight in others)


def test_draws_follow_the_softmax():
    """The Gumbel-max trick: the largest noisy logit falls on o as often as softmax(alpha) says."""
    alpha = torch.tensor([[0.0, 1.0, -1.0, 0.5]], dtype=torch.float64)
    variant = make_variant(GDAS, [(0, 1)])
    generator = torch.Generator().manual_seed(0)
    counts = np.zeros(4)
    for _ in range(4000):
        counts += variant.mix({"cell": alpha}, generator, 0.9).active["cell"][0]
    np.testing.assert_allclose(counts / 4000, alpha.softmax(-1)[0].numpy(), atol=0.03)


def test_the_temperature_falls_linearly_from_10_to_a_tenth():
    assert [temperature(p) for p in (0.0, 0.5, 1.0)] == pytest.approx([10.0, 5.05, 0.1])


def test_equal_seeds_draw_equally_and_touch_no_global_numbers():
    leaves, before = alphas_of(DENSE, GDAS), torch.get_rng_state()
    first, second, other = (drawn(DENSE, leaves, seed) for seed in (5, 5, 6))
    assert torch.equal(first.weights["cell"], second.weights["cell"])
    assert not torch.equal(first.weights["cell"], other.weights["cell"])
    assert torch.equal(before, torch.get_rng_state())


def test_a_draw_of_none_everywhere_moves_nothing_and_breaks_nothing():
    """The output is then the same for every input, and the loss depends on no mixing weight."""
    space = DenseCellSpace(("none", "nor_conv_1x1"), num_nodes=2)
    bilevel = bilevel_of(network_of(space), space, GDAS)
    with torch.no_grad():
        bilevel.alphas["cell"][:] = torch.tensor([50.0, -50.0])
    before = {k: a.detach().clone() for k, a in bilevel.alphas.items()}
    losses = bilevel.step(batch(0), batch(1), 0.1, torch.Generator().manual_seed(0))
    assert all(torch.isfinite(loss) for loss in losses)
    # The alphas' own decay is all that moves them.
    assert float((bilevel.alphas["cell"].detach() - before["cell"]).abs().max()) <= 0.021


def test_second_order_is_refused():
    with pytest.raises(InvalidSpecError, match="order=2 looks one step of the weights ahead"):
        SearchSettings(variant="gdas", order=2)
