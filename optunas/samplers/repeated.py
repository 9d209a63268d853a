"""Candidates that stay for several trials, so that each is drawn and described once.

To draw a member of a large space, to tell whether it is new and to compute its features takes far
longer than to judge it. What is drawn here depends on a block of trials and on the parent alone,
not on the trial that asks: the same in every process, and cheap to ask for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.samplers.acquisition.outlook import Pool
from optunas.samplers.moves.candidates import DRAWS, drawn
from optunas.samplers.prediction.atlas import Atlas
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.seen import Floats

__all__ = ["CROSSED", "MUTATIONS", "RepeatedCandidates"]

CROSSED = 0.25
"""Share of the descendants that have two parents."""

MUTATIONS = (0.6, 0.25, 0.15)
"""How often a child has one mutation, two or three."""


class RepeatedCandidates:
    """Random members and descendants of others, for a block of trials.

    Args:
        atlas: features and known objectives.
        rng_of: chance that belongs to the block and to a text.
    """

    def __init__(self, atlas: Atlas, rng_of: Callable[[str], np.random.Generator]) -> None:
        self.atlas, self._rng_of = atlas, rng_of
        self._plain: dict[int, dict[Any, Any]] = {}
        self._streams: dict[Any, _Stream] = {}
        self._described: dict[Any, tuple[Floats, Floats]] = {}

    def drawn(self, count: int, seen: Collection[Any]) -> dict[Any, Any]:
        """Up to ``count`` random members by their keys, less those of ``seen``."""
        if count not in self._plain:
            self._plain[count] = drawn(self.atlas.members, (), count, self._rng_of("drawn"))
        return {key: member for key, member in self._plain[count].items() if key not in seen}

    def descendants(
        self, parents: Sequence[Any], count: int, seen: Collection[Any]
    ) -> dict[Any, Any]:
        """About ``count`` new members that descend from ``parents``, by their keys.

        Args:
            parents: different ones, at least one; each, and each pair, has the same children
                throughout the block.
            count: how many.
            seen: keys that are left out.

        A child has one mutation, or two, or three, ever less often.
        """
        found: dict[Any, Any] = {}
        singles = sorted((self._stream(one) for one in parents), key=lambda stream: stream.place)
        following = [*singles[1:], singles[0]]
        pairs = zip(singles, following, strict=True) if len(singles) > 1 else ()
        crossed = [self._stream(*one.parents, *other.parents) for one, other in pairs]
        for streams, wanted in ((crossed, round(CROSSED * count)), (singles, count)):
            chosen = streams[: wanted - len(found)]
            each = -(-(wanted - len(found)) // max(len(chosen), 1))
            for stream in chosen:
                found |= stream.new(min(each, wanted - len(found)), seen, found)
        return found

    def _stream(self, *parents: Any) -> _Stream:
        if parents not in self._streams:
            self._streams[parents] = _Stream(self.atlas.members, parents, self._rng_of)
        return self._streams[parents]

    def pool(self, found: dict[Any, Any]) -> Pool:
        """Members by their keys, with what there is to judge them by."""
        fresh = {key: member for key, member in found.items() if key not in self._described}
        if fresh:
            members = list(fresh.values())
            pairs = zip(self.atlas.rows(members), self.atlas.known(members), strict=True)
            self._described.update(zip(fresh, pairs, strict=True))
        if not found:
            return Pool([], self.atlas.rows([]), self.atlas.known([]))
        rows, known = zip(*(self._described[key] for key in found), strict=True)
        return Pool(list(found.values()), np.stack(rows), np.stack(known))


class _Stream:
    """The children of one parent, or of two, in an order of their own.

    Attributes:
        place: where there are too many parents, those of low places have children.
    """

    def __init__(
        self,
        members: Members,
        parents: tuple[Any, ...],
        rng_of: Callable[[str], np.random.Generator],
    ) -> None:
        code = repr([sorted(members.space.encode(parent).items()) for parent in parents])
        self._rng = rng_of(hashlib.blake2b(code.encode(), digest_size=8).hexdigest())
        self.place = float(self._rng.random())
        self._members, self.parents = members, parents
        self._children: list[tuple[Any, Any]] = []

    def new(self, count: int, *known: Collection[Any]) -> dict[Any, Any]:
        """The first ``count`` whose keys are in none of ``known``; fewer after many draws."""
        found: dict[Any, Any] = {}
        for at in range(DRAWS * count):
            if len(found) >= count:
                break
            if at == len(self._children) and not self._draw():
                break
            key, child = self._children[at]
            if not any(key in keys for keys in known) and self._members.allowed(child):
                found[key] = child
        return found

    def _draw(self) -> bool:
        space, child = self._members.space, self.parents[0]
        try:
            if len(self.parents) > 1:
                child = space.crossover(child, self.parents[1], self._rng)
            for _ in range(1 + int(self._rng.choice(len(MUTATIONS), p=MUTATIONS))):
                child = space.mutate(child, self._rng)
        except OptunasError:
            return False  # a space of one member has nothing to mutate to
        self._children.append((self._members.key(child), child))
        return True
