"""Which codes are one network: golden numbers, invariance, and a brute-force search."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_pieces import OWN_SET
from rewrites import rewrite_dense, rewrite_genotype

from optunas.errors import InvalidArchitectureError
from optunas.space import DARTS, NB201, Cell, CellSpace, DenseCellSpace, Edge, Genotype, Operation
from optunas.space.canonical import canonical_form
from optunas.space.digest import BoundedCache, CellDigest, TermGraph

seeds = st.integers(0, 2**32 - 1)
DENSE_SPACES = (
    NB201,
    DenseCellSpace(num_nodes=5),
    DenseCellSpace(OWN_SET, num_nodes=5),
    DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), num_nodes=6),
)
PAIR_SPACES = (
    DARTS,
    CellSpace(("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), num_nodes=4),
    CellSpace(OWN_SET, num_nodes=3),
    CellSpace(("sep_conv_3x3", "skip_connect"), num_nodes=6),
)


def dense(text: str) -> Cell:
    return Cell.from_str(text)


def symbolic(
    edges: tuple[Edge, ...], ops: Mapping[str, Operation], inputs: int, strided: bool, tags: list
) -> object:
    """The output as a nested multiset; ``tags`` names the weights of each edge."""
    last = max(edge.target for edge in edges)
    values: list[Counter] = [Counter({("input", i): 1}) for i in range(inputs)]
    frozen: list[object] = [tuple(value.items()) for value in values]
    for node in range(inputs, last + 1):
        total: Counter = Counter()
        for edge, tag in zip(edges, tags, strict=True):
            if edge.target != node or ops[edge.operation].zero:
                continue
            operation, source = ops[edge.operation], frozen[edge.source]
            halves = strided and edge.source < inputs
            free = operation.weightless if halves else operation.parameter_free
            if operation.identity and not halves:
                total.update(values[edge.source])
            elif free and operation.factory is None and not source:
                continue
            else:
                total[(operation.name, "" if free else tag, source)] += 1
        values.append(total)
        frozen.append(tuple(sorted(total.items(), key=repr)))
    return frozen[-1] if inputs == 1 else sorted(frozen[inputs:], key=repr)


def brute_force(cell: Cell, operations: tuple[Operation, ...], strided: bool = False) -> str:
    """The least of all texts over all ways to name the weights that reach the output."""
    ops = {operation.name: operation for operation in operations}
    edges, inputs = cell.edges, cell.num_inputs
    plain = repr(symbolic(edges, ops, inputs, strided, [f"<{i}>" for i in range(len(edges))]))
    live = [i for i in range(len(edges)) if f"'<{i}>'" in plain]
    best = ""
    for order in itertools.permutations(range(len(live))):
        tags = ["dead"] * len(edges)
        for at, name in zip(live, order, strict=True):
            tags[at] = f"w{name}"
        text = repr(symbolic(edges, ops, inputs, strided, tags))
        best = min(best, text) if best else text
    return best


def test_nb201_has_5875_networks() -> None:
    assert len({NB201.digest(cell) for cell in NB201.enumerate()}) == 5875


@pytest.mark.parametrize("names", [("none", "skip_connect", "nor_conv_1x1"), ("nor_conv_1x1",)])
def test_classes_equal_brute_force_on_whole_small_spaces(names: tuple[str, ...]) -> None:
    space = DenseCellSpace(names)
    classes: dict[str, set[str]] = defaultdict(set)
    for cell in space.enumerate():
        classes[brute_force(cell, space.operations)].add(space.digest(cell))
    assert all(len(digests) == 1 for digests in classes.values())
    assert len(set().union(*classes.values())) == len(classes)


@pytest.mark.parametrize("strided", [False, True])
def test_classes_equal_brute_force_on_two_input_cells(strided: bool) -> None:
    space = CellSpace(("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), num_nodes=2)
    classes: dict[str, set[str]] = defaultdict(set)
    digests = CellDigest(space.operations)
    cells = {genotype.reduce for genotype in space.enumerate(limit=768)}  # every reduction cell
    assert len(cells) == 768
    for cell in cells:
        text = digests.certificate(cell.edges, 2, 4, strided)
        classes[brute_force(cell, space.operations, strided)].add(text)
    assert all(len(texts) == 1 for texts in classes.values())
    assert len(set().union(*classes.values())) == len(classes) > 100


def test_classes_equal_brute_force_on_random_cells() -> None:
    rng = np.random.default_rng(0)
    for space in (NB201, DenseCellSpace(OWN_SET)):
        cells = [space.sample(rng) for _ in range(60)]
        cells += [rewrite_dense(cell, space, rng) for cell in cells]
        slow = [brute_force(cell, space.operations) for cell in cells]
        fast = [space.digest(cell) for cell in cells]
        for (s, f), (t, g) in itertools.combinations(zip(slow, fast, strict=True), 2):
            assert (s == t) == (f == g)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DENSE_SPACES), seeds)
def test_dense_digest_is_invariant_under_rewriting(space: DenseCellSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cell = space.sample(rng)
    other = rewrite_dense(cell, space, rng)
    space.validate(other)
    assert space.digest(other) == space.digest(cell)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PAIR_SPACES), seeds)
def test_genotype_digest_is_invariant_under_rewriting(space: CellSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    genotype = space.sample(rng)
    other = rewrite_genotype(genotype, space, rng)
    space.validate(other)
    assert space.digest(other) == space.digest(genotype)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 14), st.integers(1, 3), seeds)
def test_random_graphs_have_one_form_under_relabelling(count: int, kinds: int, seed: int) -> None:
    """Any numbering that keeps terms behind their arguments gives the same text."""
    rng = np.random.default_rng(seed)
    graph = random_graph(count, kinds, rng)
    assert canonical_form(shuffled(graph, rng)).text == canonical_form(graph).text


def random_graph(count: int, kinds: int, rng: np.random.Generator) -> TermGraph:
    """Terms over random sums of earlier terms, few kinds so that symmetries are frequent."""
    graph = TermGraph(["#0"], [5], [-1], [-1], [((0, 1),)], [])
    for term in range(1, count):
        kind = int(rng.integers(kinds))
        graph.names.append(f"op{kind}")
        graph.labels.append(100 + kind)
        graph.args.append(int(rng.integers(len(graph.values))))
        graph.edges.append(term)
        members = np.flatnonzero(rng.random(term + 1) < 0.4)
        value = tuple((int(t), int(rng.integers(1, 3))) for t in members)
        if value not in graph.values:
            graph.values.append(value)
    graph.outputs = [int(v) for v in rng.integers(len(graph.values), size=2)]
    return graph.live()


def shuffled(graph: TermGraph, rng: np.random.Generator) -> TermGraph:
    """The same graph, its terms and values numbered in another order that respects arguments."""
    terms: dict[int, int] = {}
    values: dict[int, int] = {-1: -1}
    while len(terms) < len(graph.names) or len(values) <= len(graph.values):
        ready = [("t", t) for t, a in enumerate(graph.args) if t not in terms and a in values]
        ready += [
            ("v", v)
            for v, sums in enumerate(graph.values)
            if v not in values and all(t in terms for t, _ in sums)
        ]
        kind, number = ready[int(rng.integers(len(ready)))]
        if kind == "t":
            terms[number] = len(terms)
        else:
            values[number] = len(values) - 1
    by_term = sorted(terms, key=terms.__getitem__)
    by_value = sorted((v for v in values if v >= 0), key=values.__getitem__)
    return TermGraph(
        [graph.names[t] for t in by_term],
        [graph.labels[t] for t in by_term],
        [values[graph.args[t]] for t in by_term],
        [graph.edges[t] for t in by_term],
        [tuple(sorted((terms[t], n) for t, n in graph.values[v])) for v in by_value],
        [values[v] for v in reversed(graph.outputs)],
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # dead: node 1 leads nowhere
        ("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
         "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|", True),
        # shared and separate weights
        ("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|",
         "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|", False),
        # a convolution of zero has a bias
        ("|none~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|",
         "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", False),
        # a pool of zero is zero
        ("|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
         "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", True),
        # two skips double the input, they do not merge into one
        ("|skip_connect~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|",
         "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", False),
        # which of two equal nodes a convolution reads does not matter
        ("|skip_connect~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|nor_conv_3x3~2|",
         "|none~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_3x3~2|", True),
    ],
)  # fmt: skip
def test_what_counts_as_one_network(one: str, other: str, same: bool) -> None:
    assert (NB201.digest(dense(one)) == NB201.digest(dense(other))) is same


def test_an_own_operation_that_moves_zero_is_not_dropped() -> None:
    space = DenseCellSpace(("none", OWN_SET[5]), num_nodes=3)
    shifted = Cell((Edge(0, 1, "none"), Edge(0, 2, "none"), Edge(1, 2, "shift")))
    empty = Cell((Edge(0, 1, "none"), Edge(0, 2, "none"), Edge(1, 2, "none")))
    assert space.digest(shifted) != space.digest(empty)


def test_a_strided_skip_has_weights_and_a_strided_pool_has_none() -> None:
    digests = CellDigest(DARTS.operations)
    edges = [(0, 2, "{}"), (1, 2, "sep_conv_3x3"), (0, 3, "{}"), (1, 3, "sep_conv_3x3")]

    def terms(name: str, strided: bool) -> int:
        filled = [(s, t, name if o == "{}" else o) for s, t, o in edges]
        return len(digests.graph(filled, 2, 4, strided).live().names) - 2

    assert [terms("skip_connect", s) for s in (False, True)] == [2, 4]
    assert [terms("max_pool_3x3", s) for s in (False, True)] == [3, 3]


def test_the_two_inputs_of_a_genotype_are_not_exchangeable() -> None:
    space = CellSpace(("skip_connect", "sep_conv_3x3"), num_nodes=1)
    cells = [
        Cell((Edge(0, 2, a), Edge(1, 2, b)), 2)
        for a, b in (("skip_connect", "sep_conv_3x3"), ("sep_conv_3x3", "skip_connect"))
    ]
    assert len({space.digest(Genotype(c, cells[0])) for c in cells}) == 2
    assert len({space.digest(Genotype(cells[0], c)) for c in cells}) == 2


def test_the_order_of_a_spaces_operations_does_not_enter_the_digest() -> None:
    turned = DenseCellSpace(tuple(reversed([o.name for o in NB201.operations])))
    rng = np.random.default_rng(1)
    cells = [NB201.sample(rng) for _ in range(50)]
    assert [turned.digest(c) for c in cells] == [NB201.digest(c) for c in cells]


def test_digests_are_stored_with_studies_and_must_never_change() -> None:
    cell = dense("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|")
    assert NB201.digest(cell) == "c1e9cb94f7166fff6480"
    values = {name: p.values()[-1] for name, p in DARTS.parameters().items()}
    assert DARTS.digest(DARTS.decode(values)) == "eee518eb5a5d5a0a80d4"


def test_very_symmetric_cells_take_no_exponential_time() -> None:
    """Twelve equal chains: twelve factorial numberings, one form."""
    chains, space = 12, DenseCellSpace(("none", "nor_conv_1x1"), num_nodes=26)
    on = {(0, 1 + i) for i in range(chains)} | {(1 + i, 13 + i) for i in range(chains)}
    on |= {(13 + i, 25) for i in range(chains)}
    turned = {(i, j) for i, j in on if not 1 <= i <= 12}
    turned |= {(1 + i, 13 + (i + 5) % 12) for i in range(chains)}
    pairs = [(i, j) for j in range(1, 26) for i in range(j)]

    def cell(live: set[tuple[int, int]]) -> Cell:
        return Cell(
            tuple(Edge(i, j, "nor_conv_1x1" if (i, j) in live else "none") for i, j in pairs)
        )

    assert space.digest(cell(on)) == space.digest(cell(turned))
    crossed = (on - {(1, 13)}) | {(1, 14)}
    assert space.digest(cell(crossed)) != space.digest(cell(on))


def test_a_foreign_operation_is_named() -> None:
    with pytest.raises(
        InvalidArchitectureError, match="edge 0-1: unknown operation 'sep_conv_3x3'"
    ):
        DenseCellSpace(("none",), num_nodes=2).digest(Cell((Edge(0, 1, "sep_conv_3x3"),)))
    foreign = Cell((Edge(0, 2, "none"), Edge(1, 2, "none")), 2)
    with pytest.raises(
        InvalidArchitectureError, match="reduce: edge 0-2: unknown operation 'none'"
    ):
        CellSpace(num_nodes=1).digest(Genotype(foreign, foreign))


def test_the_cache_is_bounded() -> None:
    cache = BoundedCache()
    cache.limit = 3
    for number in range(10):
        cache[number] = str(number)
        assert len(cache) <= 3
    assert cache.get(9) == "9"
