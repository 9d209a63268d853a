"""PC-DARTS: partial channels against an edge by edge computation, and edges that compete."""

import math

import pytest
import torch
from plain_steps import CLASSES, DENSE, SHAPE, SPACES, alphas_of, batch, network_of
from torch import nn
from torch.nn import functional as F

from optunas.darts.mixing import Mixing
from optunas.darts.partial import shuffled
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperCell, SuperNetwork, edges_of
from optunas.darts.variants import make_variant
from optunas.errors import InvalidSpecError


def settings(partial: int = 2) -> SearchSettings:
    return SearchSettings(variant="pc_darts", channels=4, partial=partial)


def mixing_of(space, partial: int = 2, seed: int = 0) -> Mixing:
    variant = make_variant(settings(partial), edges_of(space))
    leaves = alphas_of(space, settings(partial), seed)
    return variant.mix(leaves, torch.Generator(), 0.0)


def plain(cell: SuperCell, inputs, weights, bypass):
    """Each edge on its own: mix some channels, let the others pass, concatenate, shuffle."""
    states = list(inputs)
    if cell.num_inputs == 2:
        states = [cell.before(inputs[0]), cell.previous(inputs[1])]
    for node in range(cell.num_inputs, cell.num_states):
        state = 0
        for e, (source, target) in enumerate(cell.ends):
            if target == node:
                alpha = weights[e] / bypass[e]  # the mixing of the operations alone
                strided = cell.stride == 2 and source < cell.num_inputs
                state = state + bypass[e] * plain_edge(cell, e, states[source], alpha, strided)
        states.append(state)
    return torch.cat(states[2:], dim=1) if cell.num_inputs == 2 else states[-1]


def plain_edge(cell: SuperCell, e: int, x, alpha, strided: bool):
    width = x.shape[1] // cell.partial
    mixed = sum(a * op(x[:, :width]) for a, op in zip(alpha, cell.edges[e], strict=True))
    rest = nn.MaxPool2d(2, 2, ceil_mode=True)(x[:, width:]) if strided else x[:, width:]
    return nn.ChannelShuffle(cell.partial)(torch.cat([mixed, rest], dim=1).contiguous())


@pytest.mark.parametrize("partial", [2, 4])
@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("space", SPACES)
def test_a_cell_equals_its_edges_one_by_one(space, size, partial):
    torch.manual_seed(0)
    network = SuperNetwork(space, (1, size, size), CLASSES, 8, 3, partial=partial).double()
    mixing, tested = mixing_of(space, partial), 0
    seen: list[tuple[SuperCell, tuple[torch.Tensor, ...]]] = []
    for cell in network.cells:
        if isinstance(cell, SuperCell):
            cell.register_forward_pre_hook(lambda module, args: seen.append((module, args[0])))
    network(torch.randn(5, 1, size, size, dtype=torch.float64), mixing)
    for cell, inputs in list(seen):  # calling a cell again adds to it
        weights, bypass = mixing.weights[cell.kind], mixing.bypass[cell.kind]
        fast, slow = cell(inputs, weights, None, bypass), plain(cell, inputs, weights, bypass)
        assert fast.shape == slow.shape
        torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)
        tested += 1
    assert tested >= 3


@pytest.mark.parametrize("space", SPACES)
def test_gradients_are_those_of_the_equation(space):
    """Edge weights and alphas both, against numerical derivatives of the network's loss."""
    network = network_of(space, partial=2)
    variant = make_variant(settings(), edges_of(space))
    leaves = alphas_of(space, settings())
    x, y = batch(1)

    def loss(shift: float = 0.0, name: str = "", at: int = 0) -> torch.Tensor:
        moved = {k: a.detach().clone() for k, a in leaves.items()}
        if name:
            moved[name].view(-1)[at] += shift
        source = moved if name else leaves
        return F.cross_entropy(network(x, variant.mix(source, torch.Generator(), 0.0)), y)

    found = dict(zip(leaves, torch.autograd.grad(loss(), list(leaves.values())), strict=True))
    for name, at in [(n, i) for n in leaves for i in (0, 1)]:
        numeric = (loss(1e-5, name, at) - loss(-1e-5, name, at)) / 2e-5
        exact = found[name].view(-1)[at]
        torch.testing.assert_close(exact, numeric.detach(), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("space", SPACES)
def test_weights_are_products_of_two_softmaxes(space):
    leaves = alphas_of(space, settings())
    variant = make_variant(settings(), edges_of(space))
    mixing = variant.mix(leaves, torch.Generator(), 0.5).detached()
    for kind in mixing.weights:
        alpha, beta = leaves[kind].detach(), leaves[f"{kind}.edges"].detach()
        for e, (_, target) in enumerate(edges_of(space)):
            rivals = [i for i, ends in enumerate(edges_of(space)) if ends[1] == target]
            share = math.exp(beta[e]) / sum(math.exp(beta[i]) for i in rivals)
            total = sum(math.exp(a) for a in alpha[e])
            assert float(mixing.bypass[kind][e]) == pytest.approx(share, rel=1e-12)
            for o in range(len(space.operations)):
                wanted = share * math.exp(alpha[e, o]) / total
                assert float(mixing.weights[kind][e, o]) == pytest.approx(wanted, rel=1e-12)
        torch.testing.assert_close(variant.read(leaves)[kind].detach(), mixing.weights[kind])


def test_shuffling_is_torchs():
    x = torch.randn(2, 12, 3, 5)
    for groups in (1, 2, 3, 4):
        torch.testing.assert_close(
            shuffled(x, groups), nn.ChannelShuffle(groups)(x), rtol=0, atol=0
        )


def test_one_in_one_is_darts_with_competing_edges():
    mixing = mixing_of(DENSE, partial=1)
    assert not mixing.bypass
    assert network_of(DENSE)(batch(0)[0], mixing).shape == (8, CLASSES)


def test_warm_up_is_the_papers_share():
    assert make_variant(settings(), edges_of(DENSE)).warmup_share == 15 / 50


def test_channels_that_cannot_be_divided():
    with pytest.raises(InvalidSpecError, match="channels must be a multiple of it, got 6"):
        SearchSettings(variant="pc_darts", channels=6, partial=4)
    with pytest.raises(InvalidSpecError, match="choose channels=8, or another partial"):
        SuperNetwork(DENSE, SHAPE, CLASSES, 6, 1, partial=4)
