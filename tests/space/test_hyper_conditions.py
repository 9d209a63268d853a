"""Parameters that count only when another has a certain value."""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    NB201,
    Choice,
    Condition,
    DenseCellSpace,
    Float,
    Hyperparameters,
    HyperSpace,
    Int,
    JointSpace,
    Parameter,
    Space,
    When,
    group,
    space_from_definition,
)

OPTIMIZER = Choice(("sgd", "adam"))
MOMENTUM = Choice((0.5, 0.9))
SPACE = HyperSpace(
    optimizer=OPTIMIZER,
    lr=Int(1, 3),
    momentum=When(MOMENTUM, optimizer="sgd"),
    nesterov=When(Choice((True, False)), momentum=0.9),
)
MODELS = HyperSpace(
    group(
        "model",
        {
            "svm": {
                "C": Float(0.1, 0.5, step=0.1),
                "kernel": Choice(("rbf", "poly")),
                "degree": When(Int(2, 4), kernel="poly"),
            },
            "knn": {"k": Int(1, 5)},
            "dummy": {},
        },
    )
)


@st.composite
def conditional_spaces(draw: st.DrawFn) -> HyperSpace:
    """A forest of up to six finite parameters, each below an earlier one or at the top."""
    kinds = [
        Choice(("a", "b", "c")),
        Choice((True, False)),
        Int(1, 3),
        Int(2, 8, 3),
        Float(0.1, 0.4, step=0.1),
        Choice((1,)),
    ]
    table: dict[str, Parameter | When] = {}
    for at in range(draw(st.integers(1, 6))):
        parameter = draw(st.sampled_from(kinds))
        parent = draw(st.sampled_from([None, *table]))
        if parent is None:
            table[f"p{at}"] = parameter
            continue
        above = table[parent]
        values = list((above.parameter if isinstance(above, When) else above).values())
        chosen = draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
        table[f"p{at}"] = When(parameter, {parent: tuple(chosen)})
    return HyperSpace(table)


def by_hand(space: HyperSpace) -> list[dict[str, Any]]:
    """Every setting of what counts, from all combinations, the slow and obvious way."""
    table, conditions = space.parameters(), space.conditions()
    found: dict[tuple, None] = {}
    for row in itertools.product(*(parameter.values() for parameter in table.values())):
        values = dict(zip(table, row, strict=True))
        kept: dict[str, Any] = {}
        for name in table:
            condition = conditions.get(name)
            if condition is None or kept.get(condition.parent, object) in condition.values:
                kept[name] = values[name]
        found[tuple(kept.items())] = None
    return [dict(items) for items in found]


@settings(max_examples=150)
@given(conditional_spaces())
def test_size_and_enumeration_are_those_counted_by_hand(space: HyperSpace) -> None:
    wanted = by_hand(space)
    assert space.size == len(wanted)
    assert [dict(member) for member in space.enumerate()] == wanted


