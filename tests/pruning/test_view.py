"""The view on one objective: Optuna's pruners decide through it as they do by themselves."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from optuna.storages import BaseStorage
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from optunas.pruning import CheapAwareMedianPruner, curve, report, should_prune
from optunas.pruning.view import ObjectiveView, view_of


def _patient() -> BasePruner:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return PatientPruner(MedianPruner(n_startup_trials=2), patience=1)


def _wilcoxon() -> BasePruner:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return WilcoxonPruner(n_startup_steps=2)


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "nop": NopPruner,
    "median": lambda: MedianPruner(n_startup_trials=2),
    "median warm": lambda: MedianPruner(1, n_warmup_steps=2, interval_steps=2),
    "percentile": lambda: PercentilePruner(25.0, n_startup_trials=1, n_min_trials=2),
    "halving": SuccessiveHalvingPruner,
    "halving 2": lambda: SuccessiveHalvingPruner(1, 2, 0, bootstrap_count=1),
    "hyperband": lambda: HyperbandPruner(1, 8, 2),
    "hyperband auto": lambda: HyperbandPruner(reduction_factor=2),
    "patient": _patient,
    "threshold": lambda: ThresholdPruner(lower=0.1, upper=0.95, n_warmup_steps=1),
    "cheap-aware": lambda: CheapAwareMedianPruner(n_startup_trials=2),
}

Decisions = list[list[bool]]


def replay(study: optuna.Study, curves: list[list[float]], objective: int) -> Decisions:
    """Report every curve until it is pruned; the decision after every report."""
    decisions: Decisions = []
    single = len(study.directions) == 1
    for values in curves:
        trial = study.ask()
        row: list[bool] = []
        for step, value in enumerate(values):
            if single:
                trial.report(value, step)
            else:
                report(trial, value, step, objective=objective)
            row.append(trial.should_prune() if single else should_prune(trial))
            if row[-1]:
                break
        decisions.append(row)
        final = [0.0] * len(study.directions)
        final[objective] = values[-1] if math.isfinite(values[-1]) else 0.0
        if row and row[-1]:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, final)
    return decisions


VALUE = st.floats(0.0, 1.0) | st.sampled_from([0.25, 0.5, math.nan])
CURVES = st.lists(st.lists(VALUE, min_size=1, max_size=9), min_size=1, max_size=12)


@pytest.mark.parametrize("name", PRUNERS)
@settings(max_examples=12, deadline=None)
@given(curves=CURVES, maximize=st.booleans(), objective=st.integers(0, 1))
def test_decisions_equal_optunas_own(name: str, curves, maximize: bool, objective: int):
    direction = "maximize" if maximize else "minimize"
    directions = ["minimize", "minimize"]
    directions[objective] = direction
    with warnings.catch_warnings():  # all-NaN columns: numpy warns in both
        warnings.simplefilter("ignore", RuntimeWarning)
        # Hyperband's brackets go by the study's name.
        one = optuna.create_study(study_name="s", direction=direction, pruner=PRUNERS[name]())
        two = optuna.create_study(study_name="s", directions=directions, pruner=PRUNERS[name]())
        expected, got = replay(one, curves, 0), replay(two, curves, objective)
    assert got == expected
    rungs = [{k: v for k, v in t.system_attrs.items() if "rung" in k} for t in one.trials]
    assert repr(rungs) == repr(
        [{k: v for k, v in t.system_attrs.items() if "rung" in k} for t in two.trials]
    )


def test_these_decisions_are_not_all_alike():
    """The property above would hold for a view that never prunes: here every pruner does both."""
    values = [[(number % 7) / 7 + 0.01 * step for step in range(9)] for number in range(30)]
    for name, make in PRUNERS.items():
        study = optuna.create_study(directions=["maximize", "minimize"], pruner=make())
        falling = [row[::-1] for row in values] if name == "patient" else values
        flat = [decision for row in replay(study, falling, 0) for decision in row]
        assert any(flat) == (name != "nop"), name
        assert not all(flat)


def test_wilcoxon_decides_as_it_does_by_itself():
    pytest.importorskip("scipy")
    curves = [[0.9] * 6, [0.1 + 0.01 * k for k in range(6)], [0.95] * 6]
    one = optuna.create_study(direction="maximize", pruner=_wilcoxon())
    two = optuna.create_study(directions=["maximize", "minimize"], pruner=_wilcoxon())
    decisions = replay(two, curves, 0)
    assert decisions == replay(one, curves, 0)
    assert [row[-1] for row in decisions] == [False, True, False]


def storages(folder: Path) -> dict[str, Callable[[], str | BaseStorage]]:
    """A fresh connection to the same data at every call, as another process would open it."""
    journal = str(folder / "journal.log")
    return {
        "sqlite": lambda: f"sqlite:///{folder / 'study.db'}",
        "journal": lambda: JournalStorage(JournalFileBackend(journal)),
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("journal", name) for name in ("median", "halving 2", "hyperband", "cheap-aware")),
        *(("sqlite", name) for name in ("halving 2", "cheap-aware")),
    ],
)
def test_decisions_are_the_same_in_stored_studies(kind: str, name: str, tmp_path: Path):
    connect = storages(tmp_path)[kind]
    optuna.create_study(study_name="s", directions=["maximize", "minimize"], storage=connect())
    curves = [[(n * 5 % 7) / 7 + 0.01 * s for s in range(3)] for n in range(7)]
    memory = optuna.create_study(
        study_name="s", directions=["maximize", "minimize"], pruner=PRUNERS[name]()
    )
    expected = replay(memory, curves, 0)
    got: Decisions = []
    for one in curves:  # each trial through a connection of its own
        study = optuna.load_study(study_name="s", storage=connect(), pruner=PRUNERS[name]())
        got += replay(study, [one], 0)
    assert got == expected
    assert any(row[-1] for row in got)


CHILD = """
import sys, optuna
from optunas.pruning import report, should_prune
pruner = optuna.pruners.SuccessiveHalvingPruner(1, 2, 0)
study = optuna.load_study(study_name="s", storage=sys.argv[1], pruner=pruner)
trial = study.ask()
report(trial, 0.9, 1)
assert not should_prune(trial)
study.tell(trial, [0.9, 1.0])
"""


def test_another_process_sees_what_a_pruner_wrote(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    pruner = SuccessiveHalvingPruner(1, 2, 0)
    study = optuna.create_study(
        study_name="s", directions=["maximize", "minimize"], storage=url, pruner=pruner
    )
    mine = study.ask()
    report(mine, 0.5, 0)
    assert not should_prune(mine)
    subprocess.run([sys.executable, "-c", CHILD, url], check=True, timeout=60)
    assert study.trials[1].system_attrs["completed_rung_0"] == 0.9
    report(mine, 0.6, 1)
    assert should_prune(mine)  # half of {0.9, 0.6} goes on: the other process's
    assert study.trials[0].system_attrs["completed_rung_0"] == 0.6


def test_the_view_shows_one_objective_and_leaves_trials_alone():
    study = optuna.create_study(directions=["maximize", "minimize", "maximize"])
    for number in range(3):
        trial = study.ask()
        report(trial, 0.1 * number, 4, objective=2)
        if number < 2:
            study.tell(trial, [1.0, 2.0, 3.0 + number])
        else:
            study.tell(trial, state=TrialState.PRUNED)
    before = study.trials
    view = view_of(study, 2)
    assert view.direction == optuna.study.StudyDirection.MAXIMIZE
    assert view.study_directions == tuple(study.directions)
    assert [t.values for t in view.trials] == [[3.0], [4.0], [0.2]]
    assert [t.intermediate_values for t in view.trials] == [{4: 0.0}, {4: 0.1}, {4: 0.2}]
    assert view.best_trial.number == 1
    assert [t.intermediate_values for t in view_of(study, 0).trials] == [{}, {}, {}]
    assert study.trials == before


def test_the_view_is_kept_and_follows_the_studys_pruner():
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.pruner = ThresholdPruner(lower=0.5)
    view = view_of(study, 0)
    assert view_of(study, 0) is view
    assert view.pruner is study.pruner
    assert view.sampler is study.sampler
    study.pruner = NopPruner()
    assert view_of(study, 0).pruner is study.pruner


def test_finished_trials_are_parsed_once_and_running_ones_afresh(monkeypatch):
    study = optuna.create_study(directions=["maximize", "minimize"])
    replay(study, [[0.1, 0.2]] * 3, 0)
    running = study.ask()
    report(running, 0.3, 0)
    view = view_of(study, 0)
    first = view.get_trials(deepcopy=False)
    report(running, 0.4, 1)
    again = view.get_trials(deepcopy=False)
    assert [a is b for a, b in zip(first, again, strict=True)] == [True] * 3 + [False]
    assert again[3].intermediate_values == {0: 0.3, 1: 0.4}
    monkeypatch.setattr("optunas.pruning.view.CACHED_TRIALS", 1)
    other = ObjectiveView(study, 0)
    assert [t.number for t in other.get_trials(deepcopy=False)] == [0, 1, 2, 3]
    assert len(other._storage._finished) == 1


def test_own_intermediate_values_of_added_trials_are_seen():
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trial(create_trial(values=[1.0, 2.0], intermediate_values={0: 0.7}))
    assert view_of(study, 0).trials[0].intermediate_values == {0: 0.7}
    assert curve(study.trials[0]) == {0: 0.7}


def test_the_private_names_that_the_view_relies_on():
    """An Optuna that moves one of these fails here, with its name, and not in a user's study."""
    study = optuna.create_study(directions=["maximize", "minimize"])
    trial = study.ask()
    assert isinstance(study._storage, BaseStorage)
    assert study._storage.get_study_id_from_name(study.study_name) == study._study_id
    assert list(inspect.signature(optuna.Study.__init__).parameters) == [
        "self",
        "study_name",
        "storage",
        "sampler",
        "pruner",
    ]
    assert list(inspect.signature(Trial._get_latest_trial).parameters) == ["self"]
    frozen = trial._get_latest_trial()
    assert isinstance(frozen, FrozenTrial)
    assert frozen._trial_id == trial._trial_id
    trial.set_user_attr("a", 1)
    study._storage.set_trial_system_attr(trial._trial_id, "b", 2)
    assert trial._get_latest_trial().user_attrs == {"a": 1}
    assert trial._get_latest_trial().system_attrs["b"] == 2
    # Each of these is passed on by the view's storage; a new one must be as well.
    assert {
        "create_new_study",
        "create_new_trial",
        "delete_study",
        "get_all_studies",
        "get_all_trials",
        "get_study_directions",
        "get_study_id_from_name",
        "get_study_name_from_id",
        "get_study_system_attrs",
        "get_study_user_attrs",
        "get_trial",
        "set_study_system_attr",
        "set_study_user_attr",
        "set_trial_intermediate_value",
        "set_trial_param",
        "set_trial_state_values",
        "set_trial_system_attr",
        "set_trial_user_attr",
    } == set(BaseStorage.__abstractmethods__)


