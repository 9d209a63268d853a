"""The grid of grid search: made of a space, or checked against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, GridSampler

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.arguments import is_number, is_whole
from optunas.samplers.large_grid import LargeGridSampler

__all__ = ["LISTED", "check_grid", "grid_of", "grid_sampler"]

POINTS = 5
"""Of a continuous parameter: both ends, the middle, and halfway between."""

LISTED = 20_000
"""Points of a grid up to which Optuna's sampler lists them all and sees when they are used up."""

SHOWN = 5
"""Values off the grid that are named one by one."""


def grid_sampler(grid: Mapping[str, Sequence[Any]]) -> type[BaseSampler]:
    """Optuna's, which lists all points, or for a large grid one that does not."""
    points = math.prod(len(values) for values in grid.values())
    return LargeGridSampler if points > LISTED else GridSampler


def check_grid(grid: Any, distributions: Mapping[str, BaseDistribution]) -> None:
    """Refuse a grid whose points the space does not have.

    Raises:
        InvalidSpecError: for no mapping, a parameter without values, values that it cannot have.
        UnknownNameError: for a parameter that the space does not have.
    """
    if not isinstance(grid, Mapping):
        raise InvalidSpecError(
            "The grid's search_space must be {parameter: [its values]}, or left out for the whole "
            f"space, got {grid!r}."
        )
    for name in grid:
        if name not in distributions:
            raise UnknownNameError("parameter of the grid's search_space", name, distributions)
    found = []
    for name, distribution in distributions.items():
        values = grid.get(name)
        listed = isinstance(values, Sequence) and not isinstance(values, str)
        if values is not None and not listed:
            found.append(f"The grid's search_space must list values of {name!r}, got {values!r}.")
        elif not values:
            found.append(f"The grid's search_space has no values for {name!r}; list some.")
        else:
            found += [
                f"The grid's search_space has {value!r} for {name!r}; {_allowed(distribution)}."
                for value in values
                if not _holds(distribution, value)
            ]
    if found:
        more = [f"... and {len(found) - SHOWN} more."] if len(found) > SHOWN else []
        raise InvalidSpecError("\n".join(found[:SHOWN] + more))


def grid_of(distributions: Mapping[str, BaseDistribution]) -> dict[str, list[Any]]:
    """The values of each parameter; a continuous one has :data:`POINTS` on its scale."""
    grid: dict[str, list[Any]] = {}
    for name, distribution in distributions.items():
        if isinstance(distribution, CategoricalDistribution):
            grid[name] = list(distribution.choices)
            continue
        low, high, step = (getattr(distribution, key) for key in ("low", "high", "step"))
        if step is None:
            grid[name] = _spread(low, high, distribution.log)  # type: ignore[attr-defined]
            continue
        count = round((high - low) / step)
        grid[name] = [type(low)(low + i * step) for i in range(int(count) + 1)]
    return grid


def _spread(low: float, high: float, log: bool) -> list[float]:
    """Points from ``low`` to ``high``, evenly spaced, in the logarithm where it is meant."""
    if low == high:
        return [low]
    shares = [i / (POINTS - 1) for i in range(POINTS)]
    inner = [low * (high / low) ** s if log else low + s * (high - low) for s in shares[1:-1]]
    return [low, *inner, high]


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    if isinstance(distribution, IntDistribution) and not is_whole(value):
        return False
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        return is_number(value) and distribution.low <= value <= distribution.high
    return True


def _allowed(distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution):
        return f"it has {', '.join(map(repr, distribution.choices))}"
    kind = "whole numbers" if isinstance(distribution, IntDistribution) else "numbers"
    low, high = (getattr(distribution, key) for key in ("low", "high"))
    return f"it has {kind} from {low} to {high}"
