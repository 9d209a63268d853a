"""The conformance suite of networks fails on faulty networks, and says how."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from optunas.errors import InvalidArchitectureError
from optunas.metrics import cost
from optunas.space import (
    NB201,
    Choice,
    Cost,
    DenseCellSpace,
    HyperSpace,
    Int,
    JointSpace,
    Parameter,
    Space,
)
from optunas.testing import NetworkConformance
from optunas.testing import networks as suite_module

Widths = tuple[int, ...]


class Net(nn.Module):
    """Linear layers on the flattened input."""

    def __init__(self, widths: Widths, input_shape: Any, outputs: int) -> None:
        super().__init__()
        sizes = [torch.Size(input_shape).numel(), *widths]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.out = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, outputs)."""
        x = x.flatten(1)
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.out(x)


class NetSpace(Space[Widths]):
    """A correct space with networks of its own, and the base of the faulty ones."""

    module: type[Net] = Net

    def parameters(self) -> dict[str, Parameter]:
        return {"depth": Int(1, 3), "width": Choice((4, 6))}

    def encode(self, architecture: Widths) -> dict[str, Any]:
        return {"depth": len(architecture), "width": architecture[0]}

    def decode(self, values: Mapping[str, Any]) -> Widths:
        return (values["width"],) * values["depth"]

    def build(self, widths: Widths, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        return self.module(widths, input_shape, outputs)


class WrongShape(NetSpace):
    def build(self, widths: Widths, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        return self.module(widths, input_shape, outputs + 1)


class NoModule(NetSpace):
    def build(self, widths: Widths, input_shape: Any, outputs: int, settings: Any) -> Any:
        return "a network"


class Lazy(NetSpace):
    def build(self, widths: Widths, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs))


class OneSizeOnly(NetSpace):
    def build(self, widths: Widths, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        return self.module(widths, (1, 8, 8), outputs)


class Infinite(NetSpace):
    class module(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) / (0.0 * x.sum())


class SteepRoot(NetSpace):
    class module(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + torch.sqrt(self.out.weight.sum() * 0.0)


class BatchNormAlwaysTrains(NetSpace):
    class module(Net):
        def forward(self, x: Tensor) -> Tensor:
            x = super().forward(x)
            return x - x.mean(dim=0)


class DropoutAlways(NetSpace):
    class module(Net):
        def forward(self, x: Tensor) -> Tensor:
            out = super().forward(x[:1].expand_as(x)) if len(x) == 1 else super().forward(x)
            noise = torch.rand(out.shape, generator=NOISE)
            return out + 1e-7 * noise


NOISE = torch.Generator().manual_seed(0)


class OwnGenerator(NetSpace):
    class module(Net):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            with torch.no_grad():
                self.out.weight.normal_(generator=NOISE)


class SaysDisconnected(NetSpace):
    def is_connected(self, architecture: Widths) -> bool:
        return len(architecture) < 3


class SeesNothing(NetSpace):
    class module(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(torch.zeros_like(x) if len(self.hidden) == 2 else x)


class DigestForgetsTheWidth(NetSpace):
    def digest(self, architecture: Widths) -> str:
        return str(len(architecture))


def told(
    space: Space[Any], test: str, shapes: tuple[tuple[int, ...], ...] = ((1, 8, 8), (2, 3, 3))
) -> str | None:
    """The message of one test of the suite, None when it passes."""
    suite = NetworkConformance()
    suite.space, suite.input_shapes, suite.num_outputs = space, shapes, 3
    suite.settings = {"channels": 2, "num_cells": 1}
    try:
        getattr(suite, test)()
    except AssertionError as error:
        return str(error)
    return None


TESTS = [name for name in dir(NetworkConformance) if name.startswith("test_")]


@pytest.mark.parametrize("test", TESTS)
def test_correct_networks_pass(test: str) -> None:
    if test == "test_the_closed_form_costs_are_those_of_the_network":
        with pytest.raises(pytest.skip.Exception, match="have no closed form"):
            told(NetSpace(), test)
        return
    assert told(NetSpace(), test) is None
    assert told(NetSpace(), test, ((5,),)) is None  # a vector


RUN = "test_networks_run_forward_and_backward"
EVALUATE = "test_networks_take_a_single_input_for_evaluation"
SEED = "test_one_seed_gives_one_network"
SEES = "test_connected_networks_and_only_those_see_their_input"
LIVE = "test_networks_of_equal_digest_have_equally_many_live_parameters"


@pytest.mark.parametrize(
    ("space", "test", "message"),
    [
        (WrongShape(), RUN, r"The network's forward gives shape \(4, 4\), wanted \(4, 3\)"),
        (NoModule(), RUN, "build gives a str, no module"),
        (Lazy(), RUN, r"build gives 1.weight, 1.bias no shape before the first input"),
        (OneSizeOnly(), RUN, r"The network's forward raised RuntimeError: .*input of \(2, 3, 3\)"),
        (Infinite(), RUN, "The network's forward gives numbers that are not finite"),
        (SteepRoot(), RUN, "The network's backward gives out.weight a gradient that is not fini"),
        (WrongShape(), EVALUATE, r"The network's evaluation gives shape \(1, 4\), wanted \(1, 3\)"),
        (BatchNormAlwaysTrains(), EVALUATE, "The network's evaluation of one input depends on wh"),
        (DropoutAlways(), EVALUATE, "The network's evaluation differs when repeated"),
        (OwnGenerator(), SEED, "build gives other weights with the same seed of torch"),
        (SaysDisconnected(), SEES, "is_connected says False, but the network's output depends on"),
        (SeesNothing(), SEES, "is_connected says True, but the network's output does not depend"),
        (DigestForgetsTheWidth(), LIVE, r"digest is the same, but \d+ parameters of one network"),
    ],
)
def test_the_suite_fails_on_faulty_networks(space: Space[Any], test: str, message: str) -> None:
    text = told(space, test)
    assert text is not None
    assert re.match(message, text, re.DOTALL), text
    assert re.search(r"which is space.sample\(numpy.random.default_rng\(\[0, \d\]\)\)", text)


@pytest.mark.parametrize(
    ("params", "macs", "message"),
    [(1, 0, r"gives \d+ parameters, the network has \d+"), (0, 1, r"gives \d+ FLOPs, the network")],
)
def test_a_wrong_closed_form_is_found(
    monkeypatch: pytest.MonkeyPatch, params: int, macs: int, message: str
) -> None:
    def wrong(*arguments: Any, **counts: Any) -> Cost:
        right = cost(*arguments, **counts)
        return Cost(right.params + params, right.macs + macs)

    test = "test_the_closed_form_costs_are_those_of_the_network"
    space = DenseCellSpace(num_nodes=2)
    assert told(space, test) is None
    monkeypatch.setattr(suite_module, "cost", wrong)
    assert re.match(f"The closed form {message}", told(space, test) or "")


def test_a_lie_about_a_cell_is_found() -> None:
    class Lying(DenseCellSpace):
        def is_connected(self, architecture: Any) -> bool:
            return True

    text = told(Lying(("none", "skip_connect"), num_nodes=3), SEES)
    assert text is not None
    assert text.startswith("is_connected says True, but the network's output does not depend")


def test_settings_of_a_joint_space_reach_the_network() -> None:
    suite = NetworkConformance()
    train = HyperSpace(channels=Choice((2,)), lr=Choice((0.1,)))
    suite.space = JointSpace(cell=NB201, train=train)
    suite.settings = {"num_cells": 1, "channels": 16}
    network = suite.build(next(suite.space.enumerate()), (3, 8, 8))
    assert network.stem[0].out_channels == 2  # type: ignore[index,union-attr]


def test_hyperparameters_alone_have_no_network() -> None:
    suite = NetworkConformance()
    suite.space = HyperSpace(lr=Choice((0.1, 0.2)))
    with pytest.raises(AssertionError, match="build raised InvalidArchitectureError"):
        suite.test_networks_run_forward_and_backward()
    with pytest.raises(InvalidArchitectureError, match=r"\w"):
        suite.build(next(suite.space.enumerate()), (1, 8, 8))


def test_the_global_seed_is_left_alone() -> None:
    suite = NetworkConformance()
    suite.space, suite.num_networks = NetSpace(), 2
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    for test in (RUN, EVALUATE, SEED, SEES, LIVE):
        getattr(suite, test)()
    assert torch.equal(torch.rand(1), wanted)
