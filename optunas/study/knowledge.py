"""What a study knows of a candidate before it is trained, for the samplers that use it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from optunas.objective import Objective

__all__ = ["Knowledge"]


class Knowledge:
    """Objectives and limits that need neither training nor a network: counts and recorded values.

    Args:
        make: makes the study's objective, whose task may have data to load: called when it is first
            needed, unless :attr:`objective` is set before.
        proxies: names of zero-cost proxies for :meth:`extra`; checked here.

    Raises:
        UnknownNameError: for an unknown proxy.
    """

    def __init__(self, make: Callable[[], Objective], proxies: Sequence[str] = ()) -> None:
        self._make, self.proxies = make, tuple(proxies)
        if self.proxies:
            from optunas.metrics.proxies.catalogue import check_names

            check_names(self.proxies)

    @cached_property
    def objective(self) -> Objective:
        """The study's; a run that has made one sets it."""
        return self._make()

    @cached_property
    def _member_proxies(self) -> Any:
        from optunas.metrics.proxies.members import MemberProxies

        one = self.objective
        return MemberProxies(
            one.space, one.task, self.proxies, training=one.training, seed=one.seed
        )

    def extra(self, member: Any) -> list[float]:
        """The member's zero-cost proxies, as features of a predictor; each network once."""
        return self._member_proxies.extra(member)

    def known(self, member: Any) -> dict[int, float]:
        """Values of the objectives that are known, by index; NaN is none."""
        values = self.objective.foresee(member)
        return {
            at: values[m.name]
            for at, m in enumerate(self.objective.objectives)
            if not math.isnan(values.get(m.name, math.nan))
        }

    def feasible(self, member: Any) -> bool:
        """Whether the member keeps the limits that are on known metrics; others may break yet."""
        return self.violation(member) == 0

    def violation(self, member: Any) -> float:
        """How far the member is from keeping the limits on known metrics, as shares of them."""
        limits = self.objective.constraints
        return limits.violation(self.objective.foresee(member)) if limits else 0.0
