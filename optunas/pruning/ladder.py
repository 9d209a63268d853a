"""The rungs of successive halving: after how many epochs which trials are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, takewhile

from optunas.errors import InvalidSpecError

__all__ = ["Ladder"]

MOST_BRACKETS = 20


@dataclass(frozen=True)
class Ladder:
    """Rungs at ``min_epochs * eta ** k`` epochs; those of bracket b begin at k = b.

    Args:
        min_epochs: trained before the first comparison of bracket 0.
        eta: of the trials at a rung, one in so many goes on to the next.
        brackets: ladders with a later and later first rung; each trial climbs one of them.

    Raises:
        InvalidSpecError: one line for each argument that cannot be.
    """

    min_epochs: int
    eta: int
    brackets: int = 1

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be a whole number of at least {low}, got {value!r}."
            for name, value, low in (
                ("min_epochs", self.min_epochs, 1),
                ("eta", self.eta, 2),
                ("brackets", self.brackets, 1),
            )
            if isinstance(value, bool) or not isinstance(value, int) or value < low
        ]
        if not problems and self.brackets > MOST_BRACKETS:
            problems.append(f"brackets must be at most {MOST_BRACKETS}, got {self.brackets!r}.")
        if problems:
            raise InvalidSpecError("\n".join(problems))

    def rungs(self, bracket: int, epochs: int) -> list[int]:
        """The rungs of a bracket up to ``epochs``, that is inclusive.

        >>> Ladder(1, 3).rungs(0, 27)
        [1, 3, 9, 27]
        """
        return list(takewhile(lambda rung: rung <= epochs, self._from(bracket)))

    def bracket(self, number: int) -> int:
        """The bracket of trial ``number``, the same in every process.

        As in Hyperband (Li et al. 2018, algorithm 1) a bracket whose first rung comes later has
        fewer trials, so that each costs about the same; they take turns as evenly as they can.

        >>> [Ladder(1, 3, brackets=2).bracket(number) for number in range(5)]
        [0, 1, 0, 1, 0]
        """
        return self._turns[number % len(self._turns)]

    def check(self, epochs: int, unit: str = "epoch") -> None:
        """Refuse rungs that a training of ``epochs`` never compares anything at.

        Raises:
            InvalidSpecError: for ``min_epochs`` that no training goes beyond, or brackets of which
                more than the last compare nothing.
        """
        if epochs < 2:
            raise InvalidSpecError(
                f"Successive halving compares trials after a part of their training, and a trial "
                f"has a single step here ({unit}): choose pruner='none', or train more epochs."
            )
        if self.min_epochs >= epochs:
            raise InvalidSpecError(
                f"min_epochs={self.min_epochs} is not below the {epochs} {unit}s of a whole "
                f"training, so that no trial would ever be pruned: take 1 to {epochs - 1}."
            )
        most = 1 + len(self.rungs(0, epochs - 1))
        if self.brackets > most:
            raise InvalidSpecError(
                f"brackets={self.brackets} are too many for {epochs} {unit}s from "
                f"min_epochs={self.min_epochs} on with eta={self.eta}: take 1 to {most} (the last "
                "of these trains to the end without a comparison)."
            )

    def _from(self, bracket: int) -> Iterator[int]:
        return (self.min_epochs * self.eta**k for k in count(bracket))

    @cached_property
    def _turns(self) -> list[int]:
        """Brackets of the trials of one round."""
        # The ceiling of Hyperband's n, with s = brackets - 1 - b.
        shares = [
            -(-self.brackets * self.eta ** (self.brackets - 1 - b) // (self.brackets - b))
            for b in range(self.brackets)
        ]
        whole, had, turns = sum(shares), [0] * self.brackets, []
        for turn in range(1, whole + 1):
            due = max(range(self.brackets), key=lambda b: shares[b] * turn - had[b] * whole)
            had[due] += 1
            turns.append(due)
        return turns
