"""What a study has used is summed from its trials, and its limits end it."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from optunas import Budget
from optunas.errors import InvalidSpecError
from optunas.study.budget import Usage, counts, epochs_of, seconds_of, usage

NOON = datetime(2026, 1, 1, 12)
GENERATION = "NSGAIISampler:generation"


def trial(
    number: int,
    state: TrialState = TrialState.COMPLETE,
    start: float | None = 0.0,
    end: float | None = 10.0,
    generation: int | None = None,
    **attrs: Any,
) -> FrozenTrial:
    finished = state.is_finished()
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=[0.5, 1.0] if state == TrialState.COMPLETE else None,
        datetime_start=None if start is None else NOON + timedelta(seconds=start),
        datetime_complete=NOON + timedelta(seconds=end or 0.0) if finished else None,
        params={},
        distributions={},
        user_attrs={name.replace("__", ":"): value for name, value in attrs.items()},
        system_attrs={} if generation is None else {GENERATION: generation},
        intermediate_values={},
        trial_id=number,
    )


def spent(epochs: int, seconds: float, at: float) -> str:
    return json.dumps([epochs, seconds, (NOON + timedelta(seconds=at)).timestamp()])


def test_trials_that_trained_or_train_count() -> None:
    trials = [
        trial(0),
        trial(1, TrialState.PRUNED),
        trial(2, TrialState.RUNNING),
        trial(3, TrialState.FAIL),
        trial(4, TrialState.WAITING, start=None),
        trial(5, reused_from=0),
        trial(6, TrialState.PRUNED, reused_from=1),
    ]
    assert [t.number for t in trials if counts(t)] == [0, 1, 2]
    assert usage(trials).trials == 3


def test_epochs_of_every_state_are_summed() -> None:
    trials = [
        trial(0, epochs=12, seconds=6.0),
        trial(1, TrialState.PRUNED, epochs=3, seconds=1.5),
        trial(2, TrialState.FAIL, epochs=2, seconds=1.0),
        trial(3, TrialState.RUNNING, optunas__spent=spent(4, 2.0, 5)),
        trial(4, reused_from=0, epochs=0, seconds=0.0),
    ]
    used = usage(trials)
    assert used.epochs == 21
    assert used.device_hours == pytest.approx(10.5 / 3600)


def test_a_running_trial_counts_the_epoch_that_its_curve_already_shows() -> None:
    curve = json.dumps({"objective": 0, "trial": 0, "steps": [0, 1, 2], "values": [0.1, 0.2, 0.3]})
    running = trial(0, TrialState.RUNNING, optunas__spent=spent(2, 1.0, 5), optunas__curve=curve)
    assert epochs_of(running) == 3
    assert seconds_of(running) == 1.0


def test_parallel_trials_count_their_time_once() -> None:
    trials = [trial(0, start=0, end=10), trial(1, start=5, end=12), trial(2, start=100, end=101)]
    assert usage(trials).wall_seconds == pytest.approx(13)


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12)


@given(spans)
def test_wall_time_is_the_length_of_the_union_of_spans(given: list[tuple[int, int]]) -> None:
    trials = [trial(i, start=a, end=a + length) for i, (a, length) in enumerate(given)]
    seconds = {second for a, length in given for second in range(a, a + length)}
    assert usage(trials).wall_seconds == pytest.approx(len(seconds))


def test_a_lost_trial_ends_at_its_last_sign_of_life() -> None:
    days = 86400.0
    attrs = {"optunas__spent": spent(2, 1.0, 7), "lost": True, "epochs": 2, "seconds": 1.0}
    lost = trial(0, TrialState.FAIL, start=0, end=3 * days, **attrs)
    assert usage([lost]).wall_seconds == pytest.approx(7)
    assert usage([lost]).epochs == 2


def test_a_running_trial_lasts_until_now() -> None:
    running = trial(0, TrialState.RUNNING)
    running.datetime_start = datetime.now() - timedelta(seconds=30)
    assert usage([running]).wall_seconds == pytest.approx(30, abs=5)


def test_waiting_trials_take_no_time() -> None:
    assert usage([trial(0, TrialState.WAITING, start=None)]) == Usage()


def test_patience_counts_trials_since_the_last_new_member_of_the_front() -> None:
    trials = [trial(n) for n in range(6)] + [
        trial(6, TrialState.FAIL),
        trial(7, TrialState.PRUNED),
        trial(8, reused_from=0),
        trial(9, TrialState.RUNNING),
    ]
    assert usage(trials, joined=[0, 3]).patience_trials == 3  # 4, 5 and 7
    assert usage(trials, joined=[]).patience_trials == 7
    assert usage(trials, joined=[9]).patience_trials == 0


def test_patience_counts_whole_generations() -> None:
    trials = [trial(n, generation=n // 4) for n in range(18)]  # generations 0 to 3, 4 begun
    assert usage(trials, [1], GENERATION).patience_generations == 3  # 1, 2, 3
    assert usage(trials, [6], GENERATION).patience_generations == 2  # 2, 3
    assert usage(trials, [17], GENERATION).patience_generations == 0


@pytest.mark.parametrize(
    ("limits", "used", "sentence"),
    [
        ({"trials": 5}, {"trials": 5}, "The budget of 5 trials is used."),
        ({"trials": 5}, {"trials": 4, "epochs": 999}, None),
        ({"trials": None, "epochs": 60}, {"epochs": 61}, "The budget of 60 epochs is used."),
        ({"wall_seconds": 90.5}, {"wall_seconds": 91}, "The budget of 90.5 seconds is used."),
        ({"device_hours": 2}, {"device_hours": 2}, "The budget of 2 device hours is used."),
        ({"patience_trials": 9}, {"patience_trials": 9}, "No better front for 9 trials."),
        (
            {"patience_generations": 3},
            {"patience_generations": 3},
            "No better front for 3 generations.",
        ),
    ],
)
def test_the_limit_that_is_reached_is_named(
    limits: dict[str, Any], used: dict[str, Any], sentence: str | None
) -> None:
    assert Budget(**limits).reached(Usage(**used)) == sentence


def test_the_scarcest_limit_gives_the_fraction_left() -> None:
    budget = Budget(trials=10, epochs=100)
    assert budget.fraction_left(Usage(trials=2, epochs=50)) == pytest.approx(0.5)
    assert budget.fraction_left(Usage(trials=12, epochs=50)) == 0.0
    assert budget.fraction_left(Usage()) == 1.0


def test_overrides_replace_only_what_is_given() -> None:
    budget = Budget(trials=10, epochs=100)
    assert budget.override() == budget
    assert budget.override(trials=3) == Budget(trials=3, epochs=100)
    assert budget.override(wall_seconds=1.0) == Budget(trials=10, epochs=100, wall_seconds=1.0)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["wall_seconds", "device_hours"])
def test_amounts_of_time_are_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(InvalidSpecError, match=f"budget's {name} must be positive and finite"):
        Budget(**{name: value})


WHOLE = ("trials", "epochs", "patience_trials", "patience_generations")


@pytest.mark.parametrize("name", WHOLE)
def test_counts_are_positive_whole_numbers(name: str) -> None:
    for value in (0, -3):
        with pytest.raises(InvalidSpecError, match=f"budget's {name} must be positive"):
            Budget(**{name: value})
    for odd in (1.5, "3", True):
        with pytest.raises(InvalidSpecError, match=f"budget's {name} must be a whole number"):
            Budget(**{name: odd})  # type: ignore[arg-type]


def test_a_budget_without_a_limit_is_refused() -> None:
    with pytest.raises(
        InvalidSpecError, match=r"at least one limit of trials, epochs, wall_second"
    ):
        Budget(trials=None, patience_trials=3)
