"""A task of vectors gets a small perceptron for reference."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_wine

from optunas.objective import Objective
from optunas.space import Float, HyperSpace
from optunas.study.reference import train_reference, wants_reference
from optunas.tasks import arrays

TRAINING = {"epochs": 5, "batch_size": 16, "lr": 0.05, "dropout": 0.1}


@pytest.fixture
def objective(tmp_path: Path) -> Objective:
    x, y = load_wine(return_X_y=True)
    np.savez(tmp_path / "wine.npz", x=x, y=y)
    return Objective(
        HyperSpace(weight_decay=Float(1e-5, 1e-3, log=True)),
        arrays(str(tmp_path / "wine.npz")),
        ("accuracy", "latency_ms", "params"),
        ("flops",),
        training=TRAINING,
    )


def handle_of(**changed: Any) -> Any:
    spec = {"training": TRAINING, "seed": 0, "score": "last", "reference": True, **changed}
    return SimpleNamespace(
        spec=SimpleNamespace(**spec), reference=None, study=optuna.create_study()
    )


def test_it_is_wanted_where_a_network_is_trained(objective: Objective) -> None:
    assert wants_reference(handle_of(), objective)
    assert not wants_reference(handle_of(reference=False), objective)


def test_it_learns_and_its_costs_are_known(objective: Objective) -> None:
    handle = handle_of()
    row = train_reference(handle, objective)
    assert row["name"] == "perceptron, 2 x 64 units"
    assert row["accuracy"] > 0.8
    assert row["params"] == 13 * 64 + 64 + 64 * 64 + 64 + 64 * 3 + 3
    assert row["flops"] == 2 * (13 * 64 + 64 * 64 + 64 * 3)
    assert row["latency_ms"] > 0
    assert row["epochs"] == 5
    assert json.loads(handle.study.user_attrs["optunas:reference"]) == row


def test_the_same_study_trains_the_same_one(objective: Objective) -> None:
    accuracies = [train_reference(handle_of(), objective)["accuracy"] for _ in range(2)]
    assert accuracies[0] == accuracies[1]
