"""Ranks, combinations, learned mixes, and how well an order agrees with another."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.measures import METRICS, ZERO_COST
from optunas.metrics.proxies import (
    COMBINATIONS,
    PROXIES,
    ProxyMix,
    agreements,
    az_nas,
    kendall,
    rank_mean,
    spearman,
)
from optunas.metrics.proxies.combine import combined, needed, ranks
from optunas.metrics.proxies.features import compressed, feature

COLUMNS = st.lists(st.integers(-3, 3), min_size=3, max_size=12)


def slow_tau(x: list[float], y: list[float]) -> float:
    """Kendall's tau-b, pair by pair."""
    score = in_x = in_y = 0.0
    for a, b in combinations(range(len(x)), 2):
        one = (x[a] > x[b]) - (x[a] < x[b])
        other = (y[a] > y[b]) - (y[a] < y[b])
        score, in_x, in_y = score + one * other, in_x + one**2, in_y + other**2
    return score / math.sqrt(in_x * in_y) if in_x * in_y else math.nan


@given(COLUMNS, st.data())
def test_tau_and_rho_are_what_pairs_and_ranks_say(x: list[float], data: st.DataObject) -> None:
    y = data.draw(st.lists(st.integers(-2, 2), min_size=len(x), max_size=len(x)))
    assert kendall(x, y) == pytest.approx(slow_tau(x, y), nan_ok=True)
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y) == pytest.approx(np.corrcoef(ranks(x), ranks(y))[0, 1])
    else:
        assert math.isnan(spearman(x, y))


@given(COLUMNS)
def test_ranks_count_what_is_not_larger(x: list[float]) -> None:
    slow = [sum(v < one for v in x) + (sum(v == one for v in x) + 1) / 2 for one in x]
    assert ranks(x).tolist() == slow


def test_minus_infinity_and_nan_rank_last_together() -> None:
    assert ranks([1.0, -math.inf, math.nan, 5.0]).tolist() == [3.0, 1.5, 1.5, 4.0]
    assert kendall([1, -math.inf, 3], [2, 1, 3]) == 1.0


