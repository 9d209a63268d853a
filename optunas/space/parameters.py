"""What a parameter of a space is, and the choice; :mod:`optunas.space.ranges` has the numbers.

Plain frozen data without Optuna; :mod:`optunas.codec` maps each onto one Optuna distribution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from optunas.errors import InvalidSpaceError

__all__ = ["Choice", "Parameter", "Scalar"]

Scalar = str | int | float | bool
"""What a parameter's value can be."""


class Parameter(ABC):
    """What choices and ranges have in common."""

    @property
    @abstractmethod
    def size(self) -> int | float:
        """Number of values, exact; ``math.inf`` for a continuous range."""

    @property
    def first(self) -> Any:
        """The first option or the lowest number; stands where the parameter does not count."""
        return self.values()[0]

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Any:
        """One value: uniform, or uniform in the logarithm when ``log`` is set."""

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the parameter's; True and 1 are different values."""

    @abstractmethod
    def values(self) -> Sequence[Any]:
        """Every value in order.

        Raises:
            InvalidSpaceError: for a continuous range.
        """

    @abstractmethod
    def neighbour(self, value: Any, rng: np.random.Generator) -> Any:
        """A different value: any other option, or a number nearby on the (log) scale.

        Raises:
            InvalidSpaceError: when the parameter has a single value.
        """

    @abstractmethod
    def round(self, value: Any) -> Any:
        """The value a digest goes by: on the grid, or with 12 significant digits."""

    @abstractmethod
    def cast(self, value: Any) -> Any:
        """``value`` as the plain Python object of this parameter (no NumPy scalars)."""

    @abstractmethod
    def features(self, value: Any) -> list[float]:
        """One-hot for a choice, the position in [0, 1] on the (log) scale for a number."""

    @abstractmethod
    def describe(self) -> str:
        """What is allowed, as the end of a sentence: "one of 'a', 'b'"."""

    @abstractmethod
    def definition(self) -> dict[str, Any]:
        """The parameter as JSON-able data, see ``definition.parameter_from_definition``."""


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several strings, numbers or booleans.

    Attributes:
        options: distinct; any sequence is taken and kept as a tuple.
    """

    options: tuple[Scalar, ...]
    _known: ClassVar[frozenset[tuple[bool, Scalar]]]
    """The options with whether each is a boolean: True and 1 are different values."""

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Sequence):
            raise InvalidSpaceError(
                f"A Choice takes a list of options such as ['sgd', 'adam'], got {self.options!r}."
            )
        options = tuple(self.options)
        object.__setattr__(self, "options", options)
        if not options:
            raise InvalidSpaceError("A Choice needs at least one option, got an empty list.")
        for option in options:
            if not isinstance(option, (str, int, float, bool)) or option != option:
                raise InvalidSpaceError(
                    f"A Choice's options are strings, numbers or booleans, got {option!r}; "
                    "name such an object by a string."
                )
        if len(set(options)) < len(options):
            raise InvalidSpaceError(f"A Choice's options must be distinct, got {list(options)}.")
        known = frozenset((isinstance(option, bool), option) for option in options)
        object.__setattr__(self, "_known", known)

    @property
    def size(self) -> int:
        return len(self.options)

    def sample(self, rng: np.random.Generator) -> Scalar:
        return self.options[int(rng.integers(len(self.options)))]

    def contains(self, value: object) -> bool:
        try:
            return (isinstance(value, bool), value) in self._known
        except TypeError:  # not hashable, so no scalar
            return False

    def values(self) -> tuple[Scalar, ...]:
        return self.options

    def neighbour(self, value: Scalar, rng: np.random.Generator) -> Scalar:
        if self.size == 1:
            raise InvalidSpaceError(
                f"{self.options[0]!r} is the only option, nothing to change to."
            )
        index = self.options.index(value)
        other = int(rng.integers(self.size - 1))
        return self.options[other + (other >= index)]

    def round(self, value: Scalar) -> Scalar:
        return self.options[self.options.index(value)]

    def cast(self, value: Scalar) -> Scalar:
        return self.options[self.options.index(value)]

    def features(self, value: Scalar) -> list[float]:
        index = self.options.index(value)
        return [float(i == index) for i in range(self.size)]

    def describe(self) -> str:
        return "one of " + ", ".join(repr(option) for option in self.options)

    def definition(self) -> dict[str, Any]:
        return {"type": "choice", "options": list(self.options)}
