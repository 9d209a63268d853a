"""Limits that are known before training: which members keep them, and the way to one that does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optunas.space import Space

__all__ = ["Within"]

STEPS = 3000
"""Mutations that are tried on the way from a member that breaks the limits."""


@dataclass(frozen=True)
class Within:
    """Whether a member keeps the limits, and how far it is from them.

    Attributes:
        violation: ``violation(member) -> float``: 0 for a member that keeps all limits, larger for
            one that is farther from it; no unit.
    """

    violation: Callable[[Any], float]

    def __call__(self, member: Any) -> bool:
        """Whether the member keeps all limits."""
        return self.violation(member) == 0

    def approach(self, space: Space[Any], member: Any, rng: np.random.Generator) -> Any | None:
        """A member that keeps the limits, reached by mutations that come no farther from them.

        Where the limits leave few members, random ones hardly meet any. What is reached depends on
        where it began: this is for when drawing has failed.

        Args:
            space: of the member.
            member: where to begin.
            rng: draws the mutations.

        Returns:
            The first that keeps the limits and whose network sees its input; None after
            :data:`STEPS` mutations without one.
        """
        beyond = self.violation(member)
        for _ in range(STEPS):
            if beyond == 0 and space.is_connected(member):
                return member
            changed = space.mutate(member, rng)
            distance = self.violation(changed)
            if distance <= beyond:
                member, beyond = changed, distance
        return None
