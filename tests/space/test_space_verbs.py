"""What the suite of ``optunas.testing`` leaves open: exact sentences, rates, kinship."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_pieces import OWN_SET, StackSpace

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    MacroSpace,
    Space,
    When,
)
from optunas.space import StackSpace as CellStackSpace

HYPER = HyperSpace(
    optimizer=Choice(("sgd", "adam")),
    width=Int(4, 16, 4),
    drop=Float(0.0, 0.3, step=0.1),
    momentum=When(Float(0.5, 0.99), optimizer="sgd"),
)
SPACES: dict[str, Space[Any]] = {
    "nb201": NB201,
    "dense, three nodes": DenseCellSpace(num_nodes=3),
    "dense, own operations": DenseCellSpace(OWN_SET, num_nodes=3),
    "darts": DARTS,
    "cells, two nodes": CellSpace(("none", "skip_connect"), num_nodes=2),
    "hyper": HYPER,
    "joint": JointSpace(cell=DenseCellSpace(num_nodes=2), hp=HYPER),
    "joint, darts": JointSpace(cell=DARTS, hp=HYPER),
    "macro": MacroSpace(),
    "macro, deep": MacroSpace((7, 8), ("conv", "zero")),
    "elastic": ElasticSpace(widths=(8, 16)),
    "elastic, one stage": ElasticSpace(widths=(24,)),
    "stack": CellStackSpace(),
    "stack of genotypes' cells": CellStackSpace(DARTS, 4),
    "own": StackSpace(7),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_space
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0, 1), generations=st.integers(1, 6))
def test_generations_stay_members(
    space: Space[Any], seed: int, rate: float, generations: int
) -> None:
    """Mutants of children of mutants: the verbs in a row, as an evolution uses them."""
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    for _ in range(generations):
        a, b = space.crossover(a, space.mutate(b, rng), rng, rate=rate), a
        space.validate(a)
        assert space.from_json(space.to_json(a)) == a
        assert space.decode(space.encode(a)) == a


def test_the_crossovers_rate_is_the_share_of_the_second_parent() -> None:
    rng = np.random.default_rng(0)
    values = {name: p.values() for name, p in NB201.parameters().items()}
    a = NB201.decode({name: options[0] for name, options in values.items()})
    b = NB201.decode({name: options[1] for name, options in values.items()})
    taken = [
        sum(edge.operation == "skip_connect" for edge in NB201.crossover(a, b, rng, 0.2).edges)
        for _ in range(500)
    ]
    assert 0.9 < np.mean(taken) < 1.5  # of six


@every_space
def test_every_wrong_parameter_gets_its_sentence(space: Space[Any]) -> None:
    values = space.encode(space.sample(np.random.default_rng(0)))
    names = space.active(values)
    bad = {name: value for name, value in values.items() if name != names[0]}
    bad[names[1]] = "no such value"
    bad[names[1] + "x"] = 3
    with pytest.raises(InvalidArchitectureError) as caught:
        space.check(bad)
    lines = "\n".join(str(caught.value).splitlines())
    assert f"Parameter {names[0]!r} is missing; it must be " in lines
    assert f"Parameter {names[1]!r} is 'no such value', but it must be " in lines
    assert f"Unknown parameter {names[1] + 'x'!r}; did you mean " in lines


@every_space
def test_json_gets_the_sentence_of_its_fault(space: Space[Any]) -> None:
    body = json.loads(space.to_json(space.sample(np.random.default_rng(0))))
    with pytest.raises(InvalidArchitectureError, match=r"version 2 of its JSON.* reads version 1"):
        space.from_json(json.dumps(body | {"version": 2}))
    with pytest.raises(
        InvalidArchitectureError, match=r"Expected the JSON of a .*, got that of a t"
    ):
        space.from_json('{"kind":"teapot","version":1}')
    with pytest.raises(InvalidArchitectureError, match=r"Expected the JSON of a .*, got '17'"):
        space.from_json("17")


@every_space
def test_json_of_another_space_is_refused(space: Space[Any]) -> None:
    for other in SPACES.values():
        text = other.to_json(other.sample(np.random.default_rng(3)))
        if other == space:
            continue
        try:
            read = space.from_json(text)
        except InvalidArchitectureError:
            continue
        space.validate(read)  # two cell spaces can share a member
        assert type(other) is type(space), f"{space!r} read {text}"


def test_rates_and_limits_outside_their_range_are_refused() -> None:
    rng = np.random.default_rng(0)
    cell = NB201.sample(rng)
    with pytest.raises(InvalidSpaceError, match=r"rate is a probability in \[0, 1\], got 1.5"):
        NB201.crossover(cell, cell, rng, rate=1.5)
    with pytest.raises(InvalidSpaceError, match="limit must be 0 or more, got -1"):
        NB201.enumerate(limit=-1)


def test_a_space_of_one_member_cannot_mutate() -> None:
    space = DenseCellSpace(("skip_connect",), num_nodes=2)
    with pytest.raises(InvalidSpaceError, match="a single member"):
        space.mutate(next(space.enumerate()), np.random.default_rng(0))


def test_different_spaces_are_unequal() -> None:
    spaces = list(SPACES.values())
    assert len(set(spaces)) == len(spaces)
    assert all((a == b) is (a is b) for a in spaces for b in spaces)
    assert NB201 != 17


def test_no_torch_is_imported() -> None:
    code = (
        "import sys, numpy as np, optunas.codec, optunas.testing, optunas.space as s\n"
        "more = s.MacroSpace(), s.ElasticSpace(widths=(8, 16)), s.StackSpace()\n"
        "for space in (s.NB201, s.DARTS, *more):\n"
        "    a = space.sample(np.random.default_rng(0)); space.digest(a); space.to_json(a)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
