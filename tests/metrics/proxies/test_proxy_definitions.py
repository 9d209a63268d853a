"""Each proxy against its definition, computed another, slow way."""

from __future__ import annotations

import copy
import math
from itertools import combinations

import numpy as np
import pytest
import torch
from tiny_networks import Chain, SmallNet, Smooth, seeded_net, small_batch, vectors
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.metrics import flops, params, proxy
from optunas.metrics.proxies import Batch, noise_batch
from optunas.metrics.proxies.blocks import as_maps, block_features, blocks, entropy
from optunas.metrics.proxies.subject import redraw
from optunas.metrics.proxies.trainability import _aligned
from optunas.metrics.proxies.zen import CHANGE


def loss_at(net: nn.Module, batch: Batch, weights: dict[str, Tensor]) -> Tensor:
    """The loss with some parameters replaced, batch norms on the batch's statistics."""
    return batch.loss(torch.func.functional_call(net.train(), weights, (batch.x,)), batch.y)


def numeric_gradient(net: nn.Module, batch: Batch, name: str, step: float = 1e-6) -> Tensor:
    """Central differences of the loss in each entry of one parameter."""
    value = net.get_parameter(name).detach()
    grad = torch.zeros_like(value)
    for at in range(value.numel()):
        losses = []
        for sign in (1, -1):
            moved = value.clone()
            moved.view(-1)[at] += sign * step
            losses.append(loss_at(net, batch, {name: moved}))
        grad.view(-1)[at] = (losses[0] - losses[1]) / (2 * step)
    return grad.detach()


WEIGHTS = ("first.0.weight", "second.weight", "classifier.weight")


def test_grad_norm_and_snip_follow_finite_differences() -> None:
    net, batch = seeded_net(), small_batch()
    grads = {name: numeric_gradient(net, batch, name) for name in WEIGHTS}
    norms = sum(float(grad.norm()) for grad in grads.values())
    net.requires_grad_(False)
    assert proxy(net, "grad_norm", batch) == pytest.approx(norms, rel=1e-6)
    felt = sum(float((net.get_parameter(n) * g).abs().sum()) for n, g in grads.items())
    assert proxy(net, "snip", batch) == pytest.approx(felt, rel=1e-6)


