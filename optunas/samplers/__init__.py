"""Samplers: Optuna's by name, seeded so that resumed and parallel runs never repeat each other."""

from optunas.samplers.by_name import SAMPLERS, make_sampler, population_size
from optunas.samplers.seeded import SeededSampler

__all__ = ["SAMPLERS", "SeededSampler", "make_sampler", "population_size"]
