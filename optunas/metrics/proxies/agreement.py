"""How well an order by a proxy agrees with the order by trained accuracy, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.combine import ranks

__all__ = ["Agreement", "agreements", "kendall", "spearman"]

Floats = NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """Rank correlations of one proxy with the scores of trained networks.

    NaN where one of the two has a single value throughout.

    Attributes:
        name: of the proxy.
        tau: Kendall's tau-b; 1 is the same order, -1 the reverse.
        tau_interval: 95 %, percentile bootstrap over networks.
        rho: Spearman's.
        rho_interval: likewise.
        over: tau less the baseline's.
        over_interval: of that difference, both taken on the same resampled networks.
    """

    name: str
    tau: float
    tau_interval: tuple[float, float]
    rho: float
    rho_interval: tuple[float, float]
    over: float
    over_interval: tuple[float, float]


def kendall(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b of two columns (n,), ties counted; NaN for a constant one.

    >>> kendall([1, 2, 3, 4], [1, 2, 4, 3])
    0.6666666666666666
    """
    one = np.ones((1, len(np.asarray(x))))
    return float(_tau(_signs(x), _signs(y), one)[0])


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho of two columns (n,), ties sharing their mean rank; NaN for a constant one."""
    one = np.ones((1, len(np.asarray(x))))
    return float(_rho(_signs(x), _signs(y), one)[0])


def agreements(
    values: Mapping[str, ArrayLike],
    scores: ArrayLike,
    baseline: str = "flops",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Agreement]:
    """How each proxy orders trained networks, in the order of ``values``.

    Args:
        values: by name, one value a network (n,); -inf ranks last.
        scores: of the trained networks, more is better (n,), finite.
        baseline: a name of ``values``, to which the others are compared.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InvalidSpecError: for fewer than three networks, or scores that are not finite.
    """
    y = np.asarray(scores, dtype=float)
    if y.ndim != 1 or len(y) < 3 or not np.isfinite(y).all():
        raise InvalidSpecError(
            f"A rank correlation needs at least three networks with a finite score, got {y.size}."
        )
    n = len(y)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    counts = np.concatenate([np.ones((1, n)), counts])  # the networks themselves, then resampled
    truth = _signs(y)
    signs = {name: _signs(column) for name, column in values.items()}
    taus = {name: _tau(sign, truth, counts) for name, sign in signs.items()}
    found = []
    for name, tau in taus.items():
        rho, over = _rho(signs[name], truth, counts), tau - taus[baseline]
        found.append(
            Agreement(
                name,
                *(float(tau[0]), _interval(tau[1:])),
                *(float(rho[0]), _interval(rho[1:])),
                *(float(over[0]), _interval(over[1:])),
            )
        )
    return found


def _signs(x: ArrayLike) -> Floats:
    """(n, n): 1 where the row's value is larger, -1 where it is smaller."""
    place = ranks(x)
    return np.asarray(np.sign(place[:, None] - place[None, :]))


def _tau(x: Floats, y: Floats, counts: Floats) -> Floats:
    """tau-b with each network taken so many times, for each row of ``counts``."""
    both, own, other = (_quadratic(counts, m) for m in (x * y, x * x, y * y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / np.sqrt(own * other))


def _rho(x: Floats, y: Floats, counts: Floats) -> Floats:
    """Pearson's correlation of the mean ranks with each network taken so many times."""
    # A rank is, but for a constant, half of how many are smaller less how many are larger.
    a, b = counts @ x.T, counts @ y.T  # both have the mean 0
    both, own, other = ((counts * product).sum(1) for product in (a * b, a * a, b * b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / np.sqrt(own * other))


def _quadratic(counts: Floats, matrix: Floats) -> Floats:
    return np.asarray(((counts @ matrix) * counts).sum(1))


def _interval(samples: Floats) -> tuple[float, float]:
    known = samples[np.isfinite(samples)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
