"""The interval that a median lies in, by order statistics: whatever the readings' shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, lgamma, log

__all__ = ["median_interval", "rank_of_bound"]


def median_interval(readings: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """An interval that covers the median of what ``readings`` were drawn from.

    The k-th smallest and the k-th largest reading, with the largest k whose coverage by the
    binomial distribution is at least ``confidence``. Fewer than six readings cannot cover 95 %:
    then the smallest and the largest one are given, which cover less.

    >>> median_interval([5.0, 1.0, 4.0, 2.0, 3.0, 6.0])
    (1.0, 6.0)

    Source: David and Nagaraja 2003, Order Statistics, section 7.1.
    """
    ordered = sorted(readings)
    rank = rank_of_bound(len(ordered), confidence)
    return ordered[rank - 1], ordered[-rank]


@lru_cache(maxsize=4096)
def rank_of_bound(count: int, confidence: float) -> int:
    """The rank, from 1, of the bounds of the median of ``count`` readings."""
    outside, rank = 0.0, 0
    while 2 * (rank + 1) <= count:
        # P(B = rank) of a fair coin thrown count times; by logarithms, for many readings.
        ways = lgamma(count + 1) - lgamma(rank + 1) - lgamma(count - rank + 1)
        outside += 2 * exp(ways - count * log(2))
        if 1 - outside < confidence:
            break
        rank += 1
    return max(rank, 1)
