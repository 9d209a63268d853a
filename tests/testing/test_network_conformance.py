"""The conformance suite of networks on every kind of space that has some."""

from __future__ import annotations

from typing import Any

import pytest
from own_pieces import OWN_SET, NetworkSpace

from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    JointSpace,
    Space,
)
from optunas.testing import NetworkConformance

TRAINING = HyperSpace(channels=Choice((2, 4)), lr=Float(1e-3, 0.1, log=True))
SPACES: dict[str, tuple[Space[Any], dict[str, int]]] = {
    "nb201": (NB201, {"channels": 2, "num_cells": 1}),
    "dense, own operations": (
        DenseCellSpace(OWN_SET, num_nodes=4),
        {"channels": 2, "num_cells": 1},
    ),
    "darts": (DARTS, {"channels": 2, "num_cells": 3}),
    "cells, own operations": (CellSpace(OWN_SET, num_nodes=2), {"channels": 2, "num_cells": 3}),
    "joint": (JointSpace(cell=DenseCellSpace(num_nodes=3), train=TRAINING), {"num_cells": 1}),
    "own": (NetworkSpace(3), {}),
}


class TestNetworks(NetworkConformance):
    @pytest.fixture(params=SPACES.values(), ids=SPACES)
    def space(self, request: pytest.FixtureRequest) -> Space[Any]:
        space, self.settings = request.param
        return space


@pytest.mark.slow
@pytest.mark.parametrize(("space", "settings"), SPACES.values(), ids=SPACES)
def test_two_hundred_networks_run_forward_and_backward(
    space: Space[Any], settings: dict[str, int]
) -> None:
    suite = NetworkConformance()
    suite.space, suite.settings = space, settings
    suite.num_networks, suite.batch_size, suite.seed = 200, 2, 1
    suite.test_networks_run_forward_and_backward()
