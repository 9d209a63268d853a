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
"""

from optunas.samplers.by_name import SAMPLERS, generation_key, make_sampler, population_size
from optunas.samplers.own import OWN, Given
from optunas.samplers.seeded import SeededSampler

__all__ = [
    "OWN",
    "SAMPLERS",
    "Given",
    "SeededSampler",
    "generation_key",
    "make_sampler",
    "population_size",
]