@settings(max_examples=100)
@given(conditional_spaces(), st.integers(0, 2**32 - 1))
def test_verbs_stay_among_the_members(space: HyperSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = by_hand(space)
    a, b = space.sample(rng), space.sample(rng)
    assert dict(a) in members
    assert dict(space.crossover(a, b, rng)) in members
    if space.size > 1:
        mutant = space.mutate(a, rng)
        assert dict(mutant) in members
        assert mutant != a
    assert space.from_json(space.to_json(a)) == a
    assert (space.digest(a) == space.digest(b)) is (a == b)
    assert space_from_definition(json.loads(json.dumps(space.definition())), resolve) == space


def resolve(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(sys.modules[module], name)


def test_what_does_not_count_is_not_in_the_member() -> None:
    values = {"optimizer": "adam", "lr": 2, "momentum": 0.9, "nesterov": False}
    member = SPACE.decode(SPACE.canonical(values))
    assert member == {"optimizer": "adam", "lr": 2}
    assert SPACE.encode(member) == {**member, "momentum": 0.5, "nesterov": True}
    assert SPACE.parts(member) == (None, {"optimizer": "adam", "lr": 2})
    assert SPACE.to_json(member).endswith('"parameters":{"optimizer":"adam","lr":2}}')
    assert SPACE.active(values) == ["optimizer", "lr"]
    assert SPACE.hyperparameter_names() == ("optimizer", "lr", "momentum", "nesterov")
    assert SPACE.features(member)[-4:].tolist() == [0.0] * 4
    with_momentum = SPACE.decode(SPACE.canonical({**values, "optimizer": "sgd"}))
    assert with_momentum == {"optimizer": "sgd", "lr": 2, "momentum": 0.9, "nesterov": False}


def test_a_parameter_counts_only_when_its_parent_does() -> None:
    values = {"optimizer": "sgd", "lr": 1, "momentum": 0.5, "nesterov": False}
    assert SPACE.active(values) == ["optimizer", "lr", "momentum"]
    assert SPACE.active({**values, "momentum": 0.9}) == list(values)
    assert SPACE.active({**values, "momentum": 0.9, "optimizer": "adam"}) == ["optimizer", "lr"]


def test_members_are_enumerated_in_order() -> None:
    rows = [tuple(member.values()) for member in SPACE.enumerate()]
    assert rows[:4] == [
        ("sgd", 1, 0.5), ("sgd", 1, 0.9, True), ("sgd", 1, 0.9, False), ("sgd", 2, 0.5)
    ]  # fmt: skip
    assert rows[-1] == ("adam", 3)
    assert len(rows) == len(set(rows)) == SPACE.size == 12


def test_several_values_switch_a_parameter_on() -> None:
    space = HyperSpace(
        o=Choice(("sgd", "adam", "rmsprop")), m=When(Int(1, 4), o=("sgd", "rmsprop"))
    )
    assert space.size == 4 + 1 + 4
    assert space == HyperSpace(
        {"o": Choice(("sgd", "adam", "rmsprop")), "m": When(Int(1, 4), {"o": ["sgd", "rmsprop"]})}
    )
    other = HyperSpace(o=Choice(("sgd", "adam", "rmsprop")), m=When(Int(1, 4), o="sgd"))
    assert other != space
    assert len({space, other}) == 2
    assert "m': When(Int(low=1, high=4" in repr(space)


def test_the_end_of_a_grid_switches_on_what_depends_on_it() -> None:
    """0.1 + 2 x 0.1 is not 0.3 in floating point, and both are what Optuna may store."""
    space = HyperSpace(drop=Float(0.1, 0.3, step=0.1), after=When(Int(1, 5), drop=0.3))
    assert space.size == 2 + 5
    for stored in (0.3, 0.1 + 2 * 0.1):
        values = {"drop": stored, "after": 4}
        assert space.active(values) == ["drop", "after"]
        assert space.decode(space.canonical(values)) == {"drop": 0.3, "after": 4}
        space.check(values)
        with pytest.raises(InvalidArchitectureError, match="Parameter 'after' is missing"):
            space.check({"drop": stored})


def test_groups_name_each_alternatives_parameters() -> None:
    assert list(MODELS.parameters()) == ["model", "svm.C", "svm.kernel", "svm.degree", "knn.k"]
    assert MODELS.conditions()["knn.k"] == Condition("model", ("knn",))
    assert MODELS.conditions()["svm.degree"] == Condition("svm.kernel", ("poly",))
    assert MODELS.size == 5 * (1 + 3) + 5 + 1
    assert {"model": "dummy"} in [dict(member) for member in MODELS.enumerate()]
    one = MODELS.decode(MODELS.canonical({"model": "knn", "knn.k": 3}))
    assert one == {"model": "knn", "knn.k": 3}


def test_groups_stand_beside_other_parameters_and_within_a_joint_space() -> None:
    both = HyperSpace({**group("model", {"a": {"x": Int(1, 2)}, "b": {}}), "scale": Choice((1, 2))})
    assert both.size == (2 + 1) * 2
    joint = JointSpace(pre=HyperSpace(pca=Int(1, 3)), tabular=MODELS)
    assert joint.size == 3 * MODELS.size == len(set(joint.enumerate()))
    assert joint.conditions()["tabular.knn.k"] == Condition("tabular.model", ("knn",))
    nested = JointSpace(inner=JointSpace(tabular=MODELS))
    assert nested.conditions()["inner.tabular.svm.degree"].parent == "inner.tabular.svm.kernel"


def test_a_joint_space_keeps_the_conditions_of_its_parts() -> None:
    joint = JointSpace(cell=DenseCellSpace(num_nodes=2), train=SPACE)
    assert joint.size == 5 * 12 == len(list(joint.enumerate()))
    values = joint.encode(next(joint.enumerate()))
    joint.check({name: value for name, value in values.items() if name != "train.nesterov"})
    adam = {**values, "train.optimizer": "adam", "train.momentum": 0.9}
    assert joint.decode(joint.canonical(adam))["train"] == {"optimizer": "adam", "lr": 1}
    with pytest.raises(InvalidArchitectureError) as caught:
        joint.check({**adam, "train.momentum": 0.7, "train.lrr": 1})
    assert str(caught.value).splitlines() == [
        "Parameter 'train.momentum' is 0.7, but it must be one of 0.5, 0.9.",
        "Unknown parameter 'train.lrr'; did you mean 'train.lr'? Known: cell.edge0-1, train.lr, "
        "train.momentum, train.nesterov, train.optimizer.",
    ]
    large = JointSpace(cell=NB201, train=SPACE)
    assert large.size == 15_625 * 12


def test_a_continuous_parameter_anywhere_makes_the_space_infinite() -> None:
    space = HyperSpace(o=OPTIMIZER, m=When(Float(0.5, 0.99), o="sgd"))
    assert space.size == math.inf
    with pytest.raises(InvalidSpaceError, match="The space is infinite, parameter 'm' is a number"):
        space.enumerate()


def test_a_mutation_draws_what_comes_to_count() -> None:
    adam = SPACE.decode(SPACE.canonical({"optimizer": "adam", "lr": 2}))
    seen = set()
    for seed in range(200):
        mutant = SPACE.mutate(adam, np.random.default_rng(seed))
        assert (mutant["lr"] == 2) is (mutant["optimizer"] == "sgd")
        seen.add((mutant.get("momentum"), mutant.get("nesterov")))
    assert seen == {(None, None), (0.5, None), (0.9, True), (0.9, False)}


def test_a_child_has_the_momentum_of_the_parent_that_has_one() -> None:
    sgd = Hyperparameters({"optimizer": "sgd", "lr": 1, "momentum": 0.9, "nesterov": False})
    adam = Hyperparameters({"optimizer": "adam", "lr": 3})
    for seed in range(50):
        for a, b in ((sgd, adam), (adam, sgd)):
            child = SPACE.crossover(a, b, np.random.default_rng(seed))
            assert child in [
                {**parent, "lr": lr} for parent in (dict(sgd), dict(adam)) for lr in (1, 3)
            ]


def test_digests_and_features_go_by_what_counts() -> None:
    members = list(SPACE.enumerate())
    assert len({SPACE.digest(member) for member in members}) == 12
    assert len({tuple(SPACE.features(member)) for member in members}) == 12
    stray = Hyperparameters({"optimizer": "adam", "lr": 1, "momentum": 0.9})
    clean = Hyperparameters({"optimizer": "adam", "lr": 1})
    assert SPACE.digest(stray) == SPACE.digest(clean)
    assert SPACE.to_json(stray) == SPACE.to_json(clean)


def test_a_member_with_what_does_not_count_is_refused() -> None:
    with pytest.raises(
        InvalidArchitectureError,
        match=r"^Parameter 'momentum' does not count here, only when 'optimizer' is 'sgd'; leave ",
    ):
        SPACE.validate({"optimizer": "adam", "lr": 1, "momentum": 0.9})
    SPACE.check({"optimizer": "adam", "lr": 1, "momentum": 0.9})  # a trial has every parameter


def test_every_fault_of_a_dictionary_is_named_at_once() -> None:
    with pytest.raises(InvalidArchitectureError) as caught:
        SPACE.check({"optimizer": "sgd", "lr": 7, "nesterov": "yes", "momentun": 0.9})
    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == [
        "lr", "momentum", "nesterov", "momentun",
    ]  # fmt: skip
    with pytest.raises(InvalidArchitectureError, match=r"'optimizer' is missing.*\n.*'lr' is miss"):
        SPACE.check({})
    SPACE.check({"optimizer": "adam", "lr": 1})


class Steps(Space[tuple[int, ...]]):
    """An own space with conditions: as many steps as there are."""

    def parameters(self) -> dict[str, Parameter]:
        return {"count": Int(1, 3), **{f"step{i}": Int(1, 2) for i in (1, 2, 3)}}

    def conditions(self) -> dict[str, Condition]:
        return {"step2": Condition("count", (2, 3)), "step3": Condition("count", (3,))}

    def encode(self, architecture: tuple[int, ...]) -> dict[str, Any]:
        steps = {f"step{i + 1}": step for i, step in enumerate(architecture)}
        return {"count": len(architecture), "step1": 1, "step2": 1, "step3": 1, **steps}

    def decode(self, values: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(values[f"step{i + 1}"] for i in range(values["count"]))


def test_an_own_space_states_conditions() -> None:
    space = Steps()
    assert space.size == 2 + 4 + 8
    assert sorted(space.enumerate()) == sorted(
        row for n in (1, 2, 3) for row in itertools.product((1, 2), repeat=n)
    )
    assert space.stored_parameters()["step3"]["when"] == {"count": [3]}
    assert space != type("Others", (Steps,), {"conditions": lambda self: {}})()
    assert space_from_definition(space.definition(), resolve) == space


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: When(0.9, o="sgd"), "When: expected a Choice, Int or Float, got 0.9"),
        (lambda: When(MOMENTUM), "give the one parameter that this depends on.*got {}; a chain"),
        (lambda: When(MOMENTUM, a=1, b=2), r"depends on, .*got {'a': 1, 'b': 2}"),
        (lambda: When(MOMENTUM, {"a": 1}, b=2), r"got {'a': 1, 'b': 2}"),
        (
            lambda: HyperSpace(m=When(MOMENTUM, optimiser="sgd"), optimizer=OPTIMIZER),
            "HyperSpace: condition on an unknown parameter 'optimiser'; did you mean 'optimizer'",
        ),
        (
            lambda: HyperSpace(m=When(MOMENTUM, o="sgd"), o=OPTIMIZER),
            "HyperSpace: 'm' depends on 'o', which must come before it",
        ),
        (lambda: HyperSpace(m=When(MOMENTUM, m=0.5)), "'m' depends on 'm', which must come before"),
        (
            lambda: HyperSpace(o=OPTIMIZER, m=When(MOMENTUM, o="SGD")),
            "'m' depends on 'o' being 'SGD', but that must be one of 'sgd', 'adam'",
        ),
        (
            lambda: HyperSpace(o=Int(1, 5, 2), m=When(MOMENTUM, o=2)),
            "'m' depends on 'o' being 2, but that must be an integer from 1 to 5 in steps of 2",
        ),
        (
            lambda: HyperSpace(o=OPTIMIZER, m=When(MOMENTUM, o=())),
            "'m' depends on 'o', but on none of its values",
        ),
        (
            lambda: HyperSpace(lr=Float(0.1, 1.0), m=When(MOMENTUM, lr=0.5)),
            "'m' depends on 'lr', a continuous number, which is never exactly 0.5; give 'lr' ",
        ),
        (
            lambda: HyperSpace(o=OPTIMIZER, m=When(MOMENTUM, {3: "sgd"})),
            "condition on an unknown parameter 3",
        ),
        (lambda: HyperSpace(group("model", {})), "group 'model': give at least one alternative"),
        (lambda: group("model", {"a": Int(1, 2)}), "group 'model': .*'a' .*got Int"),
        (lambda: group("model", {"a": {"x": 3}}), "expected a Choice, Int or Float, got 3"),
        (
            lambda: HyperSpace(group("m", {"a": {"x": When(MOMENTUM, y=1)}})),
            "condition on an unknown parameter 'a.y'",
        ),
    ],
)
def test_wrong_conditions_get_one_sentence(make: Any, message: str) -> None:
    with pytest.raises(InvalidSpaceError, match=message):
        make()


def test_wrong_conditions_are_named_all_at_once() -> None:
    with pytest.raises(InvalidSpaceError) as caught:
        HyperSpace(
            o=OPTIMIZER,
            a=When(MOMENTUM, o="sdg"),
            b=When(MOMENTUM, c=1),
            d=When(MOMENTUM, e=1),
            e=Int(1, 2),
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("HyperSpace: ") for line in lines)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"step9": Condition("count", (2,))}, "unknown parameter 'step9'; did you mean 'step3'"),
        (
            {"step2": ("count", 2)},
            r"the condition of 'step2' must be a Condition.*got \('count', 2",
        ),
        ({"step2": Condition("count", 2)}, r"'step2' needs a tuple of values of 'count', got 2"),
        (
            {"step2": Condition("count", "2")},
            r"'step2' needs a tuple of values of 'count', got '2'",
        ),
    ],
)
def test_wrong_conditions_of_an_own_space_get_one_sentence(conditions: Any, message: str) -> None:
    space = type("Wrong", (Steps,), {"conditions": lambda self: conditions})()
    with pytest.raises(InvalidSpaceError, match=message):
        _ = space.size
