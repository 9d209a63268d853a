"""Optuna's own conformance suite on the classical samplers, without a space."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from optunas.samplers.architecture_nsga2 import ArchitectureNSGAII
from optunas.samplers.evolution import RegularizedEvolutionSampler
from optunas.samplers.local_search import LocalSearchSampler
from optunas.samplers.unique_random import UniqueRandomSampler

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")


class TestUniqueRandom(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: UniqueRandomSampler(seed=3)


class TestRegularizedEvolution(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: RegularizedEvolutionSampler(
            population_size=2, tournament=2, crossover_rate=0.5, seed=3
        )


class TestLocalSearch(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: LocalSearchSampler(patience=3, seed=3)


class TestArchitectureNSGAII(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ArchitectureNSGAII(population_size=2, seed=3)
