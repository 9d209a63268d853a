"""The bilevel step against plain modules, exact second derivatives, and its own promises."""

import pytest
import torch
from plain_steps import SPACES, alphas_of, batch, bilevel_of, network_of
from torch.func import functional_call
from torch.nn import functional as F

from optunas.darts import bilevel as bilevel_module
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperCell

FIRST = SearchSettings(variant="darts", alpha_lr=0.05, grad_clip=0.7)
SECOND = SearchSettings(variant="darts", alpha_lr=0.05, order=2)


class Plain(torch.nn.Module):
    """The supernet's own modules, called one by one: no sharing, no fast paths."""

    def __init__(self, network):
        super().__init__()
        self.net = network

    def forward(self, x, weights):
        net = self.net
        before = previous = net.stem(x)
        for cell in net.cells:
            if not isinstance(cell, SuperCell):
                before = previous = cell(previous)
                continue
            inputs = (before, previous) if cell.num_inputs == 2 else (previous,)
            before, previous = previous, self.cell(cell, inputs, weights[cell.kind])
        if net.norm is not None:
            previous = F.relu(net.norm(previous))
        return net.classifier(previous.mean(dim=(2, 3)))

    def cell(self, cell, inputs, weights):
        states = list(inputs)
        if cell.num_inputs == 2:
            states = [cell.before(inputs[0]), cell.previous(inputs[1])]
        for node in range(cell.num_inputs, cell.num_states):
            terms = [
                sum(w * op(states[source]) for w, op in zip(weights[e], cell.edges[e], strict=True))
                for e, (source, target) in enumerate(cell.ends)
                if target == node
            ]
            states.append(sum(terms))
        return torch.cat(states[2:], dim=1) if cell.num_inputs == 2 else states[-1]


def softmax(alphas):
    return {kind: alpha.softmax(dim=-1) for kind, alpha in alphas.items()}


@pytest.mark.parametrize("space", SPACES)
def test_five_first_order_steps_equal_the_plain_ones(space):
    fast = bilevel_of(network_of(space), space, FIRST)
    plain, leaves = Plain(network_of(space)), alphas_of(space, FIRST)
    sgd = torch.optim.SGD(plain.parameters(), 0.1, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(list(leaves.values()), 0.05, betas=(0.5, 0.999), weight_decay=1e-3)
    clipped = 0
    for at in range(5):
        train, validation = batch(2 * at), batch(2 * at + 1)
        adam.zero_grad()
        held_out = F.cross_entropy(plain(validation[0], softmax(leaves)), validation[1])
        held_out.backward()
        adam.step()
        sgd.zero_grad()
        loss = F.cross_entropy(plain(train[0], softmax(leaves)), train[1])
        loss.backward()
        clipped += bool(torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.7) > 0.7)
        sgd.step()
        found = fast.step(train, validation, 0.1, torch.Generator())
        torch.testing.assert_close(found[0], loss.detach(), rtol=1e-9, atol=0)
        torch.testing.assert_close(found[1], held_out.detach(), rtol=1e-9, atol=0)
    assert clipped  # the clipping had a part in it
    for kind, alpha in fast.alphas.items():
        torch.testing.assert_close(alpha, leaves[kind], rtol=0, atol=1e-9)
    for mine, theirs in zip(fast.weights, plain.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_second_order_is_the_exact_gradient_of_the_unrolled_loss(space, monkeypatch):
    """By differentiating twice through the step that the optimizer would take."""
    monkeypatch.setattr(bilevel_module, "FINITE_DIFFERENCE", 1e-6)
    bilevel = bilevel_of(network_of(space), space, SECOND)
    bilevel.step(batch(8), batch(9), 0.1, torch.Generator())  # from here on there is momentum
    train, validation, lr = batch(0), batch(1), 0.1
    plain = Plain(bilevel.network)
    names = [name for name, _ in plain.named_parameters()]
    now = dict(zip(names, bilevel.weights, strict=True))
    leaves = {k: a.detach().clone().requires_grad_() for k, a in bilevel.alphas.items()}

    loss = F.cross_entropy(functional_call(plain, now, (train[0], softmax(leaves))), train[1])
    slopes = torch.autograd.grad(loss, list(now.values()), create_graph=True, allow_unused=True)
    ahead = {}
    for (name, weight), slope in zip(now.items(), slopes, strict=True):
        slope = torch.zeros_like(weight) if slope is None else slope
        buffer = bilevel.weight_optimizer.state[weight]["momentum_buffer"]
        ahead[name] = weight - lr * (slope + 3e-4 * weight + 0.9 * buffer)
    value = F.cross_entropy(
        functional_call(plain, ahead, (validation[0], softmax(leaves))), validation[1]
    )
    exact = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)

    found = bilevel._second_order(train, validation, lr, torch.Generator(), 0.0)
    torch.testing.assert_close(found, value.detach(), rtol=1e-9, atol=0)
    direct = bilevel_of(bilevel.network, space, FIRST)
    for leaf, alpha in zip(direct.alphas.values(), bilevel.alphas.values(), strict=True):
        leaf.data.copy_(alpha.data)
    direct._first_order(validation, torch.Generator(), 0.0)
    for alpha, wanted, first in zip(
        bilevel.alphas.values(), exact, direct.alphas.values(), strict=True
    ):
        assert float((alpha.grad - wanted).norm() / wanted.norm()) < 1e-6
        assert float((first.grad - wanted).norm() / wanted.norm()) > 1e-2  # orders do differ


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ["darts", "pc_darts", "drnas"])
def test_the_alphas_phase_leaves_the_weights_as_they_were(name, order):
    settings = SearchSettings(variant=name, order=order, partial=2, channels=4)
    space = SPACES[0]
    network = network_of(space, partial=2 if name == "pc_darts" else 1)
    bilevel = bilevel_of(network, space, settings)
    before = [w.detach().clone() for w in bilevel.weights]
    arguments = (batch(1), torch.Generator(), 0.5)
    if order == 2:
        bilevel._second_order(batch(0), batch(1), 0.1, torch.Generator(), 0.5)
    else:
        bilevel._first_order(*arguments)
    assert all(torch.equal(a, b) for a, b in zip(before, bilevel.weights, strict=True))
    assert all(w.requires_grad and w.grad is None for w in bilevel.weights)
    assert all(alpha.grad.abs().max() > 0 for alpha in bilevel.alphas.values())