def test_the_view_passes_everything_else_on_to_the_real_storage():
    study = optuna.create_study(study_name="s", directions=["maximize", "minimize"])
    view = view_of(study, 0)._storage
    trial = study.ask()
    view.set_study_user_attr(study._study_id, "u", 1)
    view.set_study_system_attr(study._study_id, "v", 2)
    view.set_trial_user_attr(trial._trial_id, "w", 3)
    assert study.user_attrs == view.get_study_user_attrs(study._study_id) == {"u": 1}
    assert view.get_study_system_attrs(study._study_id)["v"] == 2
    assert view.get_trial(trial._trial_id).user_attrs["w"] == 3
    assert view.get_study_name_from_id(study._study_id) == "s"
    assert [s.study_name for s in view.get_all_studies()] == ["s"]
    distribution = optuna.distributions.FloatDistribution(0.0, 1.0)
    view.set_trial_param(trial._trial_id, "x", 0.5, distribution)
    view.set_trial_intermediate_value(trial._trial_id, 0, 0.25)
    assert view.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [1.0, 2.0])
    assert study.trials[0].params == {"x": 0.5}
    assert study.trials[0].intermediate_values == {0: 0.25}
    view.create_new_trial(study._study_id)
    assert len(study.trials) == 2
    other = view.create_new_study([optuna.study.StudyDirection.MINIMIZE], "t")
    assert view.get_study_id_from_name("t") == other
    view.delete_study(other)
    assert [s.study_name for s in view.get_all_studies()] == ["s"]
