"""Samplers: Optuna's and those that know the space, by name, seeded so that none repeats itself."""

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
