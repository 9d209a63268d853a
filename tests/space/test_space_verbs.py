"""The verbs that every space has, held on every kind of space."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import subprocess
import sys
from importlib import import_module
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
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Space,
    space_from_definition,
)

HYPER = HyperSpace(
    optimizer=Choice(("sgd", "adam")), width=Int(4, 16, 4), drop=Float(0.0, 0.3, step=0.1)
)
CONTINUOUS = HyperSpace(lr=Float(1e-4, 0.1, log=True), nesterov=Choice((True, False)))
SPACES: dict[str, Space] = {
    "nb201": NB201,
    "dense, three nodes": DenseCellSpace(num_nodes=3),
    "dense, own operations": DenseCellSpace(OWN_SET, num_nodes=3),
    "darts": DARTS,
    "cells, two nodes": CellSpace(("none", "skip_connect"), num_nodes=2),
    "cells, own operations": CellSpace(OWN_SET, num_nodes=1),
    "hyper": HYPER,
    "continuous": CONTINUOUS,
    "joint": JointSpace(cell=DenseCellSpace(num_nodes=2), hp=HYPER),
    "joint, continuous": JointSpace(cell=DARTS, hp=CONTINUOUS),
    "own": StackSpace(7),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
seeds = st.integers(0, 2**32 - 1)


def resolve(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(import_module(module), name)


@every_space
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_round_trips(space: Space, seed: int) -> None:
    a = space.sample(np.random.default_rng(seed))
    space.validate(a)
    values = space.encode(a)
    space.check(values)
    assert list(values) == list(space.parameters())
    assert space.decode(values) == a
    assert hash(space.decode(values)) == hash(a)
    assert space.from_json(space.to_json(a)) == a
    assert pickle.loads(pickle.dumps(a)) == a
    assert space.digest(copy.deepcopy(a)) == space.digest(a)


@every_space
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_mutation_is_valid_and_changes_one_gene(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = space.sample(rng)
    before, text = space.encode(a), space.to_json(a)
    mutant = space.mutate(a, rng)
    space.validate(mutant)
    after = space.encode(mutant)
    assert sum(before[name] != after[name] for name in before) == 1
    assert space.to_json(a) == text


@every_space
@settings(max_examples=25, deadline=None)
@given(seed=seeds, rate=st.floats(0, 1))
def test_a_childs_genes_are_its_parents(space: Space, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    child = space.crossover(a, b, rng, rate=rate)
    space.validate(child)
    first, second, genes = space.encode(a), space.encode(b), space.encode(child)
    assert all(genes[name] in (first[name], second[name]) for name in genes)
    assert space.crossover(a, b, rng, rate=0.0) == a
    assert space.crossover(a, b, rng, rate=1.0) == b


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
def test_size_is_the_number_enumerated_in_order(space: Space) -> None:
    sizes = [parameter.size for parameter in space.parameters().values()]
    assert space.size == math.prod(sizes)
    if space.size == math.inf:
        with pytest.raises(
            InvalidSpaceError, match=r"The space is infinite, parameter '.*' is a num"
        ):
            space.enumerate(limit=3)
        return
    assert isinstance(space.size, int)
    members = list(space.enumerate(limit=5_000))
    assert len(members) == min(space.size, 5_000) == len(set(members))
    columns = [list(parameter.values()) for parameter in space.parameters().values()]
    ranks = [
        tuple(column.index(v) for column, v in zip(columns, row, strict=True))
        for row in (space.encode(member).values() for member in members[:500])
    ]
    assert ranks == sorted(ranks)
    assert list(space.enumerate(limit=0)) == []
    assert list(itertools.islice(space.enumerate(), 2)) == members[:2]


@every_space
def test_features_are_one_vector_of_fixed_length_that_tells_members_apart(space: Space) -> None:
    rng = np.random.default_rng(0)
    members = [space.sample(rng) for _ in range(20)]
    rows = [space.features(member) for member in members]
    assert {row.shape for row in rows} == {(len(rows[0]),)}
    assert all(row.dtype == float and row.min() >= 0 and row.max() <= 1 for row in rows)
    assert len({tuple(row) for row in rows}) == len(set(members))


@every_space
def test_definitions_rebuild_an_equal_space(space: Space) -> None:
    stored = json.loads(json.dumps(space.definition()))
    again = space_from_definition(stored, resolve)
    assert again == space
    assert hash(again) == hash(space)
    assert again.definition() == space.definition()
    a = space.sample(np.random.default_rng(0))
    assert again.digest(a) == space.digest(a)
    assert again.from_json(space.to_json(a)) == a


@every_space
def test_spaces_survive_pickling(space: Space) -> None:
    a = space.sample(np.random.default_rng(0))
    digest = space.digest(a)
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert again.digest(a) == digest


@every_space
def test_equal_members_have_equal_digests_and_sampling_repeats(space: Space) -> None:
    first = [space.sample(np.random.default_rng(seed)) for seed in range(20)]
    again = [space.sample(np.random.default_rng(seed)) for seed in range(20)]
    assert first == again
    digests = [space.digest(a) for a in first]
    assert all(len(d) == 20 and int(d, 16) >= 0 for d in digests)
    assert digests == [space.digest(a) for a in again]
    assert len({space.structure_digest(a) for a in first}) > 1


@every_space
def test_every_wrong_parameter_is_named_at_once(space: Space) -> None:
    values = space.encode(space.sample(np.random.default_rng(0)))
    names = list(values)
    bad = dict(values)
    del bad[names[0]]
    bad[names[1]] = "no such value"
    bad[names[1] + "x"] = 3
    with pytest.raises(InvalidArchitectureError) as caught:
        space.check(bad)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert f"Parameter {names[0]!r} is missing; it must be " in lines[0]
    assert f"Parameter {names[1]!r} is 'no such value', but it must be " in lines[1]
    assert f"Unknown parameter {names[1] + 'x'!r}; did you mean " in lines[2]


@every_space
@pytest.mark.parametrize("text", ["", "[]", '{"kind":"teapot","version":1}', "\x00", "17"])
def test_json_of_something_else_is_refused(space: Space, text: str) -> None:
    with pytest.raises(InvalidArchitectureError, match="Expected the JSON of a "):
        space.from_json(text)


@every_space
def test_json_of_another_version_is_refused(space: Space) -> None:
    body = json.loads(space.to_json(space.sample(np.random.default_rng(0)))) | {"version": 2}
    with pytest.raises(InvalidArchitectureError, match=r"version 2 of its JSON.* reads version 1"):
        space.from_json(json.dumps(body))


@every_space
def test_json_of_another_space_is_refused(space: Space) -> None:
    for other in SPACES.values():
        text = other.to_json(other.sample(np.random.default_rng(3)))
        if other != space:
            try:
                space.validate(space.from_json(text))
            except InvalidArchitectureError:
                continue
            pytest.fail(f"{space!r} read {text}") if not fits(other, space) else None


def fits(other: Space, space: Space) -> bool:
    """Whether a member of one cell space can be one of the other as well."""
    kinds = (DenseCellSpace, CellSpace)
    return isinstance(other, kinds) and type(other) is type(space)


@every_space
def test_foreign_values_are_refused(space: Space) -> None:
    for other in (17, None, "text", [], object()):
        with pytest.raises(InvalidArchitectureError, match=r"\w"):
            space.validate(other)


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
    assert NB201 != 17


def test_no_torch_is_imported() -> None:
    code = (
        "import sys, numpy as np, optunas.codec, optunas.space as s\n"
        "for space in (s.NB201, s.DARTS):\n"
        "    a = space.sample(np.random.default_rng(0)); space.digest(a); space.to_json(a)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
