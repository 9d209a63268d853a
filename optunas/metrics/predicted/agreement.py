"""How well predictions agree with measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Agreement", "Report", "agreement", "rank_correlation", "straight_line"]

Numbers = Sequence[float] | np.ndarray


class Agreement(NamedTuple):
    """Of predictions with measurements.

    Attributes:
        rho: Spearman's rank correlation; NaN where one side is constant.
        within: share of the predictions within 10 % of the measurement.
        r2: coefficient of determination.
        error: mean relative error.
    """

    rho: float
    within: float
    r2: float
    error: float


class Report(NamedTuple):
    """Agreements on networks that nothing was fitted to.

    Attributes:
        networks: how many.
        model: of the calibrated model.
        flops: of a straight line through the FLOPs of the calibration networks.
        table: of the plain sum of single operations; None without a table.
        repeat: rank correlation between two halves of the measurement's own passes, which says how
            far the measurement itself is to be believed. None for a single pass.
    """

    networks: int
    model: Agreement
    flops: Agreement
    table: Agreement | None = None
    repeat: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; NaN as None."""
        body: dict[str, Any] = {"networks": self.networks, "repeat": _finite(self.repeat)}
        for name in ("model", "flops", "table"):
            one = getattr(self, name)
            body[name] = None if one is None else {k: _finite(v) for k, v in one._asdict().items()}
        return body

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Report:
        """What :meth:`to_dict` gave."""
        parts = {
            name: None if body[name] is None else Agreement(**_numbers(body[name]))
            for name in ("model", "flops", "table")
        }
        return cls(int(body["networks"]), repeat=body["repeat"], **parts)  # type: ignore[arg-type]


def agreement(predicted: Numbers, measured: Numbers) -> Agreement:
    """Of ``predicted`` (N,) with ``measured`` (N,), both in milliseconds."""
    p, y = np.asarray(predicted, dtype=float), np.asarray(measured, dtype=float)
    error = np.abs(p / y - 1)
    spread = float(((y - y.mean()) ** 2).sum())
    r2 = 1 - float(((y - p) ** 2).sum()) / spread if spread > 0 else float("nan")
    return Agreement(rank_correlation(p, y), float(np.mean(error <= 0.1)), r2, float(error.mean()))


def rank_correlation(a: Numbers, b: Numbers) -> float:
    """Spearman's, with mean ranks for ties; NaN where one side is constant."""
    from scipy.stats import rankdata

    first, second = rankdata(a), rankdata(b)
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def straight_line(x: Numbers, y: Numbers) -> tuple[float, float]:
    """Slope and constant of the least squares line; a constant where ``x`` does not vary."""
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if np.ptp(first) == 0:
        return 0.0, float(second.mean())
    slope, constant = np.polyfit(first, second, 1)
    return float(slope), float(constant)


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value else value


def _numbers(body: Mapping[str, Any]) -> dict[str, float]:
    return {key: float("nan") if value is None else float(value) for key, value in body.items()}
