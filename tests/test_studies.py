"""Every ready study loads, is stored and read back unchanged, and has a space to look at."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState
from typer.testing import CliRunner

import optunas
from optunas.cli import app
from optunas.errors import DataError
from optunas.study import load_file
from optunas.study.life import make_objective
from optunas.study.references import resolver

FILES = sorted((Path(__file__).parent.parent / "studies").glob("*.py"))
PATHS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for path in FILES:
        monkeypatch.delitem(sys.modules, path.stem, raising=False)


def need_data(study: optunas.StudySpec) -> None:
    """Skip where the study's data set is not installed."""
    try:
        make_objective(study, trust=["*"])
    except DataError as error:
        pytest.skip(str(error))


def test_there_are_the_ready_studies() -> None:
    assert {path.stem for path in FILES} >= {
        "digits_cells",
        "digits_darts",
        "digits_elastic",
        "digits_hpo",
        "digits_joint",
        "digits_macro",
        "fashion_mnist_cells",
        "fashion_mnist_darts",
        "nb201_front",
        "tabular_models",
    }


@PATHS
def test_study_is_named_after_its_file_and_explains_itself(path: Path) -> None:
    study = load_file(path)
    assert study.name == path.stem.replace("_", "-")
    assert study.description
    assert '"""' in path.read_text()[:3]


@PATHS
def test_definition_survives_json(path: Path) -> None:
    study = load_file(path)
    again = optunas.StudySpec.from_json(study.to_json(), resolver(()))
    assert again == study
    assert again.to_dict() == study.to_dict()
    assert again.differences(study) == []


@PATHS
def test_task_takes_the_settings_and_every_metric_is_known(path: Path) -> None:
    study = load_file(path)
    need_data(study)
    objective = make_objective(study, trust=["*"])
    others = len(study.objectives) - 1
    assert objective.directions == ["maximize", *["minimize"] * others]


@PATHS
def test_space_info(path: Path) -> None:
    need_data(load_file(path))
    result = CliRunner().invoke(app, ["space", "info", str(path), "--sample", "20", "--json"])
    assert result.exit_code == 0, result.output
    body = json.loads(result.output)
    space = load_file(path).space
    assert body["sampled"] == 20
    assert set(body["parameters"]) == set(space.parameters())
    if space.num_architectures():
        low, median, high = body["costs"]["params"]
        assert 0 < low <= median <= high


@pytest.mark.slow
def test_digits_study_runs(tmp_path: Path) -> None:
    (path,) = (p for p in FILES if p.stem == "digits_cells")
    study = load_file(path)
    short = replace(study, training={**study.training, "epochs": 2})
    handle = optunas.run(short, trials=3, storage=f"sqlite:///{tmp_path}/s.db", progress=False)
    trials = handle.trials(TrialState.COMPLETE)
    assert len(trials) == 3
    assert handle.usage().epochs == sum(t.user_attrs["epochs"] for t in handle.trials())
    front = handle.front()
    assert 0 < len(front) <= 3
    assert set(front.columns) >= {"trial", "accuracy", "latency_ms", "params", "flops", "lr"}
    for row in front:
        assert 0 <= row["accuracy"] <= 1
        assert row["latency_ms"] > 0
        assert row["params"] > 0
    assert handle.reference is not None
    assert 0 < handle.reference["accuracy"] <= 1
