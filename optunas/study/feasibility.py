"""Whether limits on what is known before training leave anything to search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.measures import METRICS, ROBUSTNESS
from optunas.objective import Objective
from optunas.samplers.trials.within import Within

__all__ = ["SAMPLE", "check_feasible"]

SAMPLE = 10_000
"""Random networks that are looked at before a study's limits count as impossible."""


FRACTIONS = ("accuracy", "balanced_accuracy", "f1", "r2", *ROBUSTNESS)
"""Scores that are never above 1."""

UNBOUNDED = ("loss",)
"""What a task of the user's own may make negative."""


def check_feasible(objective: Objective, seed: int = 0) -> None:
    """Refuse limits that no network of the space keeps, as far as that is seen before training.

    A limit beyond what a metric can be, such as an accuracy of 90 per cent written as 90, is told
    at once. Looked at are random members until one keeps the limits on what needs no network, then
    the way by mutations from the nearest of them. Other limits on what must be measured or trained
    may yet turn out impossible.

    Raises:
        InvalidSpecError: telling how near the nearest network comes.
    """
    limits, space = objective.constraints, objective.space
    if not limits:
        return
    _check_possible(limits)

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


def _check_possible(limits: Mapping[str, float]) -> None:
    """Refuse limits that are beyond the best value that a metric can have."""
    found = []
    for name, limit in limits.items():
        if name in FRACTIONS and limit > 1:
            percent = f"; {limit:g} % is {limit / 100:g}" if limit <= 100 else ""
            found.append(f"{name} is at most 1, its lower limit is {limit:g}{percent}")
        elif name in METRICS and not METRICS[name].maximize and name not in UNBOUNDED and limit < 0:
            found.append(f"{name} is at least 0, its upper limit is {limit:g}")
    if found:
        raise InvalidSpecError(f"No network keeps the constraints: {'; '.join(found)}.")
