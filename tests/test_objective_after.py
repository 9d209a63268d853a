"""Metrics of the trained network, and memory and energy, as objectives and limits of a study."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest

import optunas
from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics import peak_memory_bytes, power
from optunas.objective import Objective
from optunas.tasks import digits, tabular, tabular_space

SMALL = {"epochs": 1, "channels": 4, "num_cells": 1}
NAMES = ("accuracy", "accuracy_fgsm", "peak_memory_bytes")


@pytest.fixture(scope="module")
def task() -> Any:
    return digits()


def test_the_trained_network_is_measured_once_and_remembered(task: Any) -> None:
    objective = Objective(optunas.NB201, task, NAMES, ("accuracy_noise",), training=SMALL)
    study = optuna.create_study(directions=objective.directions)
    for _ in range(2):
        edges = [f"cell.edge{s}-{t}" for t in (1, 2, 3) for s in range(t)]
        study.enqueue_trial(dict.fromkeys(edges, "nor_conv_1x1"))
    study.optimize(objective, n_trials=2)
    first, second = study.trials
    assert all(0 <= value <= 1 for value in first.values[:2])
    cell = optunas.NB201.from_json(first.user_attrs["architecture"])
    assert first.values[2] == peak_memory_bytes(cell, (1, 8, 8), 10, 4, 1)
    assert first.user_attrs["accuracy_fgsm"] == first.values[1]
    assert 0 <= first.user_attrs["accuracy_noise"] <= 1
    assert second.user_attrs["reused_from"] == 0
    assert second.values == first.values


def test_a_limit_on_memory_is_settled_before_training(task: Any) -> None:
    cell = optunas.NB201.sample(np.random.default_rng(0))
    limit = {"peak_memory_bytes": peak_memory_bytes(cell, (1, 8, 8), 10, 4, 1) - 1}
    objective = Objective(optunas.NB201, task, ("accuracy",), training=SMALL, constraints=limit)
    study = optuna.create_study(directions=objective.directions)
    study.enqueue_trial(optunas.to_params(optunas.NB201, cell))
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.PRUNED
    assert study.trials[0].user_attrs["ruled_out"]


def test_energy_is_refused_at_once_without_a_meter(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*arguments: Any) -> None:
        raise DeviceError("This machine shows no energy meter.")

    monkeypatch.setattr(power.rapl, "RaplMeter", none)
    with pytest.raises(DeviceError, match="shows no energy meter"):
        Objective(optunas.NB201, task, ("accuracy", "energy_mj"), training=SMALL)


def test_a_task_that_cannot_be_changed_is_refused_at_once() -> None:
    with pytest.raises(InvalidSpecError, match="trains no network"):
        Objective(tabular_space(["knn"]), tabular("wine"), ("accuracy", "accuracy_noise"))
