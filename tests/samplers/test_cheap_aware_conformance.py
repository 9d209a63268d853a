"""Optuna's own conformance suite on the sampler that knows the costs, without a space."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from optunas.samplers.cheap_aware import CheapAwareSampler

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")


class TestCheapAware(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: CheapAwareSampler(startup_trials=3, candidates=20, seed=3)
