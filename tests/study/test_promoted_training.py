"""A promoted network's training is bit for bit the one that was never interrupted."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.trial import TrialState

import optunas
from optunas import NB201, Budget, StudySpec
from optunas.inspection.notes import trial_note
from optunas.pruning import curve
from optunas.pruning.lineage import RESUMES
from optunas.study.life import make_objective, make_task
from optunas.study.rungs import rung_ranks

TRAINING = {"epochs": 6, "channels": 2, "num_cells": 1, "batch_size": 256, "dropout": 0.1}

SPEC = StudySpec(
    "promoted",
    NB201,
    "optunas.tasks:digits",
    objectives=("accuracy", "params"),
    training={**TRAINING, "augmentation": "crop", "optimizer": "adam", "lr": 0.01},
    sampler="random",
    pruner="mo_successive_halving",
    pruner_options={"eta": 2},
    budget=Budget(trials=12),
    seed=3,
    reference=False,
)


@pytest.fixture(scope="module")
def handle(tmp_path_factory: pytest.TempPathFactory) -> optunas.StudyHandle:
    url = f"sqlite:///{tmp_path_factory.mktemp('promoted')}/studies.db"
    return optunas.run(SPEC, storage=url, progress=False)


def test_resumed_curves_are_those_of_uninterrupted_trainings(handle: optunas.StudyHandle) -> None:
    promoted = [t for t in handle.trials() if RESUMES in t.user_attrs]
    assert promoted
    task, objective = make_task(SPEC), make_objective(SPEC)
    for trial in promoted[:2]:
        assert "checkpoint_lost" not in trial.user_attrs
        values = list(curve(trial).values())
        assert len(values) > trial.user_attrs["epochs"] > 0
        architecture = handle.candidate(trial)
        whole = task.scores(architecture, objective.training, seed=SPEC.seed)
        assert [next(whole).score for _ in values] == values


def test_promotions_are_charged_what_they_added(handle: optunas.StudyHandle) -> None:
    used, whole = handle.usage(), len(handle.trials(TrialState.COMPLETE)) * TRAINING["epochs"]
    assert used.trials == 12
    assert used.epochs < 12 * TRAINING["epochs"]
    assert used.epochs >= whole


def test_a_note_says_where_a_promotion_comes_from(handle: optunas.StudyHandle) -> None:
    trial = next(t for t in handle.trials() if RESUMES in t.user_attrs)
    metrics = SPEC.objective_metrics
    note = trial_note(trial, "", metrics, metrics, curve(trial), {})
    assert f"**Promoted:** it goes on from trial {trial.user_attrs[RESUMES]}." in note


def test_rungs_say_how_far_they_tell_the_end(handle: optunas.StudyHandle) -> None:
    done = handle.trials(TrialState.COMPLETE)
    for rung in rung_ranks(handle):
        assert rung.trials == len(done)
        pairs = np.array([(curve(t)[rung.epochs - 1], t.values[0]) for t in done])
        ranks = pairs.argsort(axis=0).argsort(axis=0)
        if all(len(set(column)) == len(column) for column in pairs.T):
            assert rung.rho == pytest.approx(np.corrcoef(ranks.T)[0, 1])
    assert [rung.epochs for rung in rung_ranks(handle)] in ([1, 2, 4], [1, 2], [])


def test_the_front_tells_the_epochs_of_the_whole_training(handle: optunas.StudyHandle) -> None:
    assert {row["epochs"] for row in handle.front()} == {TRAINING["epochs"]}
