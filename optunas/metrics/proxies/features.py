"""Proxies as numbers for a regressor: finite, and on a scale on which networks differ evenly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from optunas.metrics.proxies.catalogue import PROXIES

__all__ = ["SMALLEST", "compressed", "feature"]

SMALLEST = 1e-30
"""Where logarithms begin."""

LARGEST = 1e30


def feature(name: str, value: float) -> float:
    """The proxy's value on a logarithmic scale; finite for -inf too.

    log for what is never negative (:attr:`ProxyInfo.positive`), else sign(v) log(1 + |v|).
    """
    held = -LARGEST if math.isnan(value) else min(max(value, -LARGEST), LARGEST)
    if PROXIES[name].positive:
        return math.log(max(held, SMALLEST))
    return math.copysign(math.log1p(abs(held)), held)


def compressed(values: Mapping[str, float], names: Sequence[str]) -> list[float]:
    """:func:`feature` of each name, in the order of ``names``."""
    return [feature(name, values[name]) for name in names]
