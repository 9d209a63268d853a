"""Metrics that are known only after training: they come with a task's scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import optuna
import pytest
import toy_task
from optuna.trial import FrozenTrial, TrialState

from optunas import Metric, Objective
from optunas.errors import DeviceError, InvalidSpecError, TrainingError
from optunas.measures import METRICS
from optunas.pruning.curves import read_cheap
from optunas.tasks import Score


class Fitted(toy_task.ToyTask):
    """The toy task; with step ``k`` a fit took ``width + k`` seconds and weighs ``10 k`` bytes."""

    gives = ("fit_seconds", "model_bytes", "f1")
    devices = ("cpu",)
    step_name = "fold"

    def __init__(self, noise: float = 0.0, broken: str = "") -> None:
        super().__init__(3, 0.0, None, noise)
        self.broken = broken

    def scores(
        self, candidate: Any, hyperparameters: Mapping[str, Any], seed: int = 0, device: str = "cpu"
    ) -> Iterator[Score]:
        for step, score, seconds in super().scores(candidate, hyperparameters, seed, device):
            fit = hyperparameters["width"] + step + 100.0 * seed * self.options["noise"]
            metrics = {"fit_seconds": fit, "model_bytes": 10.0 * step, "f1": score / 2}
            if self.broken == "nan" and step == 1:
                metrics["fit_seconds"] = math.nan
            if self.broken == "missing":
                del metrics["fit_seconds"]
            yield Score(step, score, seconds, metrics)


AIMS = ("accuracy", "fit_seconds", "params")


def objective_of(task: Fitted | None = None, **options: Any) -> Objective:
    return Objective(toy_task.SPACE, task or Fitted(), **{"objectives": AIMS, **options})


def optimize(objective: Objective, widths: list[int], **options: Any) -> list[FrozenTrial]:
    study = optuna.create_study(directions=objective.directions, **options)
    for width in widths:
        study.enqueue_trial({"width": width, "mood": "fine"})
    study.optimize(objective, n_trials=len(widths), catch=(Exception,))
    return study.trials


def test_the_last_steps_values_are_the_trials() -> None:
    (trial,) = optimize(objective_of(metrics=("f1",)), [4])
    assert trial.values == pytest.approx([0.7, 6.0, 400.0])
    assert trial.user_attrs["fit_seconds"] == 6.0
    assert trial.user_attrs["f1"] == pytest.approx(0.35)
    assert "model_bytes" not in trial.user_attrs  # nobody asked for it


def test_directions_are_the_metrics_own() -> None:
    objective = objective_of(objectives=("fit_seconds", "accuracy"))
    assert objective.directions == ["minimize", "maximize"]
    (trial,) = optimize(objective, [4])
    assert trial.values == pytest.approx([6.0, 0.7])


def test_pruning_hears_only_of_what_was_known_before() -> None:
    (trial,) = optimize(objective_of(), [4])
    assert read_cheap(trial.user_attrs) == {2: 400.0}


def test_nothing_is_measured_before_training_that_comes_with_it() -> None:
    objective = objective_of(metrics=("model_bytes", "flops"))
    assert set(objective.measure(None, {"width": 4})) == {"params", "flops"}


@pytest.mark.parametrize(
    ("lower", "pruner"),
    [(2.0, "ThresholdPruner")],
)
def test_a_pruned_trial_keeps_what_is_known(lower: float, pruner: str) -> None:
    limits = {"fit_seconds": 4.5}
    (trial,) = optimize(
        objective_of(constraints=limits), [4], pruner=optuna.pruners.ThresholdPruner(lower=lower)
    )
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["fit_seconds"] == 4.0
    assert trial.constraints == {"fit_seconds": -0.5}


def test_the_reason_names_the_steps_and_what_was_compared() -> None:
    from optunas import CheapAwareMedianPruner

    pruner = CheapAwareMedianPruner(n_startup_trials=1)
    objective = objective_of(objectives=("accuracy", "fit_seconds"))
    study = optuna.create_study(directions=objective.directions, pruner=pruner)
    reasons: list[str] = []

    def listen(trial: optuna.Trial) -> tuple[float, ...]:
        try:
            return objective(trial)
        except optuna.TrialPruned as pruned:
            reasons.append(str(pruned))
            raise

    for width in (9, 4):
        study.enqueue_trial({"width": width, "mood": "fine"})
    study.optimize(listen, n_trials=2)
    assert reasons == ["Pruned after 1 fold by CheapAwareMedianPruner: behind the median."]


def test_a_limit_on_what_comes_with_a_score() -> None:
    quick, slow = optimize(objective_of(constraints={"fit_seconds": 7.0, "f1": 0.3}), [4, 9])
    assert quick.constraints == pytest.approx({"fit_seconds": -1.0, "f1": 0.3 - 0.35})
    assert slow.constraints["fit_seconds"] == 4.0


def test_a_reused_trial_has_its_sources_values() -> None:
    limits = {"model_bytes": 15.0}
    first, again = optimize(objective_of(constraints=limits), [4, 4])
    assert again.user_attrs["reused_from"] == 0
    assert again.values == first.values
    for name in ("fit_seconds", "model_bytes"):
        assert again.user_attrs[name] == first.user_attrs[name]
    assert again.constraints == first.constraints == {"model_bytes": 5.0}


def test_after_repeats_a_reused_trial_has_their_mean() -> None:
    one, two, reused = optimize(objective_of(Fitted(noise=0.01), repeats=2), [4, 4, 4])
    assert (one.values[1], two.values[1]) == (6.0, 7.0)
    assert reused.values == pytest.approx([0.7 + 0.005 * (1 - 0.5**3), 6.5, 400.0])
    assert reused.user_attrs["fit_seconds"] == 6.5


def test_a_trial_pruned_again_has_its_sources_values() -> None:
    pruner = optuna.pruners.ThresholdPruner(lower=2.0)
    _, again = optimize(objective_of(), [4, 4], pruner=pruner)
    assert again.state == TrialState.PRUNED
    assert again.user_attrs["reused_from"] == 0
    assert again.user_attrs["fit_seconds"] == 4.0


def test_a_trial_without_a_metric_that_is_wanted_now_is_trained_anew() -> None:
    before = objective_of(objectives=("accuracy", "params"))
    study = optuna.create_study(directions=before.directions)
    now = objective_of(objectives=("accuracy", "params"), metrics=("fit_seconds",))
    for objective in (before, now, now):
        study.enqueue_trial({"width": 4, "mood": "fine"})
        study.optimize(objective, n_trials=1)
    assert [t.user_attrs.get("reused_from") for t in study.trials] == [None, None, 1]
    assert [t.user_attrs.get("fit_seconds") for t in study.trials] == [None, 6.0, 6.0]


@pytest.mark.parametrize("broken", ["nan", "missing"])
def test_a_promise_that_is_not_kept_fails_the_trial(broken: str) -> None:
    objective = objective_of(Fitted(broken=broken))
    study = optuna.create_study(directions=objective.directions)
    study.enqueue_trial({"width": 4, "mood": "fine"})
    with pytest.raises(TrainingError, match="gave no finite number for fit_seconds with its score"):
        study.optimize(objective, n_trials=1)


def test_scores_without_anything_beside_them_still_do() -> None:
    class Plain(toy_task.ToyTask):
        def scores(self, candidate, hyperparameters, seed=0, device="cpu"):  # type: ignore
            yield from ((i, 0.5, 0.1) for i in range(3))

    objective = Objective(toy_task.SPACE, Plain(3, 0.0, None, 0.0), ("accuracy", "params"))
    (trial,) = optimize(objective, [4])
    assert trial.values == [0.5, 400.0]


def test_what_a_task_gives_is_said_when_it_cannot_give_something() -> None:
    with pytest.raises(
        InvalidSpecError, match="cannot give loss as well; it gives fit_seconds, mo"
    ):
        objective_of(objectives=("accuracy", "loss"))
    with pytest.raises(InvalidSpecError, match="scores 'accuracy' and cannot give fit_seconds as"):
        Objective(toy_task.SPACE, toy_task.toy(), ("accuracy", "fit_seconds"))


def test_costs_of_networks_are_refused_where_there_is_none() -> None:
    class Unknowing(Fitted):
        known = property()

        def __getattribute__(self, name: str) -> Any:
            if name == "known":
                raise AttributeError(name)
            return super().__getattribute__(name)

    with pytest.raises(InvalidSpecError, match="cannot give latency_ms, params as well"):
        objective_of(Unknowing(), objectives=("accuracy", "latency_ms", "params"))


def test_a_device_that_the_task_cannot_use() -> None:
    with pytest.raises(DeviceError, match="'toy' runs on cpu, got device 'cuda'"):
        objective_of(device="cuda")


def test_folds_have_no_best_one() -> None:
    with pytest.raises(InvalidSpecError, match="steps of the task 'toy' are folds"):
        objective_of(score="best")


def test_an_own_metric_of_the_same_name_is_computed() -> None:
    def two(network: Mapping[str, Any], input_shape: tuple[int, ...]) -> float:
        return 2.0

    own = Metric("fit_seconds", "minimize", "s", compute=two)
    (trial,) = optimize(objective_of(objectives=("accuracy", own)), [4])
    assert trial.values[1] == 2.0


@pytest.mark.parametrize(
    ("name", "unit", "measured"),
    [("fit_seconds", "s", True), ("predict_ms", "ms", True), ("model_bytes", "bytes", False)],
)
def test_the_metrics_are_expensive_and_smaller_is_better(
    name: str, unit: str, measured: bool
) -> None:
    found = METRICS[name]
    assert (found.direction, found.unit, found.measured) == ("minimize", unit, measured)
    assert not found.cheap
