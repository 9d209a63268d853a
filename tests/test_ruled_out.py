"""A network whose output cannot see its input is not trained."""

from __future__ import annotations

import optuna

import optunas
from optunas import codec
from optunas.space.cell import Cell
from optunas.study.budget import usage


def test_a_disconnected_cell_is_ruled_out_and_costs_nothing() -> None:
    objective = optunas.Objective(
        optunas.NB201,
        optunas.tasks.digits(),
        ("accuracy", "params"),
        training={"epochs": 1, "channels": 2, "num_cells": 1},
    )
    study = optuna.create_study(directions=objective.directions)
    cut = Cell.from_str("|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|none~2|")
    whole = Cell.from_str("|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")
    for cell in (cut, whole):
        study.enqueue_trial(codec.to_params(optunas.NB201, cell))
    study.optimize(objective, n_trials=2)
    first, second = study.trials
    assert first.state == optuna.trial.TrialState.PRUNED
    assert first.user_attrs["ruled_out"] is True
    assert first.user_attrs["epochs"] == 0
    assert second.state == optuna.trial.TrialState.COMPLETE
    assert usage(study.trials).trials == 1
