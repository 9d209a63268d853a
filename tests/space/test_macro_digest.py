"""Which macros are one network: rewrites that keep the digest, near misses that do not.

Whether equal digests are equal functions is tested on networks, in ``tests/nets``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from own_pieces import MUTE, SCALE

from optunas.space import Dense, Layer, Macro, MacroSpace
from optunas.space.macro_digest import macro_digest
from optunas.space.macro_graph import ZERO, Join, live_graph

SPACE = MacroSpace(
    depth=(0, 5),
    operations=("conv", "dil_conv", "max_pool", "avg_pool", "identity", "zero", SCALE, MUTE),
    filters=(4, 6),
    kernels=(1, 3),
    pool_kernels=(2,),
    strides=(1, 2),
    norms=("batch", "none"),
    dense_depth=(0, 1),
    units=(8, 16),
    dropouts=(0.0, 0.5),
    readouts=("average", "max", "flatten"),
)
CONV = Layer("conv", 4, 3, 1, "relu", "batch")
WIDE = replace(CONV, filters=6)
POOL = Layer("max_pool", kernel=2, stride=2)
SAME = Layer("identity")
CUT = Layer("zero")


def add(layer: Layer, *skips: int) -> Layer:
    return replace(layer, join="add", skips=skips)


def concat(layer: Layer, *skips: int) -> Layer:
    return replace(layer, join="concat", skips=skips)


def macro(*layers: Layer, readout: str = "average", dense: tuple[Dense, ...] = ()) -> Macro:
    return Macro(layers, dense, readout, (SCALE, MUTE))


EQUAL = {
    "an identity vanishes": (macro(CONV, SAME, POOL), macro(CONV, POOL)),
    "an identity vanishes under a skip": (
        macro(SAME, CONV, SAME, add(CONV, 0, 2)),
        macro(SAME, CONV, SAME, add(CONV, 1, 2)),
    ),
    "a join without skips is sequential": (macro(CONV, add(CONV)), macro(CONV, concat(CONV))),
    "without skips, as sequential": (macro(CONV, concat(CONV)), macro(CONV, CONV)),
    "a layer before a zero is dead": (macro(CONV, CUT), macro(replace(CONV, kernel=1), CUT)),
    "and has no window, where nothing reads it": (
        macro(WIDE, CONV, CUT, add(CONV, 0)),
        macro(CONV, CONV, CUT, add(CONV, 0)),
    ),
    "a pool of zeros is zero": (macro(CONV, CUT, POOL), macro(CONV, POOL, CUT)),
    "a zero adds nothing": (macro(CONV, CUT, add(POOL, 1)), macro(CONV, POOL)),
    "a projected zero adds nothing": (
        macro(WIDE, CUT, CONV, add(CONV, 2)),
        macro(WIDE, CUT, CONV, CONV),
    ),
    "a sum of zeros is zero": (macro(CUT, CUT, add(CONV, 0, 1)), macro(CUT, CUT, add(CONV, 0))),
    "zeros side by side are one block": (
        macro(CONV, CUT, CUT, concat(CONV, 1, 2)),
        macro(CONV, replace(CONV, filters=8), CUT, concat(CONV, 1)),
    ),
    "an own zero is a zero": (
        macro(CONV, Layer("mute", 4), add(POOL, 1)),
        macro(CONV, CUT, add(POOL, 1)),
    ),
    "a window of 1 has no dilation": (
        macro(Layer("dil_conv", 4, 1, 1, "relu", "batch")),
        macro(Layer("conv", 4, 1, 1, "relu", "batch")),
    ),
    "all readouts of zeros but flatten": (macro(CONV, CUT), macro(CONV, CUT, readout="max")),
    "the input alone, flattened": (macro(SAME, readout="flatten"), Macro()),
    "dropout 0 and 0.0": (
        macro(CONV, dense=(Dense(8, dropout=0),)),
        macro(CONV, dense=(Dense(8, dropout=0.0),)),
    ),
    "an add whose terms swap places": (
        macro(CONV, CONV, CUT, add(SAME, 1), add(CONV, 2)),
        macro(CONV, CONV, SAME, add(SAME), add(CONV, 1)),
    ),
}
DIFFERENT = {
    "another window": (macro(CONV), macro(replace(CONV, kernel=1))),
    "another width": (macro(CONV), macro(WIDE)),
    "another stride": (macro(CONV), macro(replace(CONV, stride=2))),
    "another norm": (macro(CONV), macro(replace(CONV, norm="none"))),
    "another activation": (macro(CONV), macro(replace(CONV, activation="gelu"))),
    "a window that is dilated": (macro(CONV), macro(replace(CONV, operation="dil_conv"))),
    "another pool": (macro(POOL), macro(Layer("avg_pool", kernel=2, stride=2))),
    "another pool window": (macro(POOL), macro(replace(POOL, kernel=3))),
    "another order": (macro(CONV, WIDE), macro(WIDE, CONV)),
    "a zero kept by its width in a concat": (
        macro(CONV, CUT, CONV, concat(CONV, 2)),
        macro(CONV, CUT, CONV, CONV),
    ),
    "zeros of another width in a concat": (
        macro(CONV, CUT, CONV, concat(CONV, 2)),
        macro(WIDE, CUT, CONV, concat(CONV, 2)),
    ),
    "a convolution of zeros of another width": (
        macro(CONV, CUT, CONV),
        macro(WIDE, CUT, CONV),
    ),
    "a pool that adds nothing but a halving": (
        macro(CONV, CUT, POOL, add(CONV, 1)),
        macro(CONV, CUT, add(CONV, 1)),
    ),
    "a sum and a concatenation": (macro(CONV, add(CONV, 0)), macro(CONV, concat(CONV, 0))),
    "one source more": (macro(CONV, CONV, add(CONV, 0)), macro(CONV, CONV, add(CONV, 0, 1))),
    "a source that counts twice": (
        macro(CONV, SAME, add(CONV, 1)),
        macro(CONV, SAME, CONV),
    ),
    "another source": (macro(CONV, CONV, add(CONV, 0)), macro(CONV, CONV, add(CONV, 1))),
    "an order in a concatenation": (
        macro(CONV, WIDE, CUT, concat(SAME, 1), concat(CONV, 2)),
        macro(CONV, WIDE, CUT, concat(SAME, 2), concat(CONV, 1)),
    ),
    "another readout": (macro(CONV), macro(CONV, readout="max")),
    "zeros flattened": (macro(CONV, CUT), macro(CONV, CUT, readout="flatten")),
    "the input averaged": (macro(SAME), Macro()),
    "another dense width": (macro(CONV, dense=(Dense(8),)), macro(CONV, dense=(Dense(16),))),
    "another dropout": (
        macro(CONV, dense=(Dense(8),)),
        macro(CONV, dense=(Dense(8, dropout=0.5),)),
    ),
    "an own operation": (macro(Layer("scale", 4)), macro(Layer("scale", 6))),
    "an own operation's stride": (macro(Layer("scale", 4)), macro(Layer("scale", 4, stride=2))),
}


def digest(one: Macro) -> str:
    return macro_digest(one, ("mute",))


@pytest.mark.parametrize("name", EQUAL)
def test_rewrites_keep_the_digest(name: str) -> None:
    one, other = EQUAL[name]
    assert digest(one) == digest(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_near_misses_do_not(name: str) -> None:
    one, other = DIFFERENT[name]
    assert digest(one) != digest(other)


def with_identity(one: Macro, at: int) -> Macro:
    """An identity after node ``at``; the skips are renumbered, and from ``at`` take either."""
    layers = []
    for layer in one.layers[at:]:
        skips = tuple(node if node <= at else node + 1 for node in layer.skips)
        layers.append(replace(layer, skips=skips))
    return replace(one, layers=(*one.layers[:at], SAME, *layers))


def test_an_identity_anywhere_keeps_the_digest() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        one = SPACE.sample(rng)
        if one.layers:
            other = with_identity(one, int(rng.integers(len(one.layers) + 1)))
            assert SPACE.digest(other) == SPACE.digest(one), (str(one), str(other))


def test_what_a_live_graph_leaves_out_may_be_anything() -> None:
    """Fields of a dead layer that decide no shape: kernel, norm, activation, its skips."""
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(900):
        one = SPACE.sample(rng)
        live = {node.layer for node in live_graph(one, ("mute",)).nodes}
        for number, layer in enumerate(one.layers, start=1):
            if number in live or layer.kernel is None or layer.operation.endswith("pool"):
                continue
            other = replace(layer, kernel=4 - layer.kernel, norm="group", activation="silu")
            if layer.join == "add":
                other = replace(other, join="sequential", skips=())
            layers = (*one.layers[: number - 1], other, *one.layers[number:])
            assert SPACE.digest(replace(one, layers=layers)) == SPACE.digest(one)
            changed += 1
    assert changed > 100


def test_a_live_graph_is_numbered_in_the_order_of_the_layers() -> None:
    graph = live_graph(macro(CONV, CUT, add(WIDE, 1), CUT, add(POOL, 0)))
    (sum_of_one, pool) = graph.nodes
    assert isinstance(sum_of_one, Join)
    # The third layer is cut off; of it the last sum keeps the shape, which the input is brought to.
    assert sum_of_one.shape == (0, 6, 0)
    assert [term.source for term in sum_of_one.terms] == [0]
    assert pool.shape == (0, 6, 1)
    assert (graph.output, graph.connected) == (2, True)
    nothing = live_graph(macro(CONV, CUT))
    assert (nothing.nodes, nothing.output, nothing.shape) == ((), ZERO, (0, 4, 0))


@pytest.mark.parametrize(
    ("one", "connected"),
    [
        (Macro(), True),
        (macro(SAME), True),
        (macro(CUT), False),
        (macro(CONV, CUT, POOL), False),
        (macro(CONV, CUT, CONV), False),
        (macro(CONV, CUT, add(CONV, 0)), True),
        (macro(CONV, CUT, concat(SAME, 1)), True),
        (macro(CONV, CUT, CONV, CUT, add(CONV, 2, 3)), False),
        (macro(CONV, Layer("mute", 4)), False),
        (macro(CONV, Layer("scale", 4)), True),
    ],
)
def test_connected_is_whether_the_input_reaches_the_output(one: Macro, connected: bool) -> None:
    assert SPACE.is_connected(one) is connected


def test_digest_of_what_is_no_member_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="a skip from the later layer 7"):
        SPACE.digest(macro(CONV, add(CONV, 7)))
    with pytest.raises(ValueError, match=r"layer1\.filters of a conv must be"):
        SPACE.digest(macro(replace(CONV, filters=None)))
