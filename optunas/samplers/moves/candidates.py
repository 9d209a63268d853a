"""What is judged before one is proposed, where a space is too large to list it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from optunas.samplers.trials.members import Members

__all__ = ["DRAWS", "drawn"]

DRAWS = 4
"""Draws for each candidate wanted, before fewer are enough."""


def drawn(
    members: Members, seen: Collection[Any], count: int, rng: np.random.Generator
) -> dict[Any, Any]:
    """Up to ``count`` different new members, at random, by their keys."""
    found: dict[Any, Any] = {}
    for _ in range(DRAWS * count):
        if len(found) >= count:
            break
        member = members.space.sample(rng)
        key = members.key(member)
        if key not in seen and key not in found and members.allowed(member):
            found[key] = member
    return found
