"""A sampler's arguments: everything that is wrong with them is said at once."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import Any

from optunas.errors import InvalidSpecError, nearest

__all__ = ["Arguments", "ended", "is_number", "is_whole"]


def is_whole(value: object) -> bool:
    """Whether this is an integer, of NumPy too, and no boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether this is a finite real number and no boolean."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


class Arguments:
    """Collects sentences about arguments that cannot be.

    Args:
        what: whose arguments, as the beginning of each sentence.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.found: list[str] = []

    def whole(
        self, name: str, value: Any, low: int, high: int | None = None, *, none: bool = False
    ) -> None:
        """An integer from ``low`` to ``high``; None too where it is allowed."""
        if none and value is None:
            return
        if not is_whole(value) or value < low or (high is not None and value > high):
            bounds = f"from {low} on" if high is None else f"from {low} to {high}"
            self._refuse(name, value, f"an integer {bounds}", none)

    def share(self, name: str, value: Any, *, none: bool = False) -> None:
        """A number in [0, 1]; None too where it is allowed."""
        if none and value is None:
            return
        if not is_number(value) or not 0.0 <= value <= 1.0:
            self._refuse(name, value, "a number in [0, 1]", none)

    def one_of(self, name: str, value: Any, allowed: Collection[str]) -> None:
        """One of these names."""
        if not isinstance(value, str) or value not in allowed:
            self.found.append(
                f"{self.what}: unknown {name} {value!r}{nearest(str(value), allowed)}"
            )

    def kind(self, name: str, value: Any, kind: type, wanted: str) -> None:
        """An object of this kind, or None."""
        if value is not None and not isinstance(value, kind):
            self._refuse(name, value, wanted, True)

    def function(self, name: str, value: Any) -> None:
        """A function of a member, or None."""
        if value is not None and not callable(value):
            self._refuse(name, value, "a function of a member", True)

    def _refuse(self, name: str, value: Any, wanted: str, none: bool) -> None:
        more = ", or None" if none else ""
        self.found.append(f"{self.what}: {name} must be {wanted}{more}, got {value!r}.")

    def finish(self) -> None:
        """Raise what was found.

        Raises:
            InvalidSpecError: one sentence a line.
        """
        if self.found:
            raise InvalidSpecError("\n".join(self.found))


def ended(error: Exception) -> str:
    """What an error of another library says, as the end of a sentence of ours."""
    return f"{str(error).rstrip('.')}."
