"""What happens to trials: reuse, repeats, failures, constraints, and what ends a run."""

from __future__ import annotations

import json
import time
from typing import Any

import optuna
import pytest
import toy_task
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas import Budget, Choice, HyperSpace, Int, StudyHandle
from optunas.errors import TrainingError
from optunas.study.life import make_objective
from optunas.study.loop import MAX_FAILURES, Loop, failure

TRUST = ["toy_task"]


def new(**changes: Any) -> StudyHandle:
    return optunas.create(toy_task.spec(**changes), InMemoryStorage())


def enqueue(handle: StudyHandle, *widths: int, mood: str = "fine") -> None:
    for width in widths:
        handle.study.enqueue_trial({"width": width, "mood": mood})


def run(handle: StudyHandle, **options: Any) -> list[FrozenTrial]:
    optunas.run(handle, progress=False, trust=TRUST, **options)
    return handle.trials()


def ended(handle: StudyHandle, **options: Any) -> str:
    """The sentence with which a run ends."""
    objective = make_objective(handle.spec, TRUST)
    return Loop(handle, objective, handle.spec.budget, **options).run()


def test_a_trial_holds_architecture_digest_metrics_epochs_and_seconds() -> None:
    handle = new(metrics=("flops",), budget=Budget(trials=1))
    enqueue(handle, 4)
    (trial,) = run(handle)
    attrs = trial.user_attrs
    assert json.loads(attrs["architecture"])["parameters"] == {"width": 4, "mood": "fine"}
    assert attrs["digest"] == handle.spec.space.digest(handle.candidate(trial))
    assert attrs["accuracy"] == trial.values[0] == pytest.approx(0.8 * 0.875)
    assert attrs["params"] == trial.values[1] == 400
    assert attrs["flops"] == 28
    assert (attrs["epochs"], attrs["seconds"]) == (3, 1.5)
    assert list(optunas.pruning.curve(trial)) == [0, 1, 2]


def test_the_best_epoch_can_give_the_value() -> None:
    last, best = new(budget=Budget(trials=1)), new(score="best", budget=Budget(trials=1))
    values = []
    for handle in (last, best):
        enqueue(handle, 4)
        values.append(run(handle)[0].values[0])
    assert values[0] == values[1]  # the toy's curve rises: its last epoch is its best


def test_a_duplicate_of_a_complete_trial_is_not_trained() -> None:
    handle = new(budget=Budget(trials=3))
    enqueue(handle, 4, 4, 5, 4, 6)
    trials = run(handle)
    assert [t.user_attrs.get("reused_from") for t in trials] == [None, 0, None, 0, None]
    assert [t.user_attrs["epochs"] for t in trials] == [3, 0, 3, 0, 3]
    assert trials[1].values == trials[3].values == trials[0].values
    assert all(t.state == TrialState.COMPLETE for t in trials)
    assert handle.usage().trials == 3
    assert handle.usage().epochs == 9
    assert handle.outcomes()["reused"] == 2
    assert [row["trial"] for row in handle.front()] == [4, 2, 0]


def test_a_duplicate_of_a_pruned_trial_is_pruned_untrained() -> None:
    handle = new(pruner="threshold", pruner_options={"lower": 0.3}, budget=Budget(trials=3), seed=3)
    enqueue(handle, 1, 1, 9, 1, 10)
    trials = run(handle)
    states = [t.state.name for t in trials]
    assert states == ["PRUNED", "PRUNED", "COMPLETE", "PRUNED", "COMPLETE"]
    assert [t.user_attrs["epochs"] for t in trials] == [1, 0, 3, 0, 3]
    assert trials[0].user_attrs["reason"] == "Pruned after 1 epoch by ThresholdPruner."
    assert trials[3].user_attrs["reason"] == "The same network was pruned in trial 0."
    assert handle.usage().trials == 3
    assert handle.outcomes()["pruned"] == 1


def test_without_reuse_every_trial_trains() -> None:
    handle = new(reuse=False, budget=Budget(trials=3))
    enqueue(handle, 4, 4, 4)
    assert [t.user_attrs["epochs"] for t in run(handle)] == [3, 3, 3]


def test_repeats_train_with_further_seeds_before_their_mean_is_reused() -> None:
    handle = new(
        repeats=3, task_options={"noise": 0.01, "epochs": 1}, seed=10, budget=Budget(trials=3)
    )
    enqueue(handle, 4, 4, 4)
    values = [t.values[0] for t in run(handle)]
    assert values == pytest.approx([(0.8 + 0.01 * s) / 2 for s in (10, 11, 12)])
    enqueue(handle, 4, 5)
    reused = run(handle, trials=4)[3]
    assert reused.user_attrs["reused_from"] == 0
    assert reused.values[0] == pytest.approx(sum(values) / 3)


