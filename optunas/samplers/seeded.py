"""One seed per trial: a sampler that is seeded anew by (study seed, trial number)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial, TrialState

__all__ = ["SeededSampler"]

UNDER_WAY = 1000
"""Trials of one process that are held at a time."""

BARREN = ("ruled_out", "reused_from")
"""User attributes of trials that trained nothing, as the objective writes them."""

BARREN_IN_A_ROW = 2
"""After so many of them the next suggestion is drawn at random, where the sampler asks for it."""


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
        intersection: what the wrapped samplers infer their joint search space from; kept here, it
            reads each trial of one study once. None lets each infer its own, from all trials.
        gets_stuck: for a sampler that learns from COMPLETE trials alone, and without chance: where
            it finds a candidate promising that is ruled out, or pruned again, it suggests it for
            ever. After :data:`BARREN_IN_A_ROW` such trials the next one is drawn at random.

    Attributes:
        exhausted: True once a sampler of a finite space has suggested all of it.
    """

    def __init__(
        self,
        factory: Callable[[int], BaseSampler],
        seed: int,
        intersection: IntersectionSearchSpace | None = None,
        gets_stuck: bool = False,
    ) -> None:
        self._factory = factory
        self._seed = seed
        self._intersection = intersection
        self._gets_stuck = gets_stuck
        self._latest = factory(self._mix(0))
        # One for each trial under way: a caller may hold several, in threads too.
        self._inners: dict[int, BaseSampler] = {}
        self.exhausted = False

    def __str__(self) -> str:
        return f"SeededSampler({self._latest}, seed={self._seed})"

    @property
    def inner(self) -> BaseSampler:
        """The sampler of the latest trial."""
        return self._latest

    def _mix(self, number: int) -> int:
        return zlib.crc32(f"{self._seed}:{number}".encode())

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        inner = self._inners.get(trial.number)
        if inner is None:
            inner = self._latest = self._factory(self._mix(trial.number))
            self._inners[trial.number] = inner
            if len(self._inners) > UNDER_WAY:
                # Begun and never told: the oldest is forgotten.
                del self._inners[min(self._inners)]
        return inner

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The wrapped sampler's search space."""
        if self._intersection is None:
            return self._of(trial).infer_relative_search_space(study, trial)
        shared = self._intersection.calculate(study, use_cache=True)
        return {name: d for name, d in shared.items() if not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The wrapped sampler's joint suggestion; none, so independent ones, when it is stuck."""
        if self._gets_stuck and _stuck(study):
            return {}
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
        except KeyError as error:
            # Optuna's grid looks for its mark on enqueued trials too, once one point is left.
            if error.args != ("grid_id",):
                raise
        finally:
            self._inners.pop(trial.number, None)

    def reseed_rng(self) -> None:
        """Nothing to do: every trial has its own seed."""


def _stuck(study: Study) -> bool:
    ended = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    latest = ended[-BARREN_IN_A_ROW:]
    barren = [t for t in latest if any(key in t.user_attrs for key in BARREN)]
    return len(barren) == BARREN_IN_A_ROW
