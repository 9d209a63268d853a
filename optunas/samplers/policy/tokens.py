"""Members as rows of numbered choices, one for each parameter: what a controller emits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.space import Choice, Float, Int, Space
from optunas.space.parameters import Parameter

__all__ = ["Tokens"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Tokens:
    """The parameters of a space as choices among few.

    A choice is one of its options. A number with at most ``bins`` values is one of these; any other
    one is one of ``bins`` equal parts of its (log) range, and uniform within the part.

    Args:
        space: any.
        bins: parts of a range; from 2 on.

    Attributes:
        counts: of choices, for each parameter in order.
    """

    def __init__(self, space: Space[Any], bins: int) -> None:
        self.space, self.bins = space, bins
        self._table = space.parameters()
        self._names = list(self._table)
        place = {name: at for at, name in enumerate(self._names)}
        self._values: list[Sequence[Any] | None] = [
            p.values() if isinstance(p, Choice) or p.size <= bins else None
            for p in self._table.values()
        ]
        self._number = [
            {} if values is None else {value: at for at, value in enumerate(values)}
            for values in self._values
        ]
        self.counts = [bins if values is None else len(values) for values in self._values]
        self._conditions: dict[int, tuple[int, frozenset[Any]]] = {}
        for name, condition in space.conditions().items():
            parent = self._table[condition.parent]
            held = frozenset(parent.cast(value) for value in condition.values)
            self._conditions[place[name]] = place[condition.parent], held

    def __len__(self) -> int:
        return len(self.counts)

    def row(self, member: Any) -> tuple[Ints, Bools]:
        """The choice of each parameter and whether it counts; both (len(self),).

        Choices of parameters that do not count are 0.
        """
        values = self.space.encode(member)
        counting = set(self.space.active(values))
        mask = np.array([name in counting for name in self._names])
        chosen = [
            self._choice(at, values[name]) if counts else 0
            for at, (name, counts) in enumerate(zip(self._names, mask, strict=True))
        ]
        return np.array(chosen, dtype=np.int64), mask

    def counting(self, at: int, rows: Sequence[Sequence[Any]], masks: Bools) -> Bools:
        """Whether a parameter counts in unfinished rows of values; (n,).

        Args:
            at: the parameter's place.
            rows: n rows with the values of the parameters before it.
            masks: (n, at or more), whether these count.
        """
        if at not in self._conditions:
            return np.ones(len(rows), dtype=bool)
        parent, held = self._conditions[at]
        return masks[:, parent] & np.array([row[parent] in held for row in rows], dtype=bool)

    def value(self, at: int, choice: int, within: float) -> Any:
        """The value of a choice; ``within`` in [0, 1) is the place in a part of a range."""
        values = self._values[at]
        if values is not None:
            return values[choice]
        return _from_unit(self._table[self._names[at]], (choice + within) / self.bins)

    def member(self, row: Sequence[Any]) -> Any:
        """The member with these values; of those that do not count none is read."""
        values = dict(zip(self._names, row, strict=True))
        return self.space.decode(self.space.canonical(values))

    def _choice(self, at: int, value: Any) -> int:
        parameter = self._table[self._names[at]]
        if self._values[at] is not None:
            return self._number[at][parameter.cast(value)]
        assert isinstance(parameter, (Int, Float))
        return min(int(parameter.unit(value) * self.bins), self.bins - 1)


def _from_unit(parameter: Parameter, unit: float) -> Any:
    assert isinstance(parameter, (Int, Float))
    low, high = float(parameter.low), float(parameter.top)
    if parameter.log:
        return parameter.cast(
            parameter.round(math.exp(math.log(low) + unit * (math.log(high) - math.log(low))))
        )
    return parameter.cast(parameter.round(low + unit * (high - low)))
