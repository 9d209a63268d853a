"""The terms of networks agree with what is built, counted and dead."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import optunas
from optunas import DARTS, NB201, OFA_MOBILENET_V3, DenseCellSpace, ElasticSpace, MacroSpace
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.metrics import flops
from optunas.metrics.predicted.design import design_of, network_of
from optunas.metrics.predicted.terms import Term, terms_of
from optunas.metrics.predicted.work import conv, linear, total
from optunas.space import Cost, Operation, StackSpace
from optunas.space.cell import Cell, Edge

SMALL = ElasticSpace(
    widths=((8, 12), (16, 24)),
    strides=(1, 2),
    depths=(1, 2),
    kernels=(3, 5),
    expansions=(1, 2),
    squeeze_excite=(False, True),
    stem=8,
    features=12,
)
MACRO = MacroSpace(
    depth=(2, 4),
    operations=("conv", "dil_conv", "sep_conv", "max_pool", "avg_pool", "identity"),
    filters=(4, 8),
    strides=(1, 2),
    norms=("batch", "group", "none"),
    units=(6,),
)
STACK = StackSpace(NB201, num_cells=3, widths=((4, 6), (8, 12)), num_reductions=1)

SPACES: dict[str, tuple[Any, tuple[int, ...], dict[str, int]]] = {
    "cells": (NB201, (3, 9, 7), {"channels": 4, "num_cells": 2}),
    "genotypes": (DARTS, (3, 9, 7), {"channels": 4, "num_cells": 4}),
    "subnets": (SMALL, (3, 9, 7), {}),
    "once for all": (OFA_MOBILENET_V3, (3, 33, 32), {}),
    "macros": (MACRO, (3, 9, 7), {}),
    "stacks": (STACK, (3, 9, 7), {}),
}


@pytest.mark.parametrize("kind", SPACES)
def test_the_terms_work_is_the_networks_cost(kind: str) -> None:
    space, shape, counts = SPACES[kind]
    rng = np.random.default_rng(0)
    for _ in range(30):
        member = space.sample(rng)
        counted = terms_of(member, shape, 5, **counts)
        macs = sum(one.times * one.term.work.macs for one in counted)
        assert 2 * macs == flops(member, shape, 5, **counts)
        assert all(0 <= one.used <= one.times for one in counted)


@pytest.mark.parametrize("kind", [kind for kind in SPACES if kind != "once for all"])
def test_steps_grow_with_the_modules_of_the_network(kind: str) -> None:
    """Convolutions, norms and the like that the built network runs, and the terms' steps."""
    space, shape, counts = SPACES[kind]
    rng = np.random.default_rng(1)
    steps, modules = [], []
    for _ in range(12):
        member = space.sample(rng)
        network = optunas.build(member, shape, 5, **counts)
        kinds = (nn.Conv2d, nn.modules.batchnorm._NormBase, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d)
        modules.append(sum(isinstance(module, kinds) for module in network.modules()))
        steps.append(sum(c.times * c.term.work.steps for c in terms_of(member, shape, 5, **counts)))
    assert np.corrcoef(steps, modules)[0, 1] > 0.8


def cell(*edges: tuple[int, int, str]) -> Cell:
    return Cell(tuple(Edge(*edge) for edge in edges))


def test_what_the_output_does_not_depend_on_is_not_used() -> None:
    architecture = cell(
        (0, 1, "nor_conv_3x3"),
        (0, 2, "nor_conv_1x1"),
        (1, 2, "skip_connect"),
        (0, 3, "avg_pool_3x3"),
        (1, 3, "none"),
        (2, 3, "none"),
    )
    found = {c.term.name: (c.times, c.used) for c in terms_of(architecture, (3, 8, 8), 5, 4, 1)}
    # Of three cells, one a resolution: each name's last one.
    assert found["avg_pool_3x3"] == (1, 1)
    assert found["nor_conv_3x3"] == found["nor_conv_1x1"] == found["skip_connect"] == (1, 0)
    assert found["add"] == (1, 0)
    assert "none" not in found


