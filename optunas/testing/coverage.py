"""What random draws must reach: every option, and every part of a number's range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from optunas.space import Choice, Condition, Parameter

__all__ = ["Reach"]

LISTED = 20
"""Up to so many values of a number each has to come; of more, each quarter of the range."""

EXPECTED = 20
"""What is expected so many times in the draws has to come: chance misses it once in e**20."""


class Reach:
    """The bins that are not reached yet.

    A bin is an option, a number, or a quarter of a range; it is asked for when so many draws have
    it often enough, each parameter that counts being independent and uniform.

    Args:
        table: the parameters.
        conditions: on what they depend.
        draws: how many draws there will be.
        one_of_many: a draw reaches one parameter, as a mutation does, not all of them.
    """

    def __init__(
        self,
        table: Mapping[str, Parameter],
        conditions: Mapping[str, Condition],
        draws: int,
        one_of_many: bool = False,
    ) -> None:
        self.table = table
        counts = _probabilities(table, conditions)
        shared = sum(parameter.size > 1 for parameter in table.values()) if one_of_many else 1
        self.missing: dict[tuple[str, str], None] = {}
        for name, parameter in table.items():
            if one_of_many and parameter.size == 1:
                continue
            bins = bins_of(parameter)
            often = draws * counts[name] * _least_share(parameter, len(bins)) / shared
            if often >= EXPECTED:
                self.missing.update({(name, each): None for each in bins})

    def see(self, name: str, value: Any) -> None:
        """Parameter ``name``, which counts, has this value."""
        self.missing.pop((name, bin_of(self.table[name], value)), None)

    def __str__(self) -> str:
        return "; ".join(f"{name} = {each}" for name, each in self.missing)


def _probabilities(
    table: Mapping[str, Parameter], conditions: Mapping[str, Condition]
) -> dict[str, float]:
    """How probable it is that each parameter counts, at the least."""
    found: dict[str, float] = {}
    for name in table:
        condition = conditions.get(name)
        if condition is None:
            found[name] = 1.0
            continue
        parent = table[condition.parent]
        size = parent.size
        each = 0.0 if size == math.inf else _least_share(parent, int(size))
        found[name] = found[condition.parent] * len(condition.values) * each
    return found


def _least_share(parameter: Parameter, bins: int) -> float:
    """Probability of a bin; a logarithmic range of integers is not quite uniform."""
    return 1 / bins / (4 if getattr(parameter, "log", False) else 1)


def _in_bins_by_value(parameter: Parameter) -> bool:
    return isinstance(parameter, Choice) or parameter.size <= LISTED


def bins_of(parameter: Parameter) -> list[str]:
    """The bins in order."""
    if _in_bins_by_value(parameter):
        return [repr(value) for value in parameter.values()]
    if parameter.size <= 1000:
        return list(dict.fromkeys(bin_of(parameter, value) for value in parameter.values()))
    return [_quarter(quarter) for quarter in range(4)]


def bin_of(parameter: Parameter, value: Any) -> str:
    """The bin that ``value`` lies in."""
    if _in_bins_by_value(parameter):
        return repr(parameter.round(value))
    return _quarter(min(int(4 * parameter.features(value)[0]), 3))


def _quarter(number: int) -> str:
    return f"anything in the {('first', 'second', 'third', 'last')[number]} quarter of its range"
