"""Drawings of macro networks, subnets, stacks and joint members: complete, apart, repeatable."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from drawings import Box, check_room, parse, placed, rectangles, size, text_boxes, words
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    CUT,
    DEEP,
    LONG_SUBNET,
    NETWORKS,
    PERCEPTRON,
    SETTINGS,
    SIX,
    STACK,
    STACK_OF_TWO,
    SUBNET,
    A,
    conv,
    macros,
    stacks,
    subnets,
)

from optunas.draw import can_draw, parameters_svg, to_svg
from optunas.draw.families import OWN
from optunas.draw.macro import live_layers
from optunas.draw.stack import runs_of
from optunas.draw.table import value_text
from optunas.errors import InvalidArchitectureError
from optunas.space.cell import Cell, Edge
from optunas.space.hyper import Hyperparameters
from optunas.space.joint import Joint
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.operations import Operation
from optunas.space.stack import Stack
from optunas.space.subnet import Block, Stage, Subnet


@pytest.mark.parametrize("case", NETWORKS)
@pytest.mark.parametrize("title", [None, "Trial 3 of a study whose name is rather long"])
def test_every_drawing_is_apart_inside_and_repeatable(case: str, title: str | None) -> None:
    network = NETWORKS[case]
    assert can_draw(network)
    svg = to_svg(network, title)
    assert svg == to_svg(network, title)
    check_room(svg)


@settings(deadline=None, max_examples=60)
@given(macros() | subnets() | stacks())
def test_any_network_s_words_and_blocks_are_apart(network: Any) -> None:
    check_room(to_svg(network, "Trial 3"))


def test_a_macro_shows_every_layer_with_its_settings() -> None:
    found = words(to_svg(SIX))
    for label in ("conv 3×3", "conv 5×5", "sep 5×5", "max pool 2×2", "dil 7×7", "identity"):
        assert label in found
    for label in (
        "24 channels",
        "32 channels",
        "64 channels",
        "batch, relu",
        "group, gelu",
        "silu",
    ):
        assert label in found
    assert found.count("stride 2") == 2  # of the separable convolution and of the pool
    assert found.count("+") == 2
    assert found.count("concat") == 2
    assert {"128", "drop 0.3", "96", "dense 1", "dense 2", "flatten", "output"} <= set(found)
    assert {"convolution", "separable convolution", "fully connected"} <= set(found)
    assert [word for word in found if word.isdigit()][:6] == list("123456")


def skip_paths(svg: str) -> list[list[tuple[float, float]]]:
    """The corner points of the skip connections' lines."""
    found = []
    for element, x, y in placed(svg):
        if element.get("stroke") == "#64748b" and element.get("stroke-width") == "1.4":
            numbers = element.get("d", "").replace("M", " ").replace("L", " ").replace("Q", " ")
            values = [float(number) for number in numbers.split()]
            pairs = zip(values[::2], values[1::2], strict=True)
            found.append([(x + a, y + b) for a, b in pairs])
    return found


def test_skips_run_above_the_layers_and_end_at_their_joins() -> None:
    macro = Macro((conv(8), conv(8), conv(8, join="concat", skips=(0, 1)), conv(8)))
    svg = to_svg(macro)
    layers = rectangles(svg, "8")[1:]  # without the background
    (badge,) = rectangles(svg, "9")
    lines = skip_paths(svg)
    assert len(lines) == 2
    for line in lines:
        assert min(y for _, y in line) < min(box.top for box in layers)
        end_x, end_y = line[-1]
        assert badge.left < end_x < badge.right
        assert badge.top - 8 < end_y <= badge.top
    starts = sorted(line[0][0] for line in lines)
    assert starts[0] < layers[0].left < layers[0].right < starts[1] < layers[1].left


@settings(deadline=None, max_examples=60)
@given(macros())
def test_no_skip_crosses_a_layer(macro: Macro) -> None:
    svg = to_svg(macro)
    layers = [box for box in rectangles(svg, "8") if box.right - box.left < size(svg)[0] - 1.5]
    for line in skip_paths(svg):
        for (ax, ay), (bx, by) in pairwise(line):
            piece = Box(min(ax, bx), min(ay, by), max(ax, bx) + 0.1, max(ay, by) + 0.1)
            assert not any(piece.meets(layer) for layer in layers), (piece, line)