def test_too_many_duplicates_end_the_run() -> None:
    space = HyperSpace(width=Int(1, 2), mood=Choice(("fine",)))
    handle = new(space=space, max_reused=5)
    reason = ended(handle)
    assert "trained before or ruled out, the limit (max_reused)" in reason
    assert handle.outcomes()["reused"] == 5
    assert handle.usage().trials == 2


@pytest.mark.parametrize("sampler", ["cheap_aware", "unique_random", "random", "nsga2"])
def test_a_space_that_has_been_tried_ends_the_run(sampler: str) -> None:
    space = HyperSpace(width=Int(1, 3), mood=Choice(("fine", "diverges")))
    handle = new(space=HyperSpace(width=Int(1, 3), mood=Choice(("fine",))), sampler=sampler)
    assert ended(handle) == "All 3 candidates of the space have been tried."
    assert handle.usage().trials == 3
    assert handle.outcomes()["reused"] < 40
    failing = new(space=space, sampler="unique_random", seed=1)
    assert ended(failing) == (
        "All 6 candidates of the space have been tried, 3 of them failed each time."
    )
    assert failing.outcomes()["failed"] >= 6  # each had a second chance


def test_only_what_keeps_the_limits_need_be_tried() -> None:
    space = HyperSpace(width=Int(1, 16), mood=Choice(("fine",)))
    handle = new(space=space, sampler="architecture_nsga2", constraints={"params": 400})
    assert ended(handle) == "All 4 candidates of the space within the limits have been tried."
    again = new(space=space, constraints={"params": 400}, repeats=2, max_reused=20)
    assert "(max_reused)" in ended(again)


@pytest.mark.parametrize("sampler", ["grid", "brute_force"])
def test_an_exhausted_space_ends_the_run(sampler: str) -> None:
    space = HyperSpace(width=Int(1, 3), mood=Choice(("fine", "nan")))
    handle = new(space=space, sampler=sampler, budget=Budget(trials=50))
    assert ended(handle) == "The sampler has suggested the whole space."
    tried = {(t.params["width"], t.params["mood"]) for t in handle.trials()}
    assert len(tried) == len(handle.trials()) == 6


FAILURES = {
    "nan": "The score of epoch 1 is not a number.",
    "diverges": "The loss of epoch 1 is not finite.",
    "memory": "Out of memory: cannot allocate 7 TiB",
    "breaks": "KeyError: 'weights'",
    "no epoch": "The task trained no epoch.",
}


@pytest.mark.parametrize("mood", FAILURES)
def test_a_failure_is_one_trials_outcome(mood: str) -> None:
    handle = new(space=toy_task.MOODY, budget=Budget(trials=2))
    enqueue(handle, 3)
    enqueue(handle, 4, mood=mood)
    enqueue(handle, 5)
    trials = run(handle)
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    attrs = trials[1].user_attrs
    assert attrs["failure"] == FAILURES[mood]
    assert attrs["epochs"] == (0 if mood == "no epoch" else 1)
    assert ("traceback" in attrs) == (mood in ("memory", "breaks"))
    assert handle.usage().trials == 2
    assert handle.usage().epochs == 6 + attrs["epochs"]
    assert handle.outcomes()["failed"] == 1


def test_a_metric_that_is_not_a_number_fails_its_trial_only() -> None:
    handle = new(objectives=("accuracy", toy_task.NOTHING), budget=Budget(trials=2))
    enqueue(handle, 3, 9, 4)
    trials = run(handle)
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert trials[1].user_attrs["failure"] == "The network's nothing is not a number."
    assert handle.usage().epochs == 6  # known before training, so nothing is trained


def test_a_failed_candidate_is_tried_again_when_it_is_suggested_again() -> None:
    handle = new(space=toy_task.MOODY, budget=Budget(trials=1))
    enqueue(handle, 4, mood="nan")
    enqueue(handle, 4, mood="nan")
    enqueue(handle, 4)
    assert [t.state.name for t in run(handle)] == ["FAIL", "FAIL", "COMPLETE"]


def test_five_failures_in_a_row_end_the_run_with_the_reason() -> None:
    handle = new(space=toy_task.MOODY)
    enqueue(handle, 3)
    enqueue(handle, *range(4, 13), mood="breaks")
    with pytest.raises(TrainingError, match=r"last 5 trials failed.*trial 5 said: KeyError"):
        run(handle)
    states = [t.state for t in handle.trials()]
    assert states.count(TrialState.FAIL) == MAX_FAILURES
    assert TrialState.RUNNING not in states


def test_a_success_between_failures_lets_the_run_go_on() -> None:
    handle = new(space=toy_task.MOODY, budget=Budget(trials=2))
    for width in (3, 4):
        enqueue(handle, *(width + 5 * i for i in range(3)), mood="nan")
        enqueue(handle, width)
    assert handle.usage().trials == 0
    run(handle)
    assert handle.outcomes()["failed"] == 6


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "Out of memory: the allocation failed"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you"), "Out of memory: Default"),
        (RuntimeError("CUDA out of memory. Tried\nmore"), "Out of memory: CUDA out of memory. Tri"),
        (RuntimeError("shapes differ"), "RuntimeError: shapes differ"),
        (TrainingError("The loss is not finite."), "The loss is not finite."),
    ],
)
def test_a_failure_is_one_sentence(error: Exception, sentence: str) -> None:
    assert failure(error).startswith(sentence)
    assert "\n" not in failure(error)


