"""Closed form against the built network, and against published numbers."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from optunas.errors import InvalidArchitectureError, InvalidSpecError, UnknownNameError
from optunas.metrics import cost, flops, params
from optunas.metrics.counting import count_flops, count_params
from optunas.nets import make
from optunas.nets.build import build
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import VOCABULARY, Cost, Operation
from optunas.space.two_input import CellSpace

CELL = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|")


def test_importing_the_room_and_costing_a_cell_loads_no_torch() -> None:
    code = (
        "import sys, optunas.metrics as m\n"
        "from optunas.space.cell import Cell\n"
        "m.params(Cell.from_str('|nor_conv_3x3~0|'), (3, 32, 32), 10)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lazy_names_resolve_and_unknown_ones_do_not() -> None:
    import optunas.metrics as room

    assert all(getattr(room, name) is not None for name in room.__all__)
    assert callable(room.proxy)
    assert "synflow" in room.PROXIES
    with pytest.raises(AttributeError, match="no attribute 'latenzy'"):
        _ = room.latenzy


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 10)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", VOCABULARY)
def test_each_operations_cost_is_its_modules(name: str, stride: int, size: tuple[int, int]) -> None:
    closed = VOCABULARY[name].cost
    assert closed is not None
    for c_in, c_out in [(4, 4)] if "pool" in name else [(4, 4), (4, 6), (5, 3)]:
        module = make(name, c_in, c_out, stride)
        counted = Cost(count_params(module), count_flops(module, (c_in, *size)) // 2)
        assert closed(c_in, c_out, stride, *size) == counted


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 17), st.integers(1, 17)),
    num_classes=st.integers(1, 11),
    channels=st.integers(1, 5),
    num_cells=st.integers(1, 4),
    nodes=st.integers(1, 4),
    dense=st.booleans(),
)
def test_closed_form_is_what_the_network_counts(
    seed: int,
    shape: tuple[int, int, int],
    num_classes: int,
    channels: int,
    num_cells: int,
    nodes: int,
    dense: bool,
) -> None:
    if dense:
        space = DenseCellSpace(VOCABULARY, num_nodes=nodes + 1)
    else:
        space, channels = CellSpace(VOCABULARY, num_nodes=nodes), channels + 1
    architecture = space.sample(np.random.default_rng(seed))
    macro = {"channels": channels, "num_cells": num_cells}
    network = build(architecture, shape, num_classes, **macro)
    assert params(architecture, shape, num_classes, **macro) == params(network)
    assert flops(architecture, shape, num_classes, **macro) == flops(network, shape)


@pytest.mark.parametrize("seed", range(20))
def test_published_parameter_counts_of_nas_bench_201(seed: int) -> None:
    names = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    cell = DenseCellSpace(names).sample(np.random.default_rng(seed))
    ops = [edge.operation for edge in cell.edges]
    wanted = 73_306 + 28_000 * ops.count("nor_conv_1x1") + 243_040 * ops.count("nor_conv_3x3")
    assert params(cell, (3, 32, 32), 10, channels=16, num_cells=5) == wanted


@pytest.mark.parametrize(
    ("cell", "mega"),
    [
        ("|none~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|", 7.78305),
        ("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|", 15.64737),
        ("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|", 78.56193),
    ],
)
def test_published_multiply_accumulates_of_nas_bench_201(cell: str, mega: float) -> None:
    """Its table counts the classifier's ten biases as well."""
    assert flops(Cell.from_str(cell), (3, 32, 32), 10) // 2 + 10 == round(mega * 1e6)


