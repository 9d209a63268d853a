"""The objective in an ordinary Optuna study, without the rest of optunas."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
import toy_task
from optuna.trial import FixedTrial, FrozenTrial, TrialState

import optunas
from optunas import NB201, Choice, DenseCellSpace, HyperSpace, JointSpace, Metric, Objective
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.pruning import curve

SMALL = DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), 3)
CONNECTED = {"cell.edge0-1": "nor_conv_1x1", "cell.edge0-2": "skip_connect"}
CELL = {**CONNECTED, "cell.edge1-2": "none"}
TRAINING = {"epochs": 1, "channels": 4, "num_cells": 1, "batch_size": 256}


def toy_objective(**changes: Any) -> Objective:
    options: dict[str, Any] = {"objectives": ("accuracy", "params"), **changes}
    space = options.pop("space", toy_task.SPACE)
    return Objective(space, toy_task.toy(), **options)


def study_of(objective: Objective, **options: Any) -> optuna.Study:
    return optuna.create_study(directions=objective.directions, **options)


def optimize(
    objective: Objective, points: list[dict[str, Any]], **options: Any
) -> list[FrozenTrial]:
    """The trials of a bare study over the given points."""
    study = study_of(objective, **options)
    for point in points:
        study.enqueue_trial(point)
    study.optimize(objective, n_trials=len(points), catch=(Exception,))
    return study.trials


def point(width: int, mood: str = "fine") -> dict[str, Any]:
    return {"width": width, "mood": mood}


def test_a_bare_study_trains_reuses_and_records() -> None:
    trials = optimize(toy_objective(metrics=("flops",)), [point(4), point(5), point(4)])
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 3
    assert [t.user_attrs["epochs"] for t in trials] == [3, 3, 0]
    assert trials[2].user_attrs["reused_from"] == 0
    assert trials[0].values == trials[2].values == pytest.approx([0.7, 400])
    assert trials[0].user_attrs["flops"] == 28
    assert curve(trials[0]) == pytest.approx({0: 0.4, 1: 0.6, 2: 0.7})


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.NSGAIISampler(population_size=4, seed=1),
        optuna.samplers.TPESampler(n_startup_trials=3, seed=1),
        optuna.samplers.RandomSampler(seed=1),
    ],
)
def test_any_sampler_and_pruner_of_optuna_takes_part(sampler: optuna.samplers.BaseSampler) -> None:
    objective = toy_objective()
    pruner = optuna.pruners.MedianPruner(n_startup_trials=3)
    study = study_of(objective, sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=15)
    states = {t.state for t in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}


def test_a_real_network_is_measured_and_trained() -> None:
    space = JointSpace(cell=SMALL, train=HyperSpace(channels=Choice((4, 8))))
    task = optunas.tasks.digits()
    objective = Objective(
        space,
        task,
        ("accuracy", "latency_ms", "params"),
        ("flops",),
        training={k: v for k, v in TRAINING.items() if k != "channels"},
    )
    trial, wider = optimize(objective, [{**CELL, "train.channels": c} for c in (4, 8)])
    assert trial.state == TrialState.COMPLETE, trial.user_attrs
    cell = space.from_json(trial.user_attrs["architecture"])["cell"]
    network = task.build(cell, {"channels": 4, "num_cells": 1})
    assert trial.values[2] == sum(p.numel() for p in network.parameters())
    assert trial.user_attrs["flops"] == optunas.metrics.flops(network, (1, 8, 8))
    assert trial.values[1] > 0
    assert 0 < trial.values[0] <= 1
    assert wider.values[2] > trial.values[2]
    assert wider.user_attrs["digest"] != trial.user_attrs["digest"]


def test_cheap_objectives_come_before_training() -> None:
    seen: list[dict[str, Any]] = []

    def look(trial: optuna.Trial, step: int, score: float) -> None:
        seen.append(dict(trial.user_attrs))

    optimize(toy_objective(on_epoch=look, objectives=("params", "accuracy")), [point(4)])
    assert len(seen) == 3
    assert seen[0]["params"] == 400
    assert optunas.pruning.curves.read_cheap(seen[0]) == {0: 400.0}
    assert "accuracy" not in seen[-1]


def test_on_epoch_may_end_a_trial() -> None:
    def enough(trial: optuna.Trial, step: int, score: float) -> None:
        raise optuna.TrialPruned("enough")

    (trial,) = optimize(toy_objective(on_epoch=enough), [point(4)])
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["epochs"] == 1


def test_the_last_epoch_is_never_pruned() -> None:
    never_good_enough = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    objective = toy_objective(training={"epochs": 3})
    (trial,) = optimize(objective, [point(4)], pruner=never_good_enough)
    assert trial.state == TrialState.COMPLETE


def test_the_best_epoch_of_a_score_that_falls() -> None:
    class Falling(toy_task.ToyTask):
        def scores(self, candidate, hyperparameters, seed=0, device="cpu"):  # type: ignore
            yield from (optunas.tasks.Score(i, s, 0.1) for i, s in enumerate((0.2, 0.9, 0.4)))

    task = Falling(3, 0.0, None, 0.0)
    values = []
    for score in ("last", "best"):
        objective = Objective(toy_task.SPACE, task, ("accuracy",), score=score)
        values.append(optimize(objective, [point(4)])[0].value)
    assert values == [0.4, 0.9]


def test_the_best_epoch_of_an_error_is_the_smallest() -> None:
    class Error(toy_task.ToyTask):
        score_name, direction = "mae", "minimize"

        def scores(self, candidate, hyperparameters, seed=0, device="cpu"):  # type: ignore
            yield from (optunas.tasks.Score(i, s, 0.1) for i, s in enumerate((0.9, 0.2, 0.4)))

    objective = Objective(toy_task.SPACE, Error(3, 0.0, None, 0.0), ("mae",), score="best")
    assert optimize(objective, [point(4)])[0].value == 0.2
    assert objective.directions == ["minimize"]


def test_constraints_point_the_way_of_their_metric() -> None:
    small, large = optimize(toy_objective(constraints={"accuracy": 0.75}), [point(4), point(8)])
    assert small.constraints == pytest.approx({"accuracy": 0.05})
    assert large.constraints == pytest.approx({"accuracy": 0.75 - large.values[0]})


@pytest.mark.parametrize("name", ["flops", "weight"])
def test_what_breaks_a_limit_known_before_training_is_not_trained(name: str) -> None:
    limits = {name: 30.0 if name == "flops" else 10.0, "accuracy": 0.75}
    objective = toy_objective(constraints=limits, metrics=(toy_task.WEIGHT,))
    small, large = optimize(objective, [point(4), point(8)])
    assert small.state == TrialState.COMPLETE
    assert small.constraints == pytest.approx({name: -2, "accuracy": 0.05})
    assert large.state == TrialState.PRUNED
    assert large.constraints == {name: 26 if name == "flops" else 6}
    assert large.user_attrs["ruled_out"]
    assert large.user_attrs["epochs"] == 0
    assert not large.intermediate_values
    assert large.user_attrs[name] == limits[name] + large.constraints[name]


def test_a_metric_in_constraints_alone_is_recorded() -> None:
    (trial,) = optimize(toy_objective(constraints={"flops": 30.0}), [point(4)])
    assert trial.user_attrs["flops"] == 28


def test_own_metrics_are_computed_on_the_network() -> None:
    objective = toy_objective(objectives=("accuracy", toy_task.WEIGHT))
    (trial,) = optimize(objective, [point(4)])
    assert trial.values[1] == trial.user_attrs["weight"] == 8.0


def test_a_value_that_is_not_a_number_is_a_failure() -> None:
    fine, wide = optimize(
        toy_objective(objectives=("accuracy", toy_task.NOTHING)), [point(4), point(9)]
    )
    assert fine.state == TrialState.COMPLETE
    assert wide.state == TrialState.FAIL
    assert not any(isinstance(v, float) and math.isnan(v) for v in wide.user_attrs.values())


def test_failures_keep_the_epochs_that_were_trained() -> None:
    objective = toy_objective(space=toy_task.MOODY)
    for mood in ("nan", "diverges", "breaks"):
        (trial,) = optimize(objective, [point(4, mood)])
        assert trial.state == TrialState.FAIL
        assert trial.user_attrs["epochs"] == 1
        assert trial.user_attrs["seconds"] == 0.5


def test_a_fixed_trial_is_enough_to_evaluate_once() -> None:
    objective = toy_objective()
    assert objective(FixedTrial(point(4))) == pytest.approx((0.7, 400))  # type: ignore[arg-type]


def test_objectives_must_hold_the_tasks_score() -> None:
    with pytest.raises(InvalidSpecError, match="'toy' scores 'accuracy', which is not among"):
        toy_objective(objectives=("params",))


def test_a_limit_on_a_score_that_the_task_does_not_give_is_refused() -> None:
    with pytest.raises(InvalidSpecError, match=r"scores 'accuracy' and cannot give f1 as well"):
        toy_objective(constraints={"f1": 0.5})


def test_a_metric_has_one_of_optunas_two_directions() -> None:
    with pytest.raises(UnknownNameError, match=r"'energy': 'minimise'; did you mean 'minimize'"):
        Metric("energy", "minimise", cheap=True)  # type: ignore[arg-type]


def test_a_second_trained_score_cannot_be_had() -> None:
    with pytest.raises(InvalidSpecError, match="scores 'accuracy' and cannot give f1, r2 as well"):
        toy_objective(metrics=("f1", "r2"))


def test_unknown_names_are_refused_at_once() -> None:
    with pytest.raises(UnknownNameError, match="metric 'param'; did you mean 'params'"):
        toy_objective(objectives=("accuracy", "param"))
    with pytest.raises(UnknownNameError, match="metric 'flop'; did you mean 'flops'"):
        toy_objective(constraints={"flop": 3})
    objective = toy_objective(training={"epoch": 2})
    with pytest.raises(UnknownNameError, match="hyperparameter 'epoch'; did you mean 'epochs'"):
        objective.sample_check(toy_task.SPACE.decode(point(4)))


def test_closed_form_and_counted_costs_are_one() -> None:
    objective = Objective(
        NB201, optunas.tasks.digits(), ("accuracy", "params", "flops"), training=TRAINING
    )
    cell = NB201.decode(dict.fromkeys(NB201.parameters(), "nor_conv_3x3"))
    settings = {"channels": 4, "num_cells": 1}
    network = objective.task.build(cell, settings)
    assert objective.measure(cell, settings, cell) == objective.measure(cell, settings, network)


def test_a_network_whose_output_does_not_see_its_input_is_ruled_out() -> None:
    objective = Objective(
        JointSpace(cell=SMALL), optunas.tasks.digits(), ("accuracy", "params"), training=TRAINING
    )
    cut = {"cell.edge0-1": "skip_connect", "cell.edge0-2": "none", "cell.edge1-2": "none"}
    (trial,) = optimize(objective, [cut])
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["ruled_out"] is True
    assert trial.user_attrs["epochs"] == 0
    assert "architecture" in trial.user_attrs
    assert "params" not in trial.user_attrs
