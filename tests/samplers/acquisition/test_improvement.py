"""What a candidate promises, against plain integration."""

from __future__ import annotations

import numpy as np
import pytest

from optunas.samplers.acquisition.improvement import confidence_bound, expected_improvement, ranked


@pytest.mark.parametrize(("mean", "std", "best"), [(0.0, 1.0, 0.5), (2.0, 0.3, 1.0), (-1, 2, 0)])
def test_expected_improvement_is_the_integral(mean: float, std: float, best: float) -> None:
    points = np.linspace(mean - 12 * std, mean + 12 * std, 400_001)
    density = np.exp(-0.5 * ((points - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))
    wanted = np.sum(np.maximum(points - best, 0) * density) * (points[1] - points[0])
    found = expected_improvement(np.array([mean]), np.array([std]), best)
    assert found[0] == pytest.approx(wanted, rel=1e-6)


def test_without_a_spread_it_is_the_improvement_itself() -> None:
    mean = np.array([1.0, 3.0, 2.0])
    assert expected_improvement(mean, np.zeros(3), 2.0).tolist() == [0.0, 1.0, 0.0]


def test_a_confidence_bound_adds_deviations() -> None:
    found = confidence_bound(np.array([1.0, 0.0]), np.array([0.5, 2.0]), 2.0)
    assert found.tolist() == [2.0, 4.0]


def test_ties_are_broken_by_mean_then_by_chance() -> None:
    promised = np.array([0.0, 1.0, 0.0, 0.0, -np.inf])
    means = np.array([0.1, 0.0, 0.5, 0.1, 9.0])
    orders = [ranked(promised, means, np.random.default_rng(s)).tolist() for s in range(20)]
    assert all(order[:2] == [1, 2] and order[4] == 4 for order in orders)
    assert {tuple(order[2:4]) for order in orders} == {(0, 3), (3, 0)}


def test_differences_beyond_the_digits_do_not_decide() -> None:
    promised = np.array([1.0, 1.0 + 1e-13])
    first = {int(ranked(promised, np.zeros(2), np.random.default_rng(s))[0]) for s in range(20)}
    assert first == {0, 1}
