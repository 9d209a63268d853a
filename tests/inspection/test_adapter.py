"""Pins what the adapter knows of Optuna's and optuna-dashboard's private names and formats."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import optuna
import optuna_dashboard
import pytest
from dashboard_client import Dashboard
from optuna.artifacts import get_all_artifact_meta
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import TrialState
from optuna_dashboard import _app, _note, _serializer
from optuna_dashboard.artifact import _backend, get_artifact_path

from optunas.inspection import adapter

DIRECTIONS = ["maximize", "minimize"]


@pytest.fixture(params=["memory", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    url = None if request.param == "memory" else f"sqlite:///{tmp_path}/a.db"
    return optuna.create_study(
        storage=url, directions=DIRECTIONS, sampler=optuna.samplers.RandomSampler(seed=0)
    )


def finished(study: optuna.Study, values: Any = (0.5, 3.0)) -> optuna.trial.FrozenTrial:
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    return study.tell(trial, values)


def test_private_names_are_where_the_adapter_expects_them(study: optuna.Study) -> None:
    trial = study.ask()
    assert isinstance(study._study_id, int)
    assert isinstance(trial._trial_id, int)
    assert isinstance(study._storage, optuna.storages.BaseStorage)
    assert adapter.NOTE_LENGTH == _note.SYSTEM_ATTR_MAX_LENGTH
    assert adapter._CONSTRAINTS == _CONSTRAINTS_KEY == _serializer.CONSTRAINTS_KEY
    assert adapter._ARTIFACTS == _backend.ARTIFACTS_ATTR_PREFIX
    assert "dashboard:" + adapter._ARTIFACTS == _backend.DASHBOARD_ARTIFACTS_ATTR_PREFIX
    front = inspect.signature(_app.get_pareto_front_trials)
    assert list(front.parameters) == ["trials", "directions"]


def test_a_finished_trials_note_is_the_one_that_the_dashboard_reads(study: optuna.Study) -> None:
    trial = finished(study)
    adapter.save_trial_note(study, trial, "# A *note* with ümlauts")
    live = optuna.trial.Trial(study, trial._trial_id)
    assert optuna_dashboard.get_note(live) == "# A *note* with ümlauts"
    adapter.save_trial_note(study, trial, "x" * 5000)
    assert optuna_dashboard.get_note(live) == "x" * adapter.NOTE_LENGTH


def test_making_a_live_trial_of_a_finished_one_calls_the_sampler(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why notes are not saved through ``optuna_dashboard.save_note``."""
    trial, called = finished(study), []
    monkeypatch.setattr(study.sampler, "before_trial", lambda *args: called.append(args))
    optuna.trial.Trial(study, trial._trial_id)
    assert called


def test_artifacts_of_running_trials_and_studies_are_optunas_own(study: optuna.Study) -> None:
    trial = study.ask()
    adapter.attach(study, trial, "11-aa", "cell.svg", "image/svg+xml")
    adapter.attach(study, None, "22-bb", "front.svg", "image/svg+xml")
    frozen = study.tell(trial, (0.5, 3.0))
    (mine,) = get_all_artifact_meta(study_or_trial=frozen, storage=study._storage)
    assert (mine.artifact_id, mine.filename, mine.mimetype) == (
        "11-aa",
        "cell.svg",
        "image/svg+xml",
    )
    (shared,) = get_all_artifact_meta(study_or_trial=study)
    assert (shared.artifact_id, shared.filename) == ("22-bb", "front.svg")
    assert adapter.uploaded(frozen) == {"cell.svg": "11-aa"}
    assert adapter.artifact_path(study, "22-bb") == get_artifact_path(study, "22-bb")
    assert adapter.artifact_path(study, "11-aa", trial) == get_artifact_path(trial, "11-aa")


def test_artifacts_of_finished_trials_are_listed_by_the_dashboard(study: optuna.Study) -> None:
    trial = finished(study)
    adapter.attach(study, trial, "33-cc", "cell.svg", "image/svg+xml")
    (shown,) = Dashboard(study._storage).study(study._study_id)["trials"]
    assert [a["artifact_id"] for a in shown["artifacts"]] == ["33-cc"]
    assert adapter.artifact_ids(study) == ["33-cc"]


def test_a_deleted_artifact_is_no_artifact(study: optuna.Study) -> None:
    adapter.attach(study, None, "22-bb", "front.svg", "image/svg+xml")
    study._storage.set_study_system_attr(study._study_id, "artifacts:22-bb", "null")
    assert adapter.artifact_ids(study) == []


def test_the_dashboard_sees_constraints_after_the_mirror(study: optuna.Study) -> None:
    for over in (-1.0, 2.0):
        trial = study.ask()
        trial.set_constraint("params", over)
        trial.set_constraint("latency_ms", -5.0)
        adapter.mirror_constraints(trial)
        study.tell(trial, (0.5, 3.0))
    shown = Dashboard(study._storage).study(study._study_id)["trials"]
    assert [sorted(t["constraints"]) for t in shown] == [[-5.0, -1.0], [-5.0, 2.0]]
    assert [t.number for t in study.best_trials] == [0]
    assert adapter.named_constraints(study.trials[1]) == {"params": 2.0, "latency_ms": -5.0}


