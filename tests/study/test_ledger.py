"""The ledger gives what the plain sums give, however a study came to its trials."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from optunas.study.budget import outcomes, usage
from optunas.study.ledger import Ledger, Spans

NOW = datetime.now()
ENDS = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@st.composite
def trial_of(draw: st.DrawFn) -> FrozenTrial:
    """A finished trial; what it was before is made from it."""
    start = draw(st.integers(0, 200))
    attrs = {"epochs": draw(st.integers(0, 12)), "seconds": draw(st.integers(0, 9)) / 2}
    attrs |= draw(st.sampled_from(({}, {}, {}, {"reused_from": 0}, {"ruled_out": True})))
    state = draw(st.sampled_from(ENDS))
    return FrozenTrial(
        number=0,
        state=state,
        value=None,
        values=[0.5] if state == TrialState.COMPLETE else None,
        datetime_start=NOW - timedelta(seconds=1000 - start),
        datetime_complete=NOW - timedelta(seconds=1000 - start - draw(st.integers(0, 40))),
        params={},
        distributions={},
        user_attrs=attrs,
        system_attrs={},
        intermediate_values={},
        trial_id=0,
    )


def unfinished(trial: FrozenTrial, running: bool) -> FrozenTrial:
    """The trial as it was while it ran, or waited."""
    return FrozenTrial(
        number=trial.number,
        state=TrialState.RUNNING if running else TrialState.WAITING,
        value=None,
        values=None,
        datetime_start=trial.datetime_start if running else None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs=trial.user_attrs if running else {},
        system_attrs={},
        intermediate_values={},
        trial_id=trial.number,
    )


def trial(number: int) -> FrozenTrial:
    """A complete trial of one epoch."""
    return FrozenTrial(
        number=number,
        state=TrialState.COMPLETE,
        value=0.5,
        values=None,
        datetime_start=NOW + timedelta(seconds=number),
        datetime_complete=NOW + timedelta(seconds=number + 0.5),
        params={},
        distributions={},
        user_attrs={"epochs": 1, "seconds": 1.0},
        system_attrs={},
        intermediate_values={},
        trial_id=number,
    )


@settings(max_examples=60)
@given(st.lists(trial_of(), max_size=12), st.data())
def test_it_gives_the_plain_sums_at_every_moment(
    trials: list[FrozenTrial], data: st.DataObject
) -> None:
    for number, trial in enumerate(trials):
        trial.number = number
    ledger = Ledger()
    finished: set[int] = set()
    for _ in range(4):
        known = data.draw(st.integers(max(finished, default=-1) + 1, len(trials)))
        finished |= {n for n in range(known) if data.draw(st.booleans())}
        seen = [
            t if t.number in finished else unfinished(t, data.draw(st.booleans()))
            for t in trials[:known]
        ]
        plain, kept = usage(seen), ledger.usage(seen)
        assert (kept.trials, kept.epochs) == (plain.trials, plain.epochs)
        assert kept.device_hours == pytest.approx(plain.device_hours)
        assert kept.wall_seconds == pytest.approx(plain.wall_seconds, abs=0.5)
        assert ledger.outcomes(seen) == outcomes(seen)


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), max_size=15)


@given(spans, spans)
def test_spans_are_a_union(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    def union(given: list[tuple[int, int]]) -> Spans:
        made = Spans()
        for start, length in given:
            made.add(start, start + length)
        return made

    def seconds(given: list[tuple[int, int]]) -> set[int]:
        return {second for start, length in given for second in range(start, start + length)}

    a, b = union(one), union(other)
    assert a.covered == len(seconds(one))
    assert a.not_covering(b) == len(seconds(other) - seconds(one))
    found = list(a)
    assert found == sorted(found)
    assert all(x[1] < y[0] for x, y in pairwise(found))


def test_an_end_before_the_start_is_an_empty_span() -> None:
    made = Spans()
    made.add(10, 5)
    assert made.covered == 0


def test_a_finished_trial_is_read_once() -> None:
    class Counted(list[FrozenTrial]):
        read = 0

        def __getitem__(self, index: Any) -> Any:
            part = super().__getitem__(index)
            self.read += len(part)
            return part

    trials = Counted(trial(number) for number in range(100))
    ledger = Ledger()
    assert ledger.usage(trials).epochs == 100
    assert trials.read == 100
    trials.append(trial(100))
    assert ledger.usage(trials).epochs == 101
    assert ledger.outcomes(trials)["complete"] == 101
    assert trials.read == 101
