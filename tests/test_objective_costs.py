"""Whose costs are counted: those of the network that the task really builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from torch import nn

import optunas
from optunas import NB201, Choice, HyperSpace
from optunas.tasks import Score

CELL = next(iter(NB201.enumerate(1)))


class Linear:
    """A task that builds a linear model, whatever the architecture."""

    name, score_name, direction = "linear", "accuracy", "maximize"
    input_shape, num_outputs = (1, 8, 8), 10
    network_keys = ("width",)
    default_epochs = 3
    options: Mapping[str, Any] = {}

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        pass

    def scores(
        self, candidate: Any, hyperparameters: Any, seed: int = 0, device: str = "cpu"
    ) -> Any:
        yield from (Score(step, 0.5, 0.0) for step in range(3))


def test_a_task_of_its_own_networks_is_counted_on_them() -> None:
    objective = optunas.Objective(NB201, Linear(), ("accuracy", "params", "flops"))
    assert objective.measure(CELL, {}, CELL) == {"params": 650.0, "flops": 1280.0}


def test_hyperparameters_alone_have_costs_too() -> None:
    space = HyperSpace(width=Choice((4, 8)))
    objective = optunas.Objective(space, Linear(), ("accuracy", "params"))
    study = optuna.create_study(directions=objective.directions)
    study.optimize(objective, n_trials=1)
    assert study.trials[0].values == [0.5, 650.0]


def test_the_stock_tasks_costs_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    task = optunas.tasks.digits()

    def refuse(*_: object) -> nn.Module:
        raise AssertionError("built")

    monkeypatch.setattr("optunas.nets.build.build", refuse)
    objective = optunas.Objective(NB201, task, ("accuracy", "params"))
    assert objective.measure(CELL, {"channels": 4, "num_cells": 1}, CELL)["params"] > 0


def test_the_last_of_the_default_epochs_is_not_pruned() -> None:
    objective = optunas.Objective(NB201, Linear(), ("accuracy",))
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=0.9, n_warmup_steps=2)
    )
    study.enqueue_trial(optunas.to_params(NB201, list(NB201.enumerate(200))[-1]))
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.COMPLETE
    assert study.trials[0].user_attrs["epochs"] == 3


def test_what_breaks_on_each_network_is_refused_at_once() -> None:
    def broken(network: nn.Module, input_shape: tuple[int, ...]) -> float:
        raise KeyError("no such layer")

    heads = optunas.Metric("heads", "minimize", cheap=True, compute=broken)
    objective = optunas.Objective(NB201, Linear(), ("accuracy", heads))
    with pytest.raises(optunas.errors.InvalidSpecError, match="KeyError: 'no such layer'"):
        objective.rehearse(CELL)


def test_a_setting_is_searched_or_fixed() -> None:
    space = HyperSpace(width=Choice((4, 8)))
    objective = optunas.Objective(space, Linear(), ("accuracy",), training={"width": 8})
    with pytest.raises(optunas.errors.InvalidSpecError, match="width is searched by the space and"):
        objective.sample_check(space.decode({"width": 4}))