def test_a_resampled_network_counts_as_often_as_it_is_drawn() -> None:
    """The interval is that of columns written out with their repetitions."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 9))
    (found,) = agreements({"flops": x}, y, resamples=40, seed=3)
    counts = np.random.default_rng(3).multinomial(9, np.full(9, 1 / 9), size=40)
    repeated = [np.repeat(np.arange(9), row) for row in counts]
    taus = [slow_tau(x[rows].tolist(), y[rows].tolist()) for rows in repeated]
    assert found.tau == pytest.approx(slow_tau(x.tolist(), y.tolist()))
    assert found.tau_interval == pytest.approx(tuple(np.percentile(taus, (2.5, 97.5))))
    rhos = [spearman(x[rows], y[rows]) for rows in repeated]
    assert found.rho_interval == pytest.approx(tuple(np.percentile(rhos, (2.5, 97.5))))


def test_a_proxy_is_compared_with_flops_on_the_same_networks() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=60)
    columns = {"flops": truth + rng.normal(size=60), "zen": truth + 0.1 * rng.normal(size=60)}
    flops, zen = agreements(columns, truth)
    assert (flops.over, flops.over_interval) == (0.0, (0.0, 0.0))
    assert zen.over == pytest.approx(zen.tau - flops.tau)
    assert 0 < zen.over_interval[0] < zen.over < zen.over_interval[1]


def test_too_few_networks_and_a_constant_proxy() -> None:
    with pytest.raises(InvalidSpecError, match="at least three networks"):
        agreements({"flops": [1, 2]}, [1, 2])
    with pytest.raises(InvalidSpecError, match="at least three networks"):
        agreements({"flops": [1, 2, 3]}, [1, 2, math.nan])
    _, flat = agreements({"flops": [1, 2, 3], "zen": [1, 1, 1]}, [1, 2, 3])
    assert math.isnan(flat.tau)
    assert all(math.isnan(end) for end in flat.tau_interval)


def test_az_nas_and_the_mean_rank_by_hand() -> None:
    """Two proxies, three networks: one in the middle of both beats one that is best and worst."""
    columns = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]
    logs = [math.log(1 / 3), math.log(2 / 3) * 2, math.log(1 / 3)]
    assert az_nas(columns).tolist() == pytest.approx(logs)
    assert rank_mean(columns).tolist() == pytest.approx([2 / 3] * 3)
    with pytest.raises(InvalidSpecError, match=r"got an array of shape \(0,\)"):
        rank_mean([])


def test_what_a_combination_needs() -> None:
    assert needed(("az_nas",)) == ("expressivity", "progressivity", "trainability", "flops")
    assert needed(("zen", "rank_mean")) == ("zen",)
    assert set(needed(("rank_mean",))) == set(PROXIES)
    with pytest.raises(UnknownNameError, match="Unknown proxy 'az-nas'; did you mean 'az_nas'"):
        needed(("az-nas",))
    with pytest.raises(InvalidSpecError, match="az_nas needs the proxies"):
        combined("az_nas", {"flops": [1, 2]})


def test_the_catalogue_is_what_studies_know_by_name() -> None:
    assert {*ZERO_COST, "params", "flops"} == set(PROXIES)
    assert not set(COMBINATIONS) & set(METRICS)
    for name in ZERO_COST:
        assert METRICS[name].maximize
        assert METRICS[name].cheap


@given(st.sampled_from(list(PROXIES)), st.lists(st.floats(width=32), min_size=2, max_size=2))
def test_features_are_finite_and_keep_the_order(name: str, values: list[float]) -> None:
    low, high = (feature(name, value) for value in sorted(values, key=ranks_of))
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low <= high


def ranks_of(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def test_features_follow_the_order_of_the_names() -> None:
    values = {"params": math.e, "grasp": -1.0, "zen": -math.inf}
    first, second, third = compressed(values, ("grasp", "params", "zen"))
    assert (first, second) == pytest.approx((-math.log(2), 1.0))
    assert third < -60


def mixture(count: int = 60) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, count))
    values = {"params": np.exp(a), "flops": np.exp(rng.normal(size=count)), "zen": b}
    return values, a + np.log1p(np.abs(b)) * np.sign(b)


@pytest.mark.parametrize("kind", ["ridge", "gbdt"])
def test_a_mix_learns_what_several_proxies_say_together(kind: str) -> None:
    values, scores = mixture()
    mix = ProxyMix(tuple(values), kind)
    held = mix.held_out(values, scores, folds=4)
    alone = max(kendall(column, scores) for column in values.values())
    assert kendall(held, scores) > alone + 0.1
    assert np.array_equal(held, mix.held_out(values, scores, folds=4))
    fitted = mix.fit(values, scores).predict({n: c[:3] for n, c in values.items()})
    assert fitted.shape == (3,)


def test_a_held_out_prediction_has_not_seen_the_score() -> None:
    values, scores = mixture(30)
    changed = scores.copy()
    changed[7] += 100.0
    mix = ProxyMix(tuple(values))
    before, after = mix.held_out(values, scores), mix.held_out(values, changed)
    assert before[7] == after[7]
    assert not np.allclose(np.delete(before, 7), np.delete(after, 7))


def test_a_mix_holds_what_is_not_finite_within_what_it_knows() -> None:
    values, scores = mixture()
    values["zen"][3] = -math.inf
    mix = ProxyMix(tuple(values)).fit(values, scores)
    worst = {n: np.array([c[np.isfinite(c)].min()]) for n, c in values.items()}
    none = {n: np.array([-math.inf]) for n in values}
    assert mix.predict(none) == pytest.approx(mix.predict(worst))
    beyond = {n: np.array([1e9 if n == "zen" else c[0]]) for n, c in values.items()}
    top = {n: np.array([c.max() if n == "zen" else c[0]]) for n, c in values.items()}
    assert mix.predict(beyond) == pytest.approx(mix.predict(top))
    dead = {**values, "zen": np.full(60, -math.inf)}
    assert np.isfinite(ProxyMix(tuple(values)).fit(dead, scores).predict(dead)).all()


def test_a_mix_refuses_what_it_cannot_learn_from() -> None:
    values, scores = mixture()
    with pytest.raises(InvalidSpecError, match="at least 10 networks with a finite score"):
        ProxyMix(tuple(values)).fit({n: c[:9] for n, c in values.items()}, scores[:9])
    with pytest.raises(InvalidSpecError, match="snip is missing"):
        ProxyMix(("zen", "snip")).fit(values, scores)
    with pytest.raises(InvalidSpecError, match="the lengths differ"):
        ProxyMix(tuple(values)).fit({**values, "zen": values["zen"][:5]}, scores)
    with pytest.raises(InvalidSpecError, match="has learned nothing yet"):
        ProxyMix(tuple(values)).predict(values)
    with pytest.raises(UnknownNameError, match="Unknown mix 'lasso'"):
        ProxyMix(kind="lasso")
