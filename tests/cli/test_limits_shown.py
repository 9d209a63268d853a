"""What ``study show`` tells of limits: their direction, and whom only training found out."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState, create_trial

import optunas
from optunas.cli.render import as_dict, summary

SPEC = optunas.StudySpec(
    name="limits",
    space=optunas.NB201,
    task="optunas.tasks:digits",
    objectives=("accuracy", "params"),
    constraints={"params": 12_000, "accuracy_noise": 0.9},
    training={"channels": 4, "num_cells": 1},
    budget=optunas.Budget(trials=5),
    reference=False,
)

CELL = next(iter(optunas.NB201.enumerate(1)))


def add(study: optuna.Study, noise: float, **attrs: object) -> None:
    """A trial that misses the accuracy in noise by ``noise``."""
    ruled_out = "ruled_out" in attrs
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED if ruled_out else TrialState.COMPLETE,
            values=None if ruled_out else (0.9, 9000.0),
            user_attrs={"architecture": CELL.to_json(), **attrs},
            system_attrs={f"constraints:{'params' if ruled_out else 'accuracy_noise'}": noise},
        )
    )


def test_limits_are_told_with_whom_they_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    handle = optunas.create(SPEC, optuna.storages.InMemoryStorage())
    for noise in (0.1, 0.05, -0.01):
        add(handle.study, noise)
    add(handle.study, 0.1, reused_from=0)
    add(handle.study, 900.0, ruled_out=True)
    summary(handle)
    said = capsys.readouterr().out
    assert "constraints params <= 12,000, accuracy_noise >= 0.9" in said
    assert "2 x Trained, but it breaks the limit on accuracy_noise." in said
    assert "1 x Ruled out before training by the limit on params." in said
    assert "Pareto front: 1 network" in said
    assert as_dict(handle)["over_limits"] == {"accuracy_noise": 2}