def test_constraints_are_optunas_own() -> None:
    handle = new(constraints={"params": 500, "accuracy": 0.6}, budget=Budget(trials=2))
    enqueue(handle, 2, 4)
    trials = run(handle)
    assert [t.constraints["params"] for t in trials] == [-300, -100]
    assert [t.constraints["accuracy"] for t in trials] == pytest.approx(
        [0.6 - t.values[0] for t in trials]
    )
    assert [row["trial"] for row in handle.front()] == [1]
    assert [t.number for t in handle.study.best_trials] == [1]


def test_what_breaks_a_limit_on_costs_is_neither_trained_nor_charged() -> None:
    handle = new(constraints={"params": 500}, budget=Budget(trials=1))
    enqueue(handle, 9, 9, 4)
    trials = run(handle)
    assert [t.constraints["params"] for t in trials] == [400, 400, -100]
    assert [t.user_attrs["epochs"] > 0 for t in trials] == [False, False, True]
    assert trials[0].user_attrs["reason"] == (
        "Ruled out before training: params 900 breaks the limit of 500."
    )
    assert handle.usage().trials == 1
    assert handle.outcomes()["ruled out"] == 2


def test_a_reused_trial_keeps_its_constraints() -> None:
    handle = new(constraints={"params": 500}, budget=Budget(trials=2))
    enqueue(handle, 4, 4, 3)
    trials = run(handle)
    assert [t.constraints["params"] for t in trials] == [-100, -100, -200]


def test_epochs_end_a_run() -> None:
    handle = new(budget=Budget(trials=None, epochs=7))
    assert ended(handle) == "The budget of 7 epochs is used."
    assert handle.usage().epochs == 9


def test_device_hours_end_a_run() -> None:
    handle = new(budget=Budget(trials=None, device_hours=2.5 / 3600))
    assert ended(handle) == "The budget of 0.000694444 device hours is used."
    assert handle.usage().trials == 2


def test_wall_time_ends_a_run() -> None:
    handle = new(
        task_options={"epoch_s": 0.05}, budget=Budget(trials=None, wall_seconds=0.2), reuse=False
    )
    assert ended(handle) == "The budget of 0.2 seconds is used."
    assert 1 <= handle.usage().trials <= 2


def test_no_trial_begins_after_the_deadline() -> None:
    handle = new()
    assert ended(handle, deadline=time.monotonic() - 1) == "The time given is over."
    assert handle.trials() == []


def test_patience_ends_a_run_without_a_better_front() -> None:
    handle = new(objectives=("accuracy",), budget=Budget(trials=50, patience_trials=4))
    enqueue(handle, 8, 16, 3, 4, 5, 6, 7)
    assert ended(handle) == "No better front for 4 trials."
    assert handle.usage().trials == 6


def test_patience_in_generations_ends_a_run() -> None:
    handle = new(
        sampler="nsga2",
        sampler_options={"population_size": 2},
        objectives=("accuracy",),
        budget=Budget(trials=50, patience_generations=2),
        reuse=False,
    )
    enqueue(handle, 16)
    assert ended(handle) == "No better front for 2 generations."
    # Generation 0 holds the best; 1 and 2 bring nothing, and the first of 3 shows that 2 is over.
    assert handle.usage().trials <= 8


def test_a_single_objective_study_uses_optunas_own_reports() -> None:
    handle = new(objectives=("accuracy",), pruner="median", budget=Budget(trials=8))
    trials = run(handle)
    assert all(t.intermediate_values for t in trials if "reused_from" not in t.user_attrs)
    assert handle.study.best_trial.value == max(t.value for t in trials if t.value is not None)


def test_the_values_come_in_the_order_of_the_objectives() -> None:
    handle = new(objectives=("params", "accuracy"), budget=Budget(trials=1))
    enqueue(handle, 4)
    (trial,) = run(handle)
    assert trial.values == pytest.approx([400, 0.7])
    assert handle.study.metric_names == ["params", "accuracy"]
    assert [d.name for d in handle.study.directions] == ["MINIMIZE", "MAXIMIZE"]


def test_a_trial_of_bare_optuna_in_the_study_does_no_harm() -> None:
    handle = new(budget=Budget(trials=3))
    stranger = handle.study.ask()
    stranger.suggest_int("width", 1, 16)
    handle.study.tell(stranger, [0.5, 100.0])
    handle.study.add_trial(optuna.trial.create_trial(values=[0.9, 1.0]))
    run(handle)
    assert handle.outcomes()["complete"] == 3
