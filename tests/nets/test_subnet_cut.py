"""Cutting a smaller sub-network out of a larger one's network."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from optunas.errors import InvalidArchitectureError
from optunas.nets.build import build
from optunas.nets.subnet_cut import cut
from optunas.nets.subnet_network import SubnetNetwork, build_subnet
from optunas.space import NB201, Block, ElasticSpace, Stage, Subnet

SHAPE = (2, 12, 9)
SPACE = ElasticSpace(
    ((4, 6), (6, 8, 12), (8, 16)),
    depths=(1, 2, 3),
    kernels=(3, 5, 7),
    expansions=(1.5, 2, 4),
    strides=(2, 2, 1),
    activation=("relu", "hardswish", "gelu"),
    squeeze_excite=(False, True, True),
    stem=5,
    head=14,
    features=11,
)


def trained(subnet: Subnet, seed: int = 0) -> SubnetNetwork:
    """A network in double precision whose norms are not those of a new one."""
    torch.manual_seed(seed)
    network = build_subnet(subnet, SHAPE, 3).double()
    for _ in range(3):
        network(torch.randn(8, *SHAPE, dtype=torch.float64))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
    return network.eval()


def zeroed(network: SubnetNetwork, small: Subnet) -> SubnetNetwork:
    """The same large network, its surplus over ``small`` set to zero in place.

    Surplus channels carry 0 (each activation maps 0 to 0), the rings of larger kernels weigh
    nothing, surplus blocks add 0 to their input.
    """
    network = copy.deepcopy(network)

    def keep(norm: nn.BatchNorm2d, channels: int) -> None:
        norm.weight[channels:] = 0
        norm.bias[channels:] = 0

    def centre(weight: Tensor, kernel: int) -> None:
        ring = (weight.shape[-1] - kernel) // 2
        mask = torch.zeros_like(weight)
        mask[:, :, ring : ring + kernel, ring : ring + kernel] = 1
        weight.mul_(mask)

    own = build_subnet(small, SHAPE, 3)
    with torch.no_grad():
        keep(network.stem.norm, small.stem)
        for stage, wanted in zip(network.stages, own.stages, strict=True):
            for at, block in enumerate(stage):
                if at >= len(wanted):
                    keep(block.project.norm, 0)
                    continue
                like = wanted[at]
                hidden = like.depthwise.conv.out_channels
                keep(block.expand.norm, hidden)
                keep(block.depthwise.norm, hidden)
                centre(block.depthwise.conv.weight, like.depthwise.conv.kernel_size[0])
                keep(block.project.norm, like.project.conv.out_channels)
                if isinstance(like.squeeze_excite, nn.Identity):
                    continue
                squeezed = like.squeeze_excite.reduce.out_channels
                block.squeeze_excite.reduce.weight[squeezed:] = 0
                block.squeeze_excite.reduce.bias[squeezed:] = 0
        if small.head:
            keep(network.head.norm, small.head)
        if small.features:
            network.features[0].weight[small.features :] = 0
    return network


@pytest.mark.parametrize("seed", range(3))
def test_the_same_subnet_cut_gives_equal_outputs(seed: int) -> None:
    subnet = SPACE.sample(np.random.default_rng(seed))
    network = trained(subnet, seed)
    again = cut(network, subnet)
    x = torch.randn(4, *SHAPE, dtype=torch.float64)
    assert torch.equal(again(x), network(x))
    assert again.subnet == subnet
    assert again.input_shape == SHAPE


@pytest.fixture(scope="module")
def network() -> SubnetNetwork:
    """The largest one."""
    return trained(SPACE.largest())


@pytest.mark.parametrize("seed", range(12))
def test_a_smaller_one_is_the_larger_with_its_surplus_zeroed(
    seed: int, network: SubnetNetwork
) -> None:
    small = SPACE.sample(np.random.default_rng(seed))
    # The third stage has stride 1: the large network adds no input there, so neither may this one.
    if small.stages[1].width == small.stages[2].width:
        small = replace(small, stages=(*small.stages[:2], replace(small.stages[2], width=16)))
    x = torch.randn(4, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        found, wanted = cut(network, small)(x), zeroed(network, small)(x)
    torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-11)
    assert (wanted - network(x)).abs().max() > 1e-6 or small == SPACE.largest()


def test_narrower_stem_head_and_features() -> None:
    network = trained(SPACE.largest())
    small = replace(SPACE.smallest(), stem=3, head=6, features=4)
    x = torch.randn(4, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        found, wanted = cut(network, small)(x), zeroed(network, small)(x)
    torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-11)


def test_without_head_and_features_the_classifier_is_cut() -> None:
    space = ElasticSpace(((4, 8),), (1, 2), (3, 5), (2,), squeeze_excite=True)
    network, small = trained(space.largest()), space.smallest()
    x = torch.randn(4, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        found, wanted = cut(network, small)(x), zeroed(network, small)(x)
    torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-11)


def test_kernels_are_cropped_at_their_centre_and_channels_are_the_first() -> None:
    network = trained(SPACE.largest())
    small = cut(network, SPACE.smallest())
    large = network.stages[1][0].depthwise.conv.weight
    own = small.stages[1][0].depthwise.conv.weight
    assert large.shape[2:] == (7, 7)
    assert own.shape[2:] == (3, 3)
    assert torch.equal(own, large[: len(own), :, 2:5, 2:5])
    assert torch.equal(small.classifier.weight, network.classifier.weight)
    assert torch.equal(
        small.stages[0][0].project.conv.weight, network.stages[0][0].project.conv.weight[:4, :8]
    )
    assert torch.equal(
        small.stages[0][0].depthwise.norm.running_mean,
        network.stages[0][0].depthwise.norm.running_mean[:8],
    )


def test_cutting_in_steps_is_cutting_at_once() -> None:
    middle = SPACE.decode({name: p.values()[1] for name, p in SPACE.parameters().items()})
    network = trained(SPACE.largest())
    steps, once = cut(cut(network, middle), SPACE.smallest()), cut(network, SPACE.smallest())
    assert all(torch.equal(steps.state_dict()[k], v) for k, v in once.state_dict().items())


def test_the_cut_shares_nothing_and_draws_nothing() -> None:
    network = trained(SPACE.largest())
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    small = cut(network, SPACE.smallest())
    assert torch.equal(torch.rand(2), wanted)
    small.train()
    small(torch.randn(4, *SHAPE, dtype=torch.float64)).sum().backward()
    with torch.no_grad():
        for parameter in small.parameters():
            assert parameter.grad is not None
            parameter.add_(1.0)
    assert all(torch.equal(network.state_dict()[name], old) for name, old in before.items())


def test_dtype_and_mode_are_the_larger_networks() -> None:
    network = trained(SPACE.largest())
    assert not cut(network, SPACE.smallest()).training
    small = cut(network.float().train(), SPACE.smallest())
    assert small.training
    assert all(module.training for module in small.modules())
    assert {p.dtype for p in small.parameters()} == {torch.float32}


LARGE = Subnet(4, (Stage(6, (Block(5, 2), Block(3, 3)), 1), Stage(8, (Block(3, 1),), 2)), head=9)
FIRST, SECOND = LARGE.stages


@pytest.mark.parametrize(
    ("small", "message"),
    [
        (replace(LARGE, stem=5), "its stem is 5, the network's only 4"),
        (replace(LARGE, head=10), "its head is 10, the network's only 9"),
        (replace(LARGE, head=0), "its head is 0, the network's 9"),
        (replace(LARGE, features=3), "its features is 3, the network's 0"),
        (replace(LARGE, stem_stride=2), "its stem_stride is 2, the network's 1"),
        (replace(LARGE, activation="gelu"), "its activation is 'gelu', the network's 'relu'"),
        (replace(LARGE, stages=(FIRST,)), "it has 1 stages, the network 2"),
        (replace(LARGE, stages=(replace(FIRST, width=7), SECOND)), "stage 1 width is 7"),
        (replace(LARGE, stages=(replace(FIRST, stride=2), SECOND)), "stage 1 stride is 2"),
        (replace(LARGE, stages=(replace(FIRST, squeeze_excite=True), SECOND)), "excite is True"),
        (
            replace(LARGE, stages=(FIRST, replace(SECOND, blocks=SECOND.blocks * 2))),
            "stage 2 depth is 2, the network's only 1",
        ),
        (
            replace(LARGE, stages=(replace(FIRST, blocks=(Block(7, 2),)), SECOND)),
            "stage 1 block 1 kernel is 7, the network's only 5",
        ),
        (
            replace(LARGE, stages=(replace(FIRST, blocks=(Block(3, 2.4),)), SECOND)),
            "stage 1 block 1 number of hidden channels is 10, the network's only 8",
        ),
        (
            replace(LARGE, stages=(replace(FIRST, blocks=(Block(3, 1),)), SECOND)),
            "stage 1 block 1 expansion is 1, the network's 2, and an expansion of 1 has no conv",
        ),
    ],
)
def test_what_the_network_does_not_contain_is_refused(small: Subnet, message: str) -> None:
    network = build_subnet(LARGE, SHAPE, 3)
    with pytest.raises(InvalidArchitectureError, match=message) as caught:
        cut(network, small)
    assert str(caught.value).startswith("cut: the network does not contain this subnet: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_fraction_more_expansion_on_fewer_channels_is_contained() -> None:
    """What counts are channels: 3 of 4 are fewer than 2 of 8."""
    large = Subnet(8, (Stage(4, (Block(3, 2),), 1),))
    small = Subnet(4, (Stage(4, (Block(3, 3),), 1),))
    assert cut(build_subnet(large, SHAPE, 3), small).stages[0][0].depthwise.conv.out_channels == 12


def test_every_reason_stands_in_one_sentence() -> None:
    small = replace(LARGE, stem=5, head=10, stages=(replace(FIRST, width=9), SECOND))
    with pytest.raises(InvalidArchitectureError, match=r"stem .*; .*head .*; .*stage 1 width"):
        cut(build_subnet(LARGE, SHAPE, 3), small)


def test_other_networks_and_values_are_refused() -> None:
    cell: Any = build(NB201.sample(np.random.default_rng(0)), (3, 8, 8), 10, 4, 1)
    with pytest.raises(InvalidArchitectureError, match="must be what build makes of a Subnet, got"):
        cut(cell, LARGE)
    with pytest.raises(InvalidArchitectureError, match="Expected a Subnet, got a str"):
        cut(build_subnet(LARGE, SHAPE, 3), "text")  # type: ignore[arg-type]
    with pytest.raises(InvalidArchitectureError, match="kernel must be an odd"):
        cut(build_subnet(LARGE, SHAPE, 3), Subnet(4, (Stage(4, (Block(2, 2),)),)))
