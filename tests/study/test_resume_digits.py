"""A resumed study of real networks suggests and trains what an uninterrupted one would."""

from __future__ import annotations

from typing import Any

import optunas
from optunas import Budget, DenseCellSpace, Float, HyperSpace, JointSpace, StudySpec

SPEC = StudySpec(
    "digits",
    JointSpace(
        cell=DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), 3),
        train=HyperSpace(lr=Float(0.01, 0.3, log=True)),
    ),
    "optunas.tasks:digits",
    # Latency differs from run to run; what is left must not.
    objectives=("accuracy", "params"),
    training={"epochs": 2, "channels": 4, "num_cells": 1, "batch_size": 128},
    sampler_options={"population_size": 2},
    pruner_options={"n_startup_trials": 3},
    budget=Budget(trials=7),
    reference=False,
    seed=4,
)


def outcome(handle: optunas.StudyHandle) -> list[Any]:
    keys = ("digest", "accuracy", "params", "epochs", "reused_from", "optunas:curve")
    return [
        (t.number, t.state, t.params, t.values, [t.user_attrs.get(key) for key in keys])
        for t in handle.trials()
    ]


def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(sqlite: str) -> None:
    other = sqlite.replace("studies.db", "parts.db")
    whole = optunas.run(SPEC, storage=sqlite, progress=False)
    for trials in (2, 3, 7):
        optunas.run(SPEC, storage=other, trials=trials, progress=False)
    parts = optunas.load("digits", other)
    assert outcome(parts) == outcome(whole)
    assert whole.usage().trials == 7
    generations = {t.system_attrs["NSGAIISampler:generation"] for t in whole.trials()}
    assert max(generations) >= 1
