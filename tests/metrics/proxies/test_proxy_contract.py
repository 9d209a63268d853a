"""Of every proxy: repeatable, leaves no trace, takes every kind of network, refuses clearly."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import Chain, SmallNet, seeded_net, small_batch, vectors
from torch import Tensor, nn

import optunas
from optunas.errors import DeviceError, InvalidSpecError, UnknownNameError
from optunas.metrics import PROXIES, proxy, proxy_values
from optunas.metrics.proxies import Batch, ProxyError, noise_batch, task_batch
from optunas.space import (
    DARTS,
    NB201,
    ElasticSpace,
    HyperSpace,
    JointSpace,
    MacroSpace,
    Space,
    StackSpace,
)
from optunas.space.parameters import Choice
from optunas.tasks import digits

NAMES = tuple(PROXIES)

SPACES: dict[str, tuple[Space[Any], dict[str, int]]] = {
    "nb201": (NB201, {"channels": 2, "num_cells": 1}),
    "darts": (DARTS, {"channels": 2, "num_cells": 2}),
    "macro": (MacroSpace(depth=(2, 3), filters=(4, 6), units=(8,)), {}),
    "elastic": (ElasticSpace(widths=((4, 6), 8), depths=(1, 2), stem=4, head=12), {}),
    "stack": (StackSpace(NB201, 2, widths=(2, 4), num_reductions=1), {}),
}


def state(network: nn.Module) -> dict[str, Any]:
    """All of a network that a proxy might change."""
    return {
        "tensors": {k: v.clone() for k, v in network.state_dict().items()},
        "modes": [m.training for m in network.modules()],
        "free": [p.requires_grad for p in network.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in network.parameters()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in network.modules()],
        "forwards": [m.forward.__func__ for m in network.modules()],
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for key in ("modes", "free", "hooks", "forwards"):
        assert before[key] == after[key], key
    for name, tensor in before["tensors"].items():
        assert torch.equal(tensor, after["tensors"][name]), name
    for one, other in zip(before["grads"], after["grads"], strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_and_the_random_numbers_stay_as_they_were(name: str) -> None:
    network, batch = seeded_net(), small_batch()
    network.eval()
    network.first.train()  # a mode of its own in a part
    network.second.weight.requires_grad_(False)
    network.classifier.weight.grad = torch.ones_like(network.classifier.weight)
    before, x, y = state(network), batch.x.clone(), batch.y.clone()
    torch.manual_seed(5)
    np.random.seed(5)
    wanted = torch.rand(3), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    threads = torch.get_num_threads()
    proxy(network, name, batch)
    assert torch.equal(torch.rand(3), wanted[0])
    assert np.random.rand() == wanted[1]
    assert torch.get_num_threads() == threads
    assert_same(before, state(network))
    assert torch.equal(batch.x, x)
    assert torch.equal(batch.y, y)
    assert batch.x.grad is None
    assert not batch.x.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_gives_one_value_whatever_was_drawn_before(name: str) -> None:
    cell = NB201.sample(np.random.default_rng(2))
    values = []
    for salt in (0, 1):
        torch.manual_seed(salt)
        with torch.set_grad_enabled(salt == 0):
            values.append(
                proxy(cell, name, input_shape=(1, 8, 8), num_classes=4, channels=2, num_cells=1)
            )
    assert values[0] == values[1]


def test_another_seed_is_another_draw() -> None:
    cell = NB201.sample(np.random.default_rng(2))
    for name in ("synflow", "zen", "naswot", "snip"):
        one, other = (
            proxy(cell, name, input_shape=(1, 8, 8), num_classes=4, channels=2, seed=seed)
            for seed in (0, 1)
        )
        assert one != other, name


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)], ids=str)
@pytest.mark.parametrize("kind", SPACES)
def test_every_kind_of_architecture_on_usual_inputs(kind: str, shape: tuple[int, ...]) -> None:
    space, counts = SPACES[kind]
    rng = np.random.default_rng(7)
    network = nn.Module()
    while sum(isinstance(m, nn.ReLU) for m in network.modules()) < 2:
        member = space.sample(rng)
        if space.is_connected(member):
            network = optunas.build(member, shape, 10, **counts)
    before = state(network)
    refused: dict[str, str] = {}
    values = proxy_values(network, batch=noise_batch(shape, 10, 8), refused=refused)
    assert tuple(values) == NAMES
    assert not any(math.isnan(value) for value in values.values())
    assert not refused
    finite = [name for name in NAMES if math.isfinite(values[name])]
    assert set(finite) >= set(NAMES) - {"trainability", "jacob_cov", "naswot"}, values
    assert_same(before, state(network))


def test_vectors_and_a_joint_value() -> None:
    values = proxy_values(seeded_net(Chain), batch=vectors(64))
    # few units: some inputs share a region, some see no unit that is on
    assert all(math.isfinite(v) for k, v in values.items() if k not in ("naswot", "jacob_cov"))
    space = JointSpace(cell=NB201, train=HyperSpace(channels=Choice((2, 4))))
    member = space.decode({**space.encode(space.sample(np.random.default_rng(0)))})
    value = proxy(member, "params", input_shape=(1, 8, 8), num_classes=4, num_cells=1)
    assert value == optunas.metrics.params(member, (1, 8, 8), 4, num_cells=1)


def test_a_regression_and_a_single_output() -> None:
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 1))
    net.load_state_dict({k: torch.randn(v.shape) for k, v in net.state_dict().items()})
    batch = (torch.randn(8, 4), torch.randn(8, 1))
    values = proxy_values(net, batch=batch)
    assert all(math.isfinite(v) for k, v in values.items() if k not in ("naswot", "jacob_cov"))
    assert math.isfinite(proxy(net, "snip", input_shape=(4,)))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_none_rank_last(name: str) -> None:
    net, batch = seeded_net(), small_batch()
    with torch.no_grad():
        net.second.weight.fill_(float("nan"))
        net.classifier.weight.fill_(float("nan"))
    value = proxy(net, name, batch)
    redrawn = ("params", "flops", "zen", "expressivity", "progressivity", "trainability")
    assert math.isfinite(value) if name in redrawn else value == -math.inf
    broken = Batch(torch.full_like(batch.x, float("inf")), batch.y, batch.loss)
    blind = ("params", "flops", "zen", "synflow")
    if name == "trainability":  # a convolution's Jacobian is the same everywhere
        return
    fresh = proxy(seeded_net(), name, broken)
    assert math.isfinite(fresh) if name in blind else fresh == -math.inf


def test_a_network_that_does_not_see_its_input() -> None:
    none = NB201.decode(dict.fromkeys(NB201.parameters(), "none"))
    values = proxy_values(none, input_shape=(1, 8, 8), num_classes=4, channels=2, num_cells=1)
    assert not any(math.isnan(value) for value in values.values())
    # the same answer to every input
    assert values["naswot"] == values["jacob_cov"] == values["zen"] == -math.inf


class InPlace(nn.Module):
    """Everything that works in place, and a dropout."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.body = nn.Sequential(
            nn.BatchNorm2d(4), nn.ReLU(inplace), nn.Dropout(0.5, inplace), nn.Conv2d(4, 4, 1)
        )
        self.inplace = inplace
        self.classifier = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(self.stem(x), self.inplace)
        return self.classifier(self.body(x).mean((2, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_working_in_place_and_dropout_change_nothing(name: str) -> None:
    plain, batch = InPlace(False).double(), small_batch()
    spare = InPlace(True).double()
    spare.load_state_dict(plain.state_dict())
    assert proxy(spare, name, batch) == pytest.approx(proxy(plain, name, batch), rel=1e-9)


def test_half_precision_and_mixed_precision_around() -> None:
    net, batch = seeded_net().float(), small_batch()
    value = proxy(net, "snip", batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert proxy(net, "snip", batch) == value
    assert proxy(copy.deepcopy(net).half(), "snip", batch) == pytest.approx(value, rel=0.05)


GELU = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 3))


class Bare(nn.Module):
    """No parameters at all."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :3]


def test_what_a_network_lacks_is_said_in_a_sentence() -> None:
    batch = vectors()
    with pytest.raises(ProxyError, match="'naswot' cannot be had: the network has no piecewise"):
        proxy(GELU, "naswot", batch)
    for name in ("grad_norm", "snip", "grasp", "fisher", "synflow", "zico", "zen"):
        with pytest.raises(ProxyError, match=f"'{name}' cannot be had: the network has no weights"):
            proxy(Bare(), name, batch)
    with pytest.raises(ProxyError, match=r"'trainability' .* needs 2, the network has 0"):
        proxy(Bare(), "trainability", batch)
    with pytest.raises(ProxyError, match="'zico' cannot be had: it compares 2 batches"):
        proxy(GELU, "zico", vectors(3))
    refused: dict[str, str] = {}
    values = proxy_values(GELU, ("naswot", "snip"), batch, refused=refused)
    assert values["naswot"] == -math.inf
    assert math.isfinite(values["snip"])
    assert set(refused) == {"naswot"}


class Fragile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("weights")

    def __deepcopy__(self, memo: object) -> Fragile:
        if hasattr(self, "rigid"):
            raise TypeError("a lock cannot be copied")
        return Fragile()


def test_what_a_users_network_breaks_is_a_sentence() -> None:
    with pytest.raises(ProxyError, match=r"'snip' fails on this Fragile .*\(8, 4\).* KeyError"):
        proxy(Fragile(), "snip", vectors())
    rigid = Fragile()
    rigid.rigid = True
    with pytest.raises(ProxyError, match="this Fragile cannot be copied: TypeError: a lock"):
        proxy(rigid, "snip", vectors())
    with pytest.raises(ProxyError, match=r"'snip' fails on this SmallNet .*\(8, 4\)"):
        proxy(SmallNet(), "snip", vectors())
    with pytest.raises(ProxyError, match=r"No proxy can read 0\.weight, 0\.bias"):
        proxy(nn.Sequential(nn.LazyLinear(3)), "snip", vectors())
    with pytest.raises(InvalidSpecError, match=r"cannot take an input of shape \(2, 9\)"):
        proxy(GELU, "snip", input_shape=(9,))
    with pytest.raises(ProxyError, match=r"outputs of shape \(N, outputs\); this one gives \(2, 2"):
        proxy(nn.Conv2d(2, 2, 1), "snip", input_shape=(2, 3, 3))


def test_running_out_of_memory_is_not_called_a_lack() -> None:
    class Greedy(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    with pytest.raises(RuntimeError, match="allocate memory") as caught:
        proxy(Greedy(4, 3), "snip", vectors())
    assert not isinstance(caught.value, ProxyError)


def test_wrong_arguments() -> None:
    cell = NB201.sample(np.random.default_rng(0))
    with pytest.raises(UnknownNameError, match="Unknown proxy 'synflw'; did you mean 'synflow'"):
        proxy(cell, "synflw", input_shape=(1, 8, 8), num_classes=4)
    with pytest.raises(InvalidSpecError, match="'az_nas' compares networks with one another"):
        proxy(cell, "az_nas", input_shape=(1, 8, 8), num_classes=4)
    with pytest.raises(InvalidSpecError, match="needs a batch, or input_shape"):
        proxy(cell, "snip", num_classes=4)
    with pytest.raises(InvalidSpecError, match="needs num_classes to build"):
        proxy(cell, "snip", input_shape=(1, 8, 8))
    with pytest.raises(InvalidSpecError, match="at least two inputs and a target for each"):
        proxy(GELU, "snip", (torch.zeros(1, 4), torch.zeros(1).long()))
    with pytest.raises(InvalidSpecError, match=r"pair of tensors \(x, y\), got a list"):
        proxy(GELU, "snip", [torch.zeros(2, 4)])  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="named in a tuple"):
        proxy_values(GELU, "snip", vectors())
    with pytest.raises(InvalidSpecError, match="Name at least one proxy"):
        proxy_values(GELU, (), vectors())
    with pytest.raises(InvalidSpecError, match="size of at least 2, got 1"):
        noise_batch((4,), 3, 1)
    with pytest.raises(InvalidSpecError, match="seed must be a whole number"):
        noise_batch((4,), 3, 4, -1)
    with pytest.raises(InvalidSpecError, match=r"positive integers; got \(\) and 3"):
        noise_batch((), 3)
    with pytest.raises(DeviceError, match="optunas trains on 'cpu' and 'cuda'"):
        proxy(GELU, "snip", vectors(), device="mps")


def test_a_tasks_batch_is_of_its_training_data() -> None:
    task = digits()
    batch = task_batch(task, 16, seed=3)
    x, y = task.tensors("train", torch.device("cpu"))
    assert batch.x.shape == (16, 1, 8, 8)
    for image, label in zip(batch.x, batch.y, strict=True):
        at = [i for i in range(len(x)) if torch.equal(x[i], image)]
        assert int(label) in {int(y[i]) for i in at}
    again = task_batch(task, 16, seed=3)
    assert torch.equal(batch.x, again.x)
    assert not torch.equal(batch.x, task_batch(task, 16, seed=4).x)
    assert len(task_batch(task, 10_000).x) == len(x)  # as many as there are


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", NAMES)
def test_cuda_gives_nearly_what_the_cpu_gives(name: str) -> None:
    net, batch = seeded_net(), small_batch(16)
    on_cuda = proxy(net, name, batch, device="cuda")
    assert on_cuda == pytest.approx(proxy(net, name, batch), rel=1e-3, abs=1e-3)
