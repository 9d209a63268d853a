"""Limits that leave nothing to search are refused before anything is trained or stored."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
import toy_task

import optunas
from optunas import NB201, Budget, Objective, StudySpec
from optunas.errors import InvalidSpecError
from optunas.space.cell import Cell
from optunas.study import feasibility
from optunas.study.feasibility import check_feasible

SPEC = StudySpec(
    name="narrow",
    space=NB201,
    task="optunas.tasks:digits",
    objectives=("accuracy", "params"),
    training={"num_cells": 1, "epochs": 1, "channels": 2},
    budget=Budget(trials=1),
    reference=False,
)


def objective(**constraints: float) -> Objective:
    task = optunas.tasks.digits()
    return Objective(NB201, task, training=SPEC.training, constraints=constraints)


def smallest() -> float:
    cell = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    return float(optunas.metrics.params(Cell.from_str(cell), (1, 8, 8), 10, 2, 1))


def test_the_sentence_tells_how_near_the_nearest_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasibility, "SAMPLE", 1000)
    least = smallest()
    with pytest.raises(InvalidSpecError, match="None of 1,000 random networks") as refusal:
        check_feasible(objective(params=least - 1))
    assert f"params {least:,.0f} breaks the limit of {least - 1:,.0f}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_limits_that_the_smallest_network_keeps_are_searched() -> None:
    check_feasible(objective(params=smallest()))


def test_nothing_is_stored_of_an_impossible_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasibility, "SAMPLE", 100)
    storage = optuna.storages.InMemoryStorage()
    with pytest.raises(InvalidSpecError, match="loosen the constraints"):
        optunas.create(replace(SPEC, constraints={"params": 10.0}), storage)
    assert optuna.get_all_study_names(storage) == []


def test_limits_on_what_is_trained_or_measured_are_not_judged_beforehand() -> None:
    check_feasible(objective(accuracy=1.0))
    check_feasible(objective(latency_ms=1e-9))
    metrics = (toy_task.WEIGHT,)
    check_feasible(
        Objective(
            toy_task.SPACE, toy_task.toy(), ("accuracy",), metrics, constraints={"weight": -1.0}
        )
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"accuracy": 90.0}, r"accuracy is at most 1, its lower limit is 90; 90 % is 0.9\.$"),
        ({"accuracy_noise": 1.5}, "accuracy_noise is at most 1"),
        ({"latency_ms": -2.0}, r"latency_ms is at least 0, its upper limit is -2\.$"),
        ({"accuracy": 2.0, "flops": -1.0}, "2 % is 0.02; flops is at least 0"),
    ],
)
def test_limits_beyond_what_a_metric_can_be(limits: dict[str, float], said: str) -> None:
    task = optunas.tasks.digits()
    metrics = tuple(name for name in limits if name != "accuracy")
    objective = Objective(NB201, task, metrics=metrics, training=SPEC.training, constraints=limits)
    with pytest.raises(InvalidSpecError, match=f"No network keeps the constraints: .*{said}"):
        check_feasible(objective)


@pytest.mark.parametrize("limit", [float("inf"), float("-inf"), float("nan")])
def test_limits_that_are_no_limits(limit: float) -> None:
    with pytest.raises(InvalidSpecError, match=r"constraints\['params'\] must be a finite number"):
        replace(SPEC, constraints={"params": limit})
