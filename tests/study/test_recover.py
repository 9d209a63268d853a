"""Trials whose worker died are marked with the reason, keep what they used, and are tried again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

import optuna
import pytest
import toy_task
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas import Budget, StudyHandle
from optunas.objective import SPENT
from optunas.pruning import report
from optunas.study.life import make_objective
from optunas.study.loop import Loop
from optunas.study.recover import MAX_RETRIES, WORKER, abandon, identity, reclaim

TRUST = ["toy_task"]


@pytest.fixture
def handle() -> StudyHandle:
    return optunas.create(toy_task.spec(budget=Budget(trials=2)), InMemoryStorage())


def dead_process() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def running(handle: StudyHandle, worker: Any, epochs: int = 2, width: int = 4) -> optuna.Trial:
    """A trial that has trained some epochs in the given worker."""
    handle.study.enqueue_trial({"width": width, "mood": "fine"})
    trial = handle.study.ask()
    trial.suggest_int("width", 1, 16)
    trial.suggest_categorical("mood", ("fine",))
    for step in range(epochs):
        report(trial, 0.1 * step, step)
    trial.set_user_attr(SPENT, json.dumps([epochs, 0.5 * epochs, time.time()]))
    if worker is not None:
        trial.set_user_attr(WORKER, json.dumps(worker))
    return trial


def latest(handle: StudyHandle, number: int) -> FrozenTrial:
    return handle.trials()[number]


def test_a_dead_workers_trial_is_marked_and_tried_again(handle: StudyHandle) -> None:
    pid = dead_process()
    running(handle, [socket.gethostname(), pid, "123"])
    assert reclaim(handle.study) == [0]
    lost, again = handle.trials()
    assert lost.state == TrialState.FAIL
    assert lost.user_attrs["failure"] == f"Lost: its worker (process {pid}) was killed."
    assert (lost.user_attrs["epochs"], lost.user_attrs["seconds"]) == (2, 1.0)
    assert again.state == TrialState.WAITING
    assert again.user_attrs == {"retry_of": 0, "retries": 1}
    assert handle.usage().epochs == 2
    assert handle.usage().trials == 0
    assert reclaim(handle.study) == []


def test_a_living_workers_trial_is_left_alone(handle: StudyHandle) -> None:
    running(handle, json.loads(identity()))
    assert reclaim(handle.study) == []


def test_a_reused_process_id_is_not_mistaken(handle: StudyHandle) -> None:
    running(handle, [socket.gethostname(), os.getpid(), "1"])
    assert reclaim(handle.study) == [0]


def test_a_zombie_is_dead(handle: StudyHandle) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()  # it has closed its output, so it is about to end
    end = time.monotonic() + 30
    running(handle, [socket.gethostname(), process.pid, "77"])
    while not (found := reclaim(handle.study)) and time.monotonic() < end:
        time.sleep(0.01)
    process.wait()
    process.stdout.close()
    assert found == [0]


def test_another_machines_trial_is_given_an_hour(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(handle, ["another-machine", 1, "1"])
    assert reclaim(handle.study) == []
    now = time.time()
    monkeypatch.setattr("optunas.study.recover.time.time", lambda: now + 3700)
    assert reclaim(handle.study) == [0]
    assert (
        "its worker on another-machine has been silent for 1.0 h"
        in (latest(handle, 0).user_attrs["failure"])
    )


def test_a_trial_without_a_worker_is_given_a_minute(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle.study.ask()
    assert reclaim(handle.study) == []
    now = time.time()
    monkeypatch.setattr("optunas.study.recover.time.time", lambda: now + 61)
    assert reclaim(handle.study) == [0]


def test_it_is_given_none_where_the_lock_keeps_out_everyone(handle: StudyHandle) -> None:
    handle.study.ask()
    assert reclaim(handle.study, local=True) == [0]


def test_somebodys_own_loop_is_left_alone(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(handle, None)
    now = time.time()
    monkeypatch.setattr("optunas.study.recover.time.time", lambda: now + 1800)
    assert reclaim(handle.study, local=True) == []
    monkeypatch.setattr("optunas.study.recover.time.time", lambda: now + 3700)
    assert reclaim(handle.study, local=True) == [0]


def test_a_trial_killed_before_its_first_suggestion_leaves_nothing_to_retry(
    handle: StudyHandle,
) -> None:
    trial = handle.study.ask()
    trial.set_user_attr(WORKER, json.dumps([socket.gethostname(), dead_process(), "1"]))
    assert reclaim(handle.study) == [0]
    assert [t.state for t in handle.trials()] == [TrialState.FAIL]


def test_a_candidate_that_kills_its_workers_is_given_up(handle: StudyHandle) -> None:
    running(handle, [socket.gethostname(), dead_process(), "1"])
    for _ in range(MAX_RETRIES):
        reclaim(handle.study)
        trial = handle.study.ask()
        assert trial.suggest_int("width", 1, 16) == 4
        trial.suggest_categorical("mood", ("fine",))
        trial.set_user_attr(WORKER, json.dumps([socket.gethostname(), dead_process(), "1"]))
    reclaim(handle.study)
    trials = handle.trials()
    assert [t.state for t in trials] == [TrialState.FAIL] * (1 + MAX_RETRIES)
    assert [t.user_attrs.get("retry_of") for t in trials] == [None, 0, 1]


def test_a_users_interrupt_is_not_the_candidates_fault(handle: StudyHandle) -> None:
    running(handle, json.loads(identity()))
    for number in range(5):
        abandon(handle.study, latest(handle, number), "Interrupted by the user.", charge=False)
        trial = handle.study.ask()
        trial.suggest_int("width", 1, 16)
        trial.suggest_categorical("mood", ("fine",))
    assert latest(handle, 5).user_attrs["retry_of"] == 4
    assert latest(handle, 5).user_attrs["retries"] == 0


def test_the_source_of_a_seed_survives(handle: StudyHandle) -> None:
    member = handle.spec.space.decode({"width": 4, "mood": "fine"})
    optunas.seed(handle, [member], source="darts")
    trial = handle.study.ask()
    trial.suggest_int("width", 1, 16)
    abandon(handle.study, latest(handle, 0), "Lost.", charge=True)
    again = latest(handle, 1)
    assert again.user_attrs["source"] == "darts"
    # Nothing was suggested for the mood yet, so it comes from what was enqueued.
    assert again.system_attrs["fixed_params"] == {"width": 4, "mood": "fine"}


def test_killed_while_marking_is_marked_once(handle: StudyHandle) -> None:
    trial = running(handle, [socket.gethostname(), dead_process(), "1"])
    # What a process leaves that is killed after it has enqueued the retry.
    trial.set_user_attr("failure", "Lost: half way.")
    handle.study.enqueue_trial({"width": 4, "mood": "fine"}, user_attrs={"retry_of": 0})
    assert reclaim(handle.study) == [0]
    assert [t.user_attrs.get("retry_of") for t in handle.trials()] == [None, 0]


def test_a_retry_is_trained_like_any_trial(handle: StudyHandle) -> None:
    running(handle, [socket.gethostname(), dead_process(), "1"])
    optunas.run(handle, progress=False, trust=TRUST)
    lost, again, other = handle.trials()
    assert (lost.state, again.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert again.params == lost.params
    assert again.user_attrs["epochs"] == 3
    assert handle.usage().trials == 2
    assert handle.usage().epochs == 2 + 3 + other.user_attrs["epochs"]


def test_a_trial_that_another_machine_gave_up_ends_quietly() -> None:
    handle = optunas.create(toy_task.spec(budget=Budget(trials=3)), InMemoryStorage())
    objective = make_objective(handle.spec, TRUST)
    given_up = []

    def give_up(trial: optuna.Trial, step: int, score: float) -> None:
        if not given_up:
            given_up.append(trial.number)
            abandon(handle.study, latest(handle, trial.number), "Lost: far away.", charge=True)

    objective.on_epoch = give_up
    assert Loop(handle, objective, handle.spec.budget).run() == "The budget of 3 trials is used."
    states = [t.state for t in handle.trials()]
    assert states == [TrialState.FAIL] + [TrialState.COMPLETE] * 3
    assert latest(handle, 0).user_attrs["failure"] == "Lost: far away."
    assert latest(handle, 1).user_attrs["retry_of"] == 0


def test_ctrl_c_in_any_place_leaves_no_trial_running(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("optuna.Trial.suggest_int", "optuna.Trial.set_user_attr", "optuna.Study.tell"):
        handle = optunas.create(toy_task.spec(budget=Budget(trials=2)), InMemoryStorage())
        loop = Loop(handle, make_objective(handle.spec, TRUST), handle.spec.budget)
        with monkeypatch.context() as patch:
            interrupt_once(patch, place)
            with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
                loop.run()
        states = [t.state for t in handle.trials()]
        assert TrialState.RUNNING not in states, place
        loop.run()
        assert handle.usage().trials == 2


def test_ctrl_c_while_a_drawing_is_made_keeps_the_finished_trial() -> None:
    class Interrupted:
        def trial_ending(self, trial: optuna.Trial) -> None:
            raise KeyboardInterrupt("Ctrl-C")

    handle = optunas.create(toy_task.spec(), InMemoryStorage())
    objective = make_objective(handle.spec, TRUST)
    loop = Loop(handle, objective, handle.spec.budget, Interrupted())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        loop.run()
    assert [t.state for t in handle.trials()] == [TrialState.COMPLETE]


def interrupt_once(patch: pytest.MonkeyPatch, place: str) -> None:
    """Ctrl-C at the first call of a method."""
    owner = {"Trial": optuna.Trial, "Study": optuna.Study}[place.split(".")[1]]
    name = place.rpartition(".")[2]
    original, calls = getattr(owner, name), []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == 1:
            raise KeyboardInterrupt("Ctrl-C")
        return original(*arguments, **options)

    patch.setattr(owner, name, interrupted)
