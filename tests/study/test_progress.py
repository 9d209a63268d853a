"""Progress tells what is going on, on a terminal and in a log."""

from __future__ import annotations

import io
import time

import pytest
import toy_task
from optuna.storages import InMemoryStorage
from rich.console import Console

import optunas
from optunas import Budget, StudyHandle
from optunas.study import progress
from optunas.study.progress import Progress, duration


@pytest.fixture
def handle() -> StudyHandle:
    spec = toy_task.spec(training={"epochs": 3}, budget=Budget(trials=4))
    handle = optunas.create(spec, InMemoryStorage())
    for width in (4, 4, 9):
        handle.study.enqueue_trial({"width": width, "mood": "fine"})
    return optunas.run(handle, trials=2, progress=False, trust=["toy_task"])


def shown(handle: StudyHandle, terminal: bool, timeout: float | None = None) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    with Progress(handle, handle.spec.budget, timeout, console) as bar:
        bar.say("training the reference network")
    return out.getvalue()


def test_a_log_gets_lines(handle: StudyHandle) -> None:
    said, line = shown(handle, terminal=False).splitlines()
    assert said == "toy: training the reference network"
    assert line == "toy: 2 complete, 1 reused; front of 2; 50% of the budget left"


def test_a_terminal_gets_a_bar_counts_and_the_front(handle: StudyHandle) -> None:
    text = shown(handle, terminal=True)
    for words in ("50% of the budget", "2 complete  1 reused", "front (2)", "accuracy", "params"):
        assert words in text
    assert "training the reference network" in text


def test_a_running_trial_shows_its_epochs(handle: StudyHandle) -> None:
    trial = handle.study.ask()
    trial.suggest_int("width", 1, 16)
    for step in range(2):
        optunas.report(trial, 0.25 * step, step)
    text = shown(handle, terminal=True)
    assert f"trial {trial.number}: epoch 2/3, 0.2500" in text
    assert "1 running" in text


def test_a_long_front_is_cut(handle: StudyHandle) -> None:
    for width in range(1, 16):
        handle.study.enqueue_trial({"width": width, "mood": "fine"})
    optunas.run(handle, trials=12, progress=False, trust=["toy_task"])
    text = shown(handle, terminal=True)
    assert "front (12)" in text
    assert "..." in text


def test_time_left_comes_from_the_pace_and_from_the_time_given(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Progress(handle, handle.spec.budget)
    now = time.monotonic()
    monkeypatch.setattr(progress.time, "monotonic", lambda: now + 10)
    assert bar._remaining(handle.usage()) is None  # nothing used since it began
    optunas.run(handle, trials=3, progress=False, trust=["toy_task"])
    assert bar._remaining(handle.usage()) == pytest.approx(10, rel=0.1)
    short = Progress(handle, handle.spec.budget, timeout=12.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now + 20)
    assert short._remaining(handle.usage()) == pytest.approx(2, abs=0.1)


def test_plain_lines_come_now_and_then(
    handle: StudyHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REFRESH_S", 0.01)
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.02)
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=120)
    with Progress(handle, handle.spec.budget, None, console):
        end = time.monotonic() + 20
        while out.getvalue().count("\n") < 2 and time.monotonic() < end:
            time.sleep(0.01)
    assert out.getvalue().count("front of 2") >= 3


def test_an_error_under_it_passes(handle: StudyHandle) -> None:
    console = Console(file=io.StringIO(), width=120)
    with (
        pytest.raises(KeyboardInterrupt, match="stop"),
        Progress(handle, handle.spec.budget, None, console),
    ):
        raise KeyboardInterrupt("stop")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1.0 min"), (3599, "60.0 min"), (5400, "1.5 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
