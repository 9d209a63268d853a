"""A share of a space's members, counted over all of them or estimated from a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Share", "percent", "wilson"]


def wilson(count: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval in which a share lies with 95 % confidence, ``count`` of ``of`` being seen.

    Wilson's score interval (1927), which keeps its coverage near 0 and 1; (0, 1) for ``of`` = 0.

    >>> tuple(round(end, 3) for end in wilson(0, 500))
    (0.0, 0.008)
    """
    if of == 0:
        return 0.0, 1.0
    share, spread = count / of, z * z / of
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    low = 0.0 if count == 0 else max(0.0, centre - half)
    return low, 1.0 if count == of else min(1.0, centre + half)


@dataclass(frozen=True)
class Share:
    """How many of how many.

    Attributes:
        count: with the property.
        of: looked at.
        exact: all there are were looked at; otherwise a uniform sample of them.
    """

    count: int
    of: int
    exact: bool = False

    @property
    def value(self) -> float:
        """The share, in [0, 1]; 0 where nothing was looked at."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval; without width when exact."""
        return (self.value, self.value) if self.exact else wilson(self.count, self.of)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: ``share``, ``low``, ``high``, ``count``, ``of``, ``exact``."""
        low, high = self.interval
        return {
            "share": self.value,
            "low": low,
            "high": high,
            "count": self.count,
            "of": self.of,
            "exact": self.exact,
        }

    def __str__(self) -> str:
        if self.exact:
            return percent(self.value)
        low, high = self.interval
        return f"{percent(self.value)} (95 % interval {percent(low)} to {percent(high)})"


def percent(share: float) -> str:
    """A share in percent, with a decimal where it is not whole.

    >>> percent(0.0), percent(0.0213), percent(1.0), percent(0.0001), percent(0.9999)
    ('0 %', '2.1 %', '100 %', 'under 0.1 %', 'over 99.9 %')
    """
    if 0 < share < 0.0005:
        return "under 0.1 %"
    if 0.9995 < share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
