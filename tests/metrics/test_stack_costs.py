"""The closed form of stacks against the built network, and against sums by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import optunas
from optunas.metrics import cost, flops, params
from optunas.space import (
    NB201,
    VOCABULARY,
    Cell,
    CellSpace,
    Cost,
    DenseCellSpace,
    Edge,
    Operation,
    Stack,
    StackSpace,
)

SOME = {"widths": ((1, 2, 3), (4, 2), (3, 6)), "num_reductions": (0, 2)}
SPACES = {
    "dense": StackSpace(DenseCellSpace(VOCABULARY, 3), 4, **SOME),
    "dense, by stage": StackSpace(NB201, 5, share="stage", **SOME),
    "two-input": StackSpace(CellSpace(VOCABULARY, num_nodes=2), 5, **SOME),
    "two-input, by stage": StackSpace(CellSpace(VOCABULARY, num_nodes=3), 4, share="stage", **SOME),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 17), st.integers(1, 17)),
    num_classes=st.integers(1, 11),
)
def test_closed_form_is_what_the_network_counts(
    space: StackSpace, seed: int, shape: tuple[int, int, int], num_classes: int
) -> None:
    stack = space.sample(np.random.default_rng(seed))
    network = optunas.build(stack, shape, num_classes)
    assert params(stack, shape, num_classes) == params(network)
    assert flops(stack, shape, num_classes) == flops(network, shape)


def test_cells_of_different_sizes_can_stand_in_one_stack() -> None:
    small, large = (
        CellSpace(VOCABULARY, num_nodes=nodes).sample(np.random.default_rng(nodes)).normal
        for nodes in (1, 4)
    )
    stack = Stack((small, large, small, large), (4, 6, 4), (1, 2))
    network = optunas.build(stack, (2, 9, 7), 3)
    assert params(stack, (2, 9, 7), 3) == params(network)
    assert flops(stack, (2, 9, 7), 3) == flops(network, (2, 9, 7))


def test_a_sum_by_hand() -> None:
    """Stem 3 -> 4, a 1x1 at 4 on 8x8, a block 4 -> 6 to 4x4, a 3x3 at 6 on 4x4, head."""
    stack = Stack(
        (Cell.from_str("|nor_conv_1x1~0|"), Cell.from_str("|nor_conv_3x3~0|")), (4, 6), (1,)
    )
    weights = [9 * 3 * 4, 4 * 4, 9 * 4 * 6, 9 * 6 * 6, 4 * 6, 9 * 6 * 6, 6 * 10]
    areas = [64, 64, 16, 16, 16, 16, 1]
    norms = 2 * (4 + 4 + 6 + 6 + 6 + 6)
    macs = sum(weight * area for weight, area in zip(weights, areas, strict=True))
    assert cost(stack, (3, 8, 8), 10) == Cost(sum(weights) + norms + 10, macs)


def test_published_parameters_of_nas_bench_201_as_a_stack() -> None:
    cell = Cell.from_str("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
    stack = Stack((cell,) * 15, (16, 32, 64), (5, 10))
    assert params(stack, (3, 32, 32), 10) == 73_306 + 28_000 + 2 * 243_040


def test_own_operations_are_counted_for_each_cell() -> None:
    def operation(kernel: int) -> Operation:
        return Operation(
            "mine",
            lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2),
        )

    edges = (Edge(0, 2, "mine"), Edge(1, 2, "skip_connect"))
    stack = Stack([Cell(edges, 2, (operation(kernel),)) for kernel in (1, 3, 5)], (4, 6), (2,))
    network = optunas.build(stack, (1, 9, 7), 3)
    assert cost(stack, (1, 9, 7), 3) == Cost(params(network), flops(network, (1, 9, 7)) // 2)


def test_costing_a_stack_loads_no_torch() -> None:
    code = (
        "import sys, numpy, optunas\n"
        "stack = optunas.StackSpace().sample(numpy.random.default_rng(0))\n"
        "optunas.metrics.params(stack, (3, 32, 32), 10)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
