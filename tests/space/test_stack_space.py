"""Spaces of cells that differ along the depth: parameters, sizes, verbs, storage."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections import Counter
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_pieces import OWN_SET

from optunas.codec import distributions, from_params, suggest, to_params
from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    DARTS,
    NB201,
    Cell,
    CellSpace,
    Choice,
    Condition,
    DenseCellSpace,
    Float,
    HyperSpace,
    JointSpace,
    Space,
    Stack,
    StackSpace,
    space_from_definition,
)
from optunas.space.conditions import count, linked

TWO = DenseCellSpace(("none", "skip_connect"), num_nodes=2)  # two cells
FOUR = CellSpace(("none", "skip_connect"), num_nodes=1)  # four cells a half, 0 and 1 as inputs
MIXED = {"widths": ((8, 16), (16, 24, 32), 32), "num_reductions": (0, 2)}
SPACES: dict[str, StackSpace] = {
    "default": StackSpace(),
    "dense, mixed": StackSpace(NB201, 5, **MIXED),
    "dense, by stage": StackSpace(NB201, 5, share="stage", **MIXED),
    "dense, own operations": StackSpace(DenseCellSpace(OWN_SET, 3), 3, num_reductions=1),
    "dense, one placement": StackSpace(NB201, 3, (8, (16, 24)), placements=[(1,)]),
    "two-input": StackSpace(DARTS, 4),
    "two-input, mixed": StackSpace(CellSpace(num_nodes=2), 4, **MIXED),
    "two-input, by stage": StackSpace(CellSpace(num_nodes=2), 4, share="stage", **MIXED),
    "two-input, own operations": StackSpace(
        CellSpace(OWN_SET, num_nodes=1), 3, (4, 6, 8), placements=((0, 1), (2,), ())
    ),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
seeds = st.integers(0, 2**32 - 1)


def resolve(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(sys.modules[module], name)


def test_parameters_and_their_names() -> None:
    table = StackSpace(NB201, 6, widths=((16, 24), 32, (48, 64))).parameters()
    edges = ["edge0-1", "edge0-2", "edge1-2", "edge0-3", "edge1-3", "edge2-3"]
    cells = [f"cell{number}.{edge}" for number in range(1, 7) for edge in edges]
    assert list(table) == ["reductions", "width1", "width3", *cells]
    assert table["reductions"] == Choice(
        ("1-2", "1-3", "1-4", "1-5", "2-3", "2-4", "2-5", "3-4", "3-5", "4-5")
    )
    assert table["width3"] == Choice((48, 64))
    assert table["cell6.edge0-3"] == NB201.parameters()["edge0-3"]


def test_parameters_of_two_input_cells() -> None:
    table = StackSpace(CellSpace(num_nodes=2), 2, num_reductions=(0, 1)).parameters()
    nodes = ["node2.op0", "node2.op1", "node3.inputs", "node3.op0", "node3.op1"]
    cells = [f"cell{number}.{name}" for number in (1, 2) for name in nodes]
    assert list(table) == ["reductions", *cells]
    assert table["reductions"] == Choice(("none", "0", "1"))
    assert table["cell1.node3.inputs"] == Choice(("0-1", "0-2", "1-2"))


def test_a_width_counts_where_its_stage_exists() -> None:
    space = StackSpace(TWO, 3, **MIXED)
    assert space.parameters()["reductions"] == Choice(("none", "1", "2", "1-2"))
    assert space.conditions() == {"width2": Condition("reductions", ("1", "2", "1-2"))}
    always = StackSpace(TWO, 3, widths=(8, (16, 24)), placements=((1,), (2,)))
    assert always.conditions() == {}


def test_a_shared_cell_counts_where_its_stage_has_cells() -> None:
    space = StackSpace(
        CellSpace(("none", "skip_connect"), num_nodes=1), 3, num_reductions=(0, 1), share="stage"
    )
    when = space.conditions()
    assert when["cell1.node2.op0"] == Condition("reductions", ("none", "1", "2"))
    assert when["cell2.node2.op1"] == Condition("reductions", ("0", "1", "2"))
    first = StackSpace(FOUR, 2, placements=((0,),), share="stage")
    assert list(first.parameters()) == ["cell2.node2.op0", "cell2.node2.op1"]
    assert [stack.stage_of(0) for stack in first.enumerate()] == [1] * 4


@pytest.mark.parametrize(
    ("space", "wanted"),
    [
        (StackSpace(), 10 * 15_625**6),
        (StackSpace(NB201, 6, placements=((2, 4),)), 15_625**6),
        (StackSpace(NB201, 6, ((8, 16), (16, 32), 64), num_reductions=(0, 2)), 62 * 15_625**6),
        (StackSpace(NB201, 6, share="stage"), 10 * 15_625**3),
        (StackSpace(DARTS, 8), 28 * 1_037_664_180**8),
        (StackSpace(DARTS, 8, placements=((2, 5),), share="stage"), 1_037_664_180**3),
        (StackSpace(TWO, 3, **MIXED), (2 + 2 * 2 * 3 + 2 * 3) * 2**3),
        # two single-stage widths, two places of one reduction, one place of two
        (StackSpace(TWO, 3, share="stage", **MIXED), 2 * 2 + 2 * 2 * 3 * 2**2 + 2 * 3 * 2**3),
        # a reduction at the first cell leaves the first stage without one
        (StackSpace(FOUR, 2, num_reductions=(0, 1), share="stage"), 4 + 4 + 4**2),
    ],
)
def test_golden_sizes(space: StackSpace, wanted: int) -> None:
    assert space.size == wanted
    assert count(space.parameters(), space.conditions()) == wanted
    if wanted < 2000:
        assert len(set(space.enumerate())) == len(list(space.enumerate())) == wanted


@every_space
def test_the_conditions_are_ones_that_every_space_may_have(space: StackSpace) -> None:
    assert linked(space.parameters(), space.conditions(), "StackSpace") == space.conditions()
    assert space._conditions == space.conditions()


@every_space
@settings(max_examples=20)
@given(seed=seeds)
def test_round_trips(space: StackSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = space.sample(rng)
    space.validate(a)
    a.check()
    values = space.encode(a)
    space.check(values)
    assert list(values) == list(space.parameters())
    assert values == space.canonical(values)
    assert space.decode(values) == a
    assert hash(space.decode(values)) == hash(a)
    text = space.to_json(a)
    assert space.from_json(text) == a
    assert Stack.from_json(text) == a
    assert pickle.loads(pickle.dumps(a)) == a
    assert space.digest(copy.deepcopy(a)) == space.digest(a)
    assert space.features(a).shape == (sum(len(p.features(p.first)) for p in _table(space)),)
    assert from_params(space, to_params(space, a)) == a


def _table(space: StackSpace) -> list[Any]:
    return list(space.parameters().values())


@every_space
@settings(max_examples=20)
@given(seed=seeds, rate=st.floats(0, 1))
def test_neighbours_and_children_are_members(space: StackSpace, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    mutant, child = space.mutate(a, rng), space.crossover(a, b, rng, rate=rate)
    space.validate(mutant)
    space.validate(child)
    before, after = space.encode(a), space.encode(mutant)
    both = set(space.active(before)) & set(space.active(after))
    assert mutant != a
    assert sum(before[name] != after[name] for name in both) == 1
    first, second, genes = (space.encode(x) for x in (a, b, child))
    assert all(genes[name] in (first[name], second[name]) for name in genes)
    assert space.crossover(a, b, rng, rate=0.0) == a
    assert space.crossover(a, b, rng, rate=1.0) == b


@every_space
def test_own_operations_stand_in_every_member(space: StackSpace) -> None:
    rng = np.random.default_rng(0)
    a = space.sample(rng)
    others = [space.decode(space.encode(a)), space.from_json(space.to_json(a)), a]
    for cell in [cell for stack in others for cell in stack.cells]:
        assert cell.operations == space.cell._own


def test_samples_are_uniform_over_what_counts() -> None:
    space = StackSpace(TWO, 3, **MIXED)
    rng = np.random.default_rng(0)
    found = [space.sample(rng) for _ in range(4000)]
    places = Counter(stack.reductions for stack in found)
    assert set(places) == {(), (1,), (2,), (1, 2)}
    assert all(850 < times < 1150 for times in places.values())
    widths = Counter(stack.widths[1] for stack in found if len(stack.widths) > 1)
    assert set(widths) == {16, 24, 32}
    assert all(880 < times < 1120 for times in widths.values())
    assert {stack.cells for stack in found} == {stack.cells for stack in space.enumerate()}


def test_two_input_cells_are_drawn_as_a_genotypes_half() -> None:
    space = StackSpace(DARTS, 3, num_reductions=1)
    one, other = np.random.default_rng(4), np.random.default_rng(4)
    stack = space.sample(one)
    place = int(other.integers(3))
    assert stack == Stack([DARTS.sample(other).normal for _ in range(3)], (16, 32), (place,))


def test_cells_of_a_stage_are_equal_when_they_are_shared() -> None:
    space = SPACES["dense, by stage"]
    rng = np.random.default_rng(0)
    for stack in [space.sample(rng) for _ in range(30)]:
        for stage in range(len(stack.widths)):
            cells = {c for at, c in enumerate(stack.cells) if stack.stage_of(at) == stage}
            assert len(cells) == 1


def test_a_trial_suggests_a_stack_under_its_name() -> None:
    space = SPACES["two-input, by stage"]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask(distributions(space))
        stack = suggest(trial, space)
        space.validate(stack)
        assert from_params(space, trial) == stack
        study.tell(trial, 0.0)
    assert set(trial.params) == {f"stack.{name}" for name in space.parameters()}


def test_what_does_not_count_may_be_missing_and_changes_nothing() -> None:
    space = StackSpace(TWO, 3, **MIXED)
    values = {"reductions": "none", "width1": 8, **{f"cell{n}.edge0-1": "none" for n in (1, 2, 3)}}
    stack = from_params(space, values, name="")
    assert stack == from_params(space, {**values, "width2": 32}, name="")
    assert stack.widths == (8,)
    with pytest.raises(InvalidArchitectureError, match="Parameter 'width2' is missing"):
        from_params(space, {**values, "reductions": "1-2"}, name="")


@every_space
def test_a_stored_definition_gives_an_equal_space(space: StackSpace) -> None:
    stored = json.loads(json.dumps(space.definition()))
    assert (stored["kind"], stored["version"]) == ("stack", 1)
    back = space_from_definition(stored, resolve)
    assert isinstance(back, StackSpace)
    assert back == space
    assert hash(back) == hash(space)
    assert repr(back) == repr(space)
    assert back.parameters() == space.parameters()
    assert pickle.loads(pickle.dumps(space)) == space


def test_equality_is_that_of_the_members() -> None:
    assert StackSpace() == StackSpace(NB201, 6, ((16,), (32,), (64,)), (2, 2), None, "none")
    listed = StackSpace(NB201, 3, num_reductions=1)
    assert listed == StackSpace(NB201, 3, placements=((1,), (2,)))
    assert listed != StackSpace(NB201, 3, placements=((2,), (1,)))
    assert StackSpace() != StackSpace(share="stage")
    assert StackSpace() != StackSpace(DenseCellSpace(num_nodes=3))
    assert eval(repr(StackSpace())) == StackSpace()


def test_a_definition_that_lacks_something_or_is_of_another_version() -> None:
    stored = StackSpace().definition()
    with pytest.raises(InvalidSpaceError, match="stored stack space lacks its 'widths'"):
        space_from_definition({k: v for k, v in stored.items() if k != "widths"}, resolve)
    with pytest.raises(InvalidSpaceError, match="stored in version 2"):
        space_from_definition({**stored, "version": 2}, resolve)


def test_a_subclass_is_not_stored_as_its_base() -> None:
    class Own(StackSpace):
        pass

    with pytest.raises(InvalidSpaceError, match="cannot be stored"):
        Own().definition()


def test_in_a_joint_space() -> None:
    hyper = HyperSpace(lr=Float(1e-3, 0.1))
    space: Space[Any] = JointSpace(net=SPACES["dense, by stage"], hp=hyper)
    rng = np.random.default_rng(0)
    for _ in range(10):
        member = space.mutate(space.sample(rng), rng)
        space.validate(member)
        assert space.decode(space.encode(member)) == member
        assert isinstance(space.parts(member)[0], Stack)


def test_numpy_numbers_and_lists_are_taken() -> None:
    space = StackSpace(TWO, np.int64(3), [np.int32(8), [np.int8(9)]], np.int16(1))
    assert space == StackSpace(TWO, 3, (8, 9), 1)
    stack = Stack([Cell.from_str("|none~0|")] * 3, np.array([8, 9]), [np.int64(1)])
    space.validate(stack)
    assert json.loads(stack.to_json())["widths"] == [8, 9]
    assert hash(stack) == hash(Stack(stack.cells, (8, 9), (1,)))
