"""Samplers: Optuna's and those that know the space, by name, seeded so that none repeats itself.

One file a sampler, named as in a study's definition (``evolution`` is ``regularized_evolution``,
``grid`` and ``large_grid`` are grid search). ``space_sampler`` is the base of those that know the
space, ``by_name`` and ``own`` make all of them, with ``optuna_options`` checked; ``seeded`` gives
each trial its own seed, ``feasible`` keeps Optuna's within limits. What they are built of, a folder
each, lower ones first:

- ``trials``: a study's trials and a space's members, as samplers see them.
- ``scalarise``: one number from several objectives; what a trial is worth.
- ``prediction``: what trials tell of members that were not tried.
- ``moves``: children, neighbours, candidates.
- ``acquisition``: how much a candidate promises.
- ``policy``: the controller that REINFORCE trains.

The classes of the samplers that know the space are names of this package too, resolved when they
are first used: ``from optunas.samplers import CheapAwareSampler``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.samplers.by_name import SAMPLERS, generation_key, make_sampler, population_size
from optunas.samplers.own import OWN, Given
from optunas.samplers.seeded import SeededSampler

if TYPE_CHECKING:
    from optunas.samplers.architecture_nsga2 import ArchitectureNSGAII
    from optunas.samplers.cheap_aware import CheapAwareSampler
    from optunas.samplers.evolution import RegularizedEvolutionSampler
    from optunas.samplers.local_search import LocalSearchSampler
    from optunas.samplers.reinforce import ReinforceSampler
    from optunas.samplers.space_sampler import SpaceSampler, View
    from optunas.samplers.surrogate import SurrogateSampler
    from optunas.samplers.unique_random import UniqueRandomSampler

__all__ = [
    "OWN",
    "SAMPLERS",
    "ArchitectureNSGAII",
    "CheapAwareSampler",
    "Given",
    "LocalSearchSampler",
    "RegularizedEvolutionSampler",
    "ReinforceSampler",
    "SeededSampler",
    "SpaceSampler",
    "SurrogateSampler",
    "UniqueRandomSampler",
    "View",
    "generation_key",
    "make_sampler",
    "population_size",
]

_HOME = {kind: module for module, kind in (where.split(":") for where in OWN.values())}
_HOME |= dict.fromkeys(("SpaceSampler", "View"), "space_sampler")
"""Class -> the module that defines it."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
