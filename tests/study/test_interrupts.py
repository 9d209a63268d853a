"""Ctrl-C and ``kill -9``: what is finished stays, what ran is marked and tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.trial import TrialState
from processes import (
    Run,
    check_books,
    gone,
    kill,
    training,
    trials,
    until,
    worker_of,
    write_study,
)

import optunas
from optunas.study.recover import WORKER

Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts runs in a folder, and ends what a failed test leaves behind."""
    runs: list[Run] = []

    def begin(*arguments: str) -> Run:
        runs.append(Run(tmp_path, *arguments))
        return runs[-1]

    yield begin
    for run in runs:
        run.clean_up()


def finished(folder: Path) -> dict[int, tuple[object, ...]]:
    """Everything about the finished trials, by number."""
    return {
        t.number: (t.state, t.params, t.values, t.user_attrs, t.datetime_complete)
        for t in trials(folder)
        if t.state.is_finished()
    }


def resume(folder: Path, count: int) -> None:
    """Run the study to its end by name and check that it has as many counted trials as planned."""
    before = finished(folder)
    optunas.run("toy", storage=f"sqlite:///{folder}/optunas.db", trust=["toy_task"], progress=False)
    after = finished(folder)
    assert {number: after[number] for number in before} == before
    charged = (TrialState.COMPLETE, TrialState.PRUNED)
    counted = [
        t for t in trials(folder) if t.state in charged and "reused_from" not in t.user_attrs
    ]
    assert len(counted) == count, [
        (t.number, t.state.name, t.user_attrs.get(WORKER), t.user_attrs.get("retry_of"))
        for t in trials(folder)
    ]


def test_ctrl_c_marks_the_trial_and_says_how_to_go_on(start: Start, tmp_path: Path) -> None:
    run = start(str(write_study(tmp_path, trials=1, epoch_s=0.5)))
    until(lambda: training(tmp_path), "a training trial")
    run.interrupt()
    code, _, err = run.finish()
    assert code == 130
    assert "Go on with: optunas study run toy" in err
    assert "Traceback" not in err
    *_, marked, waiting = trials(tmp_path)
    assert marked.state == TrialState.FAIL
    assert marked.user_attrs["failure"] == "Interrupted by the user."
    assert marked.user_attrs["epochs"] >= 1
    assert waiting.state == TrialState.WAITING
    assert waiting.user_attrs["retry_of"] == marked.number
    resume(tmp_path, 1)
    again = next(t for t in trials(tmp_path) if "retry_of" in t.user_attrs)
    assert again.state == TrialState.COMPLETE
    assert again.params == marked.params
    check_books(tmp_path, kills=1)


@pytest.mark.slow
def test_ctrl_c_with_workers_marks_their_trials(start: Start, tmp_path: Path) -> None:
    run = start(str(write_study(tmp_path, trials=40)), "--workers", "2")
    until(lambda: len(training(tmp_path)) == 2, "two training trials")
    workers = [worker_of(t) for t in training(tmp_path)]
    run.interrupt()
    code, _, err = run.finish()
    assert code == 130, err
    assert "Go on with: optunas study run toy" in err
    assert "Traceback" not in err
    assert all(gone(pid) for pid in workers)
    states = [t.state for t in trials(tmp_path)]
    assert TrialState.RUNNING not in states
    retried = {t.user_attrs["retry_of"] for t in trials(tmp_path) if "retry_of" in t.user_attrs}
    lost = {t.number for t in trials(tmp_path) if t.state == TrialState.FAIL}
    assert retried == lost != set()


@pytest.mark.slow
def test_a_killed_run_is_resumed(start: Start, tmp_path: Path) -> None:
    run = start(str(write_study(tmp_path, trials=2, epoch_s=0.4)))
    until(lambda: len(trials(tmp_path)) > 1 and training(tmp_path), "a second trial")
    run.kill()
    (running,) = [t for t in trials(tmp_path) if t.state == TrialState.RUNNING]
    resume(tmp_path, 2)
    lost = trials(tmp_path)[running.number]
    assert lost.state == TrialState.FAIL
    assert lost.user_attrs["failure"] == f"Lost: its worker (process {run.pid}) was killed."
    (again,) = [t for t in trials(tmp_path) if "retry_of" in t.user_attrs]
    assert again.user_attrs["retry_of"] == running.number
    assert again.params == running.params
    assert again.state == TrialState.COMPLETE
    check_books(tmp_path, kills=1)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_trial_tried_again(
    start: Start, tmp_path: Path
) -> None:
    run = start(str(write_study(tmp_path, trials=5)), "--workers", "2")
    until(lambda: training(tmp_path), "a training trial")
    trial = training(tmp_path)[0]
    kill(worker_of(trial))
    code, out, err = run.finish()
    assert code == 0, err
    assert "Pareto front: " in out
    assert "None" not in out
    # The other worker and the one in its place share the budget exactly.
    ended = [t.state for t in trials(tmp_path) if "reused_from" not in t.user_attrs]
    assert sorted(ended) == [TrialState.COMPLETE] * 5 + [TrialState.FAIL]
    lost = trials(tmp_path)[trial.number]
    assert lost.state == TrialState.FAIL
    assert "was killed" in lost.user_attrs["failure"]
    (again,) = [t for t in trials(tmp_path) if t.user_attrs.get("retry_of") == lost.number]
    assert again.params == lost.params
    resume(tmp_path, 5)  # nothing is left to do
    check_books(tmp_path, kills=1)


@pytest.mark.slow
def test_workers_end_with_a_killed_parent(start: Start, tmp_path: Path) -> None:
    run = start(str(write_study(tmp_path, trials=4)), "--workers", "2")
    until(lambda: training(tmp_path), "a training trial")
    workers = {worker_of(t) for t in training(tmp_path)}
    run.kill()
    until(lambda: all(gone(pid) for pid in workers), "the end of the workers")
    resume(tmp_path, 4)
    check_books(tmp_path, kills=2)


@pytest.mark.slow
def test_a_broken_study_ends_all_workers_with_one_sentence(start: Start, tmp_path: Path) -> None:
    study = tmp_path / "my_study.py"
    study.write_text(
        "import toy_task\nfrom optunas import Choice, HyperSpace, Int\n"
        "space = HyperSpace(width=Int(1, 16), mood=Choice(('breaks',)))\n"
        "study = toy_task.spec(space=space)\n"
    )
    code, _, err = start(str(study), "--workers", "2").finish()
    assert code == 2
    assert "Traceback" not in err
    assert "Error: The last 5 trials failed, the run ends" in err
    assert all(t.state == TrialState.FAIL for t in trials(tmp_path))
