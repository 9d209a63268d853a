"""Parameters that are numbers: an integer range and a float range, linear or logarithmic."""

from __future__ import annotations

import math
import numbers
from abc import abstractmethod
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from optunas.errors import InvalidSpaceError
from optunas.space.parameters import Parameter

__all__ = ["Float", "Int"]

SIGNIFICANT_DIGITS = 12
"""Two values of a continuous parameter that agree in so many digits count as one in a digest."""

_LARGEST_INT, _LARGEST_FLOAT = 2**53, 1e300
"""What a float holds exactly, and what can be subtracted without leaving the floats."""

_MUTATION_SCALE = 0.2
"""Standard deviation of a numeric mutation, as a share of the parameter's (log) range."""


class _Number(Parameter):
    """A range on a linear or logarithmic scale; a subclass puts values on its grid."""

    low: Any
    high: Any
    step: Any
    log: bool

    @property
    @abstractmethod
    def top(self) -> Any:
        """The largest value; ``high`` unless the steps miss it."""

    @property
    def first(self) -> Any:
        return self.low

    @abstractmethod
    def _nearest(self, value: float) -> Any:
        """The parameter's value nearest to any number."""

    def _check_range(self, kind: type, number: type) -> None:
        name = type(self).__name__
        most = _LARGEST_INT if kind is numbers.Integral else _LARGEST_FLOAT
        for label in ("low", "high"):
            bound: Any = getattr(self, label)
            right_type = isinstance(bound, kind) and not isinstance(bound, bool)
            finite = right_type and abs(bound) < math.inf  # without a float: integers can be longer
            if not finite:
                expected = "an integer" if kind is numbers.Integral else "a finite number"
                raise InvalidSpaceError(f"{name}: {label} must be {expected}, got {bound!r}.")
            if abs(bound) > most:
                limit = "2**53" if kind is numbers.Integral else "1e300"
                raise InvalidSpaceError(
                    f"{name}: {label} must lie within {limit} of 0, where storages keep it exactly."
                )
            object.__setattr__(self, label, number(bound))  # no NumPy scalars: these are stored
        if self.low > self.high:
            raise InvalidSpaceError(
                f"{name}: the range is reversed, low={self.low!r} is above high={self.high!r}; "
                "exchange the two."
            )
        if not isinstance(self.log, bool):
            raise InvalidSpaceError(f"{name}: log must be True or False, got {self.log!r}.")
        if self.log and self.low <= 0:
            raise InvalidSpaceError(
                f"{name}: a logarithmic range needs low > 0, got low={self.low!r}."
            )

    def unit(self, value: float) -> float:
        """The position of ``value`` in [0, 1]; 0 for a range of one value."""
        low, high = self._scale(self.low), self._scale(self.top)
        return (self._scale(value) - low) / (high - low) if high > low else 0.0

    def _scale(self, value: float) -> float:
        return math.log(value) if self.log else float(value)

    def _from_unit(self, unit: float) -> Any:
        low, high = self._scale(self.low), self._scale(self.top)
        scaled = low + unit * (high - low)
        return self._nearest(math.exp(scaled) if self.log else scaled)

    def neighbour(self, value: Any, rng: np.random.Generator) -> Any:
        if self.size == 1:
            raise InvalidSpaceError(f"{self.low!r} is the only value, nothing to change to.")
        unit = abs(self.unit(value) + _MUTATION_SCALE * float(rng.standard_normal())) % 2.0
        other = self._from_unit(min(unit, 2.0 - unit))  # reflected at both ends
        return self._beside(value, rng) if other == value else other

    @abstractmethod
    def _beside(self, value: Any, rng: np.random.Generator) -> Any:
        """The next value on a random side of ``value``."""

    def features(self, value: Any) -> list[float]:
        return [self.unit(value)]


