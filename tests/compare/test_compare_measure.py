"""Qualities, targets and costs on runs that are written out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from fast_table import spec
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optunas import Metric
from optunas.compare.amount import amount
from optunas.compare.measure import Question, Target, measure
from optunas.compare.reach import reach
from optunas.compare.trajectory import Trajectory
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.pareto import hypervolume, reference_point

TWO = Question.of(spec(), amount(10))
ONE = Question.of(spec(objectives=("accuracy",)), amount(10))
BOTH = ("maximize", "minimize")


def run(
    values: Sequence[Sequence[float]],
    seed: int = 0,
    spent: bool = True,
    costs: Sequence[float] | None = None,
) -> Trajectory:
    """A run with a trial for each value, each costing one."""
    one = np.arange(1.0, len(values) + 1) if costs is None else np.array(costs, dtype=float)
    axes = dict.fromkeys(("trials", "networks", "epochs", "seconds"), one)
    array = np.array(values, dtype=float).reshape(len(values), -1)
    return Trajectory(seed, "", spent, axes, array, np.zeros(len(values)))


points = st.lists(
    st.tuples(st.floats(0, 1), st.floats(1, 100) | st.just(math.nan)), min_size=1, max_size=12
)


@settings(max_examples=30)
@given(st.lists(points, min_size=1, max_size=3))
def test_qualities_are_shares_of_the_volume_of_all_runs(runs: list[list[tuple]]) -> None:
    all_points = np.array([p for row in runs for p in row])
    finite = all_points[np.isfinite(all_points).all(axis=1)]
    if not len(finite):
        return
    worst = reference_point(finite, BOTH)
    whole = hypervolume(finite, BOTH, worst)
    found = measure(TWO, [[run(row)] for row in runs], [0])
    for row, (qualities,) in zip(runs, found.qualities, strict=True):
        for n in range(len(row)):
            expected = hypervolume(row[: n + 1], BOTH, worst) / whole
            assert qualities[n] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_known_front_is_what_shares_are_of() -> None:
    runs = [[run([[0.5, 50.0]])], [run([[0.2, 90.0]])]]
    alone = measure(TWO, runs, [1])
    assert alone.qualities[0][0][-1] == pytest.approx(1.0)
    known = measure(TWO, runs, [1], [[1.0, 10.0], [0.1, 80.0]])
    assert known.from_task
    assert known.front == 1
    assert 0 < known.qualities[0][0][-1] < 1


def test_a_logarithmic_scale_and_a_reference_are_those_of_the_volume() -> None:
    question = Question.of(spec(), amount(10), (), ["params"], {"accuracy": 0.5, "params": 1e4})
    found = measure(question, [[run([[0.7, 10.0], [0.9, 1000.0]])], [run([[0.4, 1.0]])]], [1])
    # Accuracy above .5 times decades below 10,000.
    whole = 0.2 * 3 + 0.2 * 1
    assert found.qualities[0][0].tolist() == pytest.approx([0.2 * 3 / whole, 1.0])
    assert found.qualities[1][0].tolist() == [0.0]
    assert found.reference == pytest.approx((0.5, 1e4))


def test_one_objective_is_its_best_value_so_far() -> None:
    runs = [[run([[math.nan], [0.5], [0.4], [0.8]])], [run([[0.2], [0.6], [0.4], [0.3]])]]
    found = measure(ONE, runs, [1])
    assert found.qualities[0][0].tolist() == [0.2, 0.5, 0.5, 0.8]
    assert (found.best, found.typical) == (0.8, pytest.approx(0.35))
    assert found.quality_of(Target(share=0.5)) == pytest.approx((0.8 + 0.35) / 2)


def test_an_objective_that_is_minimised_counts_with_its_sign_turned() -> None:
    loss = spec(objectives=(Metric("loss", "minimize"),))
    question = Question.of(loss, amount(10), ["0.3"])
    found = measure(question, [[run([[0.5], [0.2]])], [run([[0.9], [0.4]])]], [1])
    assert question.shown(found.qualities[0][0]).tolist() == [0.5, 0.2]
    assert question.shown(found.best) == 0.2
    reached = reach(found, 0, [run([[0.5], [0.2]])], question.targets[0], "trials")
    assert reached.costs.tolist() == [2.0]


def test_qualities_at_a_cost_are_of_the_trials_that_had_ended() -> None:
    long = run([[0.1], [0.2], [0.3]], costs=[2.0, 5.0, 11.0])
    found = measure(ONE, [[long]], [0])
    values = found.at(long.costs["trials"], found.qualities[0][0], [0.0, 1.9, 2.0, 10.0, 11.0])
    assert values.tolist() == [0.1, 0.1, 0.1, 0.2, 0.3]


def test_runs_that_do_not_reach_the_target_are_censored() -> None:
    rows = [
        run([[0.1], [0.9]]),
        run([[0.1], [0.1], [0.9], [0.9]]),
        run([[0.1]] * 5),
        run([[0.1]] * 2, spent=False),
    ]
    question = Question.of(spec(objectives=("accuracy",)), amount(10), [0.9])
    found = measure(question, [rows], [0])
    reached = reach(found, 0, rows, question.targets[0], "trials")
    assert reached.costs.tolist() == [2.0, 3.0, math.inf, math.inf]
    # The run that had nothing more to try stays at risk for ever.
    assert reached.ends.tolist() == [2.0, 4.0, 5.0, math.inf]
    assert (reached.reached, reached.median, reached.three_quarters) == (2, 3.0, math.inf)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=2, max_size=12))
def test_medians_are_kaplan_meiers(pairs: list[tuple[int, bool]]) -> None:
    rows = [run([[0.0]] * (n - 1) + [[1.0 if there else 0.0]]) for n, there in pairs]
    question = Question.of(spec(objectives=("accuracy",)), amount(10), [1.0])
    found = reach(measure(question, [rows], [0]), 0, rows, question.targets[0], "trials")
    survival, median = 1.0, math.inf
    for cost in sorted({n for n, there in pairs if there}):
        at_risk = sum(n >= cost for n, _ in pairs)
        survival *= 1 - sum(n == cost and there for n, there in pairs) / at_risk
        if survival <= 0.5 + 1e-9:
            median = float(cost)
            break
    assert found.median == median


def test_without_censoring_the_median_is_the_middle_cost() -> None:
    costs = [3, 9, 1, 7, 5]
    rows = [run([[0.0]] * (n - 1) + [[1.0]]) for n in costs]
    question = Question.of(spec(objectives=("accuracy",)), amount(10), [1.0])
    found = reach(measure(question, [rows], [0]), 0, rows, question.targets[0], "trials")
    assert found.median == np.median(costs)
    assert stats.ecdf(costs).cdf.evaluate(found.quarter) >= 0.25


def test_distinct_networks_are_counted_once() -> None:
    row = {"state": "COMPLETE", "values": [1.0], "feasible": True, "counted": True, "epochs": 2}
    row |= {"untrained": False, "seconds": 3.0, "suggest_s": 0.1}
    rows = [row | {"code": code} for code in ("a", "b", "a", "c")]
    rows.insert(2, rows[0] | {"counted": False, "untrained": True, "epochs": 0, "seconds": 0.0})
    found = Trajectory.of(0, "The budget of 4 trials is used.", rows, 1)
    assert found.costs["networks"].tolist() == [1, 2, 2, 2, 3]
    assert found.costs["trials"].tolist() == [1, 2, 2, 3, 4]
    assert found.costs["epochs"].tolist() == [2, 4, 4, 6, 8]
    assert (found.spent, found.untrained) == (True, 1)


def test_what_breaks_a_constraint_has_no_value() -> None:
    row = {"state": "COMPLETE", "values": [1.0, 2.0], "feasible": False, "counted": True}
    row |= {"epochs": 1, "untrained": False, "seconds": 3.0, "suggest_s": 0.1, "code": "a"}
    assert np.isnan(Trajectory.of(0, "", [row], 2).values).all()


def test_runs_without_any_value_cannot_be_measured() -> None:
    with pytest.raises(InvalidSpecError, match="No run has a network with a value that counts"):
        measure(TWO, [[run([[math.nan, math.nan]])]], [0])


def test_a_value_of_zero_has_no_logarithm() -> None:
    question = Question.of(spec(), amount(10), (), ["params"])
    with pytest.raises(InvalidSpecError, match="params has the value 0, which a logarithmic"):
        measure(question, [[run([[0.5, 0.0]])]], [0])


def test_a_reference_that_is_better_than_everything_leaves_no_volume() -> None:
    question = Question.of(spec(), amount(10), (), (), {"accuracy": 0.99})
    with pytest.raises(InvalidSpecError, match="No network is better than the reference"):
        measure(question, [[run([[0.5, 3.0]])]], [0])


@pytest.mark.parametrize("given", ["0%", "101%", "much", "0.9", "-5%", "nan%"])
def test_targets_of_hypervolumes_are_shares(given: str) -> None:
    with pytest.raises(InvalidSpecError, match="A target is a share such as 95%"):
        Question.of(spec(), amount(10), [given])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reference": {"params": math.nan}}, "A reference is a finite number"),
        ({"reference": {"params": -1.0}, "log": ["params"]}, "must be positive on a logarithmic"),
        ({"significance": 0.7}, "significance must be between 0 and .5"),
    ],
)
def test_wrong_settings_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(InvalidSpecError, match=words):
        Question.of(spec(), amount(10), **changes)


def test_an_unknown_objective_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'param'; did you mean 'params'"):
        Question.of(spec(), amount(10), (), ["param"])


def test_volumes_have_no_part_in_one_objective() -> None:
    with pytest.raises(InvalidSpecError, match="are for hypervolumes; these studies have one"):
        Question.of(spec(objectives=("accuracy",)), amount(10), (), ["accuracy"])