def test_sums_at_nodes_are_terms() -> None:
    architecture = cell(
        (0, 1, "skip_connect"),
        (0, 2, "skip_connect"),
        (1, 2, "skip_connect"),
        (0, 3, "skip_connect"),
        (1, 3, "skip_connect"),
        (2, 3, "nor_conv_1x1"),
    )
    counted = terms_of(architecture, (3, 8, 8), 5, 4, 2)
    adds = {(c.term.channels_in, c.term.height): c.times for c in counted if c.term.name == "add"}
    assert adds == {(4, 8): 6, (8, 4): 6, (16, 2): 6}  # three a cell, two cells a stage


def test_equal_terms_add_up_and_keys_tell_terms_apart() -> None:
    counted = terms_of(NB201.sample(np.random.default_rng(0)), (3, 8, 8), 5, 4, 1)
    network = network_of([*counted, *counted])
    assert all(network.terms[c.term][0] >= 2 * c.times for c in counted)
    design = design_of([network])
    assert design.built.sum() == 2 * sum(c.times for c in counted)
    assert len({term.key for term in design.terms}) == len(design.terms)
    assert design.by_name().sum() == len(design.terms)
    assert design_of([network], design.terms[:2]).built.shape == (1, 2)


def test_work_of_known_layers() -> None:
    # A 3x3 convolution, 4 to 8 channels, 10x10 to 5x5 pixels, with a norm behind.
    found = conv(4, 8, 3, 100, 25)
    assert found.dense == found.macs == 9 * 4 * 8 * 25
    assert found.traffic == 4 * 100 + 9 * 4 * 8 + 3 * 8 * 25
    assert found.steps == 2
    assert conv(4, 4, 5, 100, 100, groups=4).depthwise == 25 * 4 * 100
    assert conv(4, 8, 1, 25, 25).pointwise == 4 * 8 * 25
    assert total(found, linear(10, 3)).macs == found.macs + 30
    assert total() == (0, 0, 0, 0, 0, 0)


def double(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels_in, channels_out, 3, stride, 1)


def stated(c_in: int, c_out: int, stride: int, height: int, width: int) -> Cost:
    return Cost(0, 1000)


def test_own_operations_are_terms_by_name_and_are_never_built() -> None:
    own = Operation("mine", double)
    priced = Operation("priced", double, stated)
    space = DenseCellSpace([own, priced, "skip_connect"], num_nodes=3)
    member = space.decode(dict.fromkeys(space.parameters(), "mine") | {"edge0-1": "priced"})
    counted = terms_of(member, (3, 8, 8), 5, 4, 1)
    work = {c.term.name: c.term.work for c in counted}
    assert work["mine"].macs == 0
    assert work["priced"].macs == 1000
    assert sum(c.times for c in counted if c.term.name == "mine") == 3 * 2


def test_a_joint_value_brings_width_and_depth() -> None:
    space = optunas.JointSpace(
        cell=NB201, hp=optunas.HyperSpace(channels=optunas.Choice((4, 8)), lr=optunas.Float(0, 1))
    )
    member = space.sample(np.random.default_rng(0))
    width = space.parts(member)[1]["channels"]
    assert terms_of(member, (3, 8, 8), 5) == terms_of(member["cell"], (3, 8, 8), 5, width)


def test_what_has_no_plan() -> None:
    with pytest.raises(InvalidArchitectureError, match="known of a Cell, Genotype, Stack, Macro"):
        terms_of({"own": 1}, (3, 8, 8), 5)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="widths and depths of its own, got channels=4"):
        terms_of(SMALL.sample(np.random.default_rng(0)), (3, 8, 8), 5, 4)


def test_no_torch() -> None:
    code = (
        "import sys, numpy, optunas; from optunas.metrics.predicted import LatencyModel, terms_of;"
        "a = optunas.NB201.sample(numpy.random.default_rng(0));"
        "assert terms_of(a, (3, 8, 8), 5); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_single_operations_run_where_they_stand() -> None:
    from optunas.metrics.predicted.single import operation_module, operation_shape

    rng = np.random.default_rng(0)
    missing = set()
    for space, shape, counts in SPACES.values():
        for _ in range(5):
            for counted in terms_of(space.sample(rng), shape, 5, **counts):
                module = operation_module(counted)
                if module is None:
                    missing.add(counted.term.name)
                    continue
                term: Term = counted.term
                given = module.eval()(torch.zeros(2, *operation_shape(term)))
                if term.name != "squeeze_excite":
                    assert given.shape[1] == term.channels_out
    assert missing <= {
        *("skip_connect", "head", "classifier", "concat"),
        *("readout_average", "readout_max"),
    }
