"""Drawings of cells: well formed, complete, without overlaps, faint where nothing passes."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.draw import can_draw, to_svg
from optunas.draw.families import OWN, family, short_label
from optunas.draw.plan import OUTPUT, plan_cell
from optunas.errors import InvalidArchitectureError
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.operations import VOCABULARY, Operation

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.sampled_from([*VOCABULARY, "own_op", "attention_7x7_with_a_rather_long_name"])


@st.composite
def dense_cells(draw: Any, names: Any = NAMES) -> Cell:
    nodes = draw(st.integers(2, 7))
    pairs = [(s, t) for t in range(1, nodes) for s in range(t)]
    return Cell(tuple(Edge(s, t, draw(names)) for s, t in pairs))


@st.composite
def two_input_cells(draw: Any, names: Any = NAMES) -> Cell:
    edges = []
    for node in range(2, 2 + draw(st.integers(1, 6))):
        pairs = list(itertools.combinations(range(node), 2))
        edges += [Edge(source, node, draw(names)) for source in draw(st.sampled_from(pairs))]
    return Cell(tuple(edges), 2)


CELLS = dense_cells() | two_input_cells()


def parse(svg: str) -> ET.Element:
    root = ET.fromstring(svg)
    assert root.tag == SVG + "svg"
    return root


def words(svg: str) -> list[str]:
    return [element.text or "" for element in parse(svg).iter(SVG + "text")]


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Labels (rx 10) and nodes (rx 15) of a drawing of one cell."""
    found = []
    for rect in parse(svg).iter(SVG + "rect"):
        if rect.get("rx") in ("10", "15"):
            x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
            width, height = float(rect.get("width", 0)), float(rect.get("height", 0))
            found.append((x, y, x + width, y + height))
    return found


@settings(deadline=None, max_examples=60)
@given(CELLS)
def test_labels_and_nodes_never_overlap_and_lie_inside_the_drawing(cell: Cell) -> None:
    svg = to_svg(cell)
    found = boxes(svg)
    drawn = sum(edge.operation != "none" for edge in cell.edges)
    assert len(found) == drawn + max(cell.num_nodes, 2) + (cell.num_inputs == 2)
    for a, b in itertools.combinations(found, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
    plan = plan_cell(cell)
    for left, top, right, bottom in found:
        assert left >= 0
        assert top >= -0.1
        assert right <= plan.width + 0.1
        assert bottom <= plan.height + 0.1


@settings(deadline=None, max_examples=60)
@given(CELLS)
def test_live_nodes_are_those_on_a_path_from_input_to_output(cell: Cell) -> None:
    """Against every path written out."""
    edges = [(e.source, e.target) for e in cell.edges if e.operation != "none"]
    output = cell.num_nodes - 1
    if cell.num_inputs == 2:
        output = OUTPUT
        edges += [(node, OUTPUT) for node in range(2, cell.num_nodes)]
    on_a_path: set[int] = set()
    paths = [[node] for node in range(cell.num_inputs)]
    while paths:
        path = paths.pop()
        if path[-1] == output:
            on_a_path |= set(path)
        paths += [[*path, target] for source, target in edges if source == path[-1]]
    assert plan_cell(cell).live == on_a_path


@settings(deadline=None)
@given(dense_cells(st.text(min_size=1, max_size=30)), st.text(max_size=80))
def test_any_name_and_any_title_give_well_formed_xml(cell: Cell, title: str) -> None:
    parse(to_svg(cell, title))


def test_edges_carry_short_labels_and_none_is_counted_not_drawn() -> None:
    cell = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|")
    found = words(to_svg(cell, "Trial 3"))
    assert {"conv 3×3", "skip", "avg 3×3", "input", "output", "Trial 3"} <= set(found)
    assert "3 of 6 edges are none, not drawn" in found
    assert {"convolution", "pooling", "skip connection"} <= set(found)
    assert not any("none" in word for word in found if "edges" not in word)


def test_what_no_signal_passes_is_faint() -> None:
    cell = Cell.from_str("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
    svg = to_svg(cell)
    assert svg.count('opacity="0.28"') == 2  # into node 1, out of node 2
    assert svg.count("stroke-dasharray") == 2
    empty = to_svg(Cell.from_str("|none~0|+|none~0|none~1|"))
    assert "no way from the input to the output" in empty


def test_an_own_operation_that_is_zero_is_not_drawn() -> None:
    zero = Operation("nothing", zero=True)
    cell = Cell((Edge(0, 1, "nothing"), Edge(0, 2, "skip_connect")), 1, (zero,))
    assert "nothing" not in words(to_svg(cell))


def test_a_genotype_shows_both_cells_side_by_side() -> None:
    normal = Cell((Edge(0, 2, "sep_conv_3x3"), Edge(1, 2, "dil_conv_5x5")), 2)
    reduce = Cell((Edge(0, 2, "max_pool_3x3"), Edge(1, 2, "skip_connect")), 2)
    svg = to_svg(Genotype(normal, reduce))
    found = words(svg)
    assert found.index("normal cell") < found.index("reduction cell")
    assert {"sep 3×3", "dil 5×5", "max 3×3", "skip"} <= set(found)
    assert found.count("k − 2") == found.count("k − 1") == found.count("output") == 2
    moves = [g.get("transform", "") for g in parse(svg).iter(SVG + "g")]
    shifts = [float(m[10:].split()[0]) for m in moves if m.startswith("translate")]
    assert shifts[-2] < shifts[-1]


def test_a_long_title_is_cut_and_kept_whole_for_readers() -> None:
    title = "a study with a very long name " * 5
    svg = to_svg(Cell.from_str("|skip_connect~0|"), title)
    shown = next(word for word in words(svg) if word.startswith("a study"))
    assert shown.endswith("…")
    assert title.strip() in (parse(svg).findtext(SVG + "title") or "")


def test_drawings_bring_their_own_background_and_are_repeatable() -> None:
    cell = Cell.from_str("|skip_connect~0|+|nor_conv_1x1~0|nor_conv_3x3~1|")
    svg = to_svg(cell)
    assert svg == to_svg(cell)
    card = next(parse(svg).iter(SVG + "rect"))
    assert card.get("fill") == "#ffffff"


def test_other_things_are_not_drawn() -> None:
    assert can_draw(Cell.from_str("|skip_connect~0|"))
    assert not can_draw({"lr": 0.1})
    with pytest.raises(InvalidArchitectureError, match=r"shows a Cell, .* got dict; can_draw"):
        to_svg({"lr": 0.1})


@pytest.mark.parametrize(
    ("operation", "label", "kind"),
    [
        ("sep_conv_5x5", "sep 5×5", "separable convolution"),
        ("dil_conv_3x3", "dil 3×3", "dilated convolution"),
        ("nor_conv_1x1", "conv 1×1", "convolution"),
        ("max_pool_3x3", "max 3×3", "pooling"),
        ("skip_connect", "skip", "skip connection"),
        ("mbconv_e6_k5x5", "mbconv e6 k5×5", OWN.name),
        ("my_very_long_operation_name", "my very long oper…", OWN.name),
        ("pool_party", "pool party", OWN.name),
    ],
)
def test_families_and_labels(operation: str, label: str, kind: str) -> None:
    assert short_label(operation) == label
    assert family(operation).name == kind
