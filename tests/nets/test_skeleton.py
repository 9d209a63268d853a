import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets import skeleton
from optunas.nets.build import build
from optunas.nets.skeleton import DenseLayer, PairLayer, Place, ResidualLayer, halve, places
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import VOCABULARY
from optunas.space.two_input import CellSpace

DENSE = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|")
PAIR = Cell((Edge(0, 2, "skip_connect"), Edge(1, 2, "max_pool_3x3")), num_inputs=2)


def test_importing_the_room_and_planning_loads_no_torch() -> None:
    code = (
        "import sys, optunas.nets as n\n"
        "from optunas.space.cell import Cell\n"
        "n.skeleton(Cell.from_str('|none~0|'), (3, 32, 32), 10)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lazy_names_resolve_and_unknown_ones_do_not() -> None:
    import optunas.nets as room

    assert all(callable(getattr(room, name)) for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'netz'"):
        _ = room.netz


def test_dense_plan_has_three_stages_of_cells_with_a_halving_between() -> None:
    plan = skeleton(DENSE, (3, 32, 33), 10, channels=16, num_cells=5)
    assert [type(layer).__name__[0] for layer in plan.layers] == list("DDDDDRDDDDDRDDDDD")
    assert plan.layers[-1] == DenseLayer(64, 8, 9, stride=1, cell=0)
    assert plan.head == (64, 10, True)


@pytest.mark.parametrize(
    ("num_cells", "reductions"),
    [(1, [0]), (2, [0, 1]), (3, [1, 2]), (8, [2, 5]), (20, [6, 13])],
)
def test_genotype_plan_reduces_at_one_and_two_thirds(num_cells: int, reductions: list[int]) -> None:
    plan = skeleton(Genotype(PAIR, PAIR), (3, 32, 32), 10, num_cells=num_cells)
    assert [i for i, layer in enumerate(plan.layers) if layer.stride == 2] == reductions  # type: ignore[union-attr]


def test_a_reduction_cell_strides_only_where_an_edge_leaves_an_input() -> None:
    cell = Cell((Edge(0, 2, "none"), Edge(1, 3, "none"), Edge(2, 3, "none")), num_inputs=2)
    plan = skeleton(Genotype(cell, cell), (3, 7, 9), 10, channels=4, num_cells=1)
    layer = plan.layers[0]
    assert isinstance(layer, PairLayer)
    assert places(cell, layer) == [
        Place("none", 8, 2, 7, 9),
        Place("none", 8, 2, 7, 9),
        Place("none", 8, 1, 4, 5),
    ]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17)),
    num_cells=st.integers(1, 5),
    dense=st.booleans(),
)
def test_the_built_networks_layers_have_the_planned_shapes(
    seed: int, size: tuple[int, int, int], num_cells: int, dense: bool
) -> None:
    rng = np.random.default_rng(seed)
    space = DenseCellSpace(VOCABULARY) if dense else CellSpace(VOCABULARY, num_nodes=2)
    architecture = space.sample(rng)
    network = build(architecture, size, 3, channels=2, num_cells=num_cells).eval()
    seen = []
    for module in network.layers:  # type: ignore[union-attr]
        module.register_forward_hook(lambda module, x, y: seen.append(tuple(y.shape[1:])))
    with torch.no_grad():
        assert network(torch.zeros(2, *size)).shape == (2, 3)
    wanted = []
    for layer in skeleton(architecture, size, 3, 2, num_cells).layers:
        if isinstance(layer, ResidualLayer):
            wanted.append((layer.channels_out, halve(layer.height), halve(layer.width)))
        else:
            nodes = 2 if isinstance(layer, PairLayer) else 1
            sizes = (-(-layer.height // layer.stride), -(-layer.width // layer.stride))
            wanted.append((nodes * layer.channels, *sizes))
    assert seen == wanted


@pytest.mark.parametrize(
    "shape", [(32, 32), (1, 3, 32, 32), (3, 0, 32), (3, -1, 5), (3, 32.0, 32), "abc", None, 5]
)
def test_an_input_shape_that_is_not_channels_height_width_is_refused(shape: object) -> None:
    with pytest.raises(InvalidSpecError, match=r"input_shape must be \(channels, height, width\)"):
        skeleton(DENSE, shape, 10)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["num_classes", "channels", "num_cells"])
@pytest.mark.parametrize("value", [0, -3, 2.5, "8", True, None])
def test_counts_must_be_positive_integers(name: str, value: object) -> None:
    arguments = {"num_classes": 10, "channels": 4, "num_cells": 1, name: value}
    with pytest.raises(InvalidSpecError, match=f"{name} must be a positive integer, got"):
        skeleton(DENSE, (3, 8, 8), **arguments)  # type: ignore[arg-type]


def test_numpy_integers_are_integers() -> None:
    plan = skeleton(DENSE, (np.int64(3), 8, 8), np.int32(10), np.int64(4), np.int8(1))  # type: ignore[arg-type]
    assert plan == skeleton(DENSE, (3, 8, 8), 10, 4, 1)


@pytest.mark.parametrize("thing", [PAIR, Genotype(DENSE, PAIR), {"cell": DENSE}, "|none~0|", None])
def test_only_dense_cells_and_genotypes_have_a_network(thing: object) -> None:
    with pytest.raises(InvalidArchitectureError, match="Only a dense cell"):
        skeleton(thing, (3, 8, 8), 10)  # type: ignore[arg-type]


def test_a_genotype_without_nodes_is_refused() -> None:
    empty = Cell((), num_inputs=2)
    with pytest.raises(InvalidArchitectureError, match="at least one node"):
        skeleton(Genotype(PAIR, empty), (3, 8, 8), 10)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Cell(None), "edges must be a tuple of Edges, got None"),  # type: ignore[arg-type]
        (Cell((1, 2)), r"edge 1 must be an Edge\(source, target, operation\).*got 1"),  # type: ignore[arg-type]
        (Genotype(None, None), "A genotype holds two Cells, got None"),  # type: ignore[arg-type]
    ],
)
def test_what_only_looks_like_cells_is_refused(architecture: Any, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        skeleton(architecture, (3, 8, 8), 10)
