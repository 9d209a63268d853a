"""Where a local search stands: a fold over the trials that have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from optuna.study import StudyDirection

from optunas.samplers.moves.neighbours import neighbours
from optunas.samplers.scalarise import Pareto, Scalarisation, violation
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.seen import Seen

__all__ = ["Around", "Climb"]

Key = Any


class Around:
    """The allowed one-gene neighbours of a trial's member, in a random order.

    The order is the same in every process.

    Args:
        members: of the space.
        seed: of the study; what is drawn depends on it and on the trial's number.
    """

    def __init__(self, members: Members, seed: int) -> None:
        self.members, self.seed = members, seed

    def __call__(self, seen: Seen) -> dict[Key, Any]:
        """By key, of equal ones the first, without the member itself."""
        key, allowed = self.members.key, self.members.allowed
        rng = np.random.default_rng([self.seed, seen.number, *b"around"])
        found: dict[Key, Any] = {}
        listed = neighbours(self.members.space, seen.member, rng)
        for at in rng.permutation(len(listed)).tolist():
            if allowed(listed[at]):
                found.setdefault(key(listed[at]), listed[at])
        found.pop(key(seen.member), None)
        return found


class Climb:
    """The best members since the last restart, and which of their neighbours were not tried.

    Trials are added in the order in which they ended. With one number to compare by, the best is
    one member; with Pareto dominance it is an archive of members that do not dominate each other.
    A neighbour whose values an earlier climb brought in is taken into account without a trial.

    Args:
        around: gives a member's neighbours.
        form: compares values; :class:`Pareto` keeps an archive.
        directions: of the objectives.
        patience: trials in a row without an improvement after which the climb ends; None: it ends
            when all neighbours were tried.
        first: whether an improvement is moved to at once, or when all neighbours were tried.

    Attributes:
        best: trials that the climb has reached, oldest first; empty where it is to restart.
        centre: the one of them around which all is tried before a move, with ``first=False``.
    """

    def __init__(
        self,
        around: Around,
        form: Scalarisation,
        directions: Sequence[StudyDirection],
        patience: int | None,
        first: bool,
    ) -> None:
        self._around = around
        self._form, self._directions = form, directions
        self._patience, self._first = patience, first
        self.best: list[Seen] = []
        self.centre: Seen
        self._near: dict[int, dict[Key, Any]] = {}
        """The neighbours of each of the best, by its number."""
        self._untried: dict[int, set[Key]] = {}
        """Those of them that no trial has had."""
        self._found: list[Seen] = []
        """Neighbours that wait for the move, with ``first=False``."""
        self._barren = 0
        self._tried: set[Key] = set()
        self._values: dict[Key, Seen] = {}
        self._over: dict[int, float] = {}
        self._scale: np.ndarray | None = None
        self._left: tuple[list[Seen], set[Key]] = ([], set())
        """The best of the climb before, and their neighbours: stragglers begin no climb."""

    def add(self, seen: Seen) -> None:
        """Take a finished trial into account, one without values as tried."""
        key = self._around.members.key(seen.member)
        self._tried.add(key)
        for untried in self._untried.values():
            untried.discard(key)
        if seen.values is not None:
            self._values.setdefault(key, seen)
            self._widen(seen.values)
        if self.best:
            self._go_on(seen)
        elif seen.values is not None and not self._straggles(seen, key):
            self._settle([seen])
        self._end()

    def untried(self, seen: Seen) -> list[Any]:
        """Those neighbours of one of the best that no finished trial has had, in their order."""
        keys = self._untried[seen.number]
        return [member for key, member in self._near[seen.number].items() if key in keys]

    def _go_on(self, seen: Seen) -> None:
        better = seen.values is not None and not self._covered(seen, [*self.best, *self._found])
        self._barren = 0 if better else self._barren + 1
        if better:
            self._found.append(seen)
        explored = self._first or self._tired or not self._untried[self.centre.number]
        if explored and self._found:
            found, self._found = self._found, []
            self._settle(found[::-1])  # with one number, each is better than those before it
        elif explored:
            self._choose()

    @property
    def _tired(self) -> bool:
        return self._patience is not None and self._barren >= self._patience

    def _choose(self) -> None:
        """Look around the oldest of the best that has untried neighbours."""
        free = (seen for seen in self.best if self._untried[seen.number])
        self.centre = next(free, self.best[-1])

    def _settle(self, waiting: list[Seen]) -> None:
        """Move to all of these that are better, and on to what is known to be better still."""
        while waiting:
            seen = waiting.pop(0)
            if self._covered(seen, self.best):
                continue
            self.best = [other for other in self.best if not self._covers(seen, other)]
            self.best.append(seen)
            near = self._near[seen.number] = self._around(seen)
            self._untried[seen.number] = near.keys() - self._tried
            waiting += [self._values[key] for key in near if key in self._values]
        numbers = [seen.number for seen in self.best]
        self._near = {number: self._near[number] for number in numbers}
        self._untried = {number: self._untried[number] for number in numbers}
        self._choose()

    def _end(self) -> None:
        if not self.best:
            return
        if self._tired or not (self._found or any(self._untried.values())):
            self._left = self.best, {key for near in self._near.values() for key in near}
            self.best, self._near, self._untried = [], {}, {}
            self._found, self._barren = [], 0

    def _straggles(self, seen: Seen, key: Key) -> bool:
        best, around = self._left
        return key in around and self._covered(seen, best)

    def _covered(self, seen: Seen, by: Iterable[Seen]) -> bool:
        return any(self._covers(other, seen) for other in by)

    def _covers(self, one: Seen, other: Seen) -> bool:
        """Whether ``one`` is at least as good as ``other``, in everything with Pareto."""
        over, others = self._violation(one), self._violation(other)
        if over != others:
            return over < others
        if isinstance(self._form, Pareto):
            signs = [1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in self._directions]
            pairs = zip(signs, one.values or (), other.values or (), strict=True)
            return all(sign * a >= sign * b for sign, a, b in pairs)
        values: Any = [one.values, other.values]
        first, second = self._form.scores(values, self._directions, self._scale)
        return bool(first >= second)

    def _violation(self, seen: Seen) -> float:
        if seen.number not in self._over:
            self._over[seen.number] = violation(seen)
        return self._over[seen.number]

    def _widen(self, values: tuple[float, ...]) -> None:
        """The least and largest values seen, (2, k): all that a scale needs."""
        row = np.array(values)
        if self._scale is None:
            self._scale = np.stack([row, row])
        else:
            self._scale = np.stack(
                [np.minimum(self._scale[0], row), np.maximum(self._scale[1], row)]
            )
