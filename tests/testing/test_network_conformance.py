"""The conformance suite of networks on every kind of space that has some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from covering import covering
from own_pieces import OWN_SET, SCALE, NetworkSpace

from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    Float,
    HyperSpace,
    JointSpace,
    MacroSpace,
    Space,
    StackSpace,
)
from optunas.space.macro_operations import MACRO_OPERATIONS
from optunas.testing import NetworkConformance
from optunas.testing.contract import Sampled

TRAINING = HyperSpace(channels=Choice((2, 4)), lr=Float(1e-3, 0.1, log=True))
SPACES: dict[str, tuple[Space[Any], dict[str, int]]] = {
    "nb201": (NB201, {"channels": 2, "num_cells": 1}),
    "dense, own operations": (
        DenseCellSpace(OWN_SET, num_nodes=4),
        {"channels": 2, "num_cells": 1},
    ),
    "darts": (DARTS, {"channels": 2, "num_cells": 3}),
    "cells, own operations": (CellSpace(OWN_SET, num_nodes=2), {"channels": 2, "num_cells": 3}),
    "joint": (JointSpace(cell=DenseCellSpace(num_nodes=2), train=TRAINING), {"num_cells": 1}),
    "macro": (MacroSpace(filters=(4, 6, 8), units=(8, 12)), {}),
    "macro, everything": (
        MacroSpace(
            (0, 4),
            (*MACRO_OPERATIONS, SCALE),
            filters=(2, 4),
            kernels=(1, 3, 5, 7),
            strides=(1, 2),
            activations=("relu", "relu6", "gelu", "silu"),
            norms=("batch", "group", "none"),
            dense_depth=(0, 2),
            units=(4, 8),
            dense_norms=("batch", "layer", "none"),
            dropouts=(0.0, 0.25),
            readouts=("average", "max", "flatten"),
        ),
        {},
    ),
    "elastic": (
        ElasticSpace(
            widths=((4, 6), 8),
            depths=(1, 2),
            expansions=(1, 2),
            activation=("relu", "hardswish"),
            squeeze_excite=(False, True),
            stem=4,
            head=12,
            features=8,
        ),
        {},
    ),
    "stack": (StackSpace(NB201, 3, widths=(2, (4, 6), 4), num_reductions=(0, 2)), {}),
    "stack, two-input cells": (
        StackSpace(CellSpace(num_nodes=2), 3, widths=(2, 4), num_reductions=(0, 1)),
        {},
    ),
    "own": (NetworkSpace(3), {}),
}


class TestNetworks(NetworkConformance):
    num_networks = 6

    @pytest.fixture(params=SPACES.values(), ids=SPACES)
    def space(self, request: pytest.FixtureRequest) -> Space[Any]:
        space, self.settings = request.param
        return space


ONE_OF_EACH = ("nb201", "darts", "joint", "macro", "macro, everything", "elastic", "stack", "own")


class Chosen(NetworkConformance):
    """The suite on given members."""

    batch_size = 2

    def __init__(self, name: str, shape: tuple[int, ...], seed: int) -> None:
        self.space, self.settings = SPACES[name]
        self.input_shapes, self.seed = (shape,), seed
        self.members = covering(self.space, seed)
        self.num_networks = len(self.members)

    def _sampled(self, number: int) -> Sampled:
        return Sampled(self.members[number], np.random.default_rng(number), self.seed, number)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_option_of_every_parameter_runs_forward_and_backward(name: str) -> None:
    for seed, shape in enumerate(NetworkConformance.input_shapes):
        Chosen(name, shape, seed).test_networks_run_forward_and_backward()
