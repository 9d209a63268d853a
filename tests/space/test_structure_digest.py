"""NAS-Bench-201's own classes, and why results are not reused by them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from optunas.space import DARTS, NB201, Cell, DenseCellSpace
from optunas.space.digest import CellDigest
from optunas.space.structure import structure_expression


def unique_string(cell: Cell) -> str:
    """The paper's published procedure (``to_unique_str`` with zeros considered), as it stands."""
    nodes = {0: "0"}
    for node in range(1, 4):
        parts = []
        for source, _, operation in cell.into(node):
            if operation == "none" or nodes[source] == "#":
                parts.append("#")
            elif operation == "skip_connect":
                parts.append(nodes[source])
            else:
                parts.append("(" + nodes[source] + ")" + f"@{operation}")
        nodes[node] = "+".join(sorted(parts))
    return nodes[3]


@pytest.fixture(scope="module")
def classes() -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in NB201.enumerate():
        found[NB201.structure_digest(cell)].append(cell)
    return found


def test_nb201_has_6466_structures(classes: dict[str, list[Cell]]) -> None:
    assert len(classes) == 6466


def test_the_classes_are_the_papers(classes: dict[str, list[Cell]]) -> None:
    assert all(len({unique_string(cell) for cell in cells}) == 1 for cells in classes.values())


def test_structures_mix_networks_of_different_live_size(classes: dict[str, list[Cell]]) -> None:
    """So a result must not be reused by structure: the digest keeps these apart."""
    digests = CellDigest(NB201.operations)

    def live(cell: Cell) -> tuple[str, ...]:
        names = digests.graph(cell.edges, 1, 4).live().names
        return tuple(sorted(name for name in names if "conv" in name))

    sizes = {key: {live(cell) for cell in cells} for key, cells in classes.items()}
    several = {key: {NB201.digest(cell) for cell in cells} for key, cells in classes.items()}
    mixed = [key for key, found in sizes.items() if len(found) > 1]
    assert len(mixed) == 523
    assert all(len(several[key]) > 1 for key in mixed)


def test_equal_digests_have_equal_live_operations() -> None:
    digests = CellDigest(NB201.operations)
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for cell in NB201.enumerate(limit=6000):
        names = digests.graph(cell.edges, 1, 4).live().names
        found[NB201.digest(cell)].add(tuple(sorted(names)))
    assert all(len(operations) == 1 for operations in found.values())


def test_a_genotypes_structure_ignores_the_order_of_its_nodes() -> None:
    rng = np.random.default_rng(0)
    values = DARTS.encode(DARTS.sample(rng)) | {
        "normal.node3.inputs": "0-1",
        "normal.node4.inputs": "0-1",
        "normal.node5.inputs": "0-1",
        "normal.node3.op0": "max_pool_3x3",
        "normal.node4.op0": "sep_conv_3x3",
    }
    swapped = dict(values)
    for key in ("op0", "op1"):
        swapped[f"normal.node3.{key}"] = values[f"normal.node4.{key}"]
        swapped[f"normal.node4.{key}"] = values[f"normal.node3.{key}"]
    one, other = DARTS.decode(values), DARTS.decode(swapped)
    assert one != other
    assert DARTS.structure_digest(one) == DARTS.structure_digest(other)
    assert DARTS.structure_digest(one) != DARTS.structure_digest(DARTS.mutate(one, rng))


def test_long_expressions_are_shortened_without_mixing_cells() -> None:
    space = DenseCellSpace(("nor_conv_1x1", "nor_conv_3x3"), num_nodes=14)
    kinds = CellDigest(space.operations).kinds
    rng = np.random.default_rng(0)
    cells = [space.sample(rng) for _ in range(20)]
    expressions = {structure_expression(cell, kinds) for cell in cells}
    assert len(expressions) == 20
    assert max(map(len, expressions)) < 100
