"""Any of Optuna's samplers within limits that are known before training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial

from optunas import codec
from optunas.errors import OptunasError
from optunas.samplers.seeded import SeededSampler
from optunas.samplers.trials.members import Members

__all__ = ["FeasibleSampler"]


class FeasibleSampler(SeededSampler):
    """Lets the wrapped sampler suggest again until what it suggests keeps the limits.

    A rejected suggestion leaves no trial behind, so the sampler is not told of it: random search
    within limits is uniform over the codes that keep them. After ``tries`` suggestions the member
    is drawn at random among those that keep the limits, as ``Members.random`` does.

    Args:
        factory, seed, intersection, gets_stuck: as for :class:`SeededSampler`.
        members: the space's, and which of them keep the limits.
        distributions: of the space's parameters.
        tries: suggestions of the wrapped sampler for one trial: as many as take part of a second.
    """

    def __init__(
        self,
        factory: Callable[[int], BaseSampler],
        seed: int,
        intersection: IntersectionSearchSpace | None,
        gets_stuck: bool,
        members: Members,
        distributions: Mapping[str, BaseDistribution],
        tries: int,
    ) -> None:
        super().__init__(factory, seed, intersection, gets_stuck)
        self._members, self._tries, self._drawn_by = members, tries, seed
        self._distributions = {n: d for n, d in distributions.items() if not d.single()}
        self._relative: dict[int, dict[str, BaseDistribution]] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All parameters: only together they tell whether a candidate keeps the limits."""
        self._relative[trial.number] = super().infer_relative_search_space(study, trial)
        return self._distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A suggestion that keeps the limits; any where there is none."""
        relative = self._relative.pop(trial.number, {})
        params: dict[str, Any] = {}
        for _ in range(self._tries):
            params = super().sample_relative(study, trial, relative)
            for name, distribution in search_space.items():
                if name not in params:
                    params[name] = self.sample_independent(study, trial, name, distribution)
            if self._allowed(params):
                return params
        rng = np.random.default_rng([self._drawn_by, trial.number])
        member = self._members.random((), rng)
        return params if member is None else self._wanted(member)

    def _allowed(self, params: Mapping[str, Any]) -> bool:
        try:
            return self._members.allowed(codec.from_params(self._members.space, params))
        except OptunasError:  # a combination that is no member: the objective says so
            return True

    def _wanted(self, member: Any) -> dict[str, Any]:
        params = codec.to_params(self._members.space, member)
        return {name: value for name, value in params.items() if name in self._distributions}
