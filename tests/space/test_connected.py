"""Which members pass anything on from input to output."""

from __future__ import annotations

import numpy as np
import pytest

from optunas.space import NB201, CellSpace, DenseCellSpace, HyperSpace, Int, JointSpace, Operation
from optunas.space.cell import Cell


@pytest.mark.parametrize(
    ("text", "connected"),
    [
        ("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", True),
        ("|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|none~2|", False),
        ("|none~0|+|none~0|avg_pool_3x3~1|+|none~0|avg_pool_3x3~1|skip_connect~2|", False),
        ("|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|", True),
    ],
)
def test_a_dense_cell_needs_a_path_to_its_last_node(text: str, connected: bool) -> None:
    assert NB201.is_connected(Cell.from_str(text)) is connected


def test_the_networks_agree_on_all_small_cells() -> None:
    torch = pytest.importorskip("torch")
    from optunas.nets.build import build

    space = DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), num_nodes=3)
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    for cell in space.enumerate():
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            outputs = build(cell, (1, 8, 8), 3, channels=8, num_cells=1).eval()(images)
        varies = bool((outputs - outputs[0]).abs().max() > 0)
        assert varies is space.is_connected(cell), str(cell)


def test_a_genotype_needs_both_cells_and_an_own_zero_counts() -> None:
    space = CellSpace((Operation("nothing", zero=True), "skip_connect"), num_nodes=2)
    rng = np.random.default_rng(0)
    members = list(space.enumerate())
    for member in [members[i] for i in rng.integers(len(members), size=200)]:
        halves = [
            any(edge.operation != "nothing" and edge.source < 2 for edge in cell.edges)
            for cell in (member.normal, member.reduce)
        ]
        assert space.is_connected(member) is all(halves)


def test_a_joint_space_asks_its_architecture() -> None:
    space = JointSpace(cell=NB201, hp=HyperSpace(depth=Int(1, 3)))
    parts = {
        "cell": next(NB201.enumerate()),
        "hp": space.spaces["hp"].sample(np.random.default_rng(0)),
    }
    assert not space.is_connected(parts)
    assert HyperSpace(depth=Int(1, 3)).is_connected(parts["hp"])
