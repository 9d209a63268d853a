"""The reference network stands beside the front: trained once, charged to no budget."""

from __future__ import annotations

from typing import Any

import pytest
import toy_task
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget, DenseCellSpace, StudySpec
from optunas.errors import TrainingError
from optunas.study import running

SPEC = StudySpec(
    "digits",
    DenseCellSpace(("skip_connect", "nor_conv_1x1"), 3),
    "optunas.tasks:digits",
    objectives=("accuracy", "params"),
    training={"epochs": 1, "channels": 4, "num_cells": 1, "batch_size": 512},
    budget=Budget(trials=1),
)


def test_it_is_trained_once_and_costs_nothing() -> None:
    handle = optunas.run(SPEC, storage=InMemoryStorage(), progress=False)
    reference = handle.reference
    assert reference is not None
    assert reference["name"] == "small ResNet, 4 channels"
    assert 0 < reference["accuracy"] <= 1
    assert reference["params"] > 0
    assert reference["epochs"] == 1
    assert handle.usage().epochs == 1
    optunas.run(handle, trials=2, progress=False)
    assert handle.reference == reference


def test_the_same_study_trains_the_same_reference() -> None:
    found = [
        optunas.run(SPEC, storage=InMemoryStorage(), progress=False).reference for _ in range(2)
    ]
    for row in found:
        assert row is not None
        del row["seconds"]
    assert found[0] == found[1]


def test_a_study_may_do_without_and_a_task_without_images_does() -> None:
    handle = optunas.run(toy_task.spec(), storage=InMemoryStorage(), progress=False)
    assert handle.reference is None


@pytest.mark.parametrize(
    "error", [TrainingError("The loss of epoch 0 is not finite."), RuntimeError("out of memory")]
)
def test_a_reference_that_breaks_does_not_end_the_study(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(running, "wants_reference", lambda *arguments: True)
    monkeypatch.setattr(running, "train_reference", breaks)
    handle = optunas.run(toy_task.spec(), storage=InMemoryStorage())
    assert handle.usage().trials == 8
    said = capsys.readouterr().err
    assert "no reference network this time:" in said
    assert str(error) in said
