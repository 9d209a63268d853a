"""Forms that make one number of several objectives: golden values, properties, bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.study import StudyDirection
from sampler_cases import SMALL, seen_of

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.scalarise import (
    Chebyshev,
    LogCost,
    Pareto,
    Scalarisation,
    Weights,
    crowding,
    fitness,
    scalarisation,
    scalarisation_for,
    violation,
)

UP, DOWN = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
TWO, THREE = (UP, DOWN), (UP, DOWN, DOWN)
ROWS = [[0.9, 100.0], [0.8, 10.0], [0.5, 1.0], [0.7, 50.0]]
"""The last one is dominated by the second."""


def test_weights_are_of_the_values_or_of_shares_of_the_range() -> None:
    raw = Weights((1.0, 0.001), normalised=False).scores(ROWS, TWO)
    np.testing.assert_allclose(raw, [0.8, 0.79, 0.499, 0.65])
    shares = Weights((1.0, 1.0)).scores(ROWS, TWO)
    np.testing.assert_allclose(
        np.diff(shares), np.diff([2.25 - 100 / 99, 2.0 - 10 / 99, 1.25 - 1 / 99, 1.75 - 50 / 99])
    )


def test_chebyshev_is_the_largest_distance_and_a_little_of_the_sum() -> None:
    scores = Chebyshev(rho=0.1).scores(ROWS, TWO)
    np.testing.assert_allclose(scores[0], -(1.0 + 0.1 * 1.0))
    np.testing.assert_allclose(scores[1], -(0.25 + 0.1 * (0.25 + 9 / 99)))
    weighted = Chebyshev((1.0, 2.0), rho=0.0).scores(ROWS, TWO)
    np.testing.assert_allclose(weighted, [-2.0, -0.25, -1.0, -98 / 99])


def test_chebyshev_reaches_a_dent_that_no_weights_reach() -> None:
    rows = [[1.0, 1.0], [0.4, 0.4], [0.0, 0.0]]  # the middle one lies below the line
    shares = np.linspace(0.01, 0.99, 99)
    weighted = {int(np.argmax(Weights((w, 1 - w)).scores(rows, TWO))) for w in shares}
    distances = {int(np.argmax(Chebyshev((w, 1 - w)).scores(rows, TWO))) for w in shares}
    assert weighted == {0, 2}
    assert distances == {0, 1, 2}


def test_log_cost_is_accuracy_less_w_times_the_logarithm() -> None:
    scores = LogCost(0.1).scores(ROWS, TWO)
    np.testing.assert_allclose(
        scores, [0.9 - 0.1 * math.log(100), 0.8 - 0.1 * math.log(10), 0.5, 0.7 - 0.1 * math.log(50)]
    )
    each = LogCost((0.1, 0.2), score=1, costs=[0, 2]).scores([[4.0, 0.5, 2.0]], (DOWN, UP, DOWN))
    np.testing.assert_allclose(each, [0.5 - 0.1 * math.log(4) - 0.2 * math.log(2)])


def test_a_score_that_is_minimised_is_a_loss() -> None:
    scores = LogCost(0.1).scores([[0.3, 1.0], [0.2, 1.0]], (DOWN, DOWN))
    np.testing.assert_allclose(scores, [-0.3, -0.2])


def test_pareto_is_by_rank_then_by_crowding() -> None:
    scores = Pareto().scores([*ROWS, [0.81, 10.5]], TWO)
    assert scores[0] == scores[2] == 0.5  # the extremes
    assert 0.0 < scores[1] < 0.5
    assert 0.0 < scores[4] < 0.5
    assert -1.0 <= scores[3] <= -0.5


def test_crowding_is_that_of_the_paper() -> None:
    points = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    np.testing.assert_allclose(crowding(points), [np.inf, 0.75 + 0.75, 0.75 + 0.75, np.inf])
    np.testing.assert_allclose(
        crowding(np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]])), [np.inf, 1.0, np.inf]
    )
    np.testing.assert_allclose(crowding(np.zeros((3, 2))), 0.0)


def test_what_has_been_seen_is_the_scale() -> None:
    for form in (Weights((1.0, 1.0)), Chebyshev()):
        few = form.scores(ROWS[:2], TWO, scale=ROWS)
        np.testing.assert_allclose(few, form.scores(ROWS, TWO)[:2])
        assert not np.allclose(np.diff(few), np.diff(form.scores(ROWS[:2], TWO)))


@pytest.mark.parametrize("form", [Weights((1.0, 1.0)), Chebyshev(), LogCost(), Pareto()])
def test_rows_without_finite_values_are_last(form: Scalarisation) -> None:
    rows = [[math.nan, 1.0], [0.5, 2.0], [math.inf, 1.0], [0.6, -math.inf]]
    scores = form.scores(rows, TWO)
    assert np.isfinite(scores).tolist() == [False, True, False, False]
    assert form.scores([], TWO).shape == (0,)
    assert form.scores([rows[0]], TWO).tolist() == [-math.inf]


def test_a_cost_without_a_logarithm_is_last() -> None:
    assert (
        LogCost().scores([[0.9, 0.0], [0.9, -1.0], [0.1, 5.0]], TWO)[:2].tolist() == [-math.inf] * 2
    )


@pytest.mark.parametrize("form", [Weights((1.0, 1.0)), Chebyshev(), Pareto()])
def test_equal_values_everywhere_are_no_division_by_zero(form: Scalarisation) -> None:
    assert np.isfinite(form.scores([[1.0, 2.0]] * 3, TWO)).all()


@given(st.lists(st.tuples(*[st.integers(-5, 5)] * 3), min_size=2, max_size=12), st.data())
def test_no_form_prefers_what_is_dominated(rows: list[tuple[int, ...]], data: Any) -> None:
    form = data.draw(st.sampled_from([Weights((0.5, 1.0, 2.0)), Chebyshev(), Pareto()]))
    scores = form.scores(rows, THREE)
    gains = np.array(rows, dtype=float) * [1.0, -1.0, -1.0]
    for i, one in enumerate(gains):
        for j, other in enumerate(gains):
            if (one >= other).all() and (one > other).any():
                assert scores[i] > scores[j]


def test_trials_that_keep_their_constraints_come_first() -> None:
    members = list(SMALL.enumerate(4))
    rows = [
        seen_of(SMALL, members[0], [0.9], 0, constraints={"c": 2.0}),
        seen_of(SMALL, members[1], [0.1], 1, constraints={"c": -1.0}),
        seen_of(SMALL, members[2], [0.2], 2),
        seen_of(SMALL, members[3], [0.3], 3, constraints={"c": 0.5, "d": 0.5}),
    ]
    assert [violation(row) for row in rows] == [2.0, 0.0, 0.0, 1.0]
    assert fitness(Weights((1.0,), False), rows, [UP]).tolist() == [0, 2, 3, 1]
    assert fitness(Weights((1.0,), False), rows, [DOWN]).tolist() == [0, 3, 2, 1]


def test_equal_trials_have_equal_places() -> None:
    rows = [
        seen_of(SMALL, m, [v], n)
        for n, (m, v) in enumerate(zip(SMALL.enumerate(3), [0.5, 0.2, 0.5], strict=True))
    ]
    assert fitness(Pareto(), rows, [UP]).tolist() == [1, 0, 1]


def test_one_objective_needs_no_form_and_several_do() -> None:
    only = scalarisation_for(None, [DOWN], "reinforce", None)
    assert only.scores([[3.0], [1.0]], [DOWN]).tolist() == [-3.0, -1.0]
    assert scalarisation_for(None, TWO, "local_search", Pareto()) == Pareto()
    assert scalarisation_for(Chebyshev(), TWO, "reinforce", None) == Chebyshev()
    with pytest.raises(
        InvalidSpecError,
        match=r"sampler reinforce needs one number and this study has 2 objectives",
    ):
        scalarisation_for(None, TWO, "reinforce", None)
    with pytest.raises(InvalidSpecError, match=r"3 weights for 2 objectives"):
        scalarisation_for(Weights((1, 1, 1)), TWO, "reinforce", None)


def test_a_form_is_given_by_name_mapping_or_itself() -> None:
    assert scalarisation(None) is None
    assert scalarisation("pareto") == Pareto()
    assert scalarisation({"form": "weights", "weights": [1, 0.5]}) == Weights((1.0, 0.5))
    assert scalarisation({"form": "chebyshev", "rho": 0.0}) == Chebyshev(rho=0.0)
    assert scalarisation({"form": "log_cost", "weights": 0.1, "costs": [1, 2]}) == LogCost(
        0.1, 0, (1, 2)
    )
    assert scalarisation(LogCost()) == LogCost()


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ("chebychev", UnknownNameError, r"form of scalarise 'chebychev'; did you mean 'chebyshev'"),
        ({"form": "pareto", "rho": 1}, UnknownNameError, r"argument of scalarise 'pareto': 'rho'"),
        ({"form": 3}, UnknownNameError, r"form of scalarise 3"),
        (0.5, InvalidSpecError, r"scalarise is the name of a form, or a mapping.*got 0\.5"),
        ({"weights": [1]}, InvalidSpecError, r"scalarise is the name of a form"),
        ("weights", InvalidSpecError, r"'weights' needs the weights"),
        (
            {"form": "weights", "weights": [0, 0]},
            InvalidSpecError,
            r"not all of them 0, got \[0, 0\]",
        ),
        ({"form": "weights", "weights": [1, -1]}, InvalidSpecError, r"numbers from 0 on"),
        ({"form": "weights", "weights": "12"}, InvalidSpecError, r"numbers from 0 on"),
        ({"form": "weights", "weights": [1, math.nan]}, InvalidSpecError, r"numbers from 0 on"),
        (
            {"form": "weights", "weights": [], "normalised": 1},
            InvalidSpecError,
            r"(?s)weights must be.*normalised must be True or False, got 1",
        ),
        (
            {"form": "chebyshev", "rho": -1},
            InvalidSpecError,
            r"rho must be a number from 0 on, got -1",
        ),
        (
            {"form": "log_cost", "weights": 0},
            InvalidSpecError,
            r"weights must be a positive number",
        ),
        (
            {"form": "log_cost", "score": -1},
            InvalidSpecError,
            r"score must be the index of an objective, got -1",
        ),
        ({"form": "log_cost", "costs": []}, InvalidSpecError, r"costs must be a list of indices"),
        ({"form": "log_cost", "costs": [0, 1]}, InvalidSpecError, r"distinct and not the score 0"),
    ],
)
def test_what_is_no_form_is_refused(wrong: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        scalarisation(wrong)


@pytest.mark.parametrize(
    ("form", "directions", "sentence"),
    [
        (LogCost(), (UP, UP), r"objective 1 is maximised, a cost is minimised"),
        (LogCost(), (UP,), r"no objective besides the score"),
        (LogCost(score=5), TWO, r"there is no objective 5"),
        (LogCost((0.1, 0.2, 0.3)), THREE, r"3 weights for 2 costs"),
        (Chebyshev((1.0,)), TWO, r"1 weight for 2 objectives"),
        (Weights((1.0,)), TWO, r"scalarise 'weights': 1 weight for 2 objectives"),
    ],
)
def test_a_form_that_does_not_fit_the_objectives_is_refused(
    form: Scalarisation, directions: Any, sentence: str
) -> None:
    with pytest.raises(InvalidSpecError, match=sentence):
        form.scores([[1.0] * len(directions)], directions)
