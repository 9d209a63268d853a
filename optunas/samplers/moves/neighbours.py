"""The members that differ from one in a single gene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from optunas.space import Float, Int, Space
from optunas.space.parameters import Parameter

__all__ = ["MOST", "STRIDES", "neighbours", "values_beside"]

STRIDES = (0.2, 0.05, 0.0125)
"""How far the neighbours of a number lie from it, in shares of its (log) range, on both sides."""

MOST = 2000
"""Neighbours of one member; of a larger neighbourhood so many are drawn."""


def neighbours(space: Space[Any], member: Any, rng: np.random.Generator) -> list[Any]:
    """All members that differ in exactly one parameter that counts, in the order of parameters.

    A choice has every other option. A number has the values next to it on its grid and those that
    lie :data:`STRIDES` away. Parameters that come to count by the change are drawn at random, once
    for each.

    Args:
        space: any.
        member: of it.
        rng: for these draws, and for the choice among more than :data:`MOST`.
    """
    values, table = space.encode(member), space.parameters()
    before = set(space.active(values))
    dormant = [name for name in table if name not in before]
    places = [
        (name, value)
        for name, parameter in table.items()
        if name in before
        for value in values_beside(parameter, values[name])
    ]
    if len(places) > MOST:
        kept = rng.choice(len(places), MOST, replace=False)
        places = [places[at] for at in sorted(kept.tolist())]
    found = []
    for name, value in places:
        fresh = {other: table[other].sample(rng) for other in dormant}
        found.append(space.decode(space.canonical({**values, **fresh, name: value})))
    return found


def values_beside(parameter: Parameter, value: Any) -> Sequence[Any]:
    """The values of a parameter that are one step from ``value``, without itself.

    >>> values_beside(Int(1, 5), 2)
    [1, 3]
    """
    if not isinstance(parameter, (Int, Float)):
        own = parameter.round(value)
        return [option for option in parameter.values() if option != own]
    own, at = parameter.round(value), parameter.unit(value)
    wanted: list[float] = [
        _from_unit(parameter, unit)
        for stride in STRIDES
        for unit in (at - stride, at + stride)
        if 0.0 <= unit <= 1.0
    ]
    if parameter.step is not None:
        wanted += [value - parameter.step, value + parameter.step]
    rounded = {parameter.round(min(max(v, parameter.low), parameter.top)) for v in wanted}
    return sorted(rounded - {own})


def _from_unit(parameter: Int | Float, unit: float) -> float:
    """The number at this share of the (log) range."""
    low, top = float(parameter.low), float(parameter.top)
    if parameter.log:
        return math.exp(math.log(low) + unit * (math.log(top) - math.log(low)))
    return low + unit * (top - low)
