"""Members of joint spaces are built and counted as the architecture that they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import optunas
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.metrics import cost, flops, params
from optunas.space import (
    DARTS,
    NB201,
    Choice,
    Float,
    Hyperparameters,
    HyperSpace,
    Joint,
    JointSpace,
    Stack,
    StackSpace,
    When,
)

RNG = np.random.default_rng(0)
CELL, GENOTYPE, STACK = NB201.sample(RNG), DARTS.sample(RNG), StackSpace(NB201, 3).sample(RNG)
SHAPE = (1, 8, 8)


@pytest.mark.parametrize("architecture", [CELL, GENOTYPE, STACK], ids=["cell", "genotype", "stack"])
def test_the_single_architecture_is_built(architecture: Any) -> None:
    joint = Joint({"train": Hyperparameters({"lr": 0.1}), "net": architecture})
    torch.manual_seed(0)
    one = optunas.build(joint, SHAPE, 3).state_dict()
    torch.manual_seed(0)
    other = optunas.build(architecture, SHAPE, 3).state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert params(joint, SHAPE, 3) == params(architecture, SHAPE, 3)
    assert flops(joint, SHAPE, 3) == flops(architecture, SHAPE, 3)


def test_channels_and_cells_come_from_the_hyperparameters_when_none_are_given() -> None:
    hyper = HyperSpace(channels=Choice((4, 8)), num_cells=Choice((1, 2)), lr=Float(0.01, 0.1))
    space = JointSpace(cell=NB201, train=hyper)
    seen = set()
    for _ in range(12):
        joint = space.sample(RNG)
        counts = {name: joint["train"][name] for name in ("channels", "num_cells")}
        seen.add(tuple(counts.values()))
        wanted = cost(joint["cell"], SHAPE, 3, **counts)
        assert cost(joint, SHAPE, 3) == wanted
        assert params(optunas.build(joint, SHAPE, 3)) == wanted.params
        mine = cost(joint["cell"], SHAPE, 3, 5, counts["num_cells"])
        assert cost(joint, SHAPE, 3, channels=5) == mine
        assert params(optunas.build(joint, SHAPE, 3, channels=5)) == mine.params
        assert params(joint, SHAPE, 3, channels=5, num_cells=3) == params(
            joint["cell"], SHAPE, 3, 5, 3
        )
    assert len(seen) == 4


def test_a_hyperparameter_that_does_not_count_leaves_the_default() -> None:
    hyper = HyperSpace(wide=Choice((False, True)), channels=When(Choice((20, 24)), wide=True))
    narrow = Joint({"cell": CELL, "hp": hyper.decode({"wide": False})})
    assert params(narrow, SHAPE, 3) == params(CELL, SHAPE, 3, channels=16)
    wide = Joint({"cell": CELL, "hp": hyper.decode({"wide": True, "channels": 24})})
    assert params(wide, SHAPE, 3) == params(CELL, SHAPE, 3, channels=24)


def test_a_joint_value_inside_another_is_looked_into() -> None:
    inner = Joint({"cell": CELL, "hp": Hyperparameters({"channels": 4})})
    outer = Joint({"net": inner, "more": Hyperparameters({"num_cells": 1})})
    assert params(outer, SHAPE, 3) == params(CELL, SHAPE, 3, 4, 1)
    assert params(optunas.build(outer, SHAPE, 3)) == params(CELL, SHAPE, 3, 4, 1)


@pytest.mark.parametrize("function", [optunas.build, params, flops, cost])
def test_a_joint_value_without_exactly_one_architecture_gets_a_sentence(function: Any) -> None:
    for parts, number in [
        ({}, "0 among its parts none at all"),
        ({"train": Hyperparameters({"lr": 0.1})}, "0 among its parts 'train'"),
        ({"a": CELL, "b": STACK}, "2 among its parts 'a', 'b'"),
        ({"own": "|none~0|"}, "0 among its parts 'own'"),
    ]:
        with pytest.raises(InvalidArchitectureError, match=f"exactly one architecture .*{number}"):
            function(Joint(parts), SHAPE, 3)


def test_hyperparameters_that_cannot_be_get_the_usual_sentences() -> None:
    with pytest.raises(InvalidSpecError, match=r"A Stack has widths and depths .* channels=8"):
        optunas.build(Joint({"s": STACK, "h": Hyperparameters({"channels": 8})}), SHAPE, 3)
    with pytest.raises(InvalidSpecError, match="channels must be a positive integer, got 'wide'"):
        params(Joint({"c": CELL, "h": Hyperparameters({"channels": "wide"})}), SHAPE, 3)


@pytest.mark.parametrize(
    "thing", [GENOTYPE.normal, {"cell": CELL}, "|none~0|", None, Hyperparameters({"lr": 0.1})]
)
def test_other_things_get_the_list_of_architectures(thing: Any) -> None:
    sentence = "Only a dense cell .one input., a genotype of two-input cells, a Stack, a Macro or a"
    for function in (optunas.build, params):
        with pytest.raises(InvalidArchitectureError, match=sentence):
            function(thing, SHAPE, 3)


def test_a_stack_is_no_joint_value() -> None:
    assert isinstance(STACK, Stack)
    assert params(STACK, SHAPE, 3) == params(optunas.build(STACK, SHAPE, 3))
