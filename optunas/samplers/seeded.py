"""One seed per trial: a sampler that is seeded anew by (study seed, trial number)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

__all__ = ["SeededSampler"]


class SeededSampler(BaseSampler):
    """Wraps any sampler so that a trial's suggestions depend on the history and its number alone.

    Optuna's samplers draw from one stream per process, so workers with one seed repeat each other
    and a resumed run repeats its beginning. This one makes a fresh sampler for every trial, with a
    seed mixed from the study's seed and the trial's number: what a resumed or parallel run suggests
    is what an uninterrupted one would have, given the same finished trials.

    Args:
        factory: ``factory(seed) -> BaseSampler``; the sampler must keep its state in the study,
            as all of Optuna's do.
        seed: the study's seed.

    Attributes:
        exhausted: True once a sampler of a finite space has suggested all of it.
    """

    def __init__(self, factory: Callable[[int], BaseSampler], seed: int) -> None:
        self._factory = factory
        self._seed = seed
        self._number = -1
        self._inner = factory(self._mix(0))
        self.exhausted = False

    def __str__(self) -> str:
        return f"SeededSampler({self._inner}, seed={self._seed})"

    @property
    def inner(self) -> BaseSampler:
        """The sampler of the trial at hand."""
        return self._inner

    def _mix(self, number: int) -> int:
        return zlib.crc32(f"{self._seed}:{number}".encode())

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self._number:
            self._number = trial.number
            self._inner = self._factory(self._mix(trial.number))
        return self._inner

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The wrapped sampler's search space."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The wrapped sampler's joint suggestion."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The wrapped sampler's suggestion for one parameter."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Make the trial's sampler, then run its own hook."""
        self._of(trial).before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """The wrapped sampler's hook; a sampler that has nothing left sets :attr:`exhausted`."""
        try:
            self._of(trial).after_trial(study, trial, state, values)
        except RuntimeError as error:
            # Grid and brute force call study.stop(), which works inside study.optimize only.
            if "Study.stop" not in str(error):
                raise
            self.exhausted = True

    def reseed_rng(self) -> None:
        """Nothing to do: every trial has its own seed."""
