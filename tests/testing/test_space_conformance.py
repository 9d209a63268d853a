"""The conformance suite on every kind of space."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from own_pieces import OWN_SET, SCALE, DivisorSpace
from own_pieces import StackSpace as OwnStackSpace

from optunas.space import (
    DARTS,
    NB201,
    OFA_MOBILENET_V3,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    Float,
    HyperSpace,
    Int,
    JointSpace,
    MacroSpace,
    Space,
    StackSpace,
    When,
    group,
)
from optunas.space.macro_operations import MACRO_OPERATIONS
from optunas.space.training import training_space
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
    "macro": MacroSpace(),
    "macro, two layers": MacroSpace((0, 2), ("conv", "zero"), filters=(4, 8), kernels=(3,)),
    "macro, everything": MacroSpace(
        (0, 4),
        (*MACRO_OPERATIONS, SCALE),
        filters=(4, 6, 8),
        kernels=(1, 3, 5, 7),
        strides=(1, 2),
        activations=("relu", "relu6", "gelu", "silu"),
        norms=("batch", "group", "none"),
        dense_depth=(0, 2),
        dense_norms=("batch", "layer", "none"),
        dropouts=(0.0, 0.25),
        readouts=("average", "max", "flatten"),
    ),
    "macro, listed skips": MacroSpace(
        4, ("conv", "identity"), skips=((0, 3), (1, 4)), joins=("add",)
    ),
    "macro, perceptrons": MacroSpace(
        0, dense_depth=(1, 3), units=(8, 16), dense_activations=("relu", "gelu")
    ),
    "elastic": ElasticSpace(widths=((8, 12), 16, 24)),
    "elastic, one stage": ElasticSpace(widths=(4,), depths=(1, 2), kernels=(3, 5)),
    "elastic, once for all": OFA_MOBILENET_V3,
    "stack": StackSpace(),
    "stack, two cells": StackSpace(
        DenseCellSpace(num_nodes=2), 2, widths=(4, (6, 8)), num_reductions=(0, 1)
    ),
    "stack, two-input cells": StackSpace(
        CellSpace(num_nodes=2), 4, widths=((4, 6), 8, 8), num_reductions=(1, 2)
    ),
    "stack, shared": StackSpace(NB201, 5, share="stage"),
    "joint, macro": JointSpace(net=MacroSpace((1, 3)), hp=CONDITIONAL),
    "joint, elastic": JointSpace(net=ElasticSpace(widths=(8, 16)), hp=PLAIN),
    "joint, nested": JointSpace(inner=JointSpace(net=StackSpace(NB201, 3)), hp=GROUPED),
    "one member": DenseCellSpace(("skip_connect",), num_nodes=2),
    "one parameter": HyperSpace(width=Int(1, 100_000, log=True)),
    "numbers that switch numbers": HyperSpace(
        a=Choice((1, 2.5, "x")),
        b=When(Float(-2, 2, step=0.5), a=2.5),
        c=When(Float(1e-8, 1, log=True), b=(-2, 0, 2)),
    ),
    "chain": HyperSpace(
        {"p0": Int(1, 4), **{f"p{i}": When(Int(1, 4), {f"p{i - 1}": 4}) for i in range(1, 6)}}
    ),
    "training": training_space(),
    "own": OwnStackSpace(7),
    "own, integers": DivisorSpace(12),
}


class TestSpaces(SpaceConformance):
    @pytest.fixture(params=SPACES.values(), ids=SPACES)
    def space(self, request: pytest.FixtureRequest) -> Space[Any]:
        return request.param

    def test_digests_are_the_same_in_another_process(self) -> None:
        if self.space is not NB201:
            pytest.skip("A process for each space takes long; below one has them all.")
        super().test_digests_are_the_same_in_another_process()


ELSEWHERE = """
import json, sys
from optunas.space import space_from_definition
from optunas.testing.processes import resolve

found = []
for definition, texts in json.load(sys.stdin):
    space = space_from_definition(definition, resolve)
    members = [space.from_json(text) for text in texts]
    found.append([[space.digest(a), space.structure_digest(a)] for a in members])
print(json.dumps(found))
"""


def test_digests_of_every_space_are_the_same_in_another_process() -> None:
    asked, wanted = [], []
    for space in SPACES.values():
        members = [space.sample(np.random.default_rng(seed)) for seed in range(20)]
        asked.append((space.definition(), [space.to_json(member) for member in members]))
        wanted.append([[space.digest(a), space.structure_digest(a)] for a in members])
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=json.dumps(asked),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == wanted


SIZES: dict[str, tuple[Space[Any], int | float]] = {
    "NAS-Bench-201": (NB201, 15_625),
    "DARTS": (DARTS, 1_037_664_180**2),
    "Once-for-All, MobileNetV3": (OFA_MOBILENET_V3, 7_371**5),
    # momentum 0.5, or 0.9 with and without nesterov; or adam: 3 + 1, times three rates.
    "hyper, conditional": (CONDITIONAL, (3 + 1) * 3),
    "joint, conditional": (SPACES["joint, conditional"], 5**3 * 12),
    "hyper, grouped in steps": (
        HyperSpace(
            group(
                "model",
                {
                    "svm": {"C": Int(1, 9), "kernel": Choice(("rbf", "poly")),
                            "degree": When(Int(2, 4), kernel="poly")},
                    "knn": {"k": Int(1, 30)},
                    "dummy": {},
                },
            ),
            scale=Choice((True, False)),
        ),
        2 * (9 * (1 + 3) + 30 + 1),
    ),
    # A chain: depth 1 has one width, depth 2 two, depth 3 three.
    "hyper, depth": (
        HyperSpace(
            depth=Int(1, 3),
            width1=Choice((8, 16)),
            width2=When(Choice((8, 16)), depth=(2, 3)),
            width3=When(Choice((8, 16)), depth=3),
        ),
        2 + 4 + 8,
    ),
    "hyper, chain": (SPACES["chain"], 5 * 3 + 4),
    "hyper, continuous": (CONTINUOUS, math.inf),
    "hyper, continuous where it counts": (GROUPED, math.inf),
}  # fmt: skip


@pytest.mark.parametrize(("space", "size"), SIZES.values(), ids=SIZES)
def test_golden_sizes(space: Space[Any], size: int | float) -> None:
    assert space.size == size
    assert type(space.size) is type(size)
