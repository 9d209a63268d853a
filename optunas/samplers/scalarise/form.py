"""What every form has: checks against a study's objectives, scores of rows of values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from optuna.study import StudyDirection

from optunas.errors import InvalidSpecError
from optunas.samplers.arguments import is_number
from optunas.samplers.trials.seen import Floats

__all__ = [
    "Directions",
    "Scalarisation",
    "checked_weights",
    "count_faults",
    "counted",
    "gains_of",
    "ranges_of",
    "refuse",
]

Directions = Sequence[StudyDirection]


class Scalarisation(ABC):
    """A way to score values; a subclass is frozen data."""

    name: ClassVar[str]

    @abstractmethod
    def faults(self, directions: Directions) -> list[str]:
        """Why it does not fit these objectives, sentences; none when it does."""

    @abstractmethod
    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        """Scores of finite rows."""

    def check(self, directions: Directions) -> None:
        """Refuse objectives that it does not fit.

        Raises:
            InvalidSpecError: with every reason.
        """
        found = self.faults(directions)
        if found:
            raise InvalidSpecError("\n".join(f"scalarise {self.name!r}: {line}" for line in found))

    def scores(
        self, values: ArrayLike, directions: Directions, scale: ArrayLike | None = None
    ) -> Floats:
        """One score a row, (n,), larger is better.

        Args:
            values: (n, k), as the study stores them.
            directions: of the k objectives.
            scale: (m, k), the values between whose worst and best each objective is normalised,
                where the form does that; None takes ``values``.

        Raises:
            InvalidSpecError: when the form does not fit the objectives.
        """
        self.check(directions)
        rows = np.asarray(values, dtype=float).reshape(-1, len(directions))
        known = np.isfinite(rows).all(axis=1)
        within = rows if scale is None else np.asarray(scale, dtype=float)
        within = within.reshape(-1, len(directions))
        within = within[np.isfinite(within).all(axis=1)]
        found = np.full(len(rows), -np.inf)
        if known.any():
            found[known] = self._scores(
                rows[known], directions, within if len(within) else rows[known]
            )
        return found


def gains_of(values: Floats, directions: Directions) -> Floats:
    """Values (n, objectives) with the sign that makes more better."""
    signs = [1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in directions]
    return values * np.array(signs)


def ranges_of(seen: Floats) -> Floats:
    """The range of each objective's values, (objectives,); 1 where all are equal."""
    spread = seen.max(axis=0) - seen.min(axis=0)
    return np.where(spread > 0, spread, 1.0)


def checked_weights(form: Scalarisation, weights: Any) -> list[str]:
    """What is wrong with weights; sound ones are kept as a tuple of floats."""
    listed = isinstance(weights, (list, tuple)) and weights
    if not listed or not all(is_number(w) and w >= 0 for w in weights) or not any(weights):
        return [f"weights must be numbers from 0 on, not all of them 0, got {weights!r}."]
    object.__setattr__(form, "weights", tuple(map(float, weights)))
    return []


def count_faults(weights: tuple[float, ...], directions: Directions) -> list[str]:
    """A sentence where there is not one weight for each objective."""
    if len(weights) == len(directions):
        return []
    return [
        f"{counted(len(weights), 'weight')} for {counted(len(directions), 'objective')}; give one "
        "for each."
    ]


def counted(number: int, what: str) -> str:
    """The number and its noun.

    >>> counted(1, "weight"), counted(3, "weight")
    ('1 weight', '3 weights')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def refuse(name: str, found: list[str]) -> None:
    """Raise InvalidSpecError with all faults of a form, a line each; none is right."""
    if found:
        raise InvalidSpecError("\n".join(f"scalarise {name!r}: {line}" for line in found))
