"""The fast supernet computes what the plain one does, in float64."""

from collections.abc import Callable

import numpy as np
import oracle
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts import depthwise, stacked
from optunas.darts.mixing import Mixing
from optunas.darts.supernet import SuperNetwork
from optunas.space import NB201, VOCABULARY, CellSpace, DenseCellSpace, Operation

DARTS_OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


class Gated(nn.Module):
    """An own operation with weights, a batch norm of its own and a ReLU that works in place."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride, 1)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.norm(self.conv(x))).sigmoid()


def own(name: str, module: Callable[..., nn.Module] = Gated) -> Operation:
    return Operation(name, module)


SPACES = {
    "darts": CellSpace(DARTS_OPERATIONS),
    "darts with none": CellSpace(("none", *DARTS_OPERATIONS), num_nodes=3),
    "two nodes, all": CellSpace(VOCABULARY, num_nodes=2),
    "one node": CellSpace(("skip_connect", "dil_conv_5x5"), num_nodes=1),
    "own, two inputs": CellSpace((own("mine"), "none", "sep_conv_3x3", "dil_conv_3x3"), 2),
    "nb201": NB201,
    "dense, all": DenseCellSpace(VOCABULARY),
    "own, dense": DenseCellSpace(("skip_connect", own("mine"), "avg_pool_3x3"), 3),
}

CASES = [
    ("darts", (3, 8, 8), 2),
    ("darts with none", (1, 7, 7), 5),
    ("darts with none", (3, 9, 9), 1),
    ("darts with none", (2, 8, 6), 2),
    ("darts with none", (2, 1, 1), 3),
    ("darts with none", (2, 2, 3), 3),
    ("darts with none", (2, 5, 1), 3),
    ("two nodes, all", (2, 12, 12), 4),
    ("two nodes, all", (3, 7, 4), 3),
    ("one node", (1, 6, 6), 3),
    ("own, two inputs", (3, 8, 8), 3),
    ("own, two inputs", (3, 7, 7), 3),
    ("nb201", (3, 9, 9), 1),
    ("nb201", (1, 8, 8), 2),
    ("dense, all", (3, 8, 8), 1),
    ("dense, all", (1, 7, 7), 1),
    ("dense, all", (1, 1, 1), 1),
    ("own, dense", (2, 6, 6), 1),
]

TINY = 1e-12
Weights = dict[str, Tensor]


class Pair:
    """The fast and the plain network with the same weights, after some training steps."""

    def __init__(
        self, name: str, shape: tuple[int, int, int], num_cells: int, steps: int = 2, batch: int = 4
    ) -> None:
        torch.manual_seed(sum(shape) + num_cells)
        self.shape, self.batch = shape, batch
        self.fast = SuperNetwork(SPACES[name], shape, 5, 4, num_cells).double()
        optimizer = torch.optim.SGD(self.fast.parameters(), 0.05)
        for _ in range(steps):
            optimizer.zero_grad()
            x, y = self.data()
            F.cross_entropy(self.fast(x, Mixing(self.weights())), y).backward()
            optimizer.step()
        self.plain = oracle.PlainNetwork(self.fast)

    def data(self) -> tuple[Tensor, Tensor]:
        x = torch.randn(self.batch, *self.shape, dtype=torch.double)
        return x, torch.randint(5, (self.batch,))

    def weights(self) -> Weights:
        shape = self.fast.shape
        return {k: torch.randn(shape, dtype=torch.double).softmax(-1) for k in self.fast.kinds}

    def hold(self, weights: Weights, active: dict[str, np.ndarray] | None = None) -> None:
        """Both networks give the same outputs, gradients and statistics for these weights."""
        x, y = self.data()
        alike = {k: w.clone().requires_grad_() for k, w in weights.items()}
        mine = {k: w.clone().requires_grad_() for k, w in weights.items()}
        given, wanted = self.fast(x, Mixing(mine, active)), self.plain(x, alike)
        assert gap(given, wanted) <= TINY
        for network, outputs in ((self.fast, given), (self.plain, wanted)):
            network.zero_grad()
            F.cross_entropy(outputs, y).backward()
        for kind in mine:
            of_mine, of_alike = mine[kind].grad, alike[kind].grad
            if of_alike is None:  # no cell of this kind
                assert of_mine is None
                continue
            kept = torch.ones_like(of_alike) if active is None else torch.tensor(active[kind])
            assert gap(of_mine, of_alike * kept) <= TINY
        wanted_of = dict(self.plain.named_parameters())
        for name, parameter in self.fast.named_parameters():
            assert gap(parameter.grad, wanted_of[name].grad) <= TINY, name
        states = self.plain.state_dict()
        for name, buffer in self.fast.named_buffers():
            if not name.endswith("num_batches_tracked"):  # nothing reads it
                assert gap(buffer, states[name]) <= TINY, name


def gap(given: Tensor | None, wanted: Tensor | None) -> float:
    """The largest difference, relative above 1; no gradient counts as zeros."""
    if given is None or wanted is None:
        return 0.0 if given is wanted else float((given if wanted is None else wanted).abs().max())
    given, wanted = given.detach(), wanted.detach()
    return float((given - wanted).abs().max() / wanted.abs().max().clamp_min(1))


@pytest.mark.parametrize(("name", "shape", "num_cells"), CASES)
def test_outputs_and_gradients_are_those_of_the_plain_network(
    name: str, shape: tuple[int, int, int], num_cells: int
) -> None:
    pair = Pair(name, shape, num_cells)
    pair.hold(pair.weights())
    pair.fast.eval()
    pair.plain.eval()
    pair.hold(pair.weights())


@pytest.mark.parametrize(("name", "shape", "num_cells"), CASES[2::4])
def test_the_ways_of_large_inputs_are_right_on_small_ones(
    name: str, shape: tuple[int, int, int], num_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depthwise, "LARGE", 0)
    monkeypatch.setattr(depthwise, "NARROWEST", 0)
    monkeypatch.setattr(depthwise, "TINY", 0)
    monkeypatch.setattr(stacked, "SMALL", 0)
    monkeypatch.setattr(stacked, "FEW", 0)
    pair = Pair(name, shape, num_cells)
    pair.hold(pair.weights())


@pytest.mark.parametrize("name", ["darts with none", "own, two inputs", "dense, all"])
@pytest.mark.parametrize("share", ["one", "some"])
def test_what_is_not_active_counts_as_zero(name: str, share: str) -> None:
    pair = Pair(name, (2, 6, 6), 1 if isinstance(SPACES[name], DenseCellSpace) else 2)
    rng = np.random.default_rng(0)
    active = {}
    for kind in pair.fast.kinds:
        edges, operations = pair.fast.shape
        one = np.eye(operations, dtype=bool)[rng.integers(operations, size=edges)]
        active[kind] = one if share == "one" else one | (rng.random(one.shape) < 0.5)
    weights = {k: w * torch.tensor(active[k]) for k, w in pair.weights().items()}
    pair.fast.eval()  # statistics of what is not computed stay as they are
    pair.plain.eval()
    pair.hold(weights, active)


def test_what_is_not_active_has_no_gradient_and_keeps_its_statistics() -> None:
    pair = Pair("nb201", (1, 8, 8), 1)
    before = {name: b.clone() for name, b in pair.fast.named_buffers()}
    active = {"cell": np.zeros(pair.fast.shape, dtype=bool)}
    active["cell"][:, 3] = True  # nor_conv_3x3 on every edge
    x, y = pair.data()
    pair.fast.zero_grad()
    F.cross_entropy(pair.fast(x, Mixing(pair.weights(), active)), y).backward()
    for name, parameter in pair.fast.named_parameters():
        if ".edges." in name:
            assert (parameter.grad is not None) == (name.split(".")[4] == "3"), name
    for name, buffer in pair.fast.named_buffers():
        if ".edges." in name and "running" in name:
            assert torch.equal(buffer, before[name]) == (name.split(".")[4] != "3"), name


@pytest.mark.parametrize("name", ["darts with none", "nb201"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_float32_agrees_to_five_digits(name: str, channels_last: bool) -> None:
    torch.manual_seed(0)
    network = SuperNetwork(SPACES[name], (3, 16, 16), 5, 8, 2)
    plain = oracle.PlainNetwork(network)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(8, 3, 16, 16)
    weights = {kind: torch.randn(network.shape).softmax(-1) for kind in network.kinds}
    assert gap(network(x, Mixing(weights)), plain(x, weights)) <= 1e-5


def test_alphas_are_the_same_after_five_steps() -> None:
    pair = Pair("two nodes, all", (1, 6, 6), 2)
    alphas = {k: (1e-3 * torch.randn_like(w)).requires_grad_() for k, w in pair.weights().items()}
    copies = {k: a.detach().clone().requires_grad_() for k, a in alphas.items()}
    batches = [(pair.data(), pair.data()) for _ in range(5)]

    def optimizers(network: nn.Module, leaves: Weights) -> list[torch.optim.Optimizer]:
        return [
            torch.optim.SGD(network.parameters(), 0.025, 0.9, weight_decay=3e-4),
            torch.optim.Adam(list(leaves.values()), 3e-3, (0.5, 0.999), weight_decay=1e-3),
        ]

    weight_steps, alpha_steps = optimizers(pair.plain, copies)
    for train, validation in batches:
        oracle.step(pair.plain, copies, weight_steps, alpha_steps, train, validation)
    weight_steps, alpha_steps = optimizers(pair.fast, alphas)
    for (x, y), (held_x, held_y) in batches:
        alpha_steps.zero_grad()
        F.cross_entropy(pair.fast(held_x, Mixing(oracle.softmax(alphas))), held_y).backward()
        alpha_steps.step()
        weight_steps.zero_grad()
        weights = {k: w.detach() for k, w in oracle.softmax(alphas).items()}
        F.cross_entropy(pair.fast(x, Mixing(weights)), y).backward()
        nn.utils.clip_grad_norm_(pair.fast.parameters(), 5.0)
        weight_steps.step()
    assert max(gap(alphas[kind], copies[kind]) for kind in alphas) <= 1e-10
