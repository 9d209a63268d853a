"""The stand-alone networks of sub-networks, built and trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from covering import covering
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import optunas
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets.inverted_residual import InvertedResidual
from optunas.nets.subnet_network import SubnetNetwork, build_subnet
from optunas.space import OFA_MOBILENET_V3, Block, ElasticSpace, Stage, Subnet
from optunas.space.subnet import ACTIVATIONS

TINY = ElasticSpace(
    (4, (6, 8), 8),
    depths=(1, 2),
    kernels=(3, 5),
    expansions=(1, 1.5, 3),
    strides=(1, 2, 1),
    activation=("relu", "hardswish", "silu"),
    squeeze_excite=(False, True, False),
    stem=4,
    head=12,
    features=10,
)
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


@pytest.mark.parametrize("shape", SHAPES)
def test_members_with_every_option_train(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(4, *shape), torch.tensor([0, 1, 2, 3])
    for subnet in covering(TINY, seed=sum(shape), times=5):
        network = optunas.build(subnet, shape, 5).train()
        output = network(x)
        assert output.shape == (4, 5)
        loss = F.cross_entropy(output, labels)
        loss.backward()
        assert loss.isfinite()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 13), st.integers(1, 13)),
    outer=st.tuples(st.sampled_from([0, 5]), st.sampled_from([0, 3]), st.integers(1, 2)),
    activation=st.sampled_from(ACTIVATIONS),
    squeeze_excite=st.booleans(),
    outputs=st.integers(1, 3),
)
def test_any_input_size_from_one_pixel_on(
    seed: int,
    shape: tuple[int, int, int],
    outer: tuple[int, int, int],
    activation: str,
    squeeze_excite: bool,
    outputs: int,
) -> None:
    head, features, stem_stride = outer
    space = ElasticSpace(
        (1, (3, 4), 4),
        (1, 2),
        (1, 3, 7),
        (1, 1.3, 2),
        None,
        activation,
        squeeze_excite,
        2,
        head,
        features,
        stem_stride,
    )
    network = optunas.build(space.sample(np.random.default_rng(seed)), shape, outputs)
    output = network(torch.randn(3, *shape))
    assert output.shape == (3, outputs)
    output.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def by_hand(network: SubnetNetwork, x: Tensor) -> Tensor:
    """The forward pass in plain functions, from the network's own state."""
    state, subnet = network.state_dict(), network.subnet
    functions = {
        "relu": F.relu,
        "relu6": F.relu6,
        "gelu": F.gelu,
        "silu": F.silu,
        "hardswish": F.hardswish,
    }

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{name}.conv.weight"]
        x = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, groups)
        norm = [state[f"{name}.norm.{key}"] for key in ("running_mean", "running_var")]
        return F.batch_norm(x, *norm, state[f"{name}.norm.weight"], state[f"{name}.norm.bias"])

    outer = functions[subnet.activation]
    x = outer(conv(x, "stem", subnet.stem_stride))
    for i, stage in enumerate(subnet.stages):
        act = functions[stage.activation]
        for j, block in enumerate(stage.blocks):
            name, stride = f"stages.{i}.{j}", stage.stride if j == 0 else 1
            y = x if block.expansion == 1 else act(conv(x, f"{name}.expand"))
            y = act(conv(y, f"{name}.depthwise", stride, groups=y.shape[1]))
            if stage.squeeze_excite:
                gate = f"{name}.squeeze_excite"
                z = y.mean(dim=(2, 3))
                for part, then in (("reduce", F.relu), ("expand", F.hardsigmoid)):
                    weight = state[f"{gate}.{part}.weight"].flatten(1)
                    z = then(F.linear(z, weight, state[f"{gate}.{part}.bias"]))
                y = y * z[:, :, None, None]
            y = conv(y, f"{name}.project")
            x = x + y if stride == 1 and x.shape[1] == stage.width else y
    if subnet.head:
        x = outer(conv(x, "head"))
    x = x.mean(dim=(2, 3))
    if subnet.features:
        x = outer(F.linear(x, state["features.0.weight"]))
    return F.linear(x, state["classifier.weight"], state["classifier.bias"])


