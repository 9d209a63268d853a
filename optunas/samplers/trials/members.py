"""The members of a small space, each once, with what is known of them; drawing from any space."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from optunas.samplers.trials.seen import Feasible
from optunas.samplers.trials.within import Within
from optunas.space import Space

__all__ = ["ENUMERATED", "IDENTITIES", "Identity", "Members"]

ENUMERATED = 50_000
"""Size up to which all members of a space are listed: seconds, once in a process."""

TRIES = 1000
"""Draws before a space that cannot be listed counts as used up, or as infeasible."""

APPROACHES = 3
"""Ways towards the limits that are tried after that."""

Identity = Literal["digest", "code"]
"""When two members are the same: as networks, or only as codes (tables hold one row a code)."""

IDENTITIES: tuple[Identity, ...] = get_args(Identity)


class Members:
    """What a sampler may propose.

    Args:
        space: any.
        feasible: whether a member keeps the limits that are known before training; None: all do.
        identity: ``digest`` or ``code``.
    """

    def __init__(
        self, space: Space[Any], feasible: Feasible | None = None, identity: Identity = "digest"
    ) -> None:
        self.space, self.feasible, self.identity = space, feasible, identity
        self._verdicts: dict[Any, bool] = {}

    def key(self, member: Any) -> Any:
        """Equal for members that are the same."""
        return self.space.digest(member) if self.identity == "digest" else member

    def allowed(self, member: Any) -> bool:
        """Whether its network sees its input and keeps the limits; each member is asked once."""
        if member not in self._verdicts:
            self._verdicts[member] = self.space.is_connected(member) and (
                self.feasible is None or bool(self.feasible(member))
            )
        return self._verdicts[member]

    @cached_property
    def listed(self) -> list[Any] | None:
        """All allowed members, of equal ones the first; None for a space that is too large."""
        if not self.space.size <= ENUMERATED:
            return None
        found: dict[Any, Any] = {}
        for member in self.space.enumerate():
            key = self.key(member)
            if key not in found and self.allowed(member):
                found[key] = member
        return list(found.values())

    @cached_property
    def keys(self) -> list[Any]:
        """Of the listed ones, in their order."""
        return [self.key(member) for member in self.listed or ()]

    def unseen(self, seen: Collection[Any]) -> NDArray[np.intp] | None:
        """Places of listed members whose key is not in ``seen``; None when nothing is listed."""
        if self.listed is None:
            return None
        return np.array([at for at, key in enumerate(self.keys) if key not in seen], dtype=np.intp)

    def random(self, seen: Collection[Any], rng: np.random.Generator) -> Any | None:
        """A new allowed member, uniformly where the space is listed; None when there is none.

        Where drawing meets none that keeps the limits, mutations go towards them.
        """
        free = self.unseen(seen)
        if free is not None:
            assert self.listed is not None
            return self.listed[rng.choice(free)] if len(free) else None
        found = self.drawn(lambda: self.space.sample(rng), seen)
        if found is None and isinstance(self.feasible, Within):
            towards = self.feasible
            return self.drawn(
                lambda: towards.approach(self.space, self.space.sample(rng), rng), seen, APPROACHES
            )
        return found

    def drawn(
        self, draw: Callable[[], Any], seen: Collection[Any], tries: int = TRIES
    ) -> Any | None:
        """The first of ``draw()``'s results that is new and allowed; None after ``tries``."""
        for _ in range(tries):
            member = draw()
            if member is not None and self.allowed(member) and self.key(member) not in seen:
                return member
        return None
