"""What samplers need of Optuna that it has no public name for; a test pins it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optuna import Study
from optuna.samplers import NSGAIISampler
from optuna.trial import FrozenTrial

__all__ = ["elite_selection", "fixed_params", "set_system_attr", "study_key"]

FIXED = "fixed_params"
"""System attribute of a trial that was enqueued: its parameters, before it runs."""


def set_system_attr(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Store a system attribute of a running trial, as Optuna's own samplers do."""
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


def fixed_params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that a trial was enqueued with; empty for others."""
    return dict(trial.system_attrs.get(FIXED, {}))


def elite_selection(
    population_size: int,
) -> Callable[[Study, list[FrozenTrial]], list[FrozenTrial]]:
    """What NSGA-II selects the parents of a generation with, constraints taken into account."""
    return NSGAIISampler(population_size=population_size)._elite_population_selection_strategy


def study_key(study: Study) -> tuple[int, int]:
    """Equal for two objects of one study in one storage object."""
    return id(study._storage), study._study_id
