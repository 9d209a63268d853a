"""What several proxies say together of networks that are compared.

``az_nas``: sum of log(rank / n) over expressivity, progressivity, trainability and FLOPs, where the
best network has rank n: one poor rank costs more than a good one brings (Lee and Ham 2024,
arXiv:2403.19232, section 3.2). ``rank_mean``: the mean rank over the given proxies, as a fraction.
Both are of a set of networks; the value of one depends on the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optunas.errors import InvalidSpecError
from optunas.metrics.proxies.catalogue import COMBINATIONS, PROXIES, check_names

__all__ = ["AZ_NAS", "az_nas", "combined", "needed", "rank_mean", "ranks"]

AZ_NAS = ("expressivity", "progressivity", "trainability", "flops")

Floats = NDArray[np.float64]


def ranks(values: ArrayLike) -> Floats:
    """1 for the worst to n for the best, equal values share the mean of theirs; NaN is worst.

    >>> ranks([0.5, 3.0, 0.5, float("-inf")])
    array([2.5, 4. , 2.5, 1. ])
    """
    x = np.asarray(values, dtype=float)
    x = np.where(np.isnan(x), -np.inf, x)
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place.reshape(-1)], dtype=float)


def rank_mean(columns: Sequence[ArrayLike]) -> Floats:
    """Mean rank as a fraction of n, (n,); of ``columns`` each is one proxy's values (n,)."""
    table = _table(columns)
    return np.asarray(np.mean([ranks(column) for column in table], axis=0) / table.shape[1])


def az_nas(columns: Sequence[ArrayLike]) -> Floats:
    """Sum of log(rank / n), (n,), at most 0; of ``columns`` each is one proxy's values (n,)."""
    table = _table(columns)
    return np.asarray(np.sum([np.log(ranks(column) / table.shape[1]) for column in table], axis=0))


def needed(names: Iterable[str]) -> tuple[str, ...]:
    """The single proxies behind ``names``, some of which may be combinations; in their order.

    Raises:
        UnknownNameError: with the nearest known name.
    """
    chosen = check_names(names, COMBINATIONS)
    single = [n for n in chosen if n in PROXIES]
    if "az_nas" in chosen:
        single += AZ_NAS
    if "rank_mean" in chosen and not any(n in PROXIES for n in chosen):
        single += PROXIES
    return tuple(dict.fromkeys(single))


def combined(name: str, values: Mapping[str, ArrayLike]) -> Floats:
    """A combination of proxies' values: ``az_nas`` of its four, ``rank_mean`` of all there are.

    Raises:
        InvalidSpecError: when one of the four is missing.
    """
    if name == "rank_mean":
        return rank_mean([values[n] for n in values if n in PROXIES])
    missing = [n for n in AZ_NAS if n not in values]
    if missing:
        raise InvalidSpecError(f"az_nas needs the proxies {', '.join(AZ_NAS)}; give {missing} too.")
    return az_nas([values[n] for n in AZ_NAS])


def _table(columns: Sequence[ArrayLike]) -> Floats:
    table = np.asarray(columns, dtype=float)
    if table.ndim != 2 or not table.size:
        raise InvalidSpecError(
            f"A combination needs the values of one or more proxies, (proxies, networks); got an "
            f"array of shape {table.shape}."
        )
    return table