def test_grasp_follows_a_finite_difference_of_gradients() -> None:
    net, batch = seeded_net(), small_batch()
    names = dict.fromkeys(WEIGHTS)

    def gradient(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        free = {n: w.detach().clone().requires_grad_() for n, w in weights.items()}
        grads = torch.autograd.grad(loss_at(net, batch, free), list(free.values()))
        return dict(zip(free, grads, strict=True))

    here = {n: net.get_parameter(n).detach() for n in names}
    g, step = gradient(here), 1e-5
    ahead, behind = (gradient({n: here[n] + sign * step * g[n] for n in names}) for sign in (1, -1))
    expected = -sum(float((here[n] * (ahead[n] - behind[n]) / (2 * step)).sum()) for n in names)
    assert proxy(net, "grasp", batch) == pytest.approx(expected, rel=1e-5)


def test_fisher_sums_what_each_channel_of_each_sample_means_to_the_loss() -> None:
    net, batch = seeded_net(), small_batch(6)
    net.train()
    first = net.first[0](batch.x).detach().requires_grad_()
    second = net.second(F.relu(net.first[1](first)))
    second.retain_grad()
    logits = net.classifier(F.relu(second).mean((2, 3)))
    logits.retain_grad()
    batch.loss(logits, batch.y).backward()
    total = 0.0
    for output in (first, second, logits):
        assert output.grad is not None
        for channel in range(output.shape[1]):
            per_sample = [
                float((output[n, channel] * output.grad[n, channel]).sum().detach())
                for n in range(len(batch.x))
            ]
            total += sum(value**2 for value in per_sample) / (2 * len(per_sample))
    assert proxy(net, "fisher", batch) == pytest.approx(total, rel=1e-9)


def test_synflow_is_the_flow_through_all_paths_once_for_each_layer() -> None:
    net = seeded_net(Chain)
    a, b, c = (layer.weight.detach().abs() for layer in net.layers if isinstance(layer, nn.Linear))
    flow = float((c @ b @ a).sum())  # a path from every input to every output
    paths = sum(
        float(a[j, i] * b[k, j] * c[m, k])
        for i in range(4)
        for j in range(6)
        for k in range(5)
        for m in range(3)
    )
    assert flow == pytest.approx(paths)
    assert proxy(net, "synflow", vectors()) == pytest.approx(math.log(3 * flow))


def test_synflow_sees_no_data_no_labels_and_no_batch_norm() -> None:
    net = seeded_net()
    value = proxy(net, "synflow", small_batch(seed=1))
    assert value == proxy(net, "synflow", small_batch(4, seed=2))
    with torch.no_grad():
        net.first[1].weight.mul_(-7)
        net.first[1].running_var.mul_(9)
        net.second.weight.neg_()
    assert proxy(net, "synflow", small_batch()) == pytest.approx(value, rel=1e-12)


def test_jacob_cov_is_that_of_the_inputs_gradients() -> None:
    net, batch = seeded_net(Smooth), vectors(3)
    rows = []
    for x in batch.x:  # without batch norms the samples do not mix
        x = x.clone().requires_grad_()
        net(x[None]).sum().backward()
        assert x.grad is not None
        rows.append(x.grad.numpy())
    values = np.clip(np.linalg.eigvalsh(np.corrcoef(np.array(rows))), 0, None) + 1e-5
    expected = -np.sum(np.log(values) + 1 / values)
    # the smallest eigenvalues are rounding errors, of which 1 / (v + k) makes much
    assert proxy(net, "jacob_cov", batch) == pytest.approx(expected, rel=1e-4)


def test_naswot_on_a_case_by_hand() -> None:
    """Two units, three inputs with the codes 10, 01 and 11."""
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.eye(2))
    x = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    # equal bits: 2 with itself, 0 between 10 and 01, 1 with 11
    kernel = np.array([[2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
    value = proxy(net, "naswot", (x, torch.tensor([0, 1, 0])))
    assert value == pytest.approx(math.log(np.linalg.det(kernel)))  # log 4
    same = proxy(net, "naswot", (x[[0, 0, 1]], torch.tensor([0, 1, 0])))
    assert same == -math.inf  # two inputs in one region


def test_naswot_counts_equal_bits_of_modules_and_functions() -> None:
    net, batch = seeded_net(), small_batch(5)
    net.train()
    hidden = net.first[:2](batch.x)
    units = torch.cat([hidden.flatten(1), net.second(F.relu(hidden)).flatten(1)], 1) > 0
    kernel = np.array([[float((a == b).sum()) for a in units] for b in units])
    assert proxy(net, "naswot", batch) == pytest.approx(np.linalg.slogdet(kernel)[1])


class Bare(nn.Module):
    """Three 1x1 convolutions on one channel, in a row, with norms or without."""

    def __init__(self, norms: bool) -> None:
        super().__init__()
        self.body = nn.Sequential()
        for _ in range(3):
            self.body.append(nn.Conv2d(1, 1, 1, bias=False))
            if norms:
                self.body.append(nn.BatchNorm2d(1, eps=1e-30))
        self.classifier = nn.Linear(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.body(x).mean((2, 3)))


def test_zen_gives_back_the_scale_that_batch_norms_take() -> None:
    """Of linear layers on one channel the score is the same with norms and without."""
    batch = noise_batch((1, 4, 4), 2, 16)
    batch = Batch(batch.x.double(), batch.y, batch.loss)
    values = [proxy(Bare(norms).double(), "zen", batch) for norms in (True, False)]
    # x and x + a e are normalised by scales of their own, which differ by a^2 / 2
    assert values[0] == pytest.approx(values[1], abs=0.02)


def test_zen_without_norms_is_the_mean_distance_of_features() -> None:
    net, batch = Bare(norms=False).double(), noise_batch((1, 3, 3), 2, 4, seed=5)
    batch = Batch(batch.x.double(), batch.y, batch.loss, 5)
    mine = copy.deepcopy(net)
    redraw(mine, batch, scaled=False)
    draw = batch.generator()
    x, noise = (torch.randn(batch.x.shape, generator=draw).double() for _ in range(2))
    with torch.no_grad():
        a, b = mine.body(x), mine.body(x + CHANGE * noise)
    distances = [float((a[n] - b[n]).abs().sum()) for n in range(4)]
    assert proxy(net, "zen", batch) == pytest.approx(math.log(sum(distances) / 4))


def test_zen_reads_neither_data_nor_the_weights_that_are_there() -> None:
    net = seeded_net()
    value = proxy(net, "zen", small_batch())
    with torch.no_grad():
        net.second.weight.mul_(100)
    other = small_batch()
    assert proxy(net, "zen", Batch(other.x * 9 + 1, other.y, other.loss)) == value


def test_zico_from_the_gradients_of_two_halves() -> None:
    net, batch = seeded_net(), small_batch(8)
    halves = [Batch(batch.x[at], batch.y[at], batch.loss) for at in (slice(0, 4), slice(4, 8))]
    total = 0.0
    for name in WEIGHTS:
        first, second = (numeric_gradient(net, half, name) for half in halves)
        mean = (first.abs() + second.abs()) / 2
        spread = (first - second).abs() / 2  # of two numbers
        total += math.log(float((mean / spread)[spread > 1e-9].sum()))
    assert proxy(net, "zico", batch) == pytest.approx(total, rel=1e-4)


def test_expressivity_is_the_entropy_of_principal_components() -> None:
    net, batch = seeded_net(), small_batch()
    mine = copy.deepcopy(net).train()
    redraw(mine, batch, scaled=True)
    first = mine.first(batch.x)
    values = []
    for features in (first, mine.second(first)):
        rows = features.detach().movedim(1, -1).reshape(-1, features.shape[1]).numpy()
        variances = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
        shares = variances / variances.sum()
        values.append(float(-(shares * np.log(shares + 1e-8)).sum()))
    assert proxy(net, "expressivity", batch) == pytest.approx(sum(values))
    assert proxy(net, "progressivity", batch) == pytest.approx(values[1] - values[0])


def test_entropy_of_even_and_of_single_directions() -> None:
    even = torch.eye(4).reshape(4, 4, 1, 1).double()
    assert entropy(torch.cat([even, -even])) == pytest.approx(math.log(4))
    line = torch.arange(4.0)[:, None, None, None] * torch.ones(1, 3, 1, 1)
    assert entropy(line) == pytest.approx(0.0, abs=1e-6)


class Linear1x1(nn.Module):
    """A stem and one more 1x1 convolution: its Jacobian is its matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 1, bias=False)
        self.block = nn.Conv2d(3, 4, 1, bias=False)
        self.classifier = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.block(self.stem(x)).mean((2, 3)))


def test_trainability_sees_the_largest_singular_value() -> None:
    """Many random signs estimate the Jacobian of a 1x1 convolution, its weights."""
    net, batch = seeded_net(Linear1x1), noise_batch((2, 32, 32), 2, 16)
    batch = Batch(batch.x.double(), batch.y, batch.loss)
    mine = copy.deepcopy(net)
    redraw(mine, batch, scaled=True)
    largest = float(torch.linalg.svdvals(mine.block.weight.detach()[:, :, 0, 0])[0])
    expected = 2 - largest - 1 / (largest + 1e-6)
    assert proxy(net, "trainability", batch) == pytest.approx(expected, abs=0.05)


def test_trainability_of_vectors_is_that_of_the_layers_matrix() -> None:
    net, batch = seeded_net(Chain), vectors(20_000)
    mine = copy.deepcopy(net)
    redraw(mine, batch, scaled=True)
    gates = (mine.layers[0](batch.x) > 0).double().mean(0)  # how often each ReLU lets through
    jacobian = mine.layers[2].weight.detach() * gates
    largest = float(torch.linalg.svdvals(jacobian)[0])
    expected = 2 - largest - 1 / (largest + 1e-6)
    assert proxy(net, "trainability", batch) == pytest.approx(expected, abs=0.05)


def test_pixels_of_the_finer_resolution_become_channels() -> None:
    fine = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)
    coarse = torch.zeros(2, 5, 2, 2)
    folded, same = _aligned(fine, coarse)
    assert torch.equal(same, coarse)
    wanted = nn.PixelUnshuffle(2)(fine)  # in another order of the channels
    assert folded.shape == wanted.shape
    assert torch.equal(folded.sort(dim=1).values, wanted.sort(dim=1).values)
    odd, _ = _aligned(torch.ones(1, 1, 7, 7), torch.zeros(1, 1, 4, 4))
    assert odd.shape == (1, 4, 4, 4)
    assert float(odd.sum()) == 49  # zeros beyond the border
    vector, _ = _aligned(torch.ones(1, 2, 3, 3), as_maps(torch.zeros(1, 6)))
    assert vector.shape == (1, 18, 1, 1)


def test_blocks_are_the_parts_of_the_chain() -> None:
    net = seeded_net()
    assert blocks(net) == [net.first, net.second, net.classifier]
    features = block_features(copy.deepcopy(net), small_batch(), least=2)
    assert [tuple(f.shape[1:]) for f in features] == [(3, 6, 6), (4, 3, 3)]


def test_params_and_flops_are_those_of_the_network() -> None:
    net, batch = SmallNet(), noise_batch((2, 5, 5), 3)
    assert proxy(net, "params", batch) == params(net)
    assert proxy(net, "flops", batch) == flops(net, (2, 5, 5))


@pytest.mark.parametrize(("a", "b"), list(combinations((0, 1, 2), 2)))
def test_one_hidden_scale_changes_no_score_that_normalises_it(a: int, b: int) -> None:
    """Under a batch norm the scale of a convolution is invisible to features and codes."""
    net, batch = seeded_net(seed=a + 10 * b), small_batch()
    net.first[1].eps = 1e-30
    before = [proxy(net, name, batch) for name in ("naswot", "jacob_cov")]
    with torch.no_grad():
        net.first[0].weight.mul_(4.0)
        net.first[0].bias.mul_(4.0)
    after = [proxy(net, name, batch) for name in ("naswot", "jacob_cov")]
    assert after == pytest.approx(before, rel=1e-6)
