"""The closed form of sub-networks against built ones, and against published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.metrics import cost, flops, params
from optunas.metrics.counting import count_flops, count_params
from optunas.nets.build import build
from optunas.space import OFA_MOBILENET_V3, Block, ElasticSpace, Stage, Subnet
from optunas.space.operations import Cost
from optunas.space.subnet import ACTIVATIONS


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 15), st.integers(1, 15)),
    classes=st.integers(1, 7),
    flags=st.tuples(*[st.booleans()] * 3),
    outer=st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.integers(1, 2)),
    activation=st.sampled_from(ACTIVATIONS),
)
def test_closed_form_is_what_the_network_counts(
    seed: int,
    shape: tuple[int, int, int],
    classes: int,
    flags: tuple[bool, ...],
    outer: tuple[int, int, int, int],
    activation: str,
) -> None:
    rng = np.random.default_rng(seed)
    strides = [int(stride) for stride in rng.integers(1, 3, size=3)]
    space = ElasticSpace(
        ((1, 5), (3, 4), 8), (1, 2, 4), (1, 3, 7), (1, 1.4, 6), strides, activation, flags, *outer
    )
    member = space.sample(rng)
    network = build(member, shape, classes)
    counted = Cost(count_params(network), count_flops(network, shape) // 2)
    assert cost(member, shape, classes) == counted
    assert params(member, shape, classes) == params(network)
    assert flops(member, shape, classes) == flops(network, shape)


def mobile_net(kernels: str, expansions: str, depths: str) -> Subnet:
    """A member of Once-for-All's space in the authors' form: four entries a stage, and depths."""
    space = OFA_MOBILENET_V3
    values: dict[str, int] = {}
    for at, depth in enumerate(map(int, depths)):
        values[f"stage{at + 2}.depth"] = depth
        for block in range(4):
            name = f"stage{at + 2}.block{block + 1}"
            values[f"{name}.kernel"] = int(kernels[4 * at + block])
            values[f"{name}.expansion"] = int(expansions[4 * at + block])
    space.check(values)
    return space.decode(space.canonical(values))


@pytest.mark.parametrize(
    ("subnet", "parameters", "macs"),
    [
        (OFA_MOBILENET_V3.largest(), 7_664_760, 566_170_656),
        (OFA_MOBILENET_V3.smallest(), 3_410_792, 121_278_672),
        (
            mobile_net("55357555557373533757", "66343636446344466364", "34324"),
            5_316_280,
            293_339_712,
        ),
        (
            mobile_net("33757773755375733733", "36433464346463646366", "43324"),
            5_630_936,
            293_704_224,
        ),
        (
            mobile_net("55735333377553373333", "66646646336646444666", "32342"),
            4_899_168,
            320_365_088,
        ),
    ],
)
def test_counts_of_the_authors_networks(subnet: Subnet, parameters: int, macs: int) -> None:
    """Counted on the authors' ``OFAMobileNetV3.get_active_subnet()``."""
    assert cost(subnet, (3, 224, 224), 1000) == Cost(parameters, macs)


def test_counts_of_mobilenet_v2() -> None:
    """Sandler et al. 2018, arXiv:1801.04381, table 2; torchvision states 3,504,872 parameters."""
    rows = [(24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)]
    stages = [Stage(16, (Block(3, 1),), 1, "relu6")]
    stages += [Stage(width, (Block(3, 6),) * depth, s, "relu6") for width, depth, s in rows]
    subnet = Subnet(32, tuple(stages), head=1280, stem_stride=2, activation="relu6")
    assert cost(subnet, (3, 224, 224), 1000) == Cost(3_504_872, 300_774_272)


def test_a_range_of_costs_without_building() -> None:
    space = OFA_MOBILENET_V3
    low, high = (cost(a, (3, 32, 32), 10) for a in (space.smallest(), space.largest()))
    rng = np.random.default_rng(0)
    for _ in range(100):
        found = cost(space.sample(rng), (3, 32, 32), 10)
        assert low.params <= found.params <= high.params
        assert low.macs <= found.macs <= high.macs


def test_bad_arguments_get_a_sentence() -> None:
    member = OFA_MOBILENET_V3.smallest()
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        cost(member, (8, 8), 10)
    with pytest.raises(InvalidSpecError, match="num_classes must be a positive integer, got 0"):
        cost(member, (3, 8, 8), 0)
    with pytest.raises(InvalidSpecError, match="A Subnet has widths and depths of its own"):
        cost(member, (3, 8, 8), 10, num_cells=3)
    with pytest.raises(InvalidArchitectureError, match="stage 1 block 1: expansion must be"):
        params(Subnet(4, (Stage(4, (Block(3, 0),)),)), (3, 8, 8), 10)
