"""Whether limits on what is known before training leave anything to search."""

from __future__ import annotations

from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.objective import Objective
from optunas.samplers.trials.within import Within

__all__ = ["SAMPLE", "check_feasible"]

SAMPLE = 10_000
"""Random networks that are looked at before a study's limits count as impossible."""


def check_feasible(objective: Objective, seed: int = 0) -> None:
    """Refuse limits that no network of the space keeps, as far as that is seen before training.

    Looked at are random members until one keeps the limits on what needs no network, then the way
    by mutations from the nearest of them. Limits on what must be measured or trained may yet turn
    out impossible.

    Raises:
        InvalidSpecError: telling how near the nearest network comes.
    """
    limits, space = objective.constraints, objective.space
    if not limits:
        return

    def violation(member: Any) -> float:
        return limits.violation(objective.foresee(member))

    rng = np.random.default_rng(seed)
    nearest, least = None, np.inf
    for _ in range(SAMPLE):
        member = space.sample(rng)
        if not space.is_connected(member):
            continue
        distance = violation(member)
        if distance == 0:
            return
        if distance < least:
            nearest, least = member, distance
    within = Within(violation)
    if nearest is None or within.approach(space, nearest, rng) is not None:
        return
    raise InvalidSpecError(
        f"None of {SAMPLE:,} random networks keeps the constraints, nor does what mutations of the "
        f"nearest lead to: of the nearest, {limits.broken(objective.foresee(nearest))}. Nothing "
        "is left to search; loosen the constraints, or give the space smaller networks."
    )
