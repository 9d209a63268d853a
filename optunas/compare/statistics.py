"""Tests, intervals and effect sizes for paired runs; by scipy where it has them.

Arrays of results are (contestants k, runs n); run ``j`` of all contestants shares its seed. Larger
is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "Friedman",
    "Pair",
    "bootstrap_band",
    "critical_difference",
    "fewest_runs",
    "friedman",
    "groups",
    "holm",
    "mean_ranks",
    "nemenyi",
    "pair",
    "runs_needed",
]

Floats = NDArray[np.float64]

RESAMPLES = 2000
POWER = 0.8
EXACT = 25
"""Runs up to which the signed-rank distribution is counted out for intervals."""

TIE = 1e-9
"""Differences below this share of the values' size are none: sums of floats in another order."""


def mean_ranks(results: ArrayLike) -> Floats:
    """Mean rank of each contestant over runs, 1 is best, ties share; (k,)."""
    return _ranks(results).mean(axis=1)


def _ranks(results: ArrayLike) -> Floats:
    return stats.rankdata(-_rounded(results), axis=0)


def _rounded(results: ArrayLike) -> Floats:
    """Values that differ in their last bits alone become equal."""
    values = np.array(results, dtype=float)
    size = np.abs(values).max(initial=0.0)
    return np.round(values / (size * TIE)) * (size * TIE) if size > 0 else values


@dataclass(frozen=True)
class Friedman:
    """Whether any contestant differs from the others.

    Attributes:
        statistic: Friedman's chi square, corrected for ties.
        p: by chi square.
        f: Iman and Davenport's statistic, less conservative; infinite when all runs agree.
        f_p: its probability, by F with (k-1) and (k-1)(n-1) degrees of freedom.
    """

    statistic: float
    p: float
    f: float
    f_p: float


def friedman(results: ArrayLike) -> Friedman | None:
    """Friedman's test over runs as blocks (Demsar 2006, section 3.2.2).

    None for fewer than three contestants or two runs; p is 1 when all results are equal.
    """
    values = _rounded(results)
    k, n = values.shape
    if k < 3 or n < 2:
        return None
    if (values == values[:1]).all():
        return Friedman(0.0, 1.0, 0.0, 1.0)
    chi, p = stats.friedmanchisquare(*values)
    rest = n * (k - 1) - chi
    if rest <= 1e-12 * n * k:
        return Friedman(float(chi), float(p), math.inf, 0.0)
    f = (n - 1) * chi / rest
    return Friedman(float(chi), float(p), float(f), float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))))


