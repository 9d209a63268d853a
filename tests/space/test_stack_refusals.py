"""Stacks and their spaces refuse wrong input with a sentence, and print themselves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    DARTS,
    NB201,
    Cell,
    CellSpace,
    DenseCellSpace,
    Edge,
    Float,
    HyperSpace,
    Stack,
    StackSpace,
)

TWO = DenseCellSpace(("none", "skip_connect"), num_nodes=2)  # two cells
FOUR = CellSpace(("none", "skip_connect"), num_nodes=1)  # four cells a half, 0 and 1 as inputs

SKIP, NONE = Cell.from_str("|skip_connect~0|"), Cell.from_str("|none~0|")
PAIR = Cell((Edge(0, 2, "skip_connect"), Edge(1, 2, "none")), 2)


def test_text_shows_the_stages() -> None:
    assert str(Stack((SKIP, NONE, SKIP), (8, 16), (1,))) == (
        "8: |skip_connect~0| / 16: |none~0| |skip_connect~0|"
    )
    assert str(Stack((PAIR,), (8, 16), (0,))) == "8: - / 16: |skip_connect~0|none~1|"


def test_every_problem_of_a_stack_is_named_at_once() -> None:
    space = StackSpace(DenseCellSpace(num_nodes=2), 3, (8, (16, 24)), 1)
    wrong = Stack(
        (Cell.from_str("|nor_conv_3x4~0|"), PAIR, SKIP, 5),  # type: ignore[arg-type]
        (9, 16, 3),
        (3,),
    )
    with pytest.raises(InvalidArchitectureError, match="reductions is") as caught:
        space.validate(wrong)
    lines = str(caught.value).splitlines()
    assert lines[0] == "reductions is (3,), but it must be one of the 2 placements (1,), (2,)."
    assert lines[1].startswith("widths must be one a stage, 2 with the reductions (3,), got")
    assert lines[2] == "width1 is 9, but it must be one of 8."
    assert lines[3] == "A member has 3 cells, got 4."
    assert lines[4].startswith("cell 1: edge 0-1: unknown operation 'nor_conv_3x4'; did you mean")
    assert lines[5].startswith("cell 2: A dense cell has one input")
    assert lines[6] == "cell 4: A dense cell space holds Cells, got a int."


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [
        (Stack((SKIP,) * 3, (8, 16), (True,)), "reductions must be a tuple of integers"),
        (Stack((SKIP,) * 3, (8, 16.0), (1,)), "widths must be a tuple of integers"),  # type: ignore[arg-type]
        (Stack((SKIP,) * 3, (8, 16), ([1],)), "reductions must be a tuple of integers"),  # type: ignore[arg-type]
        (Stack((SKIP,) * 3, 8, (1,)), "widths must be a tuple of integers, got 8"),  # type: ignore[arg-type]
        (Stack(7, (8, 16), (1,)), "A member has 3 cells, got 0"),  # type: ignore[arg-type]
        (SKIP, "A StackSpace holds Stacks, got a Cell"),
        (None, "A StackSpace holds Stacks, got a NoneType"),
    ],
)
def test_what_is_no_member(stack: Any, sentence: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=sentence):
        StackSpace(DenseCellSpace(num_nodes=2), 3, (8, 16), 1).validate(stack)


def test_cells_of_a_stage_must_be_equal_when_they_are_shared() -> None:
    space = StackSpace(TWO, 3, num_reductions=1, share="stage")
    space.validate(Stack((SKIP, NONE, NONE), (16, 32), (1,)))
    with pytest.raises(InvalidArchitectureError, match=r"cell 3: .* differs from cell 2"):
        space.validate(Stack((SKIP, NONE, SKIP), (16, 32), (1,)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "cell"}, "Expected the JSON of a stack, got that of a cell"),
        ({"version": 2}, "written in version 2"),
        ({"widths": None}, "has lists of cells, widths and reductions"),
        ({"widths": [8, 0]}, "widths are positive integers"),
        ({"widths": [8, True]}, "widths are positive integers"),
        ({"widths": [8]}, "1 reductions make 2 stages, got 1 widths"),
        ({"reductions": [0]}, "ascending positions from 1 to 2"),
        ({"reductions": [2, 1]}, "ascending positions from 1 to 2"),
        ({"reductions": ["1"]}, "ascending positions from 1 to 2"),
        ({"cells": []}, "at least one Cell"),
        ({"cells": [[[0, 1, "none"]], [[1, 0, "none"]]]}, r"cell 2: A cell's edges are \[source"),
        ({"num_inputs": "1"}, "The num_inputs of a stack's cells are 1 or 2, got '1'"),
        ({"num_inputs": 3}, "are 1 or 2, got 3"),
    ],
)
def test_wrong_json_gets_a_sentence(change: dict[str, Any], sentence: str) -> None:
    body = json.loads(Stack((SKIP, NONE, SKIP), (8, 16), (1,)).to_json())
    with pytest.raises(InvalidArchitectureError, match=sentence):
        Stack.from_json(json.dumps({**body, **change}))


def test_json_of_a_stack_outside_the_space_is_refused() -> None:
    text = Stack((SKIP, NONE, SKIP), (8, 16), (1,)).to_json()
    with pytest.raises(InvalidArchitectureError, match="width1 is 8, but it must be one of 16"):
        StackSpace(TWO, 3, num_reductions=1).from_json(text)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"cell": NB201.sample(np.random.default_rng(0))}, "cell must be a DenseCellSpace or a Cell"),
    ({"cell": HyperSpace(lr=Float(0, 1))}, "cell must be a DenseCellSpace or a CellSpace"),
    ({"cell": "nb201"}, "cell must be a DenseCellSpace or a CellSpace"),
    ({"num_cells": 0}, "num_cells must be an integer from 1 to 10,000, got 0"),
    ({"num_cells": True}, "num_cells must be an integer from 1"),
    ({"num_cells": 2.0}, "num_cells must be an integer from 1"),
    ({"num_cells": 10**9, "num_reductions": 0}, "num_cells must be an integer from 1 to 10,000"),
    ({"share": "stages"}, "unknown share 'stages'; did you mean 'stage'"),
    ({"share": None}, "unknown share None"),
    ({"num_reductions": (2, 1)}, r"num_reductions is a number from 0 on or a range .*\(2, 1\)"),
    ({"num_reductions": -1}, "num_reductions is a number from 0 on"),
    ({"num_reductions": True}, "num_reductions is a number from 0 on"),
    ({"num_reductions": (0, 1, 2)}, "num_reductions is a number from 0 on"),
    ({"num_reductions": "2"}, "num_reductions is a number from 0 on"),
    ({"num_cells": 2}, "num_cells=2 dense cells have 1 positions for a reduction, too few"),
    ({"cell": DARTS, "num_cells": 1}, "num_cells=1 two-input cells have 1 positions"),
    ({"widths": (16, 32)}, "make up to 3 stages, but widths has 2 entries"),
    ({"widths": (16, 32, 64, 128)}, "make up to 3 stages, but widths has 4 entries"),
    ({"widths": (16, 0, 64)}, "widths of stage 2 are integers from 1 on, got 0"),
    ({"widths": (-16, 32, 64)}, "widths of stage 1 are integers from 1 on, got -16"),
    ({"widths": (16, (32, True), 64)}, r"widths of stage 2 .*got \(32, True\)"),
    ({"widths": (16, (), 64)}, r"widths of stage 2 .*got \(\)"),
    ({"widths": (16, "32", 64)}, "widths of stage 2 .*got '32'"),
    ({"widths": (16, (32, 32), 64)}, "stage 2 lists a width twice"),
    ({"widths": 16}, "widths holds one entry a stage"),
    ({"widths": (16, 1, 64), "cell": DARTS}, "stage 2 are integers from 2 on .a two-input cell"),
    ({"placements": ((2, 6),)}, r"placement \(2, 6\) lies outside the positions 1 to 5"),
    ({"placements": ((0, 2),)}, r"placement \(0, 2\) lies outside the positions 1 to 5"),
    ({"placements": ((-1, 2),)}, r"placement \(-1, 2\) lies outside"),
    ({"placements": ((True, 2),)}, r"placement \(True, 2\) lies outside"),
    ({"placements": ((4, 2),)}, r"positions of a placement ascend, got \(4, 2\); write \(2, 4\)"),
    ({"placements": ((2, 2),)}, r"positions of a placement ascend, got \(2, 2\)"),
    ({"placements": ((2, 4), [2, 4])}, r"placement \[2, 4\] is listed twice"),
    ({"placements": (2, 4)}, r"each placement is a tuple of positions, got 2; .*\(\(2, 4\),\)"),
    ({"placements": ()}, "placements is a list of positions' tuples"),
    ({"placements": "2-4"}, "placements is a list of positions' tuples"),
    ({"placements": ((2,),), "num_reductions": 2}, "have 1 to 1 reductions, but num_reductions=2"),
    ({"num_cells": 143}, r"more than 10,000 places for 2 reductions; .* placements=\(\(47, 95\)"),
    ({"num_cells": 9000, "num_reductions": 4000}, "more than 10,000 places"),
    ({"num_cells": 40, "num_reductions": (0, 4)}, "more than 10,000 places for 0 to 4 reductions"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_bad_arguments_get_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpaceError, match=sentence):
        StackSpace(**arguments)


def test_several_bad_arguments_are_named_at_once() -> None:
    with pytest.raises(InvalidSpaceError, match="cell must be") as caught:
        StackSpace(3, 0, share="all")  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(InvalidSpaceError, match="stage 1") as caught:
        StackSpace(widths=(0, -1, (3, 3), 4))
    assert len(str(caught.value).splitlines()) == 4


def test_a_space_of_one_member_is_refused() -> None:
    with pytest.raises(InvalidSpaceError, match="has a single member, there is nothing to search"):
        StackSpace(DenseCellSpace(("skip_connect",)), 2, num_reductions=0)


def test_the_largest_number_of_places_is_made_at_once() -> None:
    space = StackSpace(TWO, 142)
    assert space.parameters()["reductions"].size == 141 * 140 // 2 == 9870
    space.validate(space.sample(np.random.default_rng(0)))
    assert space.size == 9870 * 2**142
