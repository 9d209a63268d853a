"""Architectures into trials and back, on every kind of space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FixedTrial

import optunas.codec as codec
from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Parameter,
    Space,
    When,
    group,
)

HYPER = HyperSpace(
    lr=Float(1e-4, 0.1, log=True),
    drop=Float(0.0, 0.35, step=0.1),
    width=Int(8, 31, 8),
    depth=Int(1, 64, log=True),
    optimizer=Choice(("sgd", "adam")),
    nesterov=Choice((True, False)),
)
CONDITIONAL = HyperSpace(
    optimizer=Choice(("sgd", "adam")),
    momentum=When(Choice((0.5, 0.9)), optimizer="sgd"),
    nesterov=When(Choice((True, False)), momentum=0.9),
)
MODELS = HyperSpace(
    group("model", {"svm": {"C": Float(0.01, 100.0, log=True)}, "knn": {"k": Int(1, 30)}})
)
SPACES: dict[str, Space] = {
    "conditional": CONDITIONAL,
    "grouped": MODELS,
    "joint, grouped": JointSpace(cell=DenseCellSpace(num_nodes=2), tabular=MODELS),
    "nb201": NB201,
    "darts": DARTS,
    "small cells": CellSpace(("none", "skip_connect"), num_nodes=1),
    "hyper": HYPER,
    "joint": JointSpace(cell=DenseCellSpace(num_nodes=3), train=HYPER),
}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
names = pytest.mark.parametrize("name", [None, "", "left"])


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study(seed: int = 0) -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))


@every_space
@names
def test_suggestions_and_trials_agree(space: Space, name: str | None) -> None:
    suggested = []

    def objective(trial: optuna.Trial) -> float:
        suggested.append(codec.suggest(trial, space, name))
        assert codec.from_params(space, trial, name) == suggested[-1]
        return 0.0

    run = study()
    run.optimize(objective, n_trials=5)
    for trial, a in zip(run.trials, suggested, strict=True):
        space.validate(a)
        assert codec.from_params(space, trial, name) == a
        assert codec.from_params(space, trial.params, name) == a
        params = codec.to_params(space, a, name)
        assert list(params) == list(trial.params)
        prefix = next(iter(params)).removesuffix(next(iter(space.parameters())))
        counting = [prefix + key for key in space.active(space.encode(a))]
        assert {k: params[k] for k in counting} == pytest.approx(
            {k: trial.params[k] for k in counting}
        )
        assert trial.distributions == codec.distributions(space, name)
        assert list(trial.params) == list(codec.distributions(space, name))


@every_space
def test_an_enqueued_member_comes_back(space: Space) -> None:
    wanted = space.sample(np.random.default_rng(3))
    run = study()
    run.enqueue_trial(codec.to_params(space, wanted))
    trial = run.ask()
    assert codec.suggest(trial, space) == wanted
    assert codec.suggest(FixedTrial(codec.to_params(space, wanted)), space) == wanted


def test_the_default_names_are_stable() -> None:
    assert next(iter(codec.distributions(NB201))) == "cell.edge0-1"
    assert next(iter(codec.distributions(DARTS))) == "normal.node2.inputs"
    assert next(iter(codec.distributions(NB201, ""))) == "edge0-1"
    assert next(iter(codec.distributions(SPACES["joint"]))) == "cell.edge0-1"


def test_the_named_forms() -> None:
    trial = study().ask()
    cell, genotype = codec.suggest_cell(trial), codec.suggest_genotype(trial)
    NB201.validate(cell)
    DARTS.validate(genotype)
    assert codec.from_params(NB201, trial) == cell
    assert codec.from_params(DARTS, trial) == genotype
    assert len(trial.params) == 6 + 24
    other = codec.suggest_cell(trial, DenseCellSpace(num_nodes=2), name="second")
    assert trial.params["second.edge0-1"] == other.edges[0].operation


def test_an_enqueued_trial_joins_nsga2s_population() -> None:
    """A trial with every parameter fixed would otherwise never be given a generation."""
    run = optuna.create_study(
        directions=["minimize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(population_size=4, seed=0),
    )
    for cell in NB201.enumerate(limit=4):
        run.enqueue_trial(codec.to_params(NB201, cell))

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        cell = codec.suggest_cell(trial)
        return float(len(str(cell))), 0.0

    run.optimize(objective, n_trials=6)
    generations = [t.system_attrs.get("NSGAIISampler:generation") for t in run.trials]
    assert generations == [0, 0, 0, 0, 1, 1]


def test_numbers_map_one_to_one_onto_optunas_distributions() -> None:
    found = codec.distributions(HYPER)
    assert found["lr"] == optuna.distributions.FloatDistribution(1e-4, 0.1, log=True)
    assert found["drop"] == optuna.distributions.FloatDistribution(0.0, 0.3, step=0.1)
    assert found["width"] == optuna.distributions.IntDistribution(8, 24, step=8)
    assert found["depth"] == optuna.distributions.IntDistribution(1, 64, log=True)
    assert found["nesterov"] == optuna.distributions.CategoricalDistribution((True, False))


@pytest.mark.filterwarnings("ignore:BruteForceSampler is experimental")
def test_every_value_of_a_grid_is_one_that_optuna_suggests() -> None:
    for low, high, step in ((0.0, 0.35, 0.1), (-1.0, 1.0, 0.3), (0.1, 0.7, 0.2)):
        grid = Float(low, high, step=step)
        space = HyperSpace(x=grid)
        run = optuna.create_study(sampler=optuna.samplers.BruteForceSampler())
        run.optimize(lambda trial, s=space: codec.suggest(trial, s)["x"], n_trials=50)
        assert sorted(t.params["x"] for t in run.trials) == pytest.approx(list(grid.values()))
        assert {codec.from_params(space, t)["x"] for t in run.trials} == set(grid.values())


@pytest.mark.parametrize("prefix", ["", "net"])
def test_every_problem_of_a_dictionary_is_named_at_once(prefix: str) -> None:
    params = codec.to_params(NB201, next(NB201.enumerate()), prefix)
    head = f"{prefix}." if prefix else ""
    del params[head + "edge0-1"]
    params[head + "edge0-2"] = "nor_conv_9x9"
    params[head + "edge2-4"] = "none"
    params["elsewhere"] = 1
    with pytest.raises(InvalidArchitectureError) as caught:
        codec.from_params(NB201, params, prefix)
    lines = str(caught.value).splitlines()
    assert [line.split("'")[1] for line in lines] == [
        head + "edge0-1", head + "edge0-2", head + "edge2-4", "elsewhere",
    ]  # fmt: skip
    assert "must be one of 'none', 'skip_connect'" in lines[0]


def test_a_trial_may_hold_other_spaces_parameters() -> None:
    trial = study().ask()
    codec.suggest_cell(trial)
    trial.suggest_float("lr", 0, 1)
    codec.from_params(NB201, trial)
    with pytest.raises(InvalidArchitectureError, match="Unknown parameter 'lr'"):
        codec.from_params(NB201, trial.params)
    with pytest.raises(
        InvalidArchitectureError, match=r"'normal.node2.inputs' is missing"
    ) as caught:
        codec.from_params(DARTS, trial)
    assert len(str(caught.value).splitlines()) == 24


def test_a_foreign_member_is_not_turned_into_parameters() -> None:
    cell = DenseCellSpace(("sep_conv_3x3",)).sample(np.random.default_rng(0))
    with pytest.raises(
        InvalidArchitectureError, match="edge 0-1: unknown operation 'sep_conv_3x3'"
    ):
        codec.to_params(NB201, cell)


def test_an_own_kind_of_parameter_is_refused() -> None:
    class Even(Choice):
        pass

    class Odd(Parameter):
        size = 1
        sample = contains = values = neighbour = round = cast = None  # type: ignore[assignment]
        features = describe = definition = None  # type: ignore[assignment]

    class Own(Space[Any]):
        def parameters(self) -> dict[str, Parameter]:
            return {"x": Even(("a", "b")), "y": Odd()}

        def encode(self, architecture: Any) -> dict[str, Any]:
            return dict(architecture)

        def decode(self, values: Mapping[str, Any]) -> Any:
            return dict(values)

    with pytest.raises(InvalidSpaceError, match="'y' is a Odd, Optuna knows Choice, Int and Float"):
        codec.distributions(Own())
    with pytest.raises(InvalidSpaceError, match=r"'left.y' is a Odd"):
        codec.suggest(study().ask(), Own(), "left")


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.RandomSampler(seed=0),
        optuna.samplers.TPESampler(seed=0, n_startup_trials=3),
        optuna.samplers.NSGAIISampler(seed=0, population_size=4),
    ],
    ids=["random", "tpe", "nsga2"],
)
def test_samplers_suggest_members_of_a_joint_space(sampler: Any) -> None:
    space = SPACES["joint"]

    def objective(trial: optuna.Trial) -> float:
        joint = codec.suggest(trial, space)
        space.validate(joint)
        return joint["train"]["lr"]

    run = optuna.create_study(sampler=sampler)
    run.optimize(objective, n_trials=12)
    assert len({space.digest(codec.from_params(space, t)) for t in run.trials}) > 6


def test_every_parameter_is_suggested_also_one_that_does_not_count() -> None:
    """NSGA-II and GP see only what all trials share."""
    run = study()
    members = []
    for _ in range(20):
        trial = run.ask()
        members.append(codec.suggest(trial, CONDITIONAL))
        assert list(trial.params) == ["optimizer", "momentum", "nesterov"]
        run.tell(trial, 0.0)
    assert {len(member) for member in members} == {1, 2, 3}
    assert all(("momentum" in member) is (member["optimizer"] == "sgd") for member in members)


def test_what_does_not_count_may_be_missing_or_anything() -> None:
    wanted = {"optimizer": "adam"}
    for more in ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": False}):
        member = codec.from_params(CONDITIONAL, {"optimizer": "adam", **more})
        assert member == wanted
        assert (
            codec.suggest(FixedTrial(codec.to_params(CONDITIONAL, member)), CONDITIONAL) == member
        )
    params = codec.to_params(CONDITIONAL, codec.from_params(CONDITIONAL, wanted))
    assert params == {"optimizer": "adam", "momentum": 0.5, "nesterov": True}
    with pytest.raises(InvalidArchitectureError) as caught:
        codec.from_params(CONDITIONAL, {"left.optimizer": "sgd", "left.nesterov": 3}, "left")
    assert str(caught.value).splitlines() == [
        "Parameter 'left.momentum' is missing; it must be one of 0.5, 0.9.",
        "Parameter 'left.nesterov' is 3, but it must be one of True, False.",
    ]


def test_a_trial_of_a_joint_space_with_conditions_may_hold_other_parameters() -> None:
    trial = study().ask()
    space = SPACES["joint, grouped"]
    member = codec.suggest(trial, space)
    trial.suggest_float("elsewhere", 0, 1)
    assert codec.from_params(space, trial) == member
    assert list(codec.distributions(space)) == [
        "cell.edge0-1", "tabular.model", "tabular.svm.C", "tabular.knn.k",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:BruteForceSampler is experimental")
def test_a_grid_that_switches_a_parameter_on_does_so_for_what_optuna_stores() -> None:
    space = HyperSpace(drop=Float(0.1, 0.7, step=0.2), after=When(Int(1, 2), drop=(0.3, 0.7)))
    run = optuna.create_study(sampler=optuna.samplers.BruteForceSampler())
    run.optimize(lambda trial: float(len(codec.suggest(trial, space))), n_trials=50)
    assert {codec.from_params(space, trial) for trial in run.trials} == set(space.enumerate())
    assert len(run.trials) == 8
    for trial in run.trials:
        stored = codec.from_params(space, trial)
        assert len(stored) == trial.value
        assert ("after" in stored) is (stored["drop"] in (0.3, 0.7))


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.TPESampler(seed=0, n_startup_trials=3),
        optuna.samplers.NSGAIISampler(seed=0, population_size=4),
    ],
    ids=["tpe", "nsga2"],
)
def test_samplers_suggest_members_of_conditional_spaces(sampler: Any) -> None:
    def objective(trial: optuna.Trial) -> float:
        member = codec.suggest(trial, MODELS)
        MODELS.validate(member)
        return member.get("svm.C", 0.0) + member.get("knn.k", 0)

    run = optuna.create_study(sampler=sampler)
    run.optimize(objective, n_trials=12)
    assert {codec.from_params(MODELS, t)["model"] for t in run.trials} == {"svm", "knn"}