def critical_difference(contestants: int, runs: int, significance: float = 0.05) -> float:
    """Mean ranks that differ by this much differ significantly (Nemenyi; Demsar 2006).

    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    q = stats.studentized_range.ppf(1 - significance, contestants, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(contestants * (contestants + 1) / (6 * runs)))


def nemenyi(ranks: ArrayLike, runs: int) -> Floats:
    """Nemenyi's probabilities of all pairs' mean ranks, (k, k)."""
    mean = np.asarray(ranks, dtype=float)
    k = len(mean)
    error = math.sqrt(k * (k + 1) / (12 * runs))
    apart = np.abs(mean[:, None] - mean[None, :]) / error
    return np.asarray(stats.studentized_range.sf(apart, k, np.inf)).clip(0, 1)


def groups(ranks: ArrayLike, difference: float) -> list[list[int]]:
    """The largest groups of contestants whose mean ranks lie within ``difference``, best first."""
    mean = np.asarray(ranks, dtype=float)
    order = np.argsort(mean, kind="stable")
    found: list[list[int]] = []
    for i in range(len(order)):
        within = [int(j) for j in order[i:] if mean[j] - mean[order[i]] < difference]
        if len(within) > 1 and not (found and set(within) <= set(found[-1])):
            found.append(within)
    return found


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's correction: probabilities that hold for all tests together, in the given order.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(ps)
    highest = 0.0
    for step, at in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - step) * ps[at]))
        corrected[at] = highest
    return corrected


@dataclass(frozen=True)
class Pair:
    """Two contestants over paired runs; differences are first minus second.

    Attributes:
        p: Wilcoxon's signed-rank test, two-sided.
        difference: Hodges and Lehmann's estimate: the median of the means of all pairs of runs.
        low, high: its confidence interval; infinite when too few runs allow none.
        wins, ties, losses: runs in which the first was better, equal, worse.
        effect: matched-pairs rank-biserial correlation, -1 to 1: by how much more of the rank sum
            lies with the first.
        effect_low, effect_high: its bootstrapped interval.
        needed: runs with which such differences are told with a power of 80 % (Noether 1987); None
            when there is no difference at all.
    """

    p: float
    difference: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int
    effect: float
    effect_low: float
    effect_high: float
    needed: int | None


def pair(first: ArrayLike, second: ArrayLike, level: float = 0.05, strict: float = 0.05) -> Pair:
    """Compare paired results.

    Args:
        first, second: (n,).
        level: of the intervals, ``1 - level`` is their confidence.
        strict: level at which the test is to tell, after correction for several tests.
    """
    both = np.stack([np.asarray(first, float), np.asarray(second, float)])
    d = both[0] - both[1]
    d[np.abs(d) <= TIE * np.abs(both).max(initial=0.0)] = 0.0
    low, high = _hodges_lehmann_interval(d, level)
    effect_low, effect_high = _effect_interval(d, level)
    return Pair(
        p=_wilcoxon(d),
        difference=float(np.median(_walsh(d))),
        low=low,
        high=high,
        wins=int((d > 0).sum()),
        ties=int((d == 0).sum()),
        losses=int((d < 0).sum()),
        effect=_rank_biserial(d[None, :])[0],
        effect_low=effect_low,
        effect_high=effect_high,
        needed=runs_needed(d, strict),
    )


def _wilcoxon(d: Floats) -> float:
    """Runs without a difference are left out, as Wilcoxon did; without any there is no evidence."""
    d = d[d != 0]
    if not len(d):
        return 1.0
    return float(stats.wilcoxon(d).pvalue)


def _walsh(d: Floats) -> Floats:
    """The means of all pairs, each with itself too, sorted."""
    i, j = np.triu_indices(len(d))
    return np.sort((d[i] + d[j]) / 2)


def _hodges_lehmann_interval(d: Floats, level: float) -> tuple[float, float]:
    """All shifts that the signed-rank test does not refuse (Hollander and Wolfe, section 3.3)."""
    n, walsh = len(d), _walsh(d)
    if n <= EXACT:
        # Sums W that are so small that P(W <= w) <= level / 2.
        below = np.cumsum(_signed_rank_counts(n)) / 2.0**n
        count = int(np.searchsorted(below, level / 2, side="right"))
    else:
        spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        count = math.floor(n * (n + 1) / 4 - stats.norm.isf(level / 2) * spread)
    if count < 1:
        return -math.inf, math.inf
    return float(walsh[count - 1]), float(walsh[len(walsh) - count])


def _signed_rank_counts(n: int) -> Floats:
    """How many sign patterns give each sum of positive ranks, (n (n + 1) / 2 + 1,)."""
    counts = np.ones(1)
    for rank in range(1, n + 1):
        grown = np.zeros(len(counts) + rank)
        grown[: len(counts)] += counts
        grown[rank:] += counts
        counts = grown
    return counts


def _rank_biserial(d: Floats) -> Floats:
    """(Samples, n) -> (samples,); runs without a difference count for neither."""
    size = np.where(d == 0, np.nan, np.abs(d))
    ranks = stats.rankdata(size, axis=1, nan_policy="omit")
    ranks = np.where(d == 0, 0.0, ranks)
    total = ranks.sum(axis=1)
    balance = (ranks * np.sign(d)).sum(axis=1)
    return np.divide(balance, total, out=np.zeros(len(d)), where=total > 0)


def _effect_interval(d: Floats, level: float) -> tuple[float, float]:
    if len(d) < 2:
        return -1.0, 1.0
    drawn = d[_resampled(len(d), RESAMPLES)]
    low, high = np.quantile(_rank_biserial(drawn), [level / 2, 1 - level / 2])
    return float(low), float(high)


def _resampled(n: int, samples: int) -> NDArray[np.int64]:
    """Runs drawn with replacement, the same for every contestant and call, (samples, n)."""
    return np.random.default_rng(20060101).integers(0, n, (samples, n))


def runs_needed(differences: ArrayLike, significance: float) -> int | None:
    """Runs for a power of 80 %, were further differences like these (Noether 1987).

    With ``p`` the share of pairs of runs whose mean difference is positive, a signed-rank test
    needs ``(z_a/2 + z_b)^2 / (3 (p - 1/2)^2)`` runs. None when ``p`` is one half.
    """
    d = np.asarray(differences, dtype=float)
    if len(d) < 2:
        return None
    i, j = np.triu_indices(len(d), k=1)
    sums = d[i] + d[j]
    p = float(((sums > 0) + 0.5 * (sums == 0)).mean())
    if abs(p - 0.5) < 1e-12:
        return None
    z = stats.norm.isf(significance / 2) + stats.norm.isf(1 - POWER)
    return max(math.ceil(z**2 / (3 * (p - 0.5) ** 2)), fewest_runs(significance))


def fewest_runs(significance: float) -> int:
    """Runs below which no signed-rank test can come under ``significance``, two-sided.

    >>> fewest_runs(0.05), fewest_runs(0.05 / 10)
    (6, 9)
    """
    return math.ceil(math.log2(2 / significance) - 1e-9)


def bootstrap_band(
    curves: ArrayLike, level: float = 0.05, samples: int = RESAMPLES
) -> tuple[Floats, Floats, Floats]:
    """Median over runs of each column, and the ends of its bootstrapped percentile interval.

    Args:
        curves: (runs, points).
        level: ``1 - level`` is the confidence, at each point for itself.
        samples: of the runs, drawn with replacement; the same for every point.

    Returns:
        Middle, low and high, (points,) each. With one run the band has no width.
    """
    values = np.asarray(curves, dtype=float)
    drawn = _resampled(len(values), samples)
    # In slices: samples x runs x points may not fit at once.
    medians = np.concatenate(
        [np.median(values[drawn[i : i + 200]], axis=1) for i in range(0, samples, 200)]
    )
    low, high = np.quantile(medians, [level / 2, 1 - level / 2], axis=0)
    return np.median(values, axis=0), low, high
