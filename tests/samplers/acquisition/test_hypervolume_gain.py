"""Boxes, beliefs and expected gains against brute force and Monte Carlo."""

from __future__ import annotations

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.samplers.acquisition.boxes import free_boxes
from optunas.samplers.acquisition.hypervolume_gain import expected_gain, sampled_gain
from optunas.samplers.prediction.beliefs import Belief, Exact, Normal, Warped
from optunas.samplers.prediction.warp import Warp

RNG = np.random.default_rng(0)


def volume(points: np.ndarray) -> float:
    k = points.shape[1]
    if k == 1:
        return max(0.0, 1.0 - float(points.min(initial=1.0)))
    return float(moocore.hypervolume(points, ref=np.ones(k))) if len(points) else 0.0


def brute(front: np.ndarray, point: np.ndarray) -> float:
    return max(0.0, volume(np.concatenate([front, point[None]])) - volume(front))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(0, 12), st.integers(0, 10**6), st.booleans())
def test_the_gain_of_known_values_is_exact(k: int, n: int, seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    front, candidates = rng.random((n, k)) * 1.2, rng.random((8, k)) * 1.2
    if ties:
        front, candidates = np.round(front * 4) / 4, np.round(candidates * 4) / 4
    beliefs = [Exact(column) for column in candidates.T]
    gain = expected_gain(beliefs, front, np.ones(k), rng)
    wanted = [brute(front, candidate) for candidate in candidates]
    np.testing.assert_allclose(gain, wanted, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 10), st.integers(0, 10**6))
