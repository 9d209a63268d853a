"""When reading ends, and the interval that says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics.timing import Effort, How, median_interval, repeats
from optunas.metrics.timing.interval import rank_of_bound
from optunas.metrics.timing.repeats import MOST_REPEATS, read


@given(st.integers(6, 400), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_is_the_narrowest_that_covers(count: int, confidence: float) -> None:
    rank = rank_of_bound(count, confidence)
    if rank > 1 or 1 - 2 * binom.cdf(0, count, 0.5) >= confidence:
        assert 1 - 2 * binom.cdf(rank - 1, count, 0.5) >= confidence - 1e-12
    if 2 * (rank + 1) <= count:
        assert 1 - 2 * binom.cdf(rank, count, 0.5) < confidence + 1e-12


def test_intervals_of_known_readings() -> None:
    # David and Nagaraja, table of order-statistic intervals: n = 20, 95 % is the 6th and the 15th.
    assert median_interval([float(n) for n in range(1, 21)]) == (6.0, 15.0)
    assert median_interval([3.0]) == (3.0, 3.0)
    assert median_interval([2.0, 1.0]) == (1.0, 2.0)
    assert median_interval(np.arange(100_000).tolist(), 0.95)[0] == pytest.approx(49_690, abs=2)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = rng.lognormal(0, 1, size=(2000, 25))  # skewed: no normal theory here
    hits = [low <= 1.0 <= high for low, high in map(median_interval, draws.tolist())]
    assert 0.94 <= np.mean(hits) <= 0.98


class Clock:
    """A network whose readings are given; wall time moves by them."""

    def __init__(self, readings: list[float], waiting: float = 0.0) -> None:
        self.readings, self.waiting, self.count, self.now = readings, waiting, 0, 0.0

    def __call__(self) -> tuple[float, float, float]:
        ms = self.readings[self.count % len(self.readings)]
        self.count += 1
        wall = ms / (1 - self.waiting)
        self.now += wall / 1000
        return ms, wall, ms


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock([1.0])
    monkeypatch.setattr(repeats, "perf_counter", lambda: clock.now)
    return clock


def test_steady_readings_end_at_the_first_look(timed: Clock) -> None:
    block = read(timed, Effort(warmup=3))
    assert len(block.ms) == 10
    assert timed.count == 13
    assert not block.exhausted
    assert block.busy == 0.0


def test_noisy_readings_go_on_until_the_interval_is_narrow(timed: Clock) -> None:
    rng = np.random.default_rng(0)
    timed.readings = rng.lognormal(0, 0.1, 4000).tolist()
    wide = read(timed, Effort(within=0.05, max_seconds=60.0))
    narrow = read(timed, Effort(within=0.01, max_seconds=60.0))
    assert 10 < len(wide.ms) < len(narrow.ms) < MOST_REPEATS
    for block, within in ((wide, 0.05), (narrow, 0.01)):
        low, high = median_interval(block.ms)
        assert (high - low) / 2 <= within * 1.02 * np.median(block.ms)
        assert not block.exhausted


def test_readings_that_never_settle_end_and_say_so(timed: Clock) -> None:
    timed.readings = [1.0, 100.0]
    block = read(timed, Effort(max_seconds=1000.0))
    assert len(block.ms) == MOST_REPEATS
    assert block.exhausted


def test_time_is_of_readings_and_four_times_as_long_by_the_wall(timed: Clock) -> None:
    timed.readings = [1.0, 3.0]
    assert len(read(timed, Effort(max_seconds=0.2)).ms) == 100
    timed.waiting = 0.9  # a busy machine: ten times as long by the wall
    block = read(timed, Effort(max_seconds=0.2))
    assert len(block.ms) == 40
    assert block.busy == pytest.approx(0.9)


def test_exactly_as_many_repeats_as_asked_for(timed: Clock) -> None:
    assert len(read(timed, Effort(repeats=7)).ms) == 7
    timed.readings = [1.0, 5.0]
    assert read(timed, Effort(repeats=7)).exhausted


def test_waiting_is_unknown_without_a_thread_clock() -> None:
    assert read(lambda: (1.0, math.nan, math.nan), Effort(repeats=5)).busy is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"within": 0.0}, "within must be a fraction between 0 and 1, got 0.0"),
        ({"confidence": 1}, "confidence must be a fraction between 0 and 1, got 1"),
        ({"max_seconds": -1}, "max_seconds must be a number from 0 on, got -1"),
        ({"max_seconds": float("nan")}, "max_seconds must be a number from 0 on, got nan"),
    ],
)
def test_efforts_that_cannot_be(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidSpecError, match=said):
        Effort(**settings)


def test_ways_that_cannot_be() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown back end 'onnx'. did you mean 'onnxrunt"):
        How(backend="onnx")
    with pytest.raises(UnknownNameError, match=r"Unknown number type \(dtype\) 'float64'"):
        How(dtype="float64")
    with pytest.raises(InvalidSpecError, match="clock='processor' is the time of one thread"):
        How(threads=2, clock="processor")
    with pytest.raises(InvalidSpecError, match="got device 'cuda' with 1 threads"):
        How("cuda", clock="processor")
    with pytest.raises(InvalidSpecError, match="cuda_graph must be True, False or None, got 1"):
        How(cuda_graph=1.5)  # type: ignore[arg-type]