@dataclass(frozen=True)
class Int(_Number):
    """The integers ``low``, ``low + step``, ... up to ``high``.

    Attributes:
        log: sample and mutate on the logarithm's scale; needs ``low >= 1`` and ``step == 1``.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        self._check_range(numbers.Integral, int)
        if isinstance(self.step, bool) or not isinstance(self.step, int) or self.step < 1:
            raise InvalidSpaceError(f"Int: step must be an integer from 1 on, got {self.step!r}.")
        if self.log and self.step != 1:
            raise InvalidSpaceError(f"Int: log=True goes with step=1 only, got step={self.step!r}.")

    @property
    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    def sample(self, rng: np.random.Generator) -> int:
        if not self.log:
            return self.low + self.step * int(rng.integers(self.size))
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return self._nearest(math.exp(rng.uniform(low, high)))

    def contains(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            return False
        number = int(value)
        return self.low <= number <= self.high and (number - self.low) % self.step == 0

    def values(self) -> range:
        return range(self.low, self.high + 1, self.step)

    @property
    def top(self) -> int:
        return self.low + (self.size - 1) * self.step

    def _nearest(self, value: float) -> int:
        steps = round((value - self.low) / self.step)
        return self.low + self.step * min(max(steps, 0), self.size - 1)

    def _beside(self, value: int, rng: np.random.Generator) -> int:
        up = value < self.top and (value == self.low or rng.random() < 0.5)
        return value + (self.step if up else -self.step)

    def round(self, value: float) -> int:
        return self._nearest(value)

    def cast(self, value: Any) -> int:
        return int(value)

    def describe(self) -> str:
        steps = f" in steps of {self.step}" if self.step != 1 else ""
        return f"an integer from {self.low} to {self.top}{steps}"

    def definition(self) -> dict[str, Any]:
        return {"type": "int", **asdict(self)}


@dataclass(frozen=True)
class Float(_Number):
    """The numbers from ``low`` to ``high``, all of them or in steps.

    Attributes:
        step: None for a continuous range.
        log: sample and mutate on the logarithm's scale; needs ``low > 0`` and no step.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        self._check_range(numbers.Real, float)
        if self.step is not None:
            if isinstance(self.step, bool) or not isinstance(self.step, (int, float)):
                raise InvalidSpaceError(f"Float: step must be a number, got {self.step!r}.")
            if not 0 < self.step < math.inf:
                raise InvalidSpaceError(f"Float: step must be above 0, got {self.step!r}.")
            if self.high - self.low > self.step * _LARGEST_INT:
                raise InvalidSpaceError(
                    f"Float: step={self.step!r} makes more than 2**53 values from {self.low} to "
                    f"{self.high}; leave the step out."
                )
            if self.log:
                raise InvalidSpaceError(f"Float: log=True takes no step, got step={self.step!r}.")

    @property
    def size(self) -> int | float:
        if self.low == self.high:
            return 1
        return math.inf if self.step is None else self._steps() + 1

    def _steps(self) -> int:
        assert self.step is not None
        # In decimals, as Optuna does it: 0.1 .. 0.3 in steps of 0.1 are three values.
        return int((Decimal(str(self.high)) - Decimal(str(self.low))) // Decimal(str(self.step)))

    def sample(self, rng: np.random.Generator) -> float:
        if self.step is not None:
            return self._grid(int(rng.integers(self._steps() + 1)))
        return self._from_unit(float(rng.random()))

    def _grid(self, steps: int) -> float:
        return float(Decimal(str(self.low)) + steps * Decimal(str(self.step)))

    def contains(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return False
        try:
            number = float(value)
        except OverflowError:  # an integer beyond every float
            return False
        if self.step is None:
            return self.low <= number <= self.high
        if not math.isfinite(number):
            return False
        steps = (number - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8 and 0 <= round(steps) <= self._steps()

    def values(self) -> tuple[float, ...]:
        if self.low == self.high:
            return (self.low,)
        if self.step is None:
            raise InvalidSpaceError(
                f"Float({self.low}, {self.high}) is continuous and cannot be enumerated; "
                "give it a step."
            )
        return tuple(self._grid(steps) for steps in range(self._steps() + 1))

    @property
    def top(self) -> float:
        return self.high if self.step is None else self._grid(self._steps())

    def _nearest(self, value: float) -> float:
        if self.step is None:
            return min(max(float(value), self.low), self.high)
        steps = round((value - self.low) / self.step)
        return self._grid(min(max(steps, 0), self._steps()))

    def _beside(self, value: float, rng: np.random.Generator) -> float:
        if self.step is None:
            return self.low if value != self.low else self.high
        steps = round((value - self.low) / self.step)
        up = steps < self._steps() and (steps == 0 or rng.random() < 0.5)
        return self._grid(steps + (1 if up else -1))

    def round(self, value: float) -> float:
        if self.step is not None:
            return self._nearest(value)
        return self._nearest(float(f"{value:.{SIGNIFICANT_DIGITS}g}"))

    def cast(self, value: Any) -> float:
        return float(value) if self.step is None else self._nearest(float(value))

    def describe(self) -> str:
        steps = f" in steps of {self.step}" if self.step is not None else ""
        return f"a number from {self.low} to {self.top}{steps}"

    def definition(self) -> dict[str, Any]:
        return {"type": "float", **asdict(self)}
