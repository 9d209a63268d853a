"""Fronts and hypervolumes against the slow, obvious variants."""

from __future__ import annotations

import itertools

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optunas.errors import InvalidSpecError
from optunas.pareto import (
    feasible_trials,
    front,
    hypervolume,
    nondominated,
    normalised_hypervolume,
    reference_point,
)

BOTH = ["maximize", "minimize"]
SMALL = st.integers(0, 4).map(float)
POINTS = st.integers(1, 4).flatmap(
    lambda k: st.tuples(
        arrays(float, st.tuples(st.integers(0, 9), st.just(k)), elements=SMALL),
        st.lists(st.sampled_from(BOTH), min_size=k, max_size=k),
    )
)


def dominates(a: np.ndarray, b: np.ndarray, directions: list[str]) -> bool:
    better = [x - y if d == "maximize" else y - x for x, y, d in zip(a, b, directions, strict=True)]
    return min(better) >= 0 and max(better) > 0


@given(POINTS)
def test_nondominated_is_what_nothing_dominates(drawn):
    points, directions = drawn
    before = points.copy()
    slow = [not any(dominates(q, p, directions) for q in points) for p in points]
    assert nondominated(points, directions).tolist() == slow
    assert (points == before).all()


@given(POINTS)
def test_hypervolume_counts_unit_boxes(drawn):
    points, directions = drawn
    before = points.copy()
    worst = np.array([-1.0 if d == "maximize" else 5.0 for d in directions])
    signs = np.array([1.0 if d == "maximize" else -1.0 for d in directions])
    heights = [np.abs(p - worst).astype(int) for p in points]
    dominated = {
        box for height in heights for box in itertools.product(*(range(h) for h in height))
    }
    assert hypervolume(points, directions, worst) == pytest.approx(len(dominated))
    ideal = worst + 6 * signs
    share = normalised_hypervolume(points, directions, worst, ideal)
    assert share == pytest.approx(len(dominated) / 6 ** len(directions))
    assert (points == before).all()


@given(POINTS.filter(lambda drawn: len(drawn[0]) > 0))
def test_the_default_reference_is_worse_than_every_point(drawn):
    points, directions = drawn
    reference = reference_point(points, directions)
    for p in points:
        assert all(
            r < x if d == "maximize" else r > x
            for r, x, d in zip(reference, p, directions, strict=True)
        )
    assert hypervolume(points, directions) == hypervolume(points, directions, reference) > 0


def test_nan_is_on_no_front_and_adds_no_volume():
    points = [[np.nan, 0.0], [1.0, 1.0], [2.0, np.nan]]
    assert nondominated(points, BOTH).tolist() == [False, True, False]
    assert hypervolume(points, BOTH, [0.0, 2.0]) == 1.0
    assert reference_point(points, BOTH, margin=0.5).tolist() == [0.5, 1.5]
    assert nondominated([[np.nan, 1.0]], BOTH).tolist() == [False]


def test_infinities_are_on_fronts_but_add_no_volume():
    points = [[np.inf, 3.0], [1.0, 1.0], [0.5, np.inf], [2.0, np.inf]]
    assert nondominated(points, BOTH).tolist() == [True, True, False, False]
    assert hypervolume(points, BOTH, [0.0, 2.0]) == 1.0


def test_equal_points_are_all_on_the_front():
    assert nondominated([[1.0, 1.0], [1.0, 1.0], [0.0, 2.0]], BOTH).tolist() == [True, True, False]


def test_no_points():
    assert nondominated([], BOTH).tolist() == []
    assert hypervolume([], BOTH) == 0.0
    assert hypervolume(np.empty((0, 2)), BOTH, [0.0, 1.0]) == 0.0
    with pytest.raises(InvalidSpecError, match="at least one finite point"):
        reference_point([], BOTH)


def test_points_beyond_the_box():
    # Worse than the reference in one objective: nothing; better than the ideal: its face.
    assert hypervolume([[5.0, 9.0]], BOTH, [0.0, 2.0]) == 0.0
    assert normalised_hypervolume([[5.0, 9.0]], BOTH, [0.0, 2.0], [1.0, 0.0]) == 0.0
    assert normalised_hypervolume([[5.0, -9.0]], BOTH, [0.0, 2.0], [1.0, 0.0]) == 1.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: nondominated([[1.0]], BOTH), r"2 objectives\), got the shape \(1, 1\)"),
        (lambda: nondominated([1.0, 2.0], BOTH), r"got the shape \(2,\)"),
        (lambda: nondominated([[]], []), "values must be"),
        (lambda: nondominated([[1.0, 2.0]], ["up", "minimize"]), "got 'up'"),
        (lambda: nondominated([[1.0]], [StudyDirection.NOT_SET]), "'maximize' or 'minimize'"),
        (lambda: hypervolume([[1.0, 2.0]], BOTH, [1.0]), "2 finite numbers"),
        (lambda: hypervolume([[1.0, 2.0]], BOTH, [1.0, np.nan]), "2 finite numbers"),
        (
            lambda: normalised_hypervolume([[1.0, 2.0]], BOTH, [1.0, 1.0], [2.0, 3.0]),
            "ideal must be better than reference",
        ),
    ],
)
def test_bad_arguments_get_a_sentence(call, match):
    with pytest.raises(InvalidSpecError, match=match):
        call()


def test_fronts_of_studies_know_states_and_constraints():
    study = optuna.create_study(directions=BOTH)
    assert front(study) == []
    rows = [((3.0, 3.0), 1.0), ((2.0, 2.0), 0.0), ((2.0, 2.0), -1.0), ((1.0, 2.0), 0.0)]
    for values, violation in rows:
        trial = study.ask()
        trial.set_constraint("size", violation)
        study.tell(trial, values)
    study.tell(study.ask(), state=TrialState.PRUNED)
    study.tell(study.ask(), state=TrialState.FAIL)
    study.ask()
    assert [t.number for t in feasible_trials(study)] == [1, 2, 3]
    assert [t.number for t in front(study)] == [1, 2]


def test_a_studys_front_is_optunas_own():
    study = optuna.create_study(directions=["maximize", "minimize", "maximize"])
    rng = np.random.default_rng(0)
    for _ in range(60):
        study.tell(study.ask(), rng.integers(0, 20, 3).astype(float).tolist())
    expected = sorted(t.number for t in study.best_trials)
    assert [t.number for t in front(study)] == expected
    assert 1 < len(expected) < 60
