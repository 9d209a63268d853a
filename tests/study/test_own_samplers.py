"""Samplers that know the space, in a study: costs, limits and options come from its definition."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
import toy_task

import optunas
from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers import OWN
from optunas.study import load

SPEC = StudySpec(
    name="own",
    space=JointSpace(
        cell=NB201,
        train=HyperSpace(lr=Float(0.02, 0.3, log=True), channels=Choice((2, 4))),
    ),
    task="optunas.tasks:digits",
    task_options={"split": [0.1, 0.08, 0.1]},
    objectives=("accuracy", "params"),
    training={"num_cells": 1, "epochs": 1},
    budget=Budget(trials=4),
    reference=False,
)


@pytest.mark.parametrize("name", sorted(OWN))
def test_each_runs_by_name_and_goes_on_when_loaded(name: str) -> None:
    storage = optuna.storages.InMemoryStorage()
    optunas.run(replace(SPEC, sampler=name), storage=storage, trials=3, progress=False)
    handle = optunas.run(load("own", storage), progress=False)
    assert handle.outcomes()["complete"] + handle.outcomes()["pruned"] == 4
    assert len({t.user_attrs["digest"] for t in handle.trials()}) == 4


def test_objectives_in_closed_form_are_known_before_training() -> None:
    handle = optunas.create(SPEC, optuna.storages.InMemoryStorage())
    member = SPEC.space.decode(SPEC.space.canonical(_first(SPEC)))
    optunas.run(handle, trials=2, progress=False)
    trial = handle.trials()[0]
    known = handle.knowledge.known(optunas.from_params(SPEC.space, trial))
    assert known == {1: trial.values[1]}
    assert handle.knowledge.feasible(member)


@pytest.mark.parametrize("name", sorted(set(OWN) - {"reinforce", "surrogate"}))
def test_what_breaks_a_limit_on_a_count_is_never_trained(name: str) -> None:
    sizes = [
        optunas.metrics.params(cell, (1, 8, 8), 10, channels, 1)
        for cell in list(NB201.enumerate(400))[::40]
        for channels in (2, 4)
    ]
    limit = float(sorted(sizes)[len(sizes) // 3])
    spec = replace(SPEC, sampler=name, constraints={"params": limit}, budget=Budget(trials=8))
    handle = optunas.run(spec, storage=optuna.storages.InMemoryStorage(), progress=False)
    assert all(t.values[1] <= limit for t in handle.trials() if t.values)
    assert all(t.user_attrs["params"] <= limit for t in handle.trials())


@pytest.mark.parametrize("name", sorted(OWN))
def test_an_unknown_option_is_named_with_the_nearest(name: str) -> None:
    spec = replace(SPEC, sampler=name, sampler_options={"populaton_size": 8})
    with pytest.raises(UnknownNameError, match=f"option of the sampler '{name}'"):
        optunas.create(spec, optuna.storages.InMemoryStorage())


def test_zero_cost_proxies_are_features_of_the_predictor() -> None:
    options = {"proxies": ["synflow", "naswot"], "startup_trials": 3}
    spec = replace(SPEC, sampler="cheap_aware", sampler_options=options, budget=Budget(trials=5))
    handle = optunas.run(spec, storage=optuna.storages.InMemoryStorage(), progress=False)
    member = optunas.from_params(SPEC.space, handle.trials()[0])
    assert len(handle.knowledge.extra(member)) == 2
    assert handle.outcomes()["complete"] >= 3


@pytest.mark.parametrize(
    ("sampler", "given", "error", "says"),
    [
        ("nsga2", ["naswot"], InvalidSpecError, "predicts nothing that zero-cost proxies"),
        ("cheap_aware", "naswot", InvalidSpecError, "must be a list of names"),
        ("cheap_aware", ["nawsot"], UnknownNameError, "did you mean 'naswot'"),
    ],
)
def test_proxies_that_cannot_be_are_refused(sampler, given, error, says) -> None:
    spec = replace(SPEC, sampler=sampler, sampler_options={"proxies": given})
    with pytest.raises(error, match=says):
        optunas.create(spec, optuna.storages.InMemoryStorage())


def test_a_task_without_networks_takes_no_proxies() -> None:
    spec = toy_task.spec(sampler="cheap_aware", sampler_options={"proxies": ["synflow"]})
    storage = optuna.storages.InMemoryStorage()
    with pytest.raises(InvalidSpecError, match="'toy' trains no networks"):
        optunas.create(spec, storage)
    assert not storage.get_all_studies()
    near = toy_task.spec(sampler="cheap_aware", sampler_options={"proxy": ["synflow"]})
    with pytest.raises(UnknownNameError, match="did you mean 'proxies'"):
        optunas.create(near, storage)


def _first(spec: StudySpec) -> dict[str, object]:
    return {name: p.first for name, p in spec.space.parameters().items()}
