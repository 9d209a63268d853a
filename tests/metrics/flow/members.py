"""Small members of every kind of space, with own operations among them."""

from __future__ import annotations

from typing import Any

from torch import nn

from optunas.space import (
    NB201,
    CellSpace,
    Choice,
    DenseCellSpace,
    ElasticSpace,
    HyperSpace,
    JointSpace,
    MacroSpace,
    Operation,
    StackSpace,
)
from optunas.space.macro_operations import ACTIVATIONS, MACRO_OPERATIONS, NORMS, READOUTS
from optunas.space.operations import VOCABULARY


def block(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Steps of every sort: a bias, an activation in place, a dropout, one that keeps its input."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1),
        nn.BatchNorm2d(channels_out),
        nn.GELU(),
        nn.Conv2d(channels_out, channels_out, 1, bias=False),
        nn.ReLU(inplace=True),
        nn.Dropout(0.1),
    )


BLOCK = Operation("block", block)
SOME: dict[str, Any] = {"widths": ((2, 4), 4, 6), "num_reductions": (0, 2)}
SPACES: dict[str, Any] = {
    "dense": DenseCellSpace(VOCABULARY),
    "two-input": CellSpace(VOCABULARY, num_nodes=3),
    "own operation": DenseCellSpace(("none", "skip_connect", "max_pool_3x3", BLOCK)),
    "stack": StackSpace(NB201, 3, **SOME),
    "stack of two-input": StackSpace(CellSpace(VOCABULARY, num_nodes=2), 3, **SOME),
    "macro": MacroSpace(
        depth=(0, 5),
        operations=(*MACRO_OPERATIONS, BLOCK),
        filters=(1, 4, 6),
        kernels=(1, 3, 5),
        pool_kernels=(2, 3),
        strides=(1, 2),
        activations=ACTIVATIONS,
        norms=NORMS,
        dense_depth=(0, 2),
        units=(3, 8),
        dense_activations=ACTIVATIONS,
        dense_norms=("none", "batch", "layer"),
        dropouts=(0.0, 0.5),
        readouts=READOUTS,
    ),
    "elastic": ElasticSpace(
        (4, (6, 8)),
        depths=(1, 2),
        kernels=(3, 5),
        expansions=(1, 1.5, 3),
        activation=("relu", "hardswish"),
        squeeze_excite=(False, True),
        stem=4,
        head=12,
        features=10,
    ),
    "joint": JointSpace(
        cell=NB201, train=HyperSpace(channels=Choice((4, 6)), num_cells=Choice((1, 2)))
    ),
}
SHAPE = (3, 9, 7)


def counts(name: str) -> dict[str, int]:
    """Width and depth for those that take them."""
    takes = name in ("dense", "two-input", "own operation")
    return {"channels": 6, "num_cells": 2} if takes else {}
