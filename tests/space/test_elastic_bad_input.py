"""What an elastic space refuses, and how it says so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optunas.codec import from_params, to_params
from optunas.errors import InvalidArchitectureError, InvalidSpaceError, UnknownNameError
from optunas.space import Block, ElasticSpace, Stage, Subnet, space_from_definition

SPACE = ElasticSpace((4, (6, 8)), depths=(1, 2), kernels=(3, 5), expansions=(1, 1.5), stem=4)
MEMBER = SPACE.largest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": ()}, "widths has one entry a stage, .* got \\(\\)"),
        ({"widths": 16}, "widths has one entry a stage, .* got 16"),
        ({"widths": "16"}, "widths has one entry a stage, .* got '16'"),
        ({"widths": (0, 8)}, "widths, stage 1: the options are positive integers.*got \\(0,\\)"),
        ({"widths": (8, (8, -4))}, "widths, stage 2: the options are positive integers"),
        ({"widths": (True, 8)}, "widths, stage 1: the options are positive integers.*True"),
        ({"widths": (8, ())}, "widths, stage 2: .* at least one; got \\(\\)"),
        ({"widths": (8, (12, 8))}, "widths, stage 2: .* must ascend .*; write \\(8, 12\\)"),
        ({"widths": (8, 8.0)}, "widths, stage 2: the options are positive integers"),
        ({"depths": (4, 3, 2)}, "depths: .* must ascend .* got \\(4, 3, 2\\); write \\(2, 3, 4\\)"),
        ({"depths": (2, 2)}, "or for one entry a stage \\(\\(2,\\), \\(2,\\)\\)"),
        (
            {"depths": ()},
            "depths: the options are positive integers, up to 200, at least one; got \\(\\)",
        ),
        ({"depths": (0, 1)}, "depths: the options are positive integers"),
        ({"depths": "23"}, "depths: the options are positive integers.*got \\('23',\\)"),
        ({"depths": ((1, 2), ())}, "depths, stage 2: .* at least one"),
        ({"depths": ((1, 2),)}, "depths has 1 entries for 2 stages"),
        ({"depths": None}, "depths: the options are positive integers"),
        ({"kernels": (3, 4)}, "kernels: the options are odd positive integers.*\\(3, 4\\)"),
        ({"kernels": ((3,), (2,))}, "kernels, stage 2: the options are odd"),
        ({"kernels": (7, 5, 3)}, "kernels: the options must ascend"),
        ({"kernels": (-1,)}, "kernels: the options are odd positive integers"),
        ({"expansions": (0.5, 2)}, "expansions: the options are numbers from 1 on"),
        ({"expansions": ("3",)}, "expansions: the options are numbers from 1 on.*'3'"),
        ({"expansions": (float("nan"),)}, "expansions: the options are numbers from 1 on"),
        ({"expansions": (float("inf"),)}, "expansions: the options are numbers from 1 on"),
        ({"expansions": (True, 2)}, "expansions: the options are numbers from 1 on"),
        ({"expansions": (3, 3.0)}, "expansions: the options must ascend without repeats"),
        ({"strides": (1,)}, "strides has 1 entries for 2 stages"),
        ({"strides": (1, 3)}, "strides, stage 2: must be 1 or 2, got 3"),
        ({"strides": (0, 1)}, "strides, stage 1: must be 1 or 2, got 0"),
        ({"strides": (True, 1)}, "strides, stage 1: must be 1 or 2, got True"),
        ({"strides": 2}, "strides has one entry a stage, or is None; got 2"),
        ({"activation": ("relu",)}, "activation has 1 entries for 2 stages"),
        ({"squeeze_excite": 1}, "squeeze_excite is True or False, .* got 1"),
        ({"squeeze_excite": (True, False, True)}, "squeeze_excite has 3 entries for 2 stages"),
        ({"stem": 0}, "stem must be a positive integer, got 0"),
        ({"stem": True}, "stem must be a positive integer, got True"),
        ({"head": -1}, "head must be an integer from 0 on \\(0 leaves it out\\), got -1"),
        ({"features": 1.5}, "features must be an integer from 0 on"),
        ({"stem_stride": 4}, "stem_stride must be 1 or 2, got 4"),
        ({"depths": 1, "kernels": 3, "expansions": 2}, "nothing to choose"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpaceError, match=message) as caught:
        ElasticSpace(**({"widths": (8, 8)} | arguments))
    assert str(caught.value).startswith("ElasticSpace: ")
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_activation_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Unknown activation 'hswish'; did you mean 'hardsw"):
        ElasticSpace((8, 8), activation="hswish")
    with pytest.raises(UnknownNameError, match="Unknown activation 'rellu'; did you mean 'relu'"):
        ElasticSpace((8, 8), activation=("relu", "rellu"))
    with pytest.raises(UnknownNameError, match="Unknown activation None"):
        ElasticSpace((8, 8), activation=None)  # type: ignore[arg-type]


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidSpaceError, match="widths, stage 1") as caught:
        ElasticSpace((0, 8), (3, 2), (4,), (0,), (1, 5), "rellu", "yes", 0, -1, -1, 3)  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    wanted = ["widths", "depths", "kernels", "expansions", "strides", "squeeze_excite", "stem "]
    wanted += ["head", "features", "stem_stride", "Unknown activation 'rellu'"]
    assert len(lines) == len(wanted)
    assert all(word in line for word, line in zip(wanted, lines, strict=True))


def test_every_fault_of_a_subnet_is_named_with_its_place() -> None:
    stages = (
        Stage(4, (Block(3, 1), Block(5, 1.5), Block(3, 1)), 2, "gelu", True),
        Stage(7, (Block(9, 1), Block(3, 2), "block"), 2),  # type: ignore[arg-type]
        Stage(6, (Block(3, 1),)),
    )
    with pytest.raises(InvalidArchitectureError, match="stem") as caught:
        SPACE.validate(Subnet(8, stages, head=4, features=2, stem_stride=2, activation="silu"))
    assert str(caught.value).splitlines() == [
        "stem is 8, in this space 4.",
        "head is 4, in this space 0.",
        "features is 2, in this space 0.",
        "stem_stride is 2, in this space 1.",
        "activation is 'silu', in this space 'relu'.",
        "The subnet has 3 stages, in this space 2.",
        "stage 1: stride is 2, in this space 1.",
        "stage 1: activation is 'gelu', in this space 'relu'.",
        "stage 1: squeeze_excite is True, in this space False.",
        "stage 1: the number of blocks is 3, in this space one of 1, 2.",
        "stage 2: width is 7, in this space one of 6, 8.",
        "stage 2: the number of blocks is 3, in this space one of 1, 2.",
        "stage 2 block 1: kernel is 9, in this space one of 3, 5.",
        "stage 2 block 2: expansion is 2, in this space one of 1, 1.5.",
        "stage 2 block 3 must be a Block, got a str.",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem": True}, "stem is True, in this space 4"),
        ({"stem": 4.0}, "stem is 4.0, in this space 4"),
        ({"stages": list(MEMBER.stages)}, "stages must be a tuple"),
        ({"stages": MEMBER.stages[:1]}, "has 1 stages, in this space 2"),
        ({"stages": ("x", MEMBER.stages[1])}, "stage 1 must be a Stage, got a str"),
        ({"stages": (replace(MEMBER.stages[0], blocks=[]), MEMBER.stages[1])}, "must be a tuple"),
        ({"stages": (replace(MEMBER.stages[0], blocks=()), MEMBER.stages[1])}, "blocks is 0, in"),
        ({"stages": (replace(MEMBER.stages[0], width="4"), MEMBER.stages[1])}, "width is '4'"),
        ({"stages": (replace(MEMBER.stages[0], squeeze_excite=0), MEMBER.stages[1])}, "excite is"),
    ],
)
def test_values_of_another_type_are_no_members(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        SPACE.validate(replace(MEMBER, **change))
    with pytest.raises(InvalidArchitectureError, match=message):
        to_params(SPACE, replace(MEMBER, **change))


@pytest.mark.parametrize("kernel", [True, 3.0, np.int64(3), "3", None])
def test_a_kernel_of_another_type_is_none(kernel: Any) -> None:
    space = ElasticSpace((4,), (1,), (1, 3), (1,))
    wrong = Subnet(16, (Stage(4, (Block(kernel, 1),), 1),))
    with pytest.raises(InvalidArchitectureError, match="stage 1 block 1: kernel is"):
        space.validate(wrong)


def test_a_whole_expansion_may_be_a_float() -> None:
    space = ElasticSpace((4,), (1,), (3,), (1, 2))
    member = Subnet(16, (Stage(4, (Block(3, 2.0),), 1),))
    space.validate(member)
    assert member == space.largest()
    assert space.digest(member) == space.digest(space.largest())
    assert space.from_json(member.to_json()) == member


@pytest.mark.parametrize("other", [17, None, "text", [], object(), Stage(4, ())])
def test_foreign_values_are_refused(other: Any) -> None:
    with pytest.raises(InvalidArchitectureError, match="An elastic space holds Subnets, got a"):
        SPACE.validate(other)


def test_wrong_parameters_are_named_at_once() -> None:
    params = to_params(SPACE, SPACE.largest())
    del params["subnet.stage2.width"]
    params |= {"subnet.stage1.block1.kernel": 7, "subnet.stage1.blok1.kernel": 3}
    with pytest.raises(InvalidArchitectureError, match="kernel' is 7") as caught:
        from_params(SPACE, params)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[1] == "Parameter 'subnet.stage2.width' is missing; it must be one of 6, 8."
    assert "did you mean 'subnet.stage1.block1.kernel'" in lines[2]


def test_a_block_beyond_the_depth_may_be_missing_from_the_parameters() -> None:
    params = to_params(SPACE, SPACE.smallest())
    del params["subnet.stage1.block2.kernel"], params["subnet.stage2.block2.expansion"]
    assert from_params(SPACE, params) == SPACE.smallest()


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(MEMBER.to_json()) | fields)


STAGE = json.loads(MEMBER.to_json())["stages"][0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected the JSON of a subnet, got ''"),
        ("[]", "Expected the JSON of a subnet"),
        ('{"kind":"cell","version":1}', "got that of a cell"),
        (changed(version=2), "written in version 2 of its JSON"),
        ('{"kind":"subnet","version":1}', "The JSON of a subnet has stem, stem_stride"),
        (changed(stages=3), "The JSON of a subnet has stem"),
        (changed(stages=[3]), "The JSON of a subnet has stem"),
        (changed(stages=[STAGE | {"blocks": [[3]]}]), "The JSON of a subnet has stem"),
        (changed(stages=[STAGE | {"blocks": 7}]), "The JSON of a subnet has stem"),
        (changed(stages=[]), "stages must be a tuple of at least one Stage"),
        (changed(stem="4"), "stem must be a positive integer, got '4'"),
        (changed(head=-1), "head must be an integer from 0 on, got -1"),
        (changed(stem_stride=3), "stem_stride must be 1 or 2, got 3"),
        (changed(activation="rellu"), "unknown activation 'rellu'; did you mean 'relu'"),
        (changed(stages=[STAGE | {"blocks": [[4, 2]]}]), "stage 1 block 1: kernel must be an odd"),
        (changed(stages=[STAGE | {"blocks": [[3, 0.5]]}]), "block 1: expansion must be a number"),
        (changed(stages=[STAGE | {"blocks": []}]), "stage 1: blocks must be a tuple of at least"),
        (changed(stages=[STAGE | {"squeeze_excite": 1}]), "stage 1: squeeze_excite must be True"),
        (changed(stages=[STAGE | {"width": 0}]), "stage 1: width must be a positive integer"),
    ],
)
def test_json_of_something_else_is_refused(text: str, message: str) -> None:
    for read in (Subnet.from_json, SPACE.from_json):
        with pytest.raises(InvalidArchitectureError, match=message):
            read(text)


def test_json_of_another_spaces_member_is_refused() -> None:
    other = ElasticSpace((4, 16), depths=(1, 2))
    text = other.to_json(other.largest())
    assert Subnet.from_json(text) == other.largest()
    with pytest.raises(InvalidArchitectureError, match="stage 2: width is 16, in this space"):
        SPACE.from_json(text)


def test_a_stored_definition_that_is_broken_is_refused() -> None:
    stored = SPACE.definition()
    with pytest.raises(InvalidSpaceError, match="kernels: the options are odd"):
        space_from_definition(stored | {"kernels": [4]}, lambda _: None)
    with pytest.raises(InvalidSpaceError, match=re.escape("this optunas reads version 1")):
        space_from_definition(stored | {"version": 2}, lambda _: None)
    del stored["stem"]
    with pytest.raises(InvalidSpaceError, match="The stored elastic space lacks its 'stem'"):
        space_from_definition(stored, lambda _: None)
