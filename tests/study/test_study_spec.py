"""A study's definition: stored as JSON, read back equal, refused when it cannot work."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
import toy_task
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import RandomSampler

from optunas import (
    DARTS,
    NB201,
    Budget,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Metric,
    StudySpec,
)
from optunas.errors import InvalidSpecError, StorageError, TaskError, UnknownNameError
from optunas.study.references import resolver

TRUST = resolver(["toy_task"])

JOINT = JointSpace(cell=NB201, train=HyperSpace(lr=Float(0.01, 0.3, log=True), width=Int(1, 8)))
SPACES = (NB201, DARTS, DenseCellSpace(("none", "skip_connect"), 3), JOINT, toy_task.SPACE)

scalars = st.one_of(
    st.integers(-99, 99), st.floats(-9, 9), st.booleans(), st.none(), st.text(max_size=5)
)
options = st.dictionaries(st.text(min_size=1, max_size=8), scalars | st.lists(scalars), max_size=3)
amounts = st.none() | st.integers(1, 10**6)
seconds = st.none() | st.floats(0.1, 1e6)
budgets = st.builds(
    Budget,
    trials=st.integers(1, 10**6),
    epochs=amounts,
    wall_seconds=seconds,
    device_hours=seconds,
    patience_trials=amounts,
    patience_generations=amounts,
)
specs = st.builds(
    StudySpec,
    name=st.from_regex(r"[A-Za-z0-9][\w.-]{0,20}", fullmatch=True),
    space=st.sampled_from(SPACES),
    task=st.sampled_from(("optunas.tasks:digits", "toy_task:toy")),
    task_options=options,
    objectives=st.sampled_from((("accuracy",), ("accuracy", "params"), ("r2", toy_task.WEIGHT))),
    metrics=st.sampled_from(((), ("flops",), (toy_task.NOTHING,))),
    training=options,
    sampler=st.sampled_from(("nsga2", "tpe")),
    sampler_options=options,
    pruner=st.sampled_from(("none", "median")),
    pruner_options=options,
    constraints=st.dictionaries(st.sampled_from(("params", "accuracy")), st.integers(1, 99)),
    budget=budgets,
    seed=st.integers(0, 2**40),
    score=st.sampled_from(("last", "best")),
    reuse=st.booleans(),
    repeats=st.integers(1, 5),
    max_reused=amounts,
    reference=st.booleans(),
    description=st.text(max_size=20),
)


@settings(max_examples=40)
@given(specs)
def test_json_gives_an_equal_definition_back(spec: StudySpec) -> None:
    text = spec.to_json()
    again = StudySpec.from_json(text, TRUST)
    assert again.to_json() == text
    assert spec.differences(again) == []
    for name in set(spec.to_dict()) - {"version", "space"}:
        assert getattr(again, name) == getattr(spec, name), name


@settings(max_examples=40)
@given(specs, specs)
def test_differences_are_none_exactly_for_equal_definitions(a: StudySpec, b: StudySpec) -> None:
    lines = a.differences(b)
    assert (not lines) == (a.to_dict() == b.to_dict())
    assert len(lines) == len(b.differences(a))


@settings(max_examples=40)
@given(specs)
def test_a_changed_field_is_the_one_difference(spec: StudySpec) -> None:
    other = replace(spec, seed=spec.seed + 1)
    assert spec.differences(other) == [f"seed: stored {spec.seed}, now {spec.seed + 1}"]


def test_a_difference_inside_a_mapping_is_named_with_its_path() -> None:
    a = toy_task.spec(training={"epochs": 3}, budget=Budget(trials=5))
    b = toy_task.spec(training={"epochs": 4, "slope": 1}, budget=Budget(trials=6))
    assert a.differences(b) == [
        "budget.trials: stored 5, now 6",
        "training.epochs: stored 3, now 4",
        "training.slope: stored null, now 1",
    ]


def test_a_difference_of_operations_shows_both_lists() -> None:
    a = toy_task.spec(space=DenseCellSpace(("none", "skip_connect"), 3))
    b = toy_task.spec(space=DenseCellSpace(("none", "nor_conv_1x1"), 3))
    (line,) = a.differences(b)
    assert line.startswith("space.operations: stored")
    assert "skip_connect" in line
    assert "nor_conv_1x1" in line


def test_a_long_difference_is_cut() -> None:
    a, b = toy_task.spec(description="a" * 500), toy_task.spec(description="b" * 500)
    (line,) = a.differences(b)
    assert len(line) < 200


def test_a_factory_is_stored_by_its_name() -> None:
    assert toy_task.spec(task=toy_task.toy).task == "toy_task:toy"


def test_the_defaults_are_the_missions() -> None:
    spec = StudySpec("a", NB201, "optunas.tasks:digits")
    assert spec.sampler == "nsga2"
    assert spec.pruner == "cheap_aware_median"
    assert [m.name for m in spec.objective_metrics] == ["accuracy", "latency_ms", "params"]


def test_tuples_in_options_come_as_the_lists_that_json_gives_back() -> None:
    spec = toy_task.spec(task_options={"split": (0.5, 0.3, 0.2)})
    assert spec.task_options == {"split": [0.5, 0.3, 0.2]}


def test_the_callers_mapping_is_not_kept() -> None:
    training = {"epochs": 3}
    spec = toy_task.spec(training=training)
    training["epochs"] = 99
    assert spec.training == {"epochs": 3}


def test_constrained_metrics_are_recorded_too() -> None:
    spec = toy_task.spec(metrics=("latency_ms",), constraints={"flops": 5, "params": 9})
    assert [m.name for m in spec.all_metrics] == ["accuracy", "params", "latency_ms", "flops"]


def test_an_own_metric_comes_back_with_its_function() -> None:
    spec = toy_task.spec(objectives=("accuracy", toy_task.WEIGHT))
    again = StudySpec.from_json(spec.to_json(), TRUST)
    assert again.objective_metrics[1].compute is toy_task.weight


def lambda_metric() -> Metric:
    return Metric("odd", "minimize", cheap=True, compute=lambda network, shape: 1.0)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"name": "a b"}, InvalidSpecError, "name must consist of letters, .* got 'a b'"),
    ({"name": ""}, InvalidSpecError, "name must consist of letters"),
    ({"name": 3}, InvalidSpecError, "name must consist of letters, .* got 3"),
    ({"space": "NB201"}, InvalidSpecError, "space must be a Space, got 'NB201'"),
    ({"budget": 40}, InvalidSpecError, "budget must be a Budget, got 40"),
    ({"objectives": ()}, InvalidSpecError, "objectives must not be empty"),
    ({"objectives": "accuracy"}, InvalidSpecError, "objectives must be a tuple, got 'accuracy'"),
    ({"objectives": ("r2", "r2")}, InvalidSpecError, r"must be distinct, got \['r2', 'r2'\]"),
    ({"objectives": ("acuracy",)}, UnknownNameError, "metric 'acuracy'; did you mean 'accuracy'"),
    ({"metrics": ("flop",)}, UnknownNameError, "metric 'flop'; did you mean 'flops'"),
    ({"metrics": (Metric("w", "minimize"),)}, InvalidSpecError, "metric 'w' needs compute="),
    ({"training": [1]}, InvalidSpecError, r"training must be a mapping, got \[1\]"),
    ({"training": {"a": {1, 2}}}, InvalidSpecError, "training must hold numbers, strings"),
    ({"task_options": {"a": object()}}, InvalidSpecError, "task_options must hold numbers"),
    ({"constraints": {"param": 1}}, UnknownNameError, "metric 'param'; did you mean 'params'"),
    ({"constraints": {"params": "1"}}, InvalidSpecError, r"constraints\['params'\] must be a num"),
    ({"constraints": {"params": True}}, InvalidSpecError, r"constraints\['params'\] must be a num"),
    ({"score": "mean"}, InvalidSpecError, "score must be 'last' or 'best', got 'mean'"),
    ({"seed": 1.5}, InvalidSpecError, "seed must be a whole number from 0 on, got 1.5"),
    ({"seed": True}, InvalidSpecError, "seed must be a whole number from 0 on, got True"),
    ({"seed": -1}, InvalidSpecError, "seed must be a whole number from 0 on, got -1"),
    ({"sampler": RandomSampler()}, InvalidSpecError, "sampler must be a name, got <optuna"),
    ({"pruner": None}, InvalidSpecError, "pruner must be a name, got None"),
    ({"reuse": "no"}, InvalidSpecError, "reuse must be True or False, got 'no'"),
    ({"reference": 1}, InvalidSpecError, "reference must be True or False, got 1"),
    ({"description": None}, InvalidSpecError, "description must be a text, got None"),
    ({"repeats": None}, InvalidSpecError, "repeats must be a positive whole number, got None"),
    ({"repeats": 0}, InvalidSpecError, "repeats must be a positive whole number, got 0"),
    ({"max_reused": -1}, InvalidSpecError, "max_reused must be a positive whole number, got -1"),
]


@pytest.mark.parametrize(("changes", "error", "message"), WRONG)
def test_what_cannot_work_is_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        toy_task.spec(**changes)


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(InvalidSpecError, match=r"name must.*; score must.*; seed must"):
        toy_task.spec("a b", score="mean", seed="x")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (lambda: None, "lambda or a local definition"),
        (toy_task.ToyTask(1, 0, None, 0), "cannot be stored by name"),
    ],
)
def test_a_task_that_no_other_process_could_import_is_refused(task: Any, message: str) -> None:
    with pytest.raises(Exception, match=message):
        toy_task.spec(task=task)


def test_an_own_metric_that_cannot_be_imported_is_refused_when_it_is_stored() -> None:
    with pytest.raises(Exception, match=r"The metric 'odd'.*lambda"):
        toy_task.spec(objectives=("accuracy", lambda_metric())).to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "no json", '{"name": "a"}'])
def test_text_that_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match=r"Expected a study definition, got"):
        StudySpec.from_json(text, TRUST)


def test_another_version_is_refused() -> None:
    body = json.loads(toy_task.spec().to_json()) | {"version": 99}
    with pytest.raises(StorageError, match=r"version 99 of the definition, this optunas reads"):
        StudySpec.from_json(json.dumps(body), TRUST)


@pytest.mark.parametrize("damage", [{"surprise": 1}, {"objectives": None}, {"space": 3}])
def test_a_damaged_definition_is_refused_with_a_sentence(damage: dict[str, Any]) -> None:
    body = json.loads(toy_task.spec().to_json()) | damage
    with pytest.raises((StorageError, InvalidSpecError, ValueError), match=r"definition|space"):
        StudySpec.from_json(json.dumps(body), TRUST)


def test_code_of_a_stored_definition_is_not_imported_untrusted() -> None:
    spec = toy_task.spec(objectives=("accuracy", toy_task.WEIGHT))
    with pytest.raises(
        TaskError, match=r"'toy_task:weight' is code from outside.*--trust toy_task"
    ):
        StudySpec.from_json(spec.to_json(), resolver([]))


def test_unknown_budget_limits_are_refused() -> None:
    body = asdict(Budget()) | {"trails": 3}
    with pytest.raises(UnknownNameError, match=r"budget limit 'trails'; did you mean 'trials'"):
        Budget.from_dict(body)


def test_parameters_of_a_space_are_part_of_the_comparison() -> None:
    a = toy_task.spec(space=HyperSpace(width=Int(1, 16), mood=Choice(("fine",))))
    b = toy_task.spec(space=HyperSpace(width=Int(1, 32), mood=Choice(("fine",))))
    (line,) = a.differences(b)
    assert line.startswith("space.parameters.width.high: stored 16, now 32")
