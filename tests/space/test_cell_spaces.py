"""Cells and genotypes: golden sizes, names, and what is said of wrong ones."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from own_pieces import MUTE, SCALE

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, UnknownNameError
from optunas.space import DARTS, NB201, Cell, CellSpace, DenseCellSpace, Edge, Genotype, Operation
from optunas.space.operations import VOCABULARY

SAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"


def test_golden_sizes() -> None:
    assert NB201.size == 15_625
    assert DARTS.size == 1_037_664_180**2
    assert CellSpace(num_nodes=1).size == 7**4
    assert DenseCellSpace(num_nodes=10).size == 5**45


def test_parameter_names_are_stable() -> None:
    assert list(NB201.parameters()) == [
        "edge0-1", "edge0-2", "edge1-2", "edge0-3", "edge1-3", "edge2-3",
    ]  # fmt: skip
    names = list(DARTS.parameters())
    assert names[:6] == [
        "normal.node2.inputs", "normal.node2.op0", "normal.node2.op1",
        "normal.node3.inputs", "normal.node3.op0", "normal.node3.op1",
    ]  # fmt: skip
    assert names[12:14] == ["reduce.node2.inputs", "reduce.node2.op0"]
    assert len(names) == 24
    assert DARTS.parameters()["normal.node3.inputs"].values() == ("0-1", "0-2", "1-2")
    assert (NB201.default_name, DARTS.default_name) == ("cell", "")


def test_operations_keep_the_papers_order() -> None:
    assert NB201.parameters()["edge0-1"].values() == (
        "none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3",
    )  # fmt: skip
    assert [operation.name for operation in DARTS.operations] == [
        "max_pool_3x3", "avg_pool_3x3", "skip_connect",
        "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    ]  # fmt: skip


def test_the_string_is_nas_bench_201s() -> None:
    cell = Cell.from_str(SAMPLE)
    assert str(cell) == SAMPLE
    assert NB201.encode(cell) == {
        "edge0-1": "nor_conv_3x3",
        "edge0-2": "none",
        "edge1-2": "skip_connect",
        "edge0-3": "avg_pool_3x3",
        "edge1-3": "nor_conv_1x1",
        "edge2-3": "none",
    }
    for cell in NB201.enumerate(limit=50):
        assert Cell.from_str(str(cell)) == cell


def test_the_first_operation_belongs_to_the_smaller_input() -> None:
    values = DARTS.encode(DARTS.sample(np.random.default_rng(0)))
    values |= {"normal.node4.inputs": "1-3", "normal.node4.op0": "max_pool_3x3"}
    values |= {"normal.node4.op1": "sep_conv_5x5"}
    cell = DARTS.decode(values).normal
    assert cell.into(4) == (Edge(1, 4, "max_pool_3x3"), Edge(3, 4, "sep_conv_5x5"))


def test_samples_are_uniform_over_small_spaces() -> None:
    rng = np.random.default_rng(0)
    for space in (
        DenseCellSpace(("none", "skip_connect"), num_nodes=3),
        CellSpace(("none",), num_nodes=3),
    ):
        assert isinstance(space.size, int)
        counts = Counter(space.sample(rng) for _ in range(100 * space.size))
        assert set(counts) == set(space.enumerate())
        assert 60 < min(counts.values()) <= max(counts.values()) < 140


def test_the_most_general_member_is_reached_by_mutation() -> None:
    """Single steps connect the space."""
    space = CellSpace(("none", "skip_connect"), num_nodes=2)
    rng = np.random.default_rng(0)
    at, seen = space.sample(rng), set()
    for _ in range(400):
        at = space.mutate(at, rng)
        seen.update(space.encode(at).items())
    assert seen == {(n, v) for n, p in space.parameters().items() for v in p.values()}


def test_own_operations_come_back_with_the_cell() -> None:
    space = DenseCellSpace(("none", SCALE, MUTE), num_nodes=3)
    cell = space.sample(np.random.default_rng(0))
    assert {o.name for o in cell.operations} == {"scale", "mute"}
    for again in (space.from_json(space.to_json(cell)), space.decode(space.encode(cell))):
        assert [o.factory for o in again.operations] == [SCALE.factory, MUTE.factory]
    assert NB201.sample(np.random.default_rng(0)).operations == ()


def edges(*rows: tuple[int, int, str]) -> tuple[Edge, ...]:
    return tuple(Edge(*row) for row in rows)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (Genotype(Cell(()), Cell(())), "A dense cell space holds Cells, got a Genotype"),
        (Cell(edges((0, 2, "none"), (1, 2, "none")), 2), "one input, this cell has num_inputs=2"),
        (Cell.from_str("|none~0|"), r"edge 0-2 is missing\.\nedge 1-2 is missing"),
        (Cell.from_str(SAMPLE), "There is no edge 0-3 in a dense cell of 3 nodes"),
        (
            Cell.from_str("|nor_conv_3x4~0|+|none~0|sep_conv_3x3~1|"),
            r"edge 0-1: unknown operation 'nor_conv_3x4'; did you mean 'nor_conv_3x3'\?.*"
            "\nedge 1-2: unknown operation 'sep_conv_3x3'",
        ),
        (
            Cell(edges((0, 1, "none"), (0, 1, "none"), (0, 2, "none"), (1, 2, "none"))),
            "edge 0-1 is there more than once",
        ),
        (Cell(edges((1, 2, "none"), (0, 2, "none"), (0, 1, "none"))), "must be sorted by"),
    ],
)
def test_wrong_dense_cells_are_told_what_and_where(cell: Any, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        DenseCellSpace(num_nodes=3).validate(cell)


NORMAL = Cell(edges((0, 2, "skip_connect"), (1, 2, "sep_conv_3x3")), 2)


@pytest.mark.parametrize(
    ("reduce", "message"),
    [
        ("text", "reduce: expected a Cell, got a str"),
        (Cell(NORMAL.edges, 1), "reduce: a cell of a genotype has two inputs, got num_inputs=1"),
        (Cell(NORMAL.edges[:1], 2), r"reduce: node 2 needs two different inputs, got \[0\]"),
        (
            Cell(edges((0, 2, "none"), (1, 2, "none")), 2),
            "reduce: edge 0-2: unknown operation 'none'",
        ),
        (
            Cell((*NORMAL.edges, *edges((0, 3, "skip_connect"), (1, 3, "skip_connect"))), 2),
            "reduce: there is no edge 0-3; the nodes are 2 to 2",
        ),
        (Cell(NORMAL.edges[::-1], 2), "reduce: the edges must be sorted"),
    ],
)
def test_wrong_genotypes_are_told_what_and_where(reduce: Any, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message) as caught:
        CellSpace(num_nodes=1).validate(Genotype(NORMAL, reduce))
    assert "normal" not in str(caught.value)


def test_one_input_twice_is_refused() -> None:
    twice = Cell(edges((1, 2, "skip_connect"), (1, 2, "sep_conv_3x3")), 2)
    with pytest.raises(InvalidArchitectureError, match=r"needs two different inputs, got \[1, 1\]"):
        CellSpace(num_nodes=1).validate(Genotype(twice, NORMAL))


@pytest.mark.parametrize("make", [DenseCellSpace, CellSpace])
def test_wrong_spaces_get_one_sentence(make: Any) -> None:
    with pytest.raises(InvalidSpaceError, match="at least one operation, got an empty list"):
        make(())
    with pytest.raises(UnknownNameError, match="'skip_conect'; did you mean 'skip_connect'"):
        make(("none", "skip_conect"))
    with pytest.raises(InvalidSpaceError, match="must be distinct, got none twice"):
        make(("none", "none"))
    for num_nodes in (0, -1, 2.0, True, "4"):
        with pytest.raises(InvalidSpaceError, match="num_nodes must be an integer from"):
            make(num_nodes=num_nodes)


def test_a_lone_string_is_not_a_list_of_operations() -> None:
    with pytest.raises(InvalidSpaceError, match=r"a list of names, .* write \['skip_connect'\]"):
        DenseCellSpace("skip_connect")
    with pytest.raises(UnknownNameError, match="Unknown operation 3"):
        DenseCellSpace(("none", 3))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "none~0", "|none~1|", "|none|", "|none~0|+|none~x|", "a~b~c"])
def test_other_strings_are_no_cells(text: str) -> None:
    if text == "none~0":
        assert str(Cell.from_str(text)) == "|none~0|"
        return
    with pytest.raises(InvalidArchitectureError, match="Expected a NAS-Bench-201 string"):
        Cell.from_str(text)


@pytest.mark.parametrize("rows", ["null", '[[1,0,"none"]]', "[[0,1]]", "3", '[["a",1,"none"]]'])
def test_other_edges_are_no_cells(rows: str) -> None:
    text = f'{{"kind":"cell","version":1,"num_inputs":1,"edges":{rows}}}'
    with pytest.raises(InvalidArchitectureError, match="source < target"):
        Cell.from_json(text)


def test_values_are_frozen_and_hashable() -> None:
    cell = Cell.from_str(SAMPLE)
    with pytest.raises(AttributeError, match="cannot assign to field 'edges'"):
        cell.edges = ()  # type: ignore[misc]
    genotype = Genotype(NORMAL, NORMAL)
    assert {cell, Cell.from_str(SAMPLE)} == {cell}
    assert Genotype.from_json(genotype.to_json()) == genotype
    assert Cell.from_json(cell.to_json()) == cell
    assert cell.num_nodes == 4
    assert str(genotype).startswith("normal |skip_connect~0|sep_conv_3x3~1| reduce ")


def test_operations_in_the_vocabulary() -> None:
    assert {"none", "skip_connect", "max_pool_3x3", "avg_pool_3x3"} == {
        name for name, operation in VOCABULARY.items() if operation.parameter_free
    }
    assert len(VOCABULARY) == 11
    with pytest.raises(InvalidSpaceError, match="letters, digits and underscores, got 'a b'"):
        Operation("a b")


def test_costs_are_those_of_small_convolutions() -> None:
    """Against counts made by hand: weights, batch norm pairs, multiply-accumulates per output."""
    conv, pool = VOCABULARY["nor_conv_3x3"].cost, VOCABULARY["max_pool_3x3"].cost
    skip, dilated = VOCABULARY["skip_connect"].cost, VOCABULARY["dil_conv_5x5"].cost
    assert conv is not None
    assert pool is not None
    assert skip is not None
    assert dilated is not None
    assert conv(4, 8, 1, 5, 5) == (9 * 32 + 16, 9 * 32 * 25)
    assert conv(4, 8, 2, 5, 5) == (9 * 32 + 16, 9 * 32 * 9)
    assert pool(4, 4, 2, 5, 5) == skip(4, 4, 1, 5, 5) == (0, 0)
    assert skip(4, 4, 2, 6, 6) == (16 + 8, 16 * 9)
    assert dilated(4, 4, 1, 3, 3) == (25 * 4 + 16 + 8, (25 * 4 + 16) * 9)


def test_enumeration_walks_the_last_parameter_fastest() -> None:
    first = [str(cell) for cell in itertools.islice(NB201.enumerate(), 6)]
    tails = [text.rsplit("|", 2)[1] for text in first]
    assert tails[:5] == [f"{o.name}~2" for o in NB201.operations]
    assert tails[5] == "none~2"
    assert "skip_connect~1" in first[5]
