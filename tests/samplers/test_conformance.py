"""Optuna's own conformance suite on samplers that are seeded anew for every trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from optunas.samplers import SeededSampler

# The suite gives studies of one objective to every sampler, and categoricals that are not strings.
pytestmark = pytest.mark.filterwarnings(
    "ignore::optuna.exceptions.ExperimentalWarning", "ignore:Choices for a categorical distribution"
)


class TestRandom(MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SeededSampler(lambda seed: RandomSampler(seed=seed), seed=3)


class TestTPE(BasicSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SeededSampler(lambda seed: TPESampler(seed=seed), seed=3)


class TestNSGAII(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SeededSampler(lambda seed: NSGAIISampler(population_size=4, seed=seed), 3)


class TestMultivariateTPE(RelativeSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SeededSampler(
            lambda seed: TPESampler(multivariate=True, n_startup_trials=0, seed=seed), seed=3
        )
