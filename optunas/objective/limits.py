"""Limits on metrics: by how much a value breaks one, and what Optuna is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import optuna

from optunas.measures import Metric

__all__ = ["Limits"]


class Limits(dict[str, float]):
    """Limit by metric: an upper one where it is minimised, a lower one where it is maximised.

    Args:
        limits: by the metric's name.
        metrics: all that the limits are on, and others.
    """

    def __init__(self, limits: Mapping[str, float], metrics: Sequence[Metric]) -> None:
        super().__init__(limits)
        self._metrics = {m.name: m for m in metrics}

    def excess(self, name: str, value: float) -> float:
        """By how much a value breaks its limit, in the metric's unit; 0 or less keeps it."""
        over = value - self[name]
        return -over if self._metrics[name].maximize else over

    def note(self, trial: optuna.Trial, values: Mapping[str, float]) -> None:
        """Tell Optuna of the limits that are on ``values``."""
        for name in self.keys() & values.keys():
            trial.set_constraint(name, self.excess(name, values[name]))

    def violation(self, values: Mapping[str, float]) -> float:
        """How far ``values`` are from keeping their limits: 0 where they do; no unit.

        The sum over the broken limits of what lies beyond, each as a share of its limit.
        """
        beyond = [self.excess(n, values[n]) / (abs(self[n]) or 1.0) for n in self if n in values]
        return math.fsum(share for share in beyond if share > 0)

    def broken(self, values: Mapping[str, float]) -> str:
        """The limits that ``values`` break, in words; empty where they keep all."""
        words = []
        for name in self:
            if name in values and self.excess(name, values[name]) > 0:
                unit = f" {self._metrics[name].unit}" if self._metrics[name].unit else ""
                value, limit = _text(values[name]), _text(self[name])
                words.append(f"{name} {value}{unit} breaks the limit of {limit}")
        return ", ".join(words)


def _text(value: float) -> str:
    """Whole numbers in full, others with four digits.

    >>> _text(1234567.0), _text(0.123456), _text(float("inf"))
    ('1,234,567', '0.1235', 'inf')
    """
    return f"{value:,.0f}" if value == value // 1 else f"{value:.4g}"
