"""Who takes part, with what budget, and what cannot be compared."""

from __future__ import annotations

import json

import pytest
from fast_table import spec

from optunas import Budget
from optunas.compare.amount import Amount, amount
from optunas.compare.contestants import (
    Contestant,
    Entry,
    SamplerChoice,
    check_same,
    contestants,
    sampler,
)
from optunas.errors import InvalidSpecError, UnknownNameError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (100, Amount("trials", 100)),
        ("100", Amount("trials", 100)),
        ("100trials", Amount("trials", 100)),
        ("1 trial", Amount("trials", 1)),
        ("500 Epochs", Amount("epochs", 500)),
        ("2h", Amount("seconds", 7200)),
        ("1.5 hours", Amount("seconds", 5400)),
        ("90min", Amount("seconds", 5400)),
        ("30s", Amount("seconds", 30)),
        (Budget(trials=7), Amount("trials", 7)),
        (Budget(None, epochs=7), Amount("epochs", 7)),
        (Budget(None, device_hours=0.5), Amount("seconds", 1800)),
    ],
)
def test_budgets_are_read(given: str | int | Budget, expected: Amount) -> None:
    assert amount(given) == expected


@pytest.mark.parametrize("axis", ["trials", "epochs", "seconds"])
def test_a_budget_becomes_a_studys(axis: str) -> None:
    assert amount(Amount(axis, 3600).budget) == Amount(axis, 3600)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "needs a budget for every run"),
        ("", "The budget must be"),
        ("many", "The budget must be"),
        ("0trials", "must be positive"),
        ("1.5epochs", "a whole number of epochs"),
        (-3, "The budget must be"),
        (True, "The budget must be"),
        (Budget(wall_seconds=3.0), "one limit of trials, epochs or device_hours, got trials=100"),
        (Budget(None, wall_seconds=3.0), "one limit of trials, epochs"),
    ],
)
def test_other_budgets_are_refused(given: object, words: str) -> None:
    with pytest.raises(InvalidSpecError, match=words):
        amount(given)  # type: ignore[arg-type]


def test_an_unknown_unit_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unit of the budget: 'trails'; did you mean 'tri"):
        amount("5trails")


def test_samplers_are_read() -> None:
    assert sampler("tpe") == SamplerChoice("tpe")
    assert sampler("nsga2:population_size=20:mutation_prob=0.1") == SamplerChoice(
        "nsga2", {"population_size": 20, "mutation_prob": 0.1}
    )
    assert sampler("tpe:group=true:gamma=None") == SamplerChoice(
        "tpe", {"group": True, "gamma": None}
    )
    assert sampler(("tpe", {"group": True})) == SamplerChoice("tpe", {"group": True})
    weighted = {"form": "weights", "weights": [2, 1]}
    assert sampler(f"surrogate:scalarise={json.dumps(weighted)}:liar=best") == SamplerChoice(
        "surrogate", {"scalarise": weighted, "liar": "best"}
    )
    assert sampler("my.peers:pymoo") == SamplerChoice(reference="my.peers:pymoo")
    assert str(sampler("my.peers:pymoo")) == "pymoo"


@pytest.mark.parametrize(
    "given", ["", 3, "tpe:", "tpe:group=true:other", "tpe:=3", "tpe:group", "cheap_aware:floor"]
)
def test_other_samplers_are_refused(given: object) -> None:
    with pytest.raises(InvalidSpecError, match=r"[Ss]ampler"):
        sampler(given)  # type: ignore[arg-type]


def test_every_study_meets_every_sampler_and_random_search_joins() -> None:
    entries = [Entry(spec("a")), Entry(spec("b"))]
    found = contestants(entries, [sampler("tpe"), sampler("nsga2")], amount(9))
    assert [one.label for one in found] == [
        *("a / tpe", "a / nsga2", "a / random", "b / tpe", "b / nsga2", "b / random")
    ]
    assert all(one.spec.budget == Budget(trials=9) for one in found)


def test_without_samplers_a_study_keeps_its_own_with_its_options() -> None:
    own = spec(sampler="nsga2", sampler_options={"population_size": 9})
    found = contestants([Entry(own)], [], amount(9))
    assert [one.label for one in found] == ["nsga2 (population_size=9)", "random"]
    named = contestants([Entry(own)], [sampler("nsga2"), sampler("tpe")], amount(9))
    assert named[0].spec.sampler_options == {"population_size": 9}
    assert named[1].spec.sampler_options == {}


@pytest.mark.parametrize(
    ("entries", "names", "words"),
    [
        ([], ["tpe"], "A comparison needs a study"),
        ([Entry(spec())], ["random"], "one contestant only, 'random'"),
        ([Entry(spec())], ["tpe", "tpe"], "The contestant 'tpe' is given twice"),
        ([Entry(spec()), Entry(spec())], [], "Two studies of the comparison are called 'table'"),
    ],
)
def test_what_is_no_comparison_is_refused(
    entries: list[Entry], names: list[str], words: str
) -> None:
    with pytest.raises(InvalidSpecError, match=words):
        contestants(entries, [sampler(name) for name in names], amount(9))


@pytest.mark.parametrize(
    ("other", "prints", "words"),
    [
        ({"objectives": ("accuracy",)}, ("x", "x"), "different objectives"),
        ({"objectives": ("params", "accuracy")}, ("x", "x"), "different objectives"),
        ({}, ("x", "y"), "different tasks or data"),
        ({"constraints": {"params": 100}}, ("x", "x"), r"different constraints \(none; params 100"),
    ],
)
def test_studies_of_other_things_are_refused(
    other: dict, prints: tuple[str, str], words: str
) -> None:
    with pytest.raises(InvalidSpecError, match=f"'a' and 'b' have {words}"):
        check_same([Entry(spec("a")), Entry(spec("b", **other))], prints)


def test_a_contestant_travels_as_json() -> None:
    entry = Entry(spec(), ("*",), (({"width": 3}, "darts"),))
    (one, _) = contestants([entry], [sampler("nsga2:population_size=8")], amount("2h"))
    again = Contestant.from_json(one.to_json())
    assert again.spec == one.spec
    assert again.label == one.label
    assert again.key("data", "cpu") == one.key("data", "cpu")


def test_a_key_is_for_what_a_run_does() -> None:
    def key(fingerprint: str = "x", names: str = "tpe", limit: int = 9, **changes: object) -> str:
        entries = [Entry(spec(**changes))]  # type: ignore[arg-type]
        return contestants(entries, [sampler(names)], amount(limit))[0].key(fingerprint, "cpu")

    assert key() == key(description="another", seed=7, budget=Budget(trials=3))
    others = [
        key("y"),
        key(names="nsga2"),
        key(limit=10),
        key(pruner="median"),
        key(training={"lr": 1}),
    ]
    assert len({key(), *others}) == 6
