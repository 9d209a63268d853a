"""The order in which halving keeps points: front by front, spread inside each."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optunas.pruning.ranking import fronts, pareto_order, spread_order


def naive_fronts(points: np.ndarray) -> list[int]:
    """Peel off what nothing dominates, again and again."""
    left, front, number = set(range(len(points))), [-1] * len(points), 0
    while left:
        free = [
            i
            for i in left
            if not any(
                (points[j] <= points[i]).all() and (points[j] < points[i]).any() for j in left
            )
        ]
        for i in free:
            front[i] = number
        left -= set(free)
        number += 1
    return front


POINTS = st.integers(1, 4).flatmap(
    lambda k: st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, math.inf]), min_size=k, max_size=k),
        min_size=1,
        max_size=12,
    )
)


@given(POINTS)
def test_fronts_are_those_of_peeling(points: list[list[float]]) -> None:
    losses = np.array(points)
    assert fronts(losses).tolist() == naive_fronts(losses)


@given(POINTS)
def test_an_order_holds_every_point_once_front_by_front(points: list[list[float]]) -> None:
    losses = np.array(points)
    order, front = pareto_order(losses)
    assert sorted(order) == list(range(len(losses)))
    assert (np.diff(front[order]) >= 0).all()


@given(POINTS, st.floats(0.5, 100.0))
def test_units_do_not_matter(points: list[list[float]], scale: float) -> None:
    losses = np.array(points)
    other = losses * scale
    assert pareto_order(losses)[0].tolist() == pareto_order(other)[0].tolist()


def test_one_loss_is_sorted() -> None:
    order, front = pareto_order(np.array([[3.0], [1.0], [2.0], [1.0]]))
    assert order.tolist() == [1, 3, 2, 0]
    assert front.tolist() == [2, 0, 1, 0]


def test_a_front_is_covered_from_its_best_point_on() -> None:
    line = np.array([[i / 8, 1 - i / 8] for i in range(9)])
    assert spread_order(line).tolist()[:3] == [0, 8, 4]
    assert sorted(spread_order(np.zeros((4, 2)))) == [0, 1, 2, 3]


def test_no_point_has_no_order() -> None:
    order, front = pareto_order(np.empty((0, 2)))
    assert len(order) == len(front) == 0