def test_a_deep_macro_is_wrapped_and_stays_legible() -> None:
    width, height = size(to_svg(DEEP))
    assert width < 1200
    assert height < 1000
    rows = {round((box.top + box.bottom) / 2) for box in rectangles(to_svg(DEEP), "8")[1:]}
    assert len(rows) >= 3
    narrow = to_svg(Macro((conv(16),)))
    assert len({round((b.top + b.bottom) / 2) for b in rectangles(narrow, "8")[1:]}) == 1


@settings(deadline=None, max_examples=80)
@given(macros(most=7))
def test_live_layers_are_those_on_a_path_from_input_to_output(macro: Macro) -> None:
    """Against every path written out."""
    edges = [
        (source, number)
        for number, layer in enumerate(macro.layers, start=1)
        if layer.operation != "zero"
        for source in {number - 1, *layer.skips}
    ]
    on_a_path: set[int] = set()
    paths = [[0]]
    while paths:
        path = paths.pop()
        if path[-1] == len(macro.layers):
            on_a_path |= set(path)
        paths += [[*path, target] for source, target in edges if source == path[-1]]
    assert live_layers(macro) == on_a_path


def test_a_zero_layer_cuts_and_what_is_cut_off_is_faint() -> None:
    assert live_layers(CUT) == set()
    svg = to_svg(CUT)
    assert "no way from the input to the output" in words(svg)
    around = Macro((conv(16), Layer("zero"), conv(32, join="add", skips=(1,))))
    assert live_layers(around) == {0, 1, 3}
    svg = to_svg(around)
    assert "layer 2 is on no way from the input to the output" in words(svg)
    dashed = [e for e, _, _ in placed(svg) if e.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_own_operations_have_their_colour_and_may_be_zero() -> None:
    own = Operation("my_very_long_attention_operation"), Operation("nothing", zero=True)
    macro = Macro((Layer(own[0].name, 32), Layer(own[1].name, 32)), (), "max", own)
    svg = to_svg(macro)
    assert "my very long atte…" in words(svg)
    assert live_layers(macro) == set()
    live = to_svg(Macro((Layer(own[0].name, 32),), (), "max", own))
    assert OWN.tint in live


def test_a_perceptron_is_flattened_first() -> None:
    found = words(to_svg(PERCEPTRON))
    assert found.index("input") < found.index("flatten") < found.index("512") < found.index("64")
    assert found[-1] == "output"
    assert {"batch", "relu", "drop 0.2", "gelu"} <= set(found)


def test_a_subnet_has_a_row_for_each_stage() -> None:
    svg = to_svg(SUBNET)
    found = words(svg)
    assert {"stem", "16 channels", "stage 1", "24 channels, stride 2", "hardswish, SE"} <= set(
        found
    )
    assert {"stage 2", "40 channels", "relu", "head", "960 channels", "1280 features"} <= set(found)
    assert {"3×3", "5×5", "7×7", "9×9", "e 4", "e 6", "e 3", "e 1", "larger kernel"} <= set(found)
    places = {box.words: box for box in text_boxes(svg)}
    heights = [places[name].top for name in ("stem", "stage 1", "stage 2", "head")]
    assert heights == sorted(heights)


def test_a_larger_expansion_is_a_wider_block() -> None:
    svg = to_svg(Subnet(8, (Stage(16, (Block(3, 2.0), Block(3, 4.0), Block(3, 6.0))),)))
    rows = Counter(box.top for box in rectangles(svg, "8"))
    (top,) = (top for top, count in rows.items() if count == 3)
    first, second, third = (b.right - b.left for b in rectangles(svg, "8") if b.top == top)
    assert first < second < third


def test_a_long_stage_is_wrapped() -> None:
    assert size(to_svg(LONG_SUBNET))[0] < 1150
    found = words(to_svg(LONG_SUBNET))
    assert found.count("3×3") == sum(range(1, 13))
    assert [f"stage {n}" for n in range(1, 13)] == [w for w in found if w.startswith("stage")]


def test_a_stack_draws_equal_neighbours_of_a_stage_once() -> None:
    found = words(to_svg(STACK))
    assert {"cells 1–2 × 2", "cells 3–4 × 2", "cell 5", "cell 6"} <= set(found)
    assert found.count("residual") == 2
    for stage, width in ((1, 16), (2, 32), (3, 64)):
        assert f"stage {stage}, {width} channels" in found


def test_a_two_input_cell_at_a_reduction_stands_alone() -> None:
    found = words(to_svg(STACK_OF_TWO))
    names = [word for word in found if word.startswith("cell")]
    assert names == [
        *("cells 1–2 × 2", "cell 3 (reduction)", "cells 4–5 × 2"),
        *("cell 6 (reduction)", "cells 7–8 × 2"),
    ]
    assert "residual" not in found


@given(stacks())
def test_the_runs_of_a_stack_are_its_cells(stack: Stack) -> None:
    runs = runs_of(stack)
    assert [run.cell for run in runs for _ in range(run.count)] == list(stack.cells)
    assert [run.first for run in runs if run.reduces] == list(stack.reductions)
    for run in runs:
        assert stack.stage_of(run.first) == run.stage == stack.stage_of(run.first + run.count - 1)


def test_a_stack_whose_cell_is_cut_is_faint() -> None:
    cut = Cell((Edge(0, 1, "none"),))
    svg = to_svg(Stack((A, cut), (16,)))
    assert "no way from the input to the output" in words(svg)


def test_a_two_input_cell_bridges_the_cell_before_it() -> None:
    cut = Cell((Edge(0, 2, "none"), Edge(1, 2, "none")), 2)
    both = Cell((Edge(0, 2, "skip_connect"), Edge(1, 2, "skip_connect")), 2)
    nearest = Cell((Edge(0, 2, "none"), Edge(1, 2, "skip_connect")), 2)
    note = "no way from the input to the output"
    for cells, connected in (
        ((both, cut, both), True),
        ((both, cut, nearest), False),
        ((both, cut, cut, both), False),
        ((cut, both), True),
        ((both, cut), False),
    ):
        assert (note not in words(to_svg(Stack(cells, (16,))))) == connected, cells


def test_a_joint_member_has_its_hyperparameters_below() -> None:
    svg = to_svg(Joint({"net": SIX, "train": SETTINGS}), "Trial 1")
    places = {box.words: box for box in text_boxes(svg)}
    lowest = max(box.bottom for box in rectangles(svg, "8")[1:])
    for name, value in (("lr", "0.0123457"), ("optimizer", "sgd"), ("batch_size", "64")):
        assert places[f"train.{name}"].top > lowest
        assert value in places
    assert {"conv 3×3", "Trial 1"} <= set(words(svg))


def test_a_joint_of_joints_keeps_the_full_names() -> None:
    inner = Joint({"train": Hyperparameters({"lr": 0.1})})
    assert {"all.train.lr", "0.1", "skip"} <= set(words(to_svg(Joint({"cell": A, "all": inner}))))


def test_a_joint_with_something_unknown_cannot_be_drawn() -> None:
    strange = Joint({"net": SIX, "tree": (1, 2)})
    assert not can_draw(strange)
    with pytest.raises(InvalidArchitectureError, match="got a Joint of Macro, tuple; can_draw"):
        to_svg(strange)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(max_size=50), st.text(max_size=60) | st.floats() | st.integers()))
