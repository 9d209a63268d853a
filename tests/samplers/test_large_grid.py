"""Grids that are too large to be listed: every point once, in a random order."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from optunas.samplers.by_name import make_sampler
from optunas.samplers.grid import LISTED
from optunas.samplers.large_grid import LargeGridSampler, permuted


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 300), seed=st.integers(0, 2**32))
def test_a_permutation_of_any_size(size: int, seed: int) -> None:
    assert sorted(permuted(i, size, seed) for i in range(size)) == list(range(size))


def test_the_order_is_random_and_depends_on_the_seed() -> None:
    size = 7**30
    first, other = ([permuted(i, size, seed) for i in range(400)] for seed in (0, 1))
    assert first != other
    assert first == [permuted(i, size, 0) for i in range(400)]
    # The mean of 400 uniform numbers is within three standard errors of the middle.
    assert abs(sum(first) / size / 400 - 0.5) < 3 / math.sqrt(12 * 400)
    rising = sum(a < b for a, b in itertools.pairwise(first))
    assert 150 < rising < 250


def test_every_point_comes_once() -> None:
    grid = {"a": ["p", "q", "r"], "b": [0.1, 0.2], "c": [1, 2, 3, 4]}
    sampler = LargeGridSampler(grid, seed=3)
    assert sampler.size == 24
    points = [tuple(sampler.point(i).items()) for i in range(24)]
    wanted = [tuple(zip(grid, row, strict=True)) for row in itertools.product(*grid.values())]
    assert Counter(points) == Counter(wanted)
    assert points != wanted
    assert sampler.point(24) == sampler.point(0)


def test_a_study_of_a_huge_grid_starts_at_once() -> None:
    distributions = {
        **{f"op{i}": CategoricalDistribution([str(v) for v in range(7)]) for i in range(20)},
        "lr": FloatDistribution(1e-3, 1.0, log=True),
        "width": IntDistribution(8, 64, step=8),
    }
    started = time.process_time()
    sampler = make_sampler("grid", {}, 5, trials=9, objectives=1, distributions=distributions)
    study = optuna.create_study(sampler=sampler)
    for _ in range(60):
        trial = study.ask(distributions)
        study.tell(trial, 0.0)
    assert time.process_time() - started < 10
    rows = {tuple(t.params.items()) for t in study.trials}
    assert len(rows) == 60
    assert len({t.params["lr"] for t in study.trials}) == 5
    assert len({t.params["op3"] for t in study.trials}) == 7


@pytest.mark.parametrize("more", [0, 1])
def test_small_grids_are_optunas(more: int) -> None:
    distributions = {"a": IntDistribution(1, LISTED + more)}
    sampler = make_sampler("grid", {}, 0, trials=9, objectives=1, distributions=distributions)
    kind = LargeGridSampler if more else optuna.samplers.GridSampler
    assert type(sampler.inner) is kind
