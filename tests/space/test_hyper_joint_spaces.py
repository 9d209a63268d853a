"""Hyperparameters, products of spaces, and spaces of one's own."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from own_pieces import SCALE, PlainSpace, Stack, StackSpace

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, UnknownNameError
from optunas.space import (
    DARTS,
    NB201,
    Choice,
    DenseCellSpace,
    Float,
    Hyperparameters,
    HyperSpace,
    Int,
    Joint,
    JointSpace,
    Operation,
    Parameter,
    Space,
    reference_to,
    space_from_definition,
)

LR = Float(1e-4, 0.1, log=True)
HYPER = HyperSpace(lr=LR, width=Int(8, 16, 8))
JOINT = JointSpace(cell=NB201, train=HYPER)


def resolve(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(sys.modules[module], name)


def test_hyperparameters_are_a_frozen_mapping() -> None:
    values = Hyperparameters({"lr": 0.1, "width": 8})
    assert values == {"width": 8, "lr": 0.1}
    assert values["lr"] == 0.1
    assert {values: 1}[Hyperparameters({"width": 8, "lr": 0.1})] == 1
    assert not hasattr(values, "update")
    with pytest.raises(TypeError, match="does not support item assignment"):
        values["lr"] = 1  # type: ignore[index]
    with pytest.raises(TypeError, match="does not support item assignment"):
        Joint({"a": 1})["a"] = 2  # type: ignore[index]


def test_a_hyper_space_by_names_or_by_a_mapping() -> None:
    assert HyperSpace({"lr": LR, "width": Int(8, 16, 8)}) == HYPER
    assert HyperSpace({"lr": LR}, width=Int(8, 16, 8)) == HYPER
    assert HYPER.parts(HYPER.decode({"lr": 0.01, "width": 8})) == (None, {"lr": 0.01, "width": 8})
    assert HYPER.default_name == ""
    assert HYPER.size == math.inf


def test_values_are_plain_python() -> None:
    values = HYPER.decode({"lr": np.float64(0.01), "width": np.int64(8)})
    assert [type(value) for value in values.values()] == [float, int]
    assert type(HyperSpace(lr=Float(0, 1)).decode({"lr": 1})["lr"]) is float


def test_a_digest_goes_by_the_resolution_of_a_number() -> None:
    one = HYPER.decode({"lr": 0.01, "width": 8})
    same = HYPER.decode({"lr": 0.01 * (1 + 1e-15), "width": 8})
    assert one != same
    assert HYPER.digest(one) == HYPER.digest(same)
    assert HYPER.digest(HYPER.decode({"lr": 0.0100001, "width": 8})) != HYPER.digest(one)


def test_names_and_parts_of_a_joint_space() -> None:
    assert list(JOINT.parameters())[-3:] == ["cell.edge2-3", "train.lr", "train.width"]
    joint = JOINT.sample(np.random.default_rng(0))
    architecture, hyperparameters = JOINT.parts(joint)
    assert architecture == joint["cell"]
    assert hyperparameters == dict(joint["train"])
    assert JointSpace(a=HYPER).parts(Joint({"a": joint["train"]})) == (None, hyperparameters)
    assert JOINT.size == math.inf
    two = JointSpace(
        cell=NB201, optimizer=HyperSpace(lr=Choice((0.1,))), net=HyperSpace(w=Int(1, 2))
    )
    assert two.size == 2 * 15_625
    assert two.parts(next(two.enumerate()))[1] == {"lr": 0.1, "w": 1}
    nested = JointSpace(inner=JOINT, more=HyperSpace(epochs=Int(1, 3)))
    assert "inner.cell.edge0-1" in nested.parameters()
    architecture, hyperparameters = nested.parts(nested.sample(np.random.default_rng(0)))
    NB201.validate(architecture)
    assert set(hyperparameters) == {"lr", "width", "epochs"}


def test_a_joint_digest_joins_equal_networks() -> None:
    one = NB201.decode(dict.fromkeys(NB201.parameters(), "none"))
    dead = NB201.decode({**NB201.encode(one), "edge0-1": "nor_conv_3x3"})
    train = HYPER.sample(np.random.default_rng(0))
    a, b = (Joint({"cell": cell, "train": train}) for cell in (one, dead))
    assert a != b
    assert JOINT.digest(a) == JOINT.digest(b)
    assert JOINT.digest(JOINT.decode({**JOINT.encode(a), "train.width": 8})) != JOINT.digest(
        JOINT.decode({**JOINT.encode(a), "train.width": 16})
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HyperSpace(), "HyperSpace has no parameters"),
        (lambda: HyperSpace(lr=0.1), "parameter 'lr' must be a Choice, Int or Float, got 0.1"),
        (lambda: HyperSpace({"lr": LR}, lr=LR), "lr is given twice"),
        (lambda: HyperSpace({"": LR}), "a parameter's name is a string, got ''"),
        (lambda: JointSpace(), "needs at least one named space"),
        (lambda: JointSpace(lr=LR), "part 'lr' must be a Space, got Float"),
        (lambda: JointSpace({"a": HYPER}, a=HYPER), "a is given twice"),
        (lambda: JointSpace({1: HYPER}), "a part's name is a string, got 1"),
        (lambda: JointSpace(a=NB201, b=DARTS), "a and b are 2 architectures"),
        (
            lambda: JointSpace(a=HYPER, b=HyperSpace(lr=LR)),
            "hyperparameter name 'lr' occurs in two",
        ),
        (
            lambda: JointSpace({"a": HyperSpace({"b.c": LR}), "a.b": HyperSpace({"c": Int(1, 2)})}),
            "the parameter name 'a.b.c' occurs in two parts",
        ),
    ],
)
def test_wrong_spaces_get_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(InvalidSpaceError, match=message):
        make()


def test_every_fault_of_a_joint_is_named() -> None:
    cell = DenseCellSpace(("sep_conv_3x3",)).sample(np.random.default_rng(0))
    with pytest.raises(InvalidArchitectureError) as caught:
        JOINT.validate({"cell": cell, "training": 1})
    lines = str(caught.value).splitlines()
    assert lines[0] == "Unknown part 'training'; did you mean 'train'? Known: cell, train."
    assert lines[1].startswith("cell: edge 0-1: unknown operation 'sep_conv_3x3'")
    assert lines[-1] == "Part 'train' is missing."
    with pytest.raises(
        InvalidArchitectureError, match=r"has the parts \['cell', 'train'\], the JSON"
    ):
        JOINT.from_json('{"kind":"joint","version":1,"parts":{"cell":1}}')


def test_an_own_space_gets_every_verb() -> None:
    space = StackSpace(5)
    assert space.size == 10
    assert list(space.enumerate(limit=2)) == [Stack(1, "narrow"), Stack(1, "wide")]
    assert space.parts(Stack(2, "wide")) == (Stack(2, "wide"), {})
    joint = JointSpace(stack=space, hp=HYPER)
    assert joint.parts(joint.sample(np.random.default_rng(0)))[0].layers in range(1, 6)
    with pytest.raises(
        InvalidArchitectureError, match="'layers' is 9, but it must be an integer from 1"
    ):
        space.validate(Stack(9, "wide"))
    with pytest.raises(
        InvalidArchitectureError, match="StackSpace cannot read 'text': AttributeErr"
    ):
        space.validate("text")  # type: ignore[arg-type]


def test_an_own_space_is_stored_by_name_and_argument() -> None:
    stored = StackSpace(6).definition()
    assert stored["reference"] == "own_pieces:StackSpace"
    assert stored["arguments"] == {"deepest": 6}
    assert space_from_definition(json.loads(json.dumps(stored)), resolve) == StackSpace(6)
    stored["parameters"]["layers"]["high"] = 9
    with pytest.raises(InvalidSpaceError, match="parameters of own_pieces:StackSpace have changed"):
        space_from_definition(stored, resolve)


def test_code_that_cannot_be_imported_is_refused_when_stored() -> None:
    class Local(Space[int]):
        def parameters(self) -> dict[str, Parameter]:
            return {"n": Int(1, 2)}

        def encode(self, architecture: int) -> dict[str, Any]:
            return {"n": architecture}

        def decode(self, values: Mapping[str, Any]) -> int:
            return values["n"]

    assert list(Local().enumerate()) == [1, 2]
    with pytest.raises(InvalidSpaceError, match="lambda or a local definition"):
        Local().definition()
    with pytest.raises(
        InvalidSpaceError, match="its argument 'depth' must be kept in an attribute"
    ):
        PlainSpace(3).definition()
    twice = Operation("twice", lambda c_in, c_out, stride: None)
    with pytest.raises(InvalidSpaceError, match=r"factory of operation 'twice', '.*lambda"):
        DenseCellSpace((twice,)).definition()


def test_references() -> None:
    assert reference_to(StackSpace, "The space") == "own_pieces:StackSpace"
    with pytest.raises(InvalidSpaceError, match="The space 3 cannot be stored by name"):
        reference_to(3, "The space")

    def renamed() -> None: ...

    renamed.__qualname__, renamed.__module__ = "StackSpace", "own_pieces"
    with pytest.raises(InvalidSpaceError, match="is not the object of that name"):
        reference_to(renamed, "The factory")
    renamed.__module__ = "__main__"
    with pytest.raises(InvalidSpaceError, match="is defined in the running script"):
        reference_to(renamed, "The factory")


def test_own_operations_are_stored_by_name() -> None:
    stored = DenseCellSpace(("none", SCALE), num_nodes=3).definition()
    assert stored["operations"][0] == "none"
    assert stored["operations"][1]["factory"] == "own_pieces:make_scale"
    again = space_from_definition(json.loads(json.dumps(stored)), resolve)
    assert isinstance(again, DenseCellSpace)
    assert again.operations[1].factory is SCALE.factory
    assert again.operations[1].cost is SCALE.cost


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            {"kind": "dense_cel", "version": 1},
            "Unknown kind of space 'dense_cel'; did you mean 'den",
        ),
        ({}, "Unknown kind of space None"),
        ({"kind": "cell", "version": 2}, "stored in version 2, this optunas reads version 1"),
        ({"kind": "cell", "version": 1}, "The stored cell space lacks its 'operations'"),
        ({"kind": "cell", "version": 1, "operations": [3]}, "Expected a stored operation, got 3"),
        (
            {
                "kind": "custom",
                "version": 1,
                "reference": "math:pi",
                "arguments": {},
                "parameters": {},
            },
            "The stored space 'math:pi' is 3.14.*, not a Space",
        ),
    ],
)
def test_wrong_definitions_get_one_sentence(definition: dict, message: str) -> None:
    with pytest.raises(InvalidSpaceError, match=message):
        space_from_definition(definition, resolve)


def test_an_unknown_operation_in_a_definition_gets_the_nearest_name() -> None:
    definition = {"kind": "cell", "version": 1, "operations": ["skip_conect"], "num_nodes": 2}
    with pytest.raises(UnknownNameError, match="did you mean 'skip_connect'"):
        space_from_definition(definition, resolve)
