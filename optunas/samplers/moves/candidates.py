"""What is judged before one is proposed: the whole space, or what was drawn from a large one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.samplers.trials.members import Members

__all__ = ["bred", "drawn"]

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
        _keep(members, seen, members.space.sample(rng), found)
    return found


def bred(
    members: Members,
    seen: Collection[Any],
    parents: Sequence[Any],
    count: int,
    rng: np.random.Generator,
    crossed: float = 0.25,
) -> dict[Any, Any]:
    """Up to ``count`` different new members that descend from ``parents``, by their keys.

    Args:
        members: of the space.
        seen: keys that are left out.
        parents: at least one.
        count: how many.
        rng: chance.
        crossed: share that has two parents, before it is mutated too.

    A child has one mutation, or two, or three, ever less often.
    """
    found: dict[Any, Any] = {}
    for _ in range(DRAWS * count):
        if len(found) >= count:
            break
        child = parents[int(rng.integers(len(parents)))]
        try:
            if len(parents) > 1 and rng.random() < crossed:
                other = parents[int(rng.integers(len(parents)))]
                child = members.space.crossover(child, other, rng)
            for _ in range(1 + int(rng.choice(3, p=(0.6, 0.25, 0.15)))):
                child = members.space.mutate(child, rng)
        except OptunasError:
            break  # a space of one member has nothing to mutate to
        _keep(members, seen, child, found)
    return found


def _keep(members: Members, seen: Collection[Any], member: Any, found: dict[Any, Any]) -> None:
    key = members.key(member)
    if key not in seen and key not in found and members.allowed(member):
        found[key] = member
