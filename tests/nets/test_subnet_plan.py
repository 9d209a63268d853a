"""The plan of sub-networks: sizes, shortcuts, what is left out, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets.subnet_plan import ConvPlan, squeezed_channels, subnet_plan
from optunas.space.subnet import Block, Stage, Subnet, hidden_channels

SUBNET = Subnet(
    6,
    (
        Stage(6, (Block(3, 1), Block(5, 2.5)), 1, "relu6", True),
        Stage(8, (Block(7, 3), Block(3, 3)), 2, "silu"),
    ),
    head=12,
    features=10,
    stem_stride=2,
    activation="gelu",
)


def test_a_plan_by_hand() -> None:
    plan = subnet_plan(SUBNET, (3, 9, 5), 4)
    assert plan.stem == ConvPlan(3, 6, 3, 2, 1, "gelu", 5, 3)
    (first, second), (third, fourth) = plan.stages
    assert first.expand is None
    assert first.depthwise == ConvPlan(6, 6, 3, 1, 6, "relu6", 5, 3)
    assert first.project == ConvPlan(6, 6, 1, 1, 1, None, 5, 3)
    assert first.squeezed == second.squeezed == 8
    assert second.expand == ConvPlan(6, 15, 1, 1, 1, "relu6", 5, 3)
    assert second.depthwise == ConvPlan(15, 15, 5, 1, 15, "relu6", 5, 3)
    assert third.expand == ConvPlan(6, 18, 1, 1, 1, "silu", 5, 3)
    assert third.depthwise == ConvPlan(18, 18, 7, 2, 18, "silu", 3, 2)
    assert third.project == ConvPlan(18, 8, 1, 1, 1, None, 3, 2)
    assert third.squeezed == fourth.squeezed == 0
    assert [block.residual for block in (first, second, third, fourth)] == [True, True, False, True]
    assert plan.head.conv == ConvPlan(8, 12, 1, 1, 1, "gelu", 3, 2)
    assert plan.head[1:] == (12, 10, "gelu", 4)


def test_zero_leaves_the_last_layers_out() -> None:
    head = subnet_plan(replace(SUBNET, head=0, features=0), (3, 9, 5), 4).head
    assert (head.conv, head.pooled, head.features) == (None, 8, 0)


def test_hidden_channels_are_the_rounded_product() -> None:
    assert [hidden_channels(*pair) for pair in [(16, 6), (10, 1.1), (4, 1.6), (1, 1.2)]] == [
        96,
        11,
        6,
        1,
    ]


def test_squeezed_channels_are_a_quarter_in_eights() -> None:
    """As the authors' ``make_divisible`` has it: 18 becomes 24, since 16 loses over a tenth."""
    wanted = {1: 8, 32: 8, 40: 16, 64: 16, 72: 24, 120: 32, 240: 64, 480: 120, 672: 168, 960: 240}
    assert {hidden: squeezed_channels(hidden) for hidden in wanted} == wanted
    sizes = [squeezed_channels(hidden) for hidden in range(1, 3000)]
    assert sizes == sorted(sizes)  # so that a narrower block's gate is never the larger one


@pytest.mark.parametrize(
    ("subnet", "message"),
    [
        ("text", "Expected a Subnet, got a str"),
        (Subnet(4, ()), "stages must be a tuple of at least one Stage"),
        (Subnet(4, [Stage(4, (Block(3, 1),))]), "stages must be a tuple"),  # type: ignore[arg-type]
        (Subnet(4, (Stage(4, ()),)), "stage 1: blocks must be a tuple of at least one Block"),
        (Subnet(4, ("x",)), "stage 1 must be a Stage, got a str"),  # type: ignore[arg-type]
        (Subnet(4, (Stage(4, ("x",)),)), "stage 1 block 1 must be a Block"),  # type: ignore[arg-type]
        (Subnet(True, (Stage(4, (Block(3, 1),)),)), "stem must be a positive integer, got True"),
        (Subnet(4, (Stage(4, (Block(3, 1),), 3),)), "stage 1: stride must be 1 or 2, got 3"),
    ],
)
def test_what_cannot_be_built_is_refused(subnet: Any, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        subnet_plan(subnet, (3, 8, 8), 10)


def test_every_fault_is_named_at_once() -> None:
    wrong = Subnet(0, (Stage(-1, (Block(4, 0.5),), 3, "rellu", None),), -1, 0.5, 0, "gellu")  # type: ignore[arg-type]
    with pytest.raises(InvalidArchitectureError, match="kernel must be an odd") as caught:
        subnet_plan(wrong, (3, 8, 8), 10)
    assert len(str(caught.value).splitlines()) == 11


@pytest.mark.parametrize("shape", [(3, 8), (0, 8, 8), (3, 8, -1), "abc", None, (8,)])
def test_a_wrong_shape_is_refused(shape: Any) -> None:
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        subnet_plan(SUBNET, shape, 10)


@pytest.mark.parametrize("outputs", [0, -1, True, 2.5, None])
def test_a_wrong_number_of_outputs_is_refused(outputs: Any) -> None:
    with pytest.raises(InvalidSpecError, match="num_classes must be a positive integer"):
        subnet_plan(SUBNET, (3, 8, 8), outputs)
