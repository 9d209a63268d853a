"""Networks of every kind, written out and at random, for the tests of drawings."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.hyper import Hyperparameters
from optunas.space.joint import Joint
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.macro_operations import CONVOLUTIONS, MACRO_OPERATIONS, POOLS
from optunas.space.stack import Stack
from optunas.space.subnet import Block, Stage, Subnet


def conv(filters: int, kernel: int = 3, stride: int = 1, **more: Any) -> Layer:
    """A convolution with batch norm and relu."""
    return Layer("conv", filters, kernel, stride, "relu", "batch", **more)


SIX = Macro(
    (
        conv(16),
        conv(24, 5, join="add", skips=(0,)),
        Layer("sep_conv", 32, 5, 2, "gelu", "group"),
        Layer("max_pool", None, 2, 2, join="concat", skips=(1, 2)),
        Layer("dil_conv", 64, 7, 1, "silu", "none", join="add", skips=(3,)),
        Layer("identity", join="concat", skips=(2, 4)),
    ),
    (Dense(128, "relu", "batch", 0.3), Dense(96, "gelu")),
    "flatten",
)
CUT = Macro(
    (conv(16), Layer("zero"), conv(32, join="add", skips=(1,)), conv(64), Layer("zero"), conv(8)),
    (Dense(32),),
)
DEEP = Macro(
    tuple(
        conv(8 * n, join="concat" if n % 3 == 0 else "add", skips=(n // 4, n - 2))
        if n > 2 and n % 2
        else Layer("avg_pool", None, 3, 2)
        for n in range(1, 21)
    ),
    (Dense(256),),
)
PERCEPTRON = Macro((), (Dense(512, "relu", "batch", 0.2), Dense(64, "gelu")))
STAGE = Stage(24, (Block(3, 4.0), Block(5, 6.0), Block(7, 3.0)), 2, "hardswish", True)
SUBNET = Subnet(16, (STAGE, Stage(40, (Block(9, 1.0),), 1)), 960, 1280, 2, "hardswish")
LONG_SUBNET = Subnet(
    8, tuple(Stage(8 * n, (Block(3, 6.0),) * n, 1 + n % 2, "relu") for n in range(1, 13))
)
A = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|")
B = Cell.from_str("|nor_conv_1x1~0|+|skip_connect~0|none~1|+|skip_connect~0|none~1|skip_connect~2|")
TWO = Cell(
    tuple(
        Edge(source, node, operation)
        for node in range(2, 6)
        for source, operation in ((0, "sep_conv_3x3"), (node - 1, "dil_conv_5x5"))
    ),
    2,
)
STACK = Stack((A, A, B, B, B, A), (16, 32, 64), (2, 4))
STACK_OF_TWO = Stack((TWO,) * 8, (16, 32, 64), (2, 5))
SETTINGS = Hyperparameters({"lr": 0.01234567, "optimizer": "sgd", "batch_size": 64, "nested": True})

NETWORKS: dict[str, Any] = {
    "cell": A,
    "genotype": Genotype(TWO, TWO),
    "one layer": Macro((conv(16),)),
    "six layers": SIX,
    "twenty layers": DEEP,
    "zeros": CUT,
    "perceptron": PERCEPTRON,
    "nothing": Macro(),
    "subnet": SUBNET,
    "twelve stages": LONG_SUBNET,
    "stack": STACK,
    "stack of one": Stack((B,), (16,)),
    "stack of two-input cells": STACK_OF_TWO,
    "joint": Joint({"net": SIX, "train": SETTINGS}),
    "joint of settings": Joint({"train": SETTINGS}),
    "settings": SETTINGS,
}


@st.composite
def macros(draw: Any, most: int = 14) -> Macro:
    """Layers of all operations and an own one, with skips from anywhere before."""
    layers = []
    for number in range(draw(st.integers(0, most))):
        operation = draw(st.sampled_from([*MACRO_OPERATIONS, "an_own_operation_with_a_name"]))
        skips = draw(st.sets(st.integers(0, max(number - 1, 0)), max_size=4)) if number else set()
        join = draw(st.sampled_from(["add", "concat"])) if skips else "sequential"
        convolves = operation in CONVOLUTIONS
        layers.append(
            Layer(
                operation,
                draw(st.integers(1, 99999)) if operation not in (*POOLS, "identity") else None,
                draw(st.sampled_from([1, 3, 7])) if convolves or operation in POOLS else None,
                2 if operation in POOLS else draw(st.integers(1, 2)),
                draw(st.sampled_from(["relu", "gelu"])) if convolves else None,
                draw(st.sampled_from(["batch", "group", "none"])) if convolves else None,
                join,
                tuple(sorted(skips)),
            )
        )
    units = draw(st.lists(st.integers(1, 9999), max_size=4))
    dense = tuple(Dense(count, "relu6", "layer", 0.25 * (count % 2)) for count in units)
    return Macro(tuple(layers), dense, draw(st.sampled_from(["average", "max", "flatten"])))


@st.composite
def subnets(draw: Any) -> Subnet:
    """Stages of any depth."""
    blocks = st.builds(Block, st.sampled_from([1, 3, 5, 7, 31]), st.sampled_from([1, 2.5, 6, 40.0]))
    stages = st.builds(
        Stage,
        st.integers(1, 4096),
        st.lists(blocks, min_size=1, max_size=20).map(tuple),
        st.integers(1, 2),
        st.sampled_from(["relu", "hardswish"]),
        st.booleans(),
    )
    count = st.integers(0, 2048)
    return Subnet(
        draw(st.integers(1, 512)),
        tuple(draw(st.lists(stages, min_size=1, max_size=6))),
        draw(count),
        draw(count),
        draw(st.integers(1, 2)),
    )


@st.composite
def stacks(draw: Any) -> Stack:
    """Dense or two-input cells."""
    cells = [TWO, Cell(TWO.edges[:4], 2)] if draw(st.booleans()) else [A, B]
    row = draw(st.lists(st.sampled_from(cells), min_size=1, max_size=7))
    places = sorted(draw(st.sets(st.integers(1, len(row) - 1)))) if len(row) > 1 else []
    widths = tuple(itertools.accumulate([16] * (len(places) + 1)))
    return Stack(tuple(row), widths, tuple(places))