def test_nothing_is_mirrored_without_constraints_or_where_names_are_numbers(
    study: optuna.Study,
) -> None:
    plain, numbered = study.ask(), study.ask()
    numbered.set_constraint("0", 1.0)
    adapter.mirror_constraints(plain)
    adapter.mirror_constraints(numbered)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Overwrite an old format constraint."
        assert study.tell(plain, (0.5, 3.0)).constraints == {}
        frozen = study.tell(numbered, (0.5, 3.0))
        assert adapter.named_constraints(frozen) == {"0": 1.0}


def test_what_limits_rule_out_has_one_reason_whatever_the_value(study: optuna.Study) -> None:
    reasons = set()
    for value in (3.0, 4.0):
        trial = study.ask()
        trial.set_constraint("latency_ms", value)
        trial.set_constraint("params", -1.0)
        trial.set_user_attr("ruled_out", True)
        trial.set_user_attr("reason", f"Ruled out before training: {value} is too much.")
        ended = study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        assert adapter.broken_limits(ended) == ["latency_ms"]
        reasons.add(adapter.why_ended(ended))
    assert reasons == {"Ruled out before training by the limit on latency_ms."}
    other = study.ask()
    other.set_user_attr("reason", "Behind the median.")
    told = study.tell(other, state=optuna.trial.TrialState.PRUNED)
    assert adapter.why_ended(told) == "Behind the median."


SAMPLERS = {
    "nsga2": lambda: optuna.samplers.NSGAIISampler(population_size=6, seed=1),
    "nsga3": lambda: optuna.samplers.NSGAIIISampler(population_size=6, seed=1),
    "tpe": lambda: optuna.samplers.TPESampler(n_startup_trials=5, multivariate=True, seed=1),
    "gp": lambda: optuna.samplers.GPSampler(n_startup_trials=5, seed=1),
}


def _suggested(name: str, trials: int, mirror: bool) -> list[tuple[float, float]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = SAMPLERS[name]()
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    for _ in range(trials):
        trial = study.ask()
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        trial.set_constraint("sum", x + y - 0.9)
        trial.set_constraint("difference", x - y - 0.3)
        if mirror:
            adapter.mirror_constraints(trial)
        study.tell(trial, (x * y, (x - y) ** 2))
    return [(t.params["x"], t.params["y"]) for t in study.trials]


@pytest.mark.parametrize("name", ["nsga2", "nsga3", "tpe"])
def test_samplers_suggest_the_same_with_the_mirror(name: str) -> None:
    assert _suggested(name, 40, mirror=True) == _suggested(name, 40, mirror=False)


@pytest.mark.slow
def test_the_gaussian_process_sampler_takes_the_mirror() -> None:
    """It models each constraint twice then, so its suggestions may differ; it must not fail."""
    assert len(_suggested("gp", 7, mirror=True)) == 7


def test_best_trials_keep_constraints_while_serving(study: optuna.Study) -> None:
    for values, over in (((0.5, 3.0), -1.0), ((0.9, 1.0), 2.0)):
        trial = study.ask()
        trial.set_constraint("params", over)
        study.tell(trial, values)
    dashboard = Dashboard(study._storage)

    def best() -> list[int]:
        return [t["number"] for t in dashboard.study(study._study_id)["best_trials"]]

    assert best() == [1]
    with adapter.best_trials_keep_constraints(study._storage):
        assert best() == [0] == [t.number for t in study.best_trials]
    assert best() == [1]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_best_trial_of_one_objective_keeps_constraints_too(direction: str) -> None:
    study = optuna.create_study(direction=direction)
    sign = 1 if direction == "maximize" else -1
    for value, over in ((1, -1.0), (2, -1.0), (3, 2.0)):
        trial = study.ask()
        trial.set_constraint("params", over)
        study.tell(trial, sign * value)
    with adapter.best_trials_keep_constraints(study._storage):
        (best,) = Dashboard(study._storage).study(study._study_id)["best_trials"]
    assert best["number"] == 1 == study.best_trial.number
    assert study._storage.get_best_trial(study._study_id).number == 2


def test_without_a_feasible_trial_none_is_shown_as_the_best() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.set_constraint("params", 1.0)
    study.tell(trial, 1.0)
    dashboard = Dashboard(study._storage)
    assert len(dashboard.study(study._study_id)["best_trials"]) == 1
    with adapter.best_trials_keep_constraints(study._storage):
        assert dashboard.study(study._study_id)["best_trials"] == []
        assert study._storage.get_best_trial(study._study_id).state == TrialState.COMPLETE