def test_boxes_are_disjoint_and_fill_what_is_free(k: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.random((n, k))
    lower, upper = free_boxes(points, np.ones(k))
    tests = rng.random((200, k))
    inside = ((tests[:, None] >= lower) & (tests[:, None] < upper)).all(axis=2).sum(axis=1)
    free = ~(points[None] <= tests[:, None]).all(axis=2).any(axis=1)
    np.testing.assert_array_equal(inside, free.astype(int))


def test_there_are_about_two_boxes_a_point_in_three_dimensions() -> None:
    points = RNG.random((60, 3))
    points = 1.0 - points / np.linalg.norm(points, axis=1, keepdims=True)
    assert len(free_boxes(points, np.full(3, 1.01))[0]) == 2 * 60 + 1


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_expected_gain_is_the_mean_of_many_draws(k: int) -> None:
    rng = np.random.default_rng(k)
    front, mean = rng.random((6, k)), rng.random((4, k))
    std = np.full(4, 0.25)
    beliefs: list[Belief] = [Normal(column, std) for column in mean.T]
    if k > 1:
        beliefs[1] = Exact(mean[:, 1])
    gain = expected_gain(beliefs, front, np.ones(k), rng)
    drawn = mean[:, None] + 0.25 * rng.standard_normal((4, 3000, k))
    if k > 1:
        drawn[:, :, 1] = mean[:, None, 1]
    for at in range(4):
        draws = [brute(front, point) for point in drawn[at]]
        error = 4.0 * np.std(draws) / np.sqrt(len(draws))
        assert gain[at] == pytest.approx(np.mean(draws), abs=error + 1e-4)


def test_the_estimate_for_many_objectives_is_near_the_exact_gain() -> None:
    rng = np.random.default_rng(3)
    front, mean = rng.random((10, 3)), rng.random((30, 3))
    beliefs = [Normal(column, np.full(30, 0.15)) for column in mean.T]
    exact = expected_gain(beliefs, front, np.ones(3), rng)
    estimate = sampled_gain(beliefs, front, np.ones(3), rng, samples=20_000)
    np.testing.assert_allclose(estimate, exact, atol=0.05 * exact.max())
    assert np.corrcoef(estimate, exact)[0, 1] > 0.99


def test_five_objectives_are_estimated() -> None:
    rng = np.random.default_rng(3)
    beliefs = [Exact(np.array([0.1, 0.9])) for _ in range(5)]
    gain = expected_gain(beliefs, np.full((1, 5), 0.8), np.ones(5), rng)
    assert gain[0] > gain[1] == 0.0


def test_a_warped_belief_is_the_mean_of_draws_through_the_warp() -> None:
    rng = np.random.default_rng(0)
    warp = Warp(rng.exponential(1.0, 30))
    belief = Warped(np.array([-0.5, 0.8]), np.array([0.7, 0.3]), warp)
    levels = np.array([0.2, 0.9, 2.0])
    table = belief.shortfall(levels)
    for at in range(2):
        drawn = warp.backward(belief.mean[at] + belief.std[at] * rng.standard_normal(200_000))
        wanted = [np.maximum(level - drawn, 0.0).mean() for level in levels]
        np.testing.assert_allclose(table[at], wanted, rtol=0.03, atol=0.003)
        np.testing.assert_allclose(
            belief.below(levels)[at], [(drawn <= v).mean() for v in levels], atol=0.01
        )


@pytest.mark.parametrize("std", [1e-6, 1e-3, 0.05])
def test_a_belief_that_is_sure_promises_nothing_it_does_not_believe(std: float) -> None:
    warp = Warp(np.log([0.07, 0.1, 0.3, 0.3, 0.6, 1.5]))  # few losses, far apart
    belief = Warped(warp.forward(np.log([0.1, 0.2])), np.full(2, std), warp)
    table = belief.shortfall(np.log([0.1, 0.3, 1.5]))
    sure = np.maximum(np.log([0.1, 0.3, 1.5]) - np.log([[0.1], [0.2]]), 0.0)
    np.testing.assert_allclose(table, sure, atol=std)


def test_a_warped_belief_is_that_of_many_small_steps() -> None:
    rng = np.random.default_rng(5)
    warp = Warp(np.round(rng.exponential(1.0, 60), 1))
    belief = Warped(rng.standard_normal(20), rng.uniform(0.01, 2.0, 20), warp)
    levels = np.sort(rng.uniform(-0.5, 4.0, 7))
    fine = np.linspace(warp.knots[0], 4.0, 200_001)
    chance = belief.below(fine)
    steps = 0.5 * (chance[:, 1:] + chance[:, :-1]) * np.diff(fine)
    total = np.concatenate([np.zeros((20, 1)), np.cumsum(steps, axis=1)], axis=1)
    wanted = np.stack([np.interp(levels, fine, row) for row in total])
    np.testing.assert_allclose(belief.shortfall(levels), wanted, atol=1e-4)


def test_taking_candidates_takes_their_beliefs() -> None:
    warp = Warp(np.arange(5.0))
    places = np.array([2, 0])
    for belief in (
        Exact(np.arange(3.0)),
        Normal(np.arange(3.0), np.ones(3)),
        Warped(np.arange(3.0), np.ones(3), warp),
    ):
        np.testing.assert_array_equal(belief.take(places).central(), belief.central()[places])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_a_warp_rises_and_keeps_the_order(losses: list[float]) -> None:
    warp = Warp(np.array(losses))
    assert (np.diff(warp.knots) >= 0).all()
    order = np.argsort(losses, kind="stable")
    assert (np.diff(warp.scores[order]) >= 0).all()
    assert abs(warp.scores).max() < 3.0


def test_an_outlier_is_only_the_last() -> None:
    losses = np.linspace(0.05, 0.1, 20)
    far = Warp(np.append(losses, 1e9)).scores
    near = Warp(np.append(losses, 0.2)).scores
    np.testing.assert_allclose(far, near)


def test_a_warp_and_its_inverse() -> None:
    losses = RNG.standard_normal(100)
    warp = Warp(losses)
    np.testing.assert_allclose(warp.backward(warp.forward(losses)), losses, atol=1e-9)
    assert warp.backward(np.array([-10.0]))[0] < losses.min()
