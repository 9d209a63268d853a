"""What trials teach: which of them, in which order, and what each is worth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sampler_cases import SMALL, seen_of

from optunas.samplers.scalarise import LogCost, Weights
from optunas.samplers.scalarise.lessons import in_order, normal_scores, worths
from optunas.samplers.trials.seen import Seen

MAX, MIN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
ALONE = Weights((1.0,), normalised=False)
CELLS = list(SMALL.enumerate())
START = datetime(2024, 1, 1)


def trial(number: int, value: Any, minute: int | None = None, **attributes: Any) -> Seen:
    values = value if value is None or isinstance(value, list) else [value]
    seen = seen_of(SMALL, CELLS[number], values, number, user_attrs=attributes)
    seen.trial.datetime_complete = START + timedelta(minutes=number if minute is None else minute)
    return seen


def constrained(seen: Seen, by: float) -> Seen:
    seen.trial.system_attrs["constraints:size"] = by
    return seen


def test_trials_come_as_they_ended_equal_times_by_number() -> None:
    trials = [trial(0, 1.0, 9), trial(1, 2.0, 3), trial(2, 3.0, 3)]
    assert [seen.number for seen in in_order(trials)] == [1, 2, 0]
    assert [seen.number for seen in in_order(trials[::-1])] == [1, 2, 0]


def test_what_teaches_nothing_is_left_out() -> None:
    failed = trial(2, None)._replace(state=TrialState.FAIL)
    running = trial(3, None)._replace(state=TrialState.RUNNING)
    infinite = trial(4, None)._replace(state=TrialState.COMPLETE)
    trials = [trial(0, 1.0), trial(1, None), failed, running, infinite]
    trials.append(trial(5, None, ruled_out=True))
    assert [seen.number for seen in in_order(trials)] == [0, 1]


@pytest.mark.parametrize(("direction", "sign"), [(MAX, 1.0), (MIN, -1.0)])
def test_larger_is_better_whatever_the_direction(direction: StudyDirection, sign: float) -> None:
    trials = [trial(at, value) for at, value in enumerate([3.0, -1.0, 2.0])]
    assert worths(ALONE, trials, [direction]).tolist() == [3.0 * sign, -1.0 * sign, 2.0 * sign]


def test_pruned_trials_are_worth_a_bad_quarter() -> None:
    trials = [trial(at, float(at)) for at in range(5)] + [trial(5, None)]
    assert worths(ALONE, trials, [MAX])[5] == 1.0


def test_pruned_trials_alone_are_worth_nothing() -> None:
    assert worths(ALONE, [trial(0, None), trial(1, None)], [MAX]).tolist() == [0.0, 0.0]


def test_who_breaks_a_constraint_is_worth_no_more_than_who_keeps_it() -> None:
    trials = [trial(0, 5.0), trial(1, 2.0), constrained(trial(2, 9.0), 3.0), trial(3, 7.0)]
    trials.append(constrained(trial(4, 1.0), 3.0))
    assert worths(ALONE, trials, [MAX]).tolist() == [5.0, 2.0, 2.0, 7.0, 1.0]


def test_where_nobody_keeps_them_the_smaller_violation_is_better() -> None:
    trials = [constrained(trial(at, 1.0), by) for at, by in enumerate([3.0, 1.0, float("nan")])]
    found = worths(ALONE, trials, [MAX])
    assert np.argsort(-found).tolist() == [1, 0, 2]
    assert np.isfinite(found).all()


def test_a_score_that_is_not_finite_is_the_worst() -> None:
    form = LogCost(weights=0.1)
    trials = [trial(0, [0.9, 10.0]), trial(1, [0.5, 10.0]), trial(2, [0.99, 0.0])]
    found = worths(form, trials, [MAX, MIN])
    assert found[2] == found[1] < found[0]
    assert worths(form, trials[2:], [MAX, MIN]).tolist() == [0.0]


def test_normal_scores_know_the_order_alone() -> None:
    values = np.array([0.1, 0.9, 0.5, 0.9, 0.2])
    found = normal_scores(values)
    assert np.array_equal(found, normal_scores(np.exp(20 * values)))
    assert found[1] == found[3] > found[2] > found[4] > found[0]
    np.testing.assert_allclose(found + normal_scores(-values), 0.0, atol=1e-12)
    assert normal_scores(np.ones(4)).tolist() == [0.0] * 4


def test_constraints_are_read_as_optuna_writes_them() -> None:
    study = optuna.create_study()
    asked = study.ask()
    asked.set_constraint("size", 2.0)
    study.tell(asked, 1.0)
    assert "constraints:size" in study.trials[0].system_attrs
