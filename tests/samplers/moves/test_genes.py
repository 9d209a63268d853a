"""Groups of parameters, and children made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampler_cases import HYPER, SPACES

from optunas.samplers.moves.genes import crossed, levels, mutated
from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    ElasticSpace,
    Float,
    HyperSpace,
    JointSpace,
    Space,
    StackSpace,
)

EVERY = pytest.mark.parametrize("kind", SPACES)


def named(space: Space[Any]) -> list[list[str]]:
    """Each group as its common beginning and its size."""
    return [[f"{group[0]}+{len(group)}" for group in level] for level in levels(space)]


def test_nodes_of_a_dense_cell_keep_their_edges() -> None:
    assert levels(NB201) == (
        (("edge0-1",), ("edge0-2", "edge1-2"), ("edge0-3", "edge1-3", "edge2-3")),
    )


def test_a_two_input_cell_has_cells_and_nodes() -> None:
    cells, nodes = levels(DARTS)
    assert [{name.split(".")[0] for name in group} for group in cells] == [{"normal"}, {"reduce"}]
    assert ("normal.node2.inputs", "normal.node2.op0", "normal.node2.op1") in nodes
    assert len(nodes) == 8


def test_a_macro_has_layers() -> None:
    (layers,) = levels(SPACES["macro"])
    assert ("depth",) in layers
    (third,) = [group for group in layers if group[0].startswith("layer3.")]
    assert {"layer3.operation", "layer3.filters", "layer3.join", "layer3.skip0"} <= set(third)


def test_an_elastic_space_has_stages_and_blocks() -> None:
    stages, blocks = levels(ElasticSpace(widths=((8, 16), 24), depths=(1, 2)))
    assert [group[0] for group in stages] == ["stage1.depth", "stage2.depth"]
    assert ("stage1.block2.kernel", "stage1.block2.expansion") in blocks
    assert ("stage1.depth", "stage1.width") in blocks


@pytest.mark.parametrize("cell", [NB201, CellSpace(num_nodes=2)])
def test_a_stack_has_cells_and_their_nodes(cell: Any) -> None:
    space = StackSpace(cell, num_cells=3, num_reductions=(0, 1))
    cells, nodes = levels(space)
    assert ("reductions",) in cells
    assert ("reductions",) in nodes
    first = [group for group in cells if group[0].startswith("cell1.")]
    assert len(first) == 1
    assert {name for name in space.parameters() if name.startswith("cell1.")} == set(first[0])
    inner = [group for group in nodes if group[0].startswith("cell1.")]
    assert len(inner) == (3 if cell is NB201 else 2)


def test_a_joint_space_has_parts_then_theirs() -> None:
    space = JointSpace(cell=DARTS, train=HyperSpace(lr=Float(0.1, 1.0), wd=Float(0.1, 1.0)))
    parts, cells, nodes = levels(space)
    assert [group[0].split(".")[0] for group in parts] == ["cell", "train"]
    assert cells[-2:] == nodes[-2:] == (("train.lr",), ("train.wd",))
    assert "cell.normal.node2.op0" in cells[0]
    assert len(nodes) == 10


def test_hyperparameters_stand_alone_and_alternatives_together() -> None:
    assert levels(HYPER) == (tuple((name,) for name in HYPER.parameters()),)
    assert levels(SPACES["group"]) == ((("model",), ("svm.C",), ("knn.k",)),)


def test_a_single_group_falls_apart() -> None:
    space = HyperSpace({"x.a": Float(0, 1), "x.b": Choice((1, 2))})
    assert levels(space) == ((("x.a",), ("x.b",)),)
    assert levels(HyperSpace(a=Float(0, 1))) == ((("a",),),)


@EVERY
def test_every_level_holds_every_parameter_once(kind: str) -> None:
    space = SPACES[kind]
    for level in levels(space):
        names = [name for group in level for name in group]
        assert sorted(names) == sorted(space.parameters())


@EVERY
def test_children_have_whole_groups_of_both_parents(kind: str) -> None:
    space, rng = SPACES[kind], np.random.default_rng(0)
    for level in levels(space):
        for _ in range(20):
            a, b = space.sample(rng), space.sample(rng)
            child = crossed(space, a, b, [level], rng)
            space.validate(child)
            values, first, second = (space.encode(m) for m in (child, a, b))
            counts = [set(space.active(v)) for v in (values, first, second)]
            for group in level:
                shared = [n for n in group if all(n in names for names in counts)]
                ours = [values[n] for n in shared]
                assert ours in ([first[n] for n in shared], [second[n] for n in shared])


@EVERY
def test_what_counts_in_a_child_comes_from_a_parent_in_which_it_counts(kind: str) -> None:
    space, rng = SPACES[kind], np.random.default_rng(1)
    for _ in range(50):
        a, b = space.sample(rng), space.sample(rng)
        child = space.encode(crossed(space, a, b, levels(space), rng))
        parents = [space.encode(a), space.encode(b)]
        for name in space.active(child):
            assert child[name] in [v[name] for v in parents if name in space.active(v)]


def test_a_child_is_of_both_parents_where_they_differ_everywhere() -> None:
    first, second = (
        NB201.decode(dict.fromkeys(NB201.parameters(), op)) for op in ("none", "skip_connect")
    )
    rng = np.random.default_rng(0)
    children = {crossed(NB201, first, second, levels(NB201), rng) for _ in range(200)}
    assert len(children) == 6  # two of three nodes of one parent, one of the other
    assert not children & {first, second}


@EVERY
def test_without_a_rate_one_gene_changes(kind: str) -> None:
    space, rng = SPACES[kind], np.random.default_rng(2)
    for _ in range(50):
        member = space.sample(rng)
        before, after = space.encode(member), space.encode(mutated(space, member, rng))
        both = set(space.active(before)) & set(space.active(after))
        assert sum(before[name] != after[name] for name in both) == 1


@EVERY
@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_with_a_rate_each_gene_changes_with_that_chance(kind: str, rate: float) -> None:
    space, rng = SPACES[kind], np.random.default_rng(3)
    changed, counted = 0, 0
    for _ in range(60):
        member = space.sample(rng)
        other = mutated(space, member, rng, rate)
        space.validate(other)
        before, after = space.encode(member), space.encode(other)
        names = [n for n in space.active(before) if space.parameters()[n].size > 1]
        kept = [n for n in names if n in space.active(after)]
        here = sum(before[n] != after[n] for n in kept)
        assert here >= 1
        if rate == 0.0:
            assert here == 1
        changed, counted = changed + here, counted + len(kept)
    if rate == 1.0:
        assert changed == counted
