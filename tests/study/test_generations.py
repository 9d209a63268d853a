"""Seeds are the first generation of a genetic sampler, and have children in the next one."""

from __future__ import annotations

import pytest
import toy_task
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget, Choice, HyperSpace, Int
from optunas.samplers.by_name import generation_key

SLOPES = tuple(f"s{i}" for i in range(500))
SPACE = HyperSpace(width=Int(1, 16), mood=Choice(("fine",)), slope=Choice(SLOPES))


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3"])
def test_seeds_join_generation_0_and_have_children_in_generation_1(sampler: str) -> None:
    spec = toy_task.spec(space=SPACE, sampler=sampler, budget=Budget(trials=24), reuse=False)
    handle = optunas.create(spec, InMemoryStorage())
    members = [SPACE.decode({"width": w, "mood": "fine", "slope": "s7"}) for w in (1, 2, 8, 16)]
    assert optunas.seed(handle, members) == 4
    optunas.run(handle, progress=False)
    trials = handle.trials()
    generations = [t.system_attrs[generation_key(sampler)] for t in trials]
    assert generations == [0] * 8 + [1] * 8 + [2] * 8

    key = generation_key(sampler).replace("generation", "parent:")
    study = handle.study
    parents = study._storage.get_study_system_attrs(study._study_id)[key + "1"]
    seeds = {t._trial_id for t in trials[:4]}
    assert seeds & set(parents)
    # A random member has the seeds' slope once in 500; a child of theirs takes it over.
    children = [t.number for t in trials[8:16] if t.params["slope"] == "s7"]
    assert children


def test_a_reused_duplicate_of_a_complete_trial_is_in_the_population_too() -> None:
    spec = toy_task.spec(space=SPACE, sampler="nsga2", budget=Budget(trials=8))
    handle = optunas.create(spec, InMemoryStorage())
    handle.study.enqueue_trial({"width": 5, "mood": "fine", "slope": "s1"})
    handle.study.enqueue_trial({"width": 5, "mood": "fine", "slope": "s1"})
    optunas.run(handle, progress=False)
    trials = handle.trials()
    assert trials[1].user_attrs["reused_from"] == 0
    assert trials[1].system_attrs["NSGAIISampler:generation"] == 0
