"""Optuna's own conformance suite on the samplers that learn, without a space."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from optunas.samplers.reinforce import ReinforceSampler
from optunas.samplers.surrogate import SurrogateSampler

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")


class TestReinforce(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ReinforceSampler(hidden_size=4, batch_size=2, seed=3)


class TestSurrogate(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SurrogateSampler(
            regressor="bayesian_ridge", startup_trials=2, candidates=10, seed=3
        )
