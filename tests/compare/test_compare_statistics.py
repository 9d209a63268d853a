"""Tests and intervals against scipy, slow variants, and a published example (Demsar 2006)."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optunas.compare import statistics

# Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7 (2006), table 6:
# areas under the curve of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        # Printed as .975 twice, and ranked in this order.
        [0.972, 0.981, 0.9752, 0.9750],
        [0.957, 0.978, 0.946, 0.970],
    ]
).T

# Differences without ties, of a size at which rounding plays no part.
numbers = st.integers(-1000, 1000).filter(bool)
differences = st.lists(numbers, min_size=2, max_size=9, unique_by=abs)
results = st.integers(3, 6).flatmap(
    lambda k: st.integers(2, 8).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=k, max_size=k
        )
    )
)


def test_mean_ranks_are_the_published_ones() -> None:
    np.testing.assert_allclose(
        statistics.mean_ranks(DEMSAR), [3.143, 2.000, 2.893, 1.964], atol=5e-4
    )


def test_friedman_without_ties_is_the_published_statistic() -> None:
    ranks, n, k = statistics.mean_ranks(DEMSAR), 14, 4
    plain = 12 * n / (k * (k + 1)) * ((ranks**2).sum() - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=0.01)
    assert (n - 1) * plain / (n * (k - 1) - plain) == pytest.approx(3.69, abs=0.01)
    found = statistics.friedman(DEMSAR)
    assert found is not None
    # The correction for ties makes it a little larger.
    assert plain < found.statistic < 1.2 * plain
    assert found.f_p < 0.05


def test_critical_differences_are_the_published_ones() -> None:
    assert statistics.critical_difference(4, 14, 0.05) == pytest.approx(1.25, abs=0.005)
    assert statistics.critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)
    # Table 5 (a): q at .05 for 2 and for 10 classifiers.
    for k, q in ((2, 1.960), (10, 3.164)):
        expected = q * math.sqrt(k * (k + 1) / (6 * 20))
        assert statistics.critical_difference(k, 20) == pytest.approx(expected, abs=1e-3)


@settings(max_examples=40)
@given(results)
def test_friedman_is_scipys(rows: list[list[int]]) -> None:
    values = np.array(rows, dtype=float)
    found = statistics.friedman(values)
    assert found is not None
    if (values == values[0]).all():
        assert (found.statistic, found.p, found.f_p) == (0, 1, 1)
    else:
        expected = stats.friedmanchisquare(*values)
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
        assert found.p == pytest.approx(expected.pvalue, abs=1e-9)


def test_friedman_of_runs_that_all_agree_is_certain() -> None:
    found = statistics.friedman([[3, 30, 300], [2, 20, 200], [1, 10, 100]])
    assert found is not None
    assert (found.f, found.f_p) == (math.inf, 0.0)


@pytest.mark.parametrize("values", [[[1, 2, 3], [4, 5, 6]], [[1], [2], [3]]])
def test_friedman_needs_three_contestants_and_two_runs(values: list[list[int]]) -> None:
    assert statistics.friedman(values) is None


def test_ranks_of_sums_in_another_order_are_equal() -> None:
    assert statistics.mean_ranks([[0.1 + 0.2], [0.3], [0.1]]).tolist() == [1.5, 1.5, 3.0]


def test_nemenyi_at_the_critical_difference_is_the_level() -> None:
    difference = statistics.critical_difference(5, 20, 0.05)
    p = statistics.nemenyi([1.0, 1.0 + difference, 3.0, 3.0, 3.0], 20)
    assert p[0, 1] == pytest.approx(0.05, abs=1e-6)
    np.testing.assert_allclose(p, p.T)
    assert (np.diag(p) == 1).all()


@given(st.lists(st.floats(1, 9), min_size=2, max_size=8), st.floats(0.1, 5))
def test_groups_are_the_largest_that_lie_within_the_difference(
    ranks: list[float], difference: float
) -> None:
    found = [set(group) for group in statistics.groups(ranks, difference)]

    def together(members: tuple[int, ...]) -> bool:
        chosen = [ranks[i] for i in members]
        return max(chosen) - min(chosen) < difference

    subsets = [
        set(members)
        for size in range(2, len(ranks) + 1)
        for members in itertools.combinations(range(len(ranks)), size)
        if together(members)
    ]
    largest = [one for one in subsets if not any(one < other for other in subsets)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, largest))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_the_step_down_procedure(ps: list[float]) -> None:
    corrected = statistics.holm(ps)
    for level in (0.01, 0.05, 0.3):
        refused = set()
        for step, at in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
            if ps[at] > level / (len(ps) - step):
                break
            refused.add(at)
        # At a level that a corrected value meets exactly, rounding decides.
        if min(abs(p - level) for p in corrected) > 1e-12:
            assert {i for i, p in enumerate(corrected) if p <= level} == refused


@settings(max_examples=30)
@given(differences)
def test_wilcoxon_is_scipys_exact_one(d: list[int]) -> None:
    found = statistics.pair(d, [0] * len(d))
    assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


def test_equal_runs_are_no_evidence() -> None:
    found = statistics.pair([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found.p, found.difference, found.effect, found.needed) == (1.0, 0.0, 0.0, None)
    assert (found.wins, found.ties, found.losses) == (0, 3, 0)


@settings(max_examples=15)
@given(st.lists(numbers, min_size=6, max_size=7, unique_by=abs))
def test_the_interval_holds_the_shifts_that_the_test_does_not_refuse(d: list[int]) -> None:
    found = statistics.pair(d, [0] * len(d), level=0.05)
    values = np.array(d, dtype=float)
    walsh = sorted((values[i] + values[j]) / 2 for i in range(len(d)) for j in range(i, len(d)))
    assert found.difference == pytest.approx(np.median(walsh))
    ends = [-math.inf, *walsh, math.inf]
    for left, right in itertools.pairwise(dict.fromkeys(ends)):
        inside = (max(left, right - 2) + min(right, left + 2)) / 2
        rest = values - inside
        if len({*np.abs(rest)}) < len(rest) or not rest.all():
            continue  # ties have no exact test
        refused = stats.wilcoxon(rest, method="exact").pvalue <= 0.05
        assert refused == (not found.low < inside < found.high)


def test_five_runs_allow_no_interval_and_six_the_whole_range() -> None:
    five = statistics.pair([1, 2, 3, 4, 5], [0] * 5)
    assert (five.low, five.high) == (-math.inf, math.inf)
    six = statistics.pair([1, 2, 3, 4, 5, 6], [0] * 6)
    assert (six.low, six.high) == (1, 6)


def test_intervals_of_many_runs_join_those_that_are_counted_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d = np.random.default_rng(3).normal(0.4, 1, 24)
    exact = statistics.pair(d, 0 * d)
    monkeypatch.setattr(statistics, "EXACT", 10)
    normal = statistics.pair(d, 0 * d)
    assert normal.low == pytest.approx(exact.low, abs=0.05)
    assert normal.high == pytest.approx(exact.high, abs=0.05)


def test_the_effect_is_kerbys_simple_difference() -> None:
    # Kerby 2014: favourable less unfavourable share of the rank sum.
    found = statistics.pair([3, -1, 2, 4, 0], [0] * 5)
    assert found.effect == pytest.approx((3 + 2 + 4) / 10 - 1 / 10)
    assert found.effect_low <= found.effect <= found.effect_high


@settings(max_examples=20)
@given(differences)
def test_the_effect_turns_with_the_pair(d: list[int]) -> None:
    one, other = statistics.pair(d, [0] * len(d)), statistics.pair([0] * len(d), d)
    assert one.effect == pytest.approx(-other.effect)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.wins, one.losses) == (other.losses, other.wins)
    assert one.low == pytest.approx(-other.high)


def test_seeds_needed_give_the_power_that_they_promise() -> None:
    rng = np.random.default_rng(0)
    pilot = rng.normal(0.6, 1, 4000)
    needed = statistics.runs_needed(pilot[:300], 0.05)
    assert needed is not None
    assert 20 < needed < 35
    drawn = rng.choice(pilot, (400, needed))
    power = np.mean([stats.wilcoxon(one).pvalue < 0.05 for one in drawn])
    assert 0.7 < power < 0.9


def test_fewest_runs_is_where_the_test_can_come_under_the_level() -> None:
    for level in (0.05, 0.05 / 6, 0.01, 0.25):
        n = statistics.fewest_runs(level)
        assert stats.wilcoxon(np.arange(1, n + 1)).pvalue <= level
        assert stats.wilcoxon(np.arange(1, n)).pvalue > level


def test_the_band_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(5).gamma(2.0, size=(20, 3))
    middle, low, high = statistics.bootstrap_band(values, samples=4000)
    np.testing.assert_allclose(middle, np.median(values, axis=0))
    for i in range(3):
        drawn = stats.bootstrap(
            (values[:, i],), np.median, n_resamples=4000, method="percentile", rng=1
        ).bootstrap_distribution
        # Medians of samples have gaps: equal quantiles are those of nearly the same share.
        for end, share in ((low[i], 0.025), (high[i], 0.975)):
            near = np.quantile(drawn, [share - 0.012, share + 0.012])
            assert near[0] <= end <= near[1]


def test_the_band_of_one_run_has_no_width() -> None:
    for line in statistics.bootstrap_band([[1.0, 2.0]]):
        assert line.tolist() == [1.0, 2.0]
