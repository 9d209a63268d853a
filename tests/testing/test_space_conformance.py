"""The conformance suite on every kind of space."""

from __future__ import annotations

from typing import Any

import pytest
from own_pieces import OWN_SET, StackSpace

from optunas.space import (
    DARTS,
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    Space,
    When,
    group,
)
from optunas.testing import SpaceConformance

PLAIN = HyperSpace(
    optimizer=Choice(("sgd", "adam")), width=Int(4, 16, 4), drop=Float(0.0, 0.3, step=0.1)
)
CONTINUOUS = HyperSpace(lr=Float(1e-4, 0.1, log=True), nesterov=Choice((True, False)))
CONDITIONAL = HyperSpace(
    optimizer=Choice(("sgd", "adam")),
    lr=Int(1, 3),
    momentum=When(Choice((0.5, 0.9)), optimizer="sgd"),
    nesterov=When(Choice((True, False)), momentum=0.9),
)
GROUPED = HyperSpace(
    group(
        "model",
        {
            "svm": {
                "C": Float(0.01, 100.0, log=True),
                "kernel": Choice(("rbf", "poly")),
                "degree": When(Int(2, 4), kernel="poly"),
            },
            "knn": {"k": Int(1, 30)},
        },
    )
)
SPACES: dict[str, Space[Any]] = {
    "nb201": NB201,
    "dense, two nodes": DenseCellSpace(num_nodes=2),
    "dense, three nodes": DenseCellSpace(num_nodes=3),
    "dense, own operations": DenseCellSpace(OWN_SET, num_nodes=3),
    "darts": DARTS,
    "cells, two nodes": CellSpace(("none", "skip_connect"), num_nodes=2),
    "cells, own operations": CellSpace(OWN_SET, num_nodes=1),
    "hyper": PLAIN,
    "hyper, continuous": CONTINUOUS,
    "hyper, conditional": CONDITIONAL,
    "hyper, grouped": GROUPED,
    "joint": JointSpace(cell=DenseCellSpace(num_nodes=2), hp=PLAIN),
    "joint, continuous": JointSpace(cell=DARTS, hp=CONTINUOUS),
    "joint, conditional": JointSpace(cell=DenseCellSpace(num_nodes=3), hp=CONDITIONAL),
    "joint, grouped": JointSpace(tabular=GROUPED),
    "own": StackSpace(7),
}


class TestSpaces(SpaceConformance):
    @pytest.fixture(params=SPACES.values(), ids=SPACES)
    def space(self, request: pytest.FixtureRequest) -> Space[Any]:
        return request.param