def pair(*edges: tuple[str, int]) -> Cell:
    return Cell(tuple(Edge(s, 2 + i // 2, name) for i, (name, s) in enumerate(edges)), 2)


SEP3, SEP5, DIL3, DIL5 = "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"
SKIP, MAX, AVG = "skip_connect", "max_pool_3x3", "avg_pool_3x3"
DARTS_V2 = Genotype(
    pair(
        (SEP3, 0), (SEP3, 1), (SEP3, 0), (SEP3, 1), (SEP3, 1), (SKIP, 0), (SKIP, 0), (DIL3, 2)
    ),
    pair((MAX, 0), (MAX, 1), (SKIP, 2), (MAX, 1), (MAX, 0), (SKIP, 2), (SKIP, 2), (MAX, 1)),
)  # fmt: skip
P_DARTS = Genotype(
    pair(
        (SKIP, 0), (DIL3, 1), (SKIP, 0), (SEP3, 1), (SEP3, 1), (SEP3, 3), (SEP3, 0), (DIL5, 4)
    ),
    pair((AVG, 0), (SEP5, 1), (SEP3, 0), (DIL5, 2), (MAX, 0), (DIL3, 1), (DIL3, 1), (DIL5, 3)),
)  # fmt: skip


@pytest.mark.parametrize(("genotype", "wanted"), [(DARTS_V2, 3_349_342), (P_DARTS, 3_433_798)])
def test_published_parameter_counts_of_darts_networks(genotype: Genotype, wanted: int) -> None:
    assert params(genotype, (3, 32, 32), 10, channels=36, num_cells=20) == wanted


def own_cell(operation: Operation) -> Cell:
    edges = (Edge(0, 1, "mine"), Edge(0, 2, "skip_connect"), Edge(1, 2, "mine"))
    return Cell(edges, operations=(operation,))


def test_an_own_operations_own_cost_is_believed() -> None:
    without = Cell((Edge(0, 1, "none"), Edge(0, 2, "skip_connect"), Edge(1, 2, "none")))
    cell = own_cell(Operation("mine", None, lambda c_in, c_out, stride, h, w: Cost(7, 11)))
    here, there = cost(cell, (3, 8, 8), 10), cost(without, (3, 8, 8), 10)
    assert (here.params - there.params, here.macs - there.macs) == (30 * 7, 30 * 11)


def test_an_own_operation_without_cost_is_counted_once_a_place() -> None:
    made = []

    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        made.append(c_in)
        return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c_out, (1, 3), stride, (0, 1), bias=True))

    cell = own_cell(Operation("mine", factory))
    for _ in range(3):
        here = cost(cell, (3, 9, 7), 10, channels=4, num_cells=2)
    assert made == [4, 8, 16]
    network = build(cell, (3, 9, 7), 10, channels=4, num_cells=2)
    assert here == Cost(params(network), flops(network, (3, 9, 7)) // 2)


def test_counting_an_own_operation_leaves_the_seed_alone() -> None:
    import torch

    cell = own_cell(Operation("mine", lambda c_in, c_out, s: nn.Conv2d(c_in, c_out, 1, s)))
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    params(cell, (3, 8, 8), 10)
    assert torch.equal(torch.rand(3), wanted)


def test_a_factory_that_cannot_be_hashed_is_counted_too() -> None:
    class Factory:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, c_in: int, c_out: int, stride: int) -> nn.Module:
            return nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    cell = own_cell(Operation("mine", Factory()))
    network = build(cell, (3, 8, 8), 10, 4, 1)
    assert params(cell, (3, 8, 8), 10, 4, 1) == params(network)


def test_two_own_operations_of_one_name_are_not_mixed_up() -> None:
    sizes = [
        params(own_cell(Operation("mine", factory)), (3, 8, 8), 10, 4, 1)
        for factory in (
            lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 1, stride),
            lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride, 1),
        )
    ]
    assert sizes[0] < sizes[1]


def test_bad_arguments_get_a_sentence() -> None:
    with pytest.raises(UnknownNameError, match="Unknown operation 'nor_conv_9x9'; did you mean"):
        params(Cell.from_str("|nor_conv_9x9~0|"), (3, 8, 8), 10)
    with pytest.raises(InvalidSpecError, match="params of an architecture needs input_shape and"):
        params(CELL)
    with pytest.raises(InvalidSpecError, match="flops of an architecture needs input_shape and"):
        flops(CELL, (3, 8, 8))
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        params(CELL, (8, 8), 10)  # type: ignore[arg-type]
    with pytest.raises(InvalidArchitectureError, match="Only a dense cell"):
        params("|none~0|", (3, 8, 8), 10)  # type: ignore[arg-type]
