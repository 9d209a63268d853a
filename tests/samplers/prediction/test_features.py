"""Members as rows: every kind of space, and what must not change a row."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sampler_cases import HYPER, SPACES

from optunas.errors import InvalidArchitectureError
from optunas.metrics import closed_form
from optunas.samplers.prediction.cell_graphs import CellGraphs
from optunas.samplers.prediction.features import INPUT_SHAPE, OUTPUTS, Encoder, encode_members
from optunas.space import (
    DARTS,
    NB201,
    Cell,
    DenseCellSpace,
    Float,
    HyperSpace,
    JointSpace,
    Operation,
)


def cell(text: str) -> Cell:
    return Cell.from_str(text)


@pytest.mark.parametrize("kind", SPACES)
def test_every_kind_of_space_has_rows_of_one_width(kind: str) -> None:
    space = SPACES[kind]
    rng = np.random.default_rng(1)
    members = [space.sample(rng) for _ in range(30)]
    encoder = Encoder(space)
    rows = encoder.encode(members)
    assert rows.shape == (30, encoder.width) == (30, sum(encoder.sizes))
    assert len(encoder.names) == len(encoder.sizes) == len(set(encoder.names))
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows, encode_members(space, members))
    np.testing.assert_array_equal(rows[3], encoder.encode([members[3]])[0])
    assert len({tuple(row) for row in rows}) > 10


@pytest.mark.parametrize("kind", SPACES)
def test_two_random_members_are_about_two_apart_in_each_block(kind: str) -> None:
    space = SPACES[kind]
    encoder = Encoder(space)
    rng = np.random.default_rng(2)
    rows = encoder.scaled([space.sample(rng) for _ in range(300)])
    ends = np.cumsum([0, *encoder.sizes])
    for name, start, end in zip(encoder.names, ends, ends[1:], strict=False):
        apart = 2.0 * rows[:, start:end].var(axis=0).sum()
        assert apart == 0.0 or 1.0 < apart < 4.0, name


def test_no_members_give_no_rows() -> None:
    assert encode_members(NB201, []).shape == (0, Encoder(NB201).width)


def test_what_lies_on_no_path_does_not_count() -> None:
    live = cell("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|")
    dead = cell("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|nor_conv_1x1~2|")
    encoder = Encoder(NB201, costs=False)
    np.testing.assert_array_equal(*encoder.encode([live, dead]))


def test_two_numberings_of_one_graph_have_the_same_paths_and_statistics() -> None:
    # The two inner nodes change places.
    one = cell("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|skip_connect~2|")
    two = cell("|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_1x1~2|")
    assert NB201.digest(one) == NB201.digest(two)
    encoder = Encoder(NB201)
    first, second = encoder.encode([one, two])
    edges = encoder.sizes[0]
    assert (first[:edges] != second[:edges]).any()
    np.testing.assert_array_equal(first[edges:], second[edges:])


def test_identities_leave_paths_as_they_are() -> None:
    short = cell("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    long = cell("|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|")
    graphs = CellGraphs(NB201.operations, 4, 1)
    assert graphs.rows(short)[1] == graphs.rows(long)[1]
    assert sum(graphs.rows(short)[1]) == 1.0


def test_every_path_is_counted_once() -> None:
    graphs = CellGraphs(NB201.operations, 4, 1)
    full = cell(
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|"
        "+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    )
    _, paths, graph = graphs.rows(full)
    assert sum(paths) == 4.0
    assert graph[0] ** 2 == pytest.approx(4.0)  # paths
    assert graph[1] == 6.0  # live edges
    assert graph[2:4] == [3.0, 2.0] or graph[2] == 3.0  # most weighted operations on a path


def test_a_dead_cell_has_a_row_of_zeros_but_its_costs() -> None:
    dead = cell("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    assert not Encoder(NB201, costs=False).encode([dead]).any()
    assert Encoder(NB201).encode([dead]).any()


def test_large_cells_hash_their_paths() -> None:
    space = DenseCellSpace(num_nodes=9)
    rng = np.random.default_rng(0)
    rows = encode_members(space, [space.sample(rng) for _ in range(5)])
    assert rows.shape[1] < 600
    assert np.isfinite(rows).all()


def test_costs_are_those_in_closed_form() -> None:
    member = NB201.sample(np.random.default_rng(4))
    params, macs = closed_form.cost(member, INPUT_SHAPE, OUTPUTS)
    row = encode_members(NB201, [member])[0]
    np.testing.assert_allclose(np.expm1(row[-2:]), [params, macs])


def _no_torch(*_: int) -> object:
    raise AssertionError("built to encode it")


def test_an_own_operation_is_not_built_to_encode_it() -> None:
    space = DenseCellSpace(["none", "skip_connect", Operation("mine", _no_torch)], num_nodes=3)
    encoder = Encoder(space)
    assert "costs" not in encoder.names
    assert encoder.encode([space.sample(np.random.default_rng(0))]).shape == (1, encoder.width)


def test_what_does_not_count_is_zero() -> None:
    encoder = Encoder(HYPER)
    members = [HYPER.sample(np.random.default_rng(seed)) for seed in range(20)]
    rows = encoder.encode(members)
    np.testing.assert_array_equal(rows, [HYPER.features(member) for member in members])


def test_each_hyperparameter_is_a_block_and_a_joint_space_has_the_blocks_of_its_parts() -> None:
    space = JointSpace(cell=NB201, train=HyperSpace(lr=Float(1e-3, 0.1, log=True)))
    assert Encoder(space).names == [
        *(f"cell.{name}" for name in ("edges", "paths", "graph", "costs")),
        "train.lr",
    ]


def test_a_member_of_another_space_is_refused() -> None:
    with pytest.raises(InvalidArchitectureError, match="dense cell"):
        encode_members(NB201, [DARTS.sample(np.random.default_rng(0))])


def test_rows_are_the_same_in_every_process_and_need_no_torch() -> None:
    code = (
        "import sys, numpy as np, optunas\n"
        "from optunas.samplers.prediction.features import Encoder\n"
        "rng = np.random.default_rng(5); s = optunas.DARTS\n"
        "print(Encoder(s).scaled([s.sample(rng) for _ in range(3)]).sum(), 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rng = np.random.default_rng(5)
    total = Encoder(DARTS).scaled([DARTS.sample(rng) for _ in range(3)]).sum()
    assert out.stdout.split() == [str(total), "False"]