def test_a_table_of_any_values_is_apart(values: dict[str, Any]) -> None:
    check_room(parameters_svg(values, "parameters of a trial"))


def test_a_table_shows_names_and_values_and_may_be_empty() -> None:
    found = words(parameters_svg({"depth": 3, "rate": 1 / 3, "name": "x" * 60}, "Tree"))
    assert found == ["Tree", "depth", "3", "rate", "0.333333", "name", "x" * 39 + "…"]
    assert words(parameters_svg({})) == ["no parameters"]
    assert value_text(True) == "True"
    many = parameters_svg({f"p{n}": n for n in range(100)})
    assert size(many)[0] < 1500
    assert size(many)[1] < 500


def test_words_of_a_user_cannot_break_the_drawing() -> None:
    bad = '"><script>&\x00\x1b\ud800'
    for svg in (
        parameters_svg({bad: bad}, bad),
        to_svg(Joint({bad: Hyperparameters({bad: bad}), "net": PERCEPTRON}), bad),
    ):
        parse(svg)
        assert "<script>" not in svg


def test_a_macro_of_five_hundred_layers_is_drawn() -> None:
    svg = to_svg(Macro(tuple(conv(8, join="add", skips=(n,)) for n in range(500)), (Dense(8),)))
    assert len(rectangles(svg, "9")) == 500
    assert size(svg)[0] < 1500