@pytest.mark.parametrize("order", [1, 2])
def test_statistics_move_once_a_phase(order):
    """The passes ahead and aside of the second order do not count."""
    settings, space = SearchSettings(variant="darts", order=order), SPACES[0]
    bilevel = bilevel_of(network_of(space), space, settings)
    bilevel.step(batch(0), batch(1), 0.1, torch.Generator())
    stem = bilevel.network.stem[1]
    assert int(stem.num_batches_tracked) == 2


def test_statistics_are_those_of_the_two_batches_that_count():
    space = SPACES[0]
    settings = SearchSettings(variant="darts", order=2, lr=0.1)
    bilevel = bilevel_of(network_of(space), space, settings)
    network, train, validation = bilevel.network, batch(0), batch(1)
    means = []
    network.stem[1].register_forward_pre_hook(
        lambda module, inputs: means.append(
            (inputs[0].mean(dim=(0, 2, 3)), module.track_running_stats)
        )
    )
    bilevel.step(train, validation, 0.1, torch.Generator())
    counted = [mean.detach() for mean, tracked in means if tracked]
    assert len(means) == 5
    assert len(counted) == 2
    wanted = 0.1 * counted[0] * 0.9 + 0.1 * counted[1]
    torch.testing.assert_close(network.stem[1].running_mean, wanted)


def test_the_gradient_is_clipped_to_the_norm():
    space = SPACES[0]
    sizes = []
    for clip in (1e-3, 1e9):
        settings = SearchSettings(variant="darts", grad_clip=clip, momentum=0.0, weight_decay=0.0)
        bilevel = bilevel_of(network_of(space), space, settings)
        before = [w.detach().clone() for w in bilevel.weights]
        bilevel.step(batch(0), batch(1), 1.0, torch.Generator(), move_alphas=False)
        moved = [(a - b).detach() for a, b in zip(before, bilevel.weights, strict=True)]
        sizes.append(float(torch.stack([m.norm() for m in moved]).norm()))
    assert sizes[0] == pytest.approx(1e-3, rel=1e-3)
    assert sizes[1] > 0.1


def test_warm_up_moves_the_weights_alone():
    space = SPACES[1]
    bilevel = bilevel_of(network_of(space), space, FIRST)
    alphas = {k: a.detach().clone() for k, a in bilevel.alphas.items()}
    weights = [w.detach().clone() for w in bilevel.weights]
    _, held_out = bilevel.step(batch(0), batch(1), 0.1, torch.Generator(), move_alphas=False)
    assert torch.isnan(held_out)
    assert all(torch.equal(alphas[k], a) for k, a in bilevel.alphas.items())
    assert any(not torch.equal(a, b) for a, b in zip(weights, bilevel.weights, strict=True))
