"""The closed-form cost of macros: by hand, and equal to the built network's."""

from __future__ import annotations

from typing import Any

import pytest
from covering import covering
from torch import nn

import optunas
from optunas.errors import InvalidArchitectureError, InvalidSpaceError, InvalidSpecError
from optunas.metrics.closed_form import cost
from optunas.metrics.counting import count_flops, count_params
from optunas.space import Cost, Dense, Layer, Macro, MacroSpace, Operation
from optunas.space.macro_operations import ACTIVATIONS, MACRO_OPERATIONS, NORMS, READOUTS


def make_tap(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels_in, channels_out, 1, stride)


def tap_cost(c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    return Cost(c_in * c_out + c_out, c_in * c_out * -(-height // stride) * -(-width // stride))


EVERYTHING = MacroSpace(
    depth=(0, 7),
    operations=(
        *MACRO_OPERATIONS,
        Operation("tap", make_tap, tap_cost),
        Operation("counted", make_tap),
    ),
    filters=(1, 3, 8),
    kernels=(1, 3, 5),
    strides=(1, 2),
    activations=ACTIVATIONS,
    norms=NORMS,
    dense_depth=(0, 2),
    units=(5, 9),
    dense_norms=("none", "batch", "layer"),
    dropouts=(0.0, 0.5),
    readouts=READOUTS,
)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 6), (8, 1, 1)])
def test_cost_is_that_of_the_built_network(shape: Any) -> None:
    for macro in covering(EVERYTHING, seed=sum(shape), times=2):
        network = optunas.build(macro, shape, 4)
        closed = cost(macro, shape, 4)
        assert closed.params == count_params(network), macro
        assert 2 * closed.macs == count_flops(network, shape), macro


def test_cost_by_hand() -> None:
    macro = Macro(
        (
            Layer("conv", 8, 3, 2, "relu", "batch"),  # 3 x 9 x 9 -> 8 x 5 x 5
            Layer("sep_conv", 4, 5, 1, "relu", "none"),
            Layer("max_pool", kernel=2, stride=2, join="add", skips=(0, 1)),  # 4 x 3 x 3
        ),
        (Dense(10, norm="layer"),),
        "flatten",
    )
    params = 27 * 8 + 16  # batch norm
    params += 25 * 8 + 8 * 4 + 4  # depthwise, 1x1 with bias
    params += 3 * 4 + 8 * 4  # projections of the input and of node 1
    params += 36 * 10 + 20 + 11 * 2
    macs = 25 * (27 * 8 + 25 * 8 + 8 * 4 + 3 * 4 + 8 * 4) + 36 * 10 + 20
    assert cost(macro, (3, 9, 9), 2) == (params, macs)


def test_vectors_cost_as_the_network_does() -> None:
    macro = Macro(dense=(Dense(16, norm="batch"), Dense(8)))
    network = optunas.build(macro, (7,), 3)
    closed = cost(macro, (7,), 3)
    assert closed == (7 * 16 + 32 + 16 * 8 + 8 + 9 * 3, 7 * 16 + 16 * 8 + 8 * 3)
    assert closed.params == count_params(network)
    assert 2 * closed.macs == count_flops(network, (7,))


def test_what_is_dead_costs_nothing() -> None:
    wide = Layer("conv", 512, 7, 1, "relu", "batch")
    cut = Macro((wide, Layer("zero"), Layer("conv", 4, 1, 1, "relu", "batch", "add", (0,))))
    # The input, brought to the 512 channels of the zero, then the last layer.
    assert cost(cut, (3, 8, 8), 2).params == 3 * 512 + 512 * 4 + 8 + 5 * 2


def test_counting_leaves_the_seed_alone_and_takes_any_factory() -> None:
    import torch

    class Factory:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, channels_in: int, channels_out: int, stride: int) -> nn.Module:
            return make_tap(channels_in, channels_out, stride)

    macro = Macro((Layer("mine", 6, stride=2),), operations=(Operation("mine", Factory()),))
    before = torch.random.get_rng_state()
    assert cost(macro, (3, 5, 5), 2) == (3 * 6 + 6 + 14, 18 * 9 + 12)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_has_no_network_has_no_cost() -> None:
    with pytest.raises(InvalidArchitectureError, match=r"layer1\.filters"):
        cost(Macro((Layer("conv", 0, 3, 1, "relu", "batch"),)), (3, 8, 8), 2)
    with pytest.raises(InvalidSpecError, match="needs an image"):
        cost(Macro((Layer("identity"),)), (8,), 2)


def test_a_cost_that_is_none_is_refused() -> None:
    own = Operation("mine", make_tap, lambda c_in, c_out, stride, height, width: 7)  # type: ignore[arg-type,return-value]
    with pytest.raises(InvalidSpaceError, match=r"cost of operation 'mine' must be a Cost.*got 7"):
        cost(Macro((Layer("mine", 4),), operations=(own,)), (1, 4, 4), 2)
