"""Choosing an architecture: against the paper's greedy rule and against all members in turn."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optunas
from optunas import DARTS, NB201, Cell, CellSpace, DenseCellSpace, Genotype, Operation, metrics
from optunas.darts.choose import discretize, ranked
from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.metrics.edge_costs import cell_edges, cell_kinds
from optunas.space.cell import Edge

Weights = dict[str, np.ndarray]
SMALL = CellSpace(["skip_connect", "sep_conv_3x3", "none"], num_nodes=2)
NETWORK = {"input_shape": (1, 8, 8), "num_outputs": 10, "channels": 4, "num_cells": 3}
COUNTS = {"channels": 4, "num_cells": 3}
OPERATIONS = [operation.name for operation in DARTS.operations]


def weights_of(space: CellSpace | DenseCellSpace, seed: int, spread: float = 1.0) -> Weights:
    """Softmax of normal numbers."""
    rng = np.random.default_rng(seed)
    shape = (len(cell_edges(space)), len(space.operations))
    made = {kind: np.exp(rng.normal(0, spread, shape)) for kind in cell_kinds(space)}
    return {kind: w / w.sum(axis=1, keepdims=True) for kind, w in made.items()}


def cells_of(member: Cell | Genotype) -> tuple[Cell, ...]:
    return (member,) if isinstance(member, Cell) else (member.normal, member.reduce)


def score(space: CellSpace | DenseCellSpace, weights: Weights, member: Cell | Genotype) -> float:
    """Sum of the logarithms of the weights, edge by edge."""
    row = {edge: at for at, edge in enumerate(cell_edges(space))}
    column = {operation.name: at for at, operation in enumerate(space.operations)}
    return math.fsum(
        math.log(weights[kind][row[e.source, e.target], column[e.operation]])
        for kind, cell in zip(cell_kinds(space), cells_of(member), strict=True)
        for e in cell.edges
    )


def paper_rule(space: CellSpace, weights: Weights) -> Genotype:
    """The authors' code: a node's two strongest edges, their best operation, no ``none``."""
    names = [operation.name for operation in space.operations]
    usable = [at for at, operation in enumerate(space.operations) if not operation.zero]
    row = {edge: at for at, edge in enumerate(cell_edges(space))}
    cells = []
    for kind in ("normal", "reduce"):
        edges = []
        for node in range(2, space.num_nodes + 2):
            strength = {s: max(weights[kind][row[s, node]][usable]) for s in range(node)}
            for source in sorted(sorted(strength, key=lambda s: -strength[s])[:2]):
                at = max(usable, key=lambda o: weights[kind][row[source, node]][o])
                edges.append(Edge(source, node, names[at]))
        cells.append(Cell(tuple(edges), 2))
    return Genotype(*cells)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from((1e-3, 1.0, 5.0)))
def test_without_limits_it_is_the_papers_rule(seed: int, spread: float) -> None:
    spaces = (CellSpace(["none", *OPERATIONS], 4), CellSpace(OPERATIONS, 1))
    for space in (DARTS, SMALL, *spaces):
        weights = weights_of(space, seed, spread)
        assert discretize(space, weights) == paper_rule(space, weights)


def test_equal_weights_choose_the_first_as_the_papers_code_does() -> None:
    shape = (len(cell_edges(DARTS)), len(DARTS.operations))
    weights = {kind: np.full(shape, 1 / shape[1]) for kind in cell_kinds(DARTS)}
    assert discretize(DARTS, weights) == paper_rule(DARTS, weights)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from((0.01, 1.0, 5.0)))
def test_a_dense_cell_takes_the_largest_weight_of_each_edge_where_that_is_connected(
    seed: int, spread: float
) -> None:
    weights = weights_of(NB201, seed, spread)
    names = [operation.name for operation in NB201.operations]
    best = [names[at] for at in weights["cell"].argmax(axis=1)]
    greedy = Cell(tuple(Edge(*e, o) for e, o in zip(cell_edges(NB201), best, strict=True)))
    found = discretize(NB201, weights)
    assert found.is_connected()
    if greedy.is_connected():
        assert found == greedy


class Table:
    """All connected members of a space, with their costs."""

    def __init__(self, space: CellSpace | DenseCellSpace, counts: dict[str, int]) -> None:
        self.space = space
        self.members = [m for m in space.enumerate() if space.is_connected(m)]
        if isinstance(space, CellSpace):
            zeros = {operation.name for operation in space.operations if operation.zero}
            self.members = [
                m
                for m in self.members
                if not any(e.operation in zeros for cell in cells_of(m) for e in cell.edges)
            ]
        costs = np.array([metrics.cost(m, (1, 8, 8), 10, **counts) for m in self.members])
        self.costs = {"params": costs[:, 0], "flops": 2 * costs[:, 1]}
        row = {edge: at for at, edge in enumerate(cell_edges(space))}
        column = {operation.name: at for at, operation in enumerate(space.operations)}
        size = len(row) * len(column)
        at = [
            [
                half * size + row[e.source, e.target] * len(column) + column[e.operation]
                for half, cell in enumerate(cells_of(m))
                for e in cell.edges
            ]
            for m in self.members
        ]
        self.at = np.array(at)

    def scores(self, weights: Weights) -> np.ndarray:
        logs = np.log(np.concatenate([weights[kind].ravel() for kind in cell_kinds(self.space)]))
        return logs[self.at].sum(axis=1)


@pytest.fixture(scope="module")
def nb201() -> Table:
    return Table(NB201, COUNTS)


@pytest.fixture(scope="module")
def pairs() -> Table:
    return Table(SMALL, COUNTS)


@pytest.mark.parametrize("limited", [(), ("params",), ("flops",), ("params", "flops")])
@pytest.mark.parametrize("table", ["nb201", "pairs"])
def test_it_is_the_best_of_all_members_within_the_limits(
    table: str, limited: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    every: Table = request.getfixturevalue(table)
    rng = np.random.default_rng(len(limited))
    for trial in range(30):
        weights = weights_of(every.space, trial, float(rng.choice([0.01, 1.0, 4.0])))
        scores, fits = every.scores(weights), np.ones(len(every.members), dtype=bool)
        limits = {}
        for name in limited:
            costs = every.costs[name]
            limits[name] = float(rng.uniform(costs.min(), costs.max()))
            fits &= costs <= limits[name]
        if not fits.any():
            with pytest.raises(InvalidSpecError, match=r"together.*smallest possible value of"):
                discretize(every.space, weights, limits=limits, **NETWORK)
            continue
        best = np.where(fits, scores, -np.inf).max()
        found = ranked(every.space, weights, limits=limits, **NETWORK)[0]
        assert found.score == pytest.approx(best, abs=1e-7)
        assert score(every.space, weights, found.architecture) == pytest.approx(best, abs=1e-7)
        assert every.space.is_connected(found.architecture)
        every.space.validate(found.architecture)
        for name, cost in found.costs.items():
            count = metrics.params if name == "params" else metrics.flops
            assert cost == count(found.architecture, (1, 8, 8), 10, **COUNTS) <= limits[name]


@pytest.mark.parametrize("share", [None, 0.2, 0.6])
@pytest.mark.parametrize("table", ["nb201", "pairs"])
def test_alternatives_are_the_next_best_distinct_networks_in_order(
    table: str, share: float | None, request: pytest.FixtureRequest
) -> None:
    every: Table = request.getfixturevalue(table)
    for seed in range(4):
        weights = weights_of(every.space, seed)
        limits = (
            {} if share is None else {"params": float(np.quantile(every.costs["params"], share))}
        )
        scores = every.scores(weights)
        wanted: dict[str, float] = {}
        for at in np.argsort(-scores, kind="stable"):
            if limits and every.costs["params"][at] > limits["params"]:
                continue
            wanted.setdefault(every.space.digest(every.members[at]), scores[at])
            if len(wanted) == 8:
                break
        found = ranked(every.space, weights, alternatives=7, limits=limits, **NETWORK)
        assert [every.space.digest(r.architecture) for r in found] == list(wanted)
        assert [r.score for r in found] == pytest.approx(list(wanted.values()), abs=1e-7)


def test_there_are_no_more_alternatives_than_networks() -> None:
    space = DenseCellSpace(["none", "skip_connect", "nor_conv_1x1"], num_nodes=3)
    connected = {space.digest(m) for m in space.enumerate() if space.is_connected(m)}
    found = ranked(space, weights_of(space, 0), alternatives=1000)
    assert {space.digest(r.architecture) for r in found} == connected
    assert len(found) == len(connected)


def test_an_infinite_limit_is_none() -> None:
    weights = weights_of(NB201, 3)
    free = ranked(NB201, weights, alternatives=20)
    limits = {"params": math.inf, "flops": math.inf}
    same = ranked(NB201, weights, alternatives=20, limits=limits, **NETWORK)  # type: ignore[arg-type]
    assert [one.architecture for one in same] == [one.architecture for one in free]


def test_a_disconnected_optimum_is_never_chosen() -> None:
    weights = {"cell": np.tile([0.96, 0.01, 0.01, 0.01, 0.01], (6, 1))}
    weights["cell"][3, 3] = 0.0  # edge 0-3 is the only single one to the output: dearest of all
    weights["cell"][3, [1, 2, 4]] = 1e-20
    found = discretize(NB201, weights)
    assert found.is_connected()
    passing = [(e.source, e.target) for e in found.edges if e.operation != "none"]
    assert passing in ([(0, 1), (1, 3)], [(0, 2), (2, 3)])


def test_own_additive_costs_and_zero_weights() -> None:
    heavy = np.zeros((6, 5))
    heavy[:, 3] = 1.5  # a 3x3 convolution costs 1.5 ms wherever it stands
    weights = {"cell": np.tile([0.0, 0.1, 0.2, 0.7, 0.0], (6, 1))}
    found = ranked(
        NB201, weights, limits={"latency_ms": 4.0}, costs={"latency_ms": {"cell": heavy}}
    )
    operations = [edge.operation for edge in found[0].architecture.edges]
    assert sorted(operations) == ["nor_conv_1x1"] * 4 + ["nor_conv_3x3"] * 2
    assert found[0].costs == {"latency_ms": 3.0}


def wide(channels_in: int, channels_out: int, stride: int) -> object:
    """An own operation that states no cost: it is built and counted."""
    from torch import nn

    return nn.Conv2d(channels_in, channels_out, 7, stride=stride, padding=3)


def test_own_operations_are_counted() -> None:
    own = Operation("wide", wide)
    space = CellSpace(["skip_connect", own], num_nodes=2)
    weights = {kind: np.tile([0.01, 0.99], (5, 1)) for kind in ("normal", "reduce")}
    free = discretize(space, weights)
    assert {e.operation for cell in cells_of(free) for e in cell.edges} == {"wide"}
    top = metrics.params(free, (1, 8, 8), 10, **COUNTS)
    found = ranked(space, weights, limits={"params": top - 1}, **NETWORK)[0]
    assert found.costs["params"] == metrics.params(found.architecture, (1, 8, 8), 10, **COUNTS)
    assert found.costs["params"] < top
    assert found.architecture.normal.operations == (own,)


@pytest.mark.parametrize("spread", [1e-3, 1.0])
def test_the_darts_space_with_two_limits_takes_a_moment(spread: float) -> None:
    rng = np.random.default_rng(0)
    drawn = [DARTS.sample(rng) for _ in range(60)]
    counts = {"channels": 16, "num_cells": 8}
    table = {
        "params": [metrics.params(m, (3, 32, 32), 10, **counts) for m in drawn],
        "flops": [metrics.flops(m, (3, 32, 32), 10, **counts) for m in drawn],
    }
    for trial, share in enumerate((0.02, 0.3, 0.7)):
        weights = weights_of(DARTS, trial, spread)
        limits = {name: float(np.quantile(column, share)) for name, column in table.items()}
        begun = time.process_time()
        found = ranked(
            DARTS,
            weights,
            alternatives=3,
            limits=limits,
            input_shape=(3, 32, 32),
            num_outputs=10,
            **counts,
        )
        assert (
            time.process_time() - begun < 10
        )  # .05 s measured; a runaway search is what is caught
        for name, column in table.items():
            fits = np.array(column) <= limits[name]
            assert found[0].costs[name] <= limits[name]
            both = fits & np.all([np.array(table[n]) <= limits[n] for n in table], axis=0)
            for member in itertools.compress(drawn, both):
                assert score(DARTS, weights, member) <= found[0].score + 1e-7


def test_a_dense_space_of_eight_nodes() -> None:
    space = DenseCellSpace(num_nodes=8)
    weights = weights_of(space, 0)
    free = ranked(space, weights)[0].architecture
    top = {
        "params": metrics.params(free, (1, 8, 8), 10, **COUNTS),
        "flops": metrics.flops(free, (1, 8, 8), 10, **COUNTS),
    }
    limits = {name: 0.5 * value for name, value in top.items()}
    found = ranked(space, weights, limits=limits, **NETWORK)[0]
    assert found.costs["params"] <= limits["params"]
    assert space.is_connected(found.architecture)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            {"params": 10},
            r"No architecture keeps params <= 10: the smallest possible value is [\d,]+",
        ),
        ({"params": 10, "flops": 5}, r"params <= 10.*\n.*flops <= 5: the smallest"),
        ({"params": -1}, r"limit of params must be a number above 0, got -1"),
        ({"params": math.nan}, r"must be a number above 0, got nan"),
        ({"params": True}, r"must be a number above 0, got True"),
    ],
)
def test_impossible_limits_get_a_sentence(limits: dict[str, float], words: str) -> None:
    with pytest.raises(InvalidSpecError, match=words):
        discretize(NB201, weights_of(NB201, 0), limits=limits, **NETWORK)


def test_the_smallest_possible_value_is_that_of_the_smallest_member(nb201: Table) -> None:
    least = int(nb201.costs["params"].min())
    with pytest.raises(InvalidSpecError, match=rf"smallest possible value is {least:,}\."):
        discretize(NB201, weights_of(NB201, 0), limits={"params": least - 1}, **NETWORK)
    found = ranked(NB201, weights_of(NB201, 0), limits={"params": least}, **NETWORK)
    assert found[0].costs == {"params": least}


def test_limits_that_exclude_each_other_name_what_one_leaves_of_the_other() -> None:
    costs = {"a": {"cell": np.tile([9, 0, 0, 0, 3.0], (6, 1))}, "b": {"cell": np.zeros((6, 5))}}
    costs["b"]["cell"][:, 1:4] = 2.0
    with pytest.raises(InvalidSpecError, match="with b <= 1 the smallest possible value of a is"):
        discretize(NB201, weights_of(NB201, 0), limits={"a": 5, "b": 1}, costs=costs)


def test_wrong_arguments_get_a_sentence() -> None:
    good = weights_of(NB201, 0)
    with pytest.raises(UnknownNameError, match="Unknown limit 'parms'; did you mean 'params'"):
        discretize(NB201, good, limits={"parms": 5})
    with pytest.raises(UnknownNameError, match="Unknown rule 'argmin'; did you mean 'argmax'"):
        discretize(NB201, good, rule="argmin")
    with pytest.raises(InvalidSpecError, match="needs input_shape and num_outputs"):
        discretize(NB201, good, limits={"params": 1e6})
    with pytest.raises(
        InvalidSpecError, match=r"6 edges x 5 operations.*kinds \['normal', 'reduce'"
    ):
        discretize(NB201, weights_of(DARTS, 0))
    with pytest.raises(InvalidSpecError, match=r"cell has shape \(5, 5\)"):
        discretize(NB201, {"cell": good["cell"][1:]})
    with pytest.raises(InvalidSpecError, match="finite numbers from 0 on"):
        discretize(NB201, {"cell": good["cell"] * math.nan})
    with pytest.raises(InvalidSpecError, match="alternatives must be a whole number from 0 on"):
        ranked(NB201, good, alternatives=-1)
    with pytest.raises(InvalidSpecError, match=r"limits must be a dict .*, got \['params'\]"):
        discretize(NB201, good, limits=["params"])  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="costs must be a dict by the limit's name"):
        discretize(NB201, good, limits={"ms": 5}, costs=[good])  # type: ignore[arg-type]
    with pytest.raises(InvalidSpaceError, match="no operation but 'none'"):
        discretize(DenseCellSpace(["none"]), weights_of(DenseCellSpace(["none"]), 0))
    with pytest.raises(InvalidSpaceError, match="a DenseCellSpace or a MacroSpace, got"):
        discretize(optunas.HyperSpace(lr=optunas.Float(0.1, 1.0)), good)  # type: ignore[arg-type]


def test_rows_are_those_of_the_supernet() -> None:
    from optunas.darts.supernet import edges_of, kinds_of

    for space in (NB201, DARTS, SMALL, DenseCellSpace(num_nodes=2), CellSpace(num_nodes=1)):
        assert cell_edges(space) == edges_of(space)
        assert cell_kinds(space) == kinds_of(space)


def test_choosing_loads_no_torch() -> None:
    code = "import sys, optunas.darts; optunas.darts.discretize; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