@pytest.mark.parametrize("seed", range(12))
def test_the_network_is_its_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = ElasticSpace(
        (4, (4, 6), 8),
        (1, 2),
        (3, 5),
        (1, 1.5, 3),
        strides=(1, 1, 2),
        activation=[str(name) for name in rng.choice(ACTIVATIONS, 3)],
        squeeze_excite=[bool(flag) for flag in rng.integers(2, size=3)],
        stem=4,
        head=int(rng.choice([0, 9])),
        features=int(rng.choice([0, 7])),
        stem_stride=int(rng.choice([1, 2])),
    )
    torch.manual_seed(seed)
    network = build_subnet(space.sample(rng), (2, 11, 9), 3).double()
    for _ in range(3):  # running averages that are not those of a new network
        network(torch.randn(8, 2, 11, 9, dtype=torch.float64))
    x = torch.randn(5, 2, 11, 9, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(x), by_hand(network, x), rtol=1e-12, atol=1e-12)


def test_members_of_one_digest_are_one_network() -> None:
    space = ElasticSpace((4, 4), (1, 2), (3,), (1.5, 1.6, 2), strides=(1, 1), stem=4)
    groups: dict[str, list[Subnet]] = {}
    for member in space.enumerate():
        groups.setdefault(space.digest(member), []).append(member)
    assert max(map(len, groups.values())) > 2
    x = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    for members in groups.values():
        outputs = []
        for member in members[:4]:
            torch.manual_seed(0)  # the same weights, drawn layer by layer
            outputs.append(build_subnet(member, (1, 6, 6), 3).double().eval()(x))
        for output in outputs[1:]:
            assert torch.equal(output, outputs[0])


def test_modules_have_the_names_that_cutting_needs() -> None:
    network = build_subnet(TINY.largest(), (3, 8, 8), 10)
    names = dict(network.named_modules())
    for name in ("expand", "depthwise", "squeeze_excite", "project"):
        assert f"stages.1.1.{name}" in names
    assert isinstance(names["stages.2.0"], InvertedResidual)
    assert isinstance(names["classifier"], nn.Linear)
    assert network.subnet == TINY.largest()
    assert network.input_shape == (3, 8, 8)
    assert isinstance(names["stages.0.0.squeeze_excite"], nn.Identity)


def test_zero_leaves_head_and_features_out() -> None:
    subnet = Subnet(4, (Stage(6, (Block(3, 2),), 1),))
    network = build_subnet(subnet, (1, 8, 8), 3)
    assert [name for name, _ in network.named_parameters() if not name.startswith("stages")] == [
        *("stem.conv.weight", "stem.norm.weight", "stem.norm.bias"),
        *("classifier.weight", "classifier.bias"),
    ]
    assert network.classifier.in_features == 6


def test_one_seed_gives_one_network() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build_subnet(TINY.largest(), (1, 8, 8), 10).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_smallest_once_for_all_network_runs() -> None:
    network = optunas.build(OFA_MOBILENET_V3.smallest(), (3, 32, 32), 10).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_bad_arguments_get_a_sentence() -> None:
    with pytest.raises(InvalidArchitectureError, match="stage 1 block 1: kernel must be an odd"):
        optunas.build(Subnet(4, (Stage(4, (Block(2, 1),)),)), (3, 8, 8), 10)
    with pytest.raises(InvalidSpecError, match="A Subnet has widths and depths of its own"):
        optunas.build(TINY.largest(), (3, 8, 8), 10, channels=16)
    with pytest.raises(InvalidSpecError, match="num_classes must be a positive integer, got 0"):
        optunas.build(TINY.largest(), (3, 8, 8), 0)
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        optunas.build(TINY.largest(), (8, 8), 10)
