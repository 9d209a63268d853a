"""Layers, dense layers and macros as values: equality, text, JSON, and what is no network."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_pieces import SCALE

from optunas.errors import InvalidArchitectureError
from optunas.space import Dense, Layer, Macro
from optunas.space.macro_check import faults

CONV = Layer("conv", 16, 3, 1, "relu", "batch")
POOL = Layer("max_pool", kernel=2, stride=2)


def joined(layer: Layer, join: str, *skips: int) -> Layer:
    given = {**layer.__dict__, "join": join, "skips": skips}
    return Layer(**given)


def test_text_says_what_each_layer_is() -> None:
    macro = Macro(
        (CONV, POOL, joined(Layer("sep_conv", 32, 5, 2, "gelu", "none"), "add", 0, 1)),
        (Dense(64), Dense(32, "silu", "layer", 0.5)),
        "max",
    )
    assert str(macro) == (
        "conv 3x3 16 batch relu > max_pool 2x2 > add(0,1) sep_conv 5x5 32 /2 gelu > max > "
        "dense 64 relu > dense 32 layer silu dropout 0.5"
    )


def test_without_layers_the_readout_is_flatten() -> None:
    assert Macro() == Macro(readout="max") == Macro(readout="flatten")
    assert Macro().readout == "flatten"
    assert Macro((CONV,)).readout == "average"
    assert str(Macro(dense=(Dense(8),))) == "flatten > dense 8 relu"


def test_json_round_trip_and_what_it_holds() -> None:
    macro = Macro((CONV, POOL, joined(CONV, "concat", 0)), (Dense(64, dropout=0.25),), "flatten")
    body = json.loads(macro.to_json())
    assert body["kind"] == "macro"
    assert body["version"] == 1
    assert body["layers"][1] == {"operation": "max_pool", "kernel": 2, "stride": 2}
    assert body["layers"][2]["skips"] == [0]
    assert body["dense"] == [{"units": 64, "dropout": 0.25}]
    assert Macro.from_json(macro.to_json()) == macro
    assert pickle.loads(pickle.dumps(macro)) == macro
    assert len({macro, Macro.from_json(macro.to_json())}) == 1


def test_own_operations_are_put_back_and_do_not_count_in_equality() -> None:
    macro = Macro((Layer("scale", 8, stride=2),), operations=(SCALE,))
    again = Macro.from_json(macro.to_json(), (SCALE,))
    assert again == macro == Macro.from_json(macro.to_json())
    assert again.operations == (SCALE,)
    assert faults(again) == {}
    assert (
        "unknown operation 'scale'" in faults(Macro.from_json(macro.to_json()))["layer1.operation"]
    )


MALFORMED = {
    "a skip from a later layer": (
        (CONV, joined(CONV, "add", 3), CONV),
        "a skip from the later layer 3 to layer 2; nodes 0 to 0",
    ),
    "a skip from the layer itself": ((CONV, joined(CONV, "add", 2)), "from layer 2 to itself"),
    "a skip from the previous node": (
        (CONV, joined(CONV, "add", 1)),
        "node 1 is the previous node, which layer 2 always reads",
    ),
    "a negative skip": ((CONV, joined(CONV, "add", -1)), "tuple of node numbers"),
    "skips out of order": ((CONV, CONV, joined(CONV, "add", 1, 0)), "ascending and distinct"),
    "a skip twice": ((CONV, CONV, joined(CONV, "add", 0, 0)), "ascending and distinct"),
    "a sequential layer with skips": (
        (CONV, joined(CONV, "sequential", 0)),
        "layer2 is sequential but has skips",
    ),
    "a join that is none": ((CONV, joined(CONV, "ad", 0)), "layer2.join is 'ad'; did you mean"),
    "a first layer that joins": ((joined(CONV, "add"),), "first layer has nothing but the input"),
    "no filters": ((Layer("conv", 0, 3, 1, "relu", "batch"),), "layer1.filters of a conv must be"),
    "negative filters": ((Layer("conv", -4, 3, 1, "relu", "batch"),), "layer1.filters"),
    "filters that are a bool": ((Layer("conv", True, 3, 1, "relu", "batch"),), "layer1.filters"),
    "an even kernel": (
        (Layer("conv", 8, 4, 1, "relu", "batch"),),
        "an odd positive integer, got 4",
    ),
    "a stride of 3": ((Layer("conv", 8, 3, 3, "relu", "batch"),), "layer1.stride of a conv"),
    "a pool that does not halve": ((Layer("max_pool", kernel=2),), "layer1.stride of a max_pool"),
    "a pool of 1": ((Layer("avg_pool", kernel=1, stride=2),), "an integer from 2 on, got 1"),
    "a pool with filters": ((Layer("max_pool", 8, 2, 2),), "None, for it keeps them, got 8"),
    "a pool with a norm": (
        (Layer("max_pool", kernel=2, stride=2, norm="batch"),),
        "layer1.norm of a max_pool must be None",
    ),
    "an identity with a stride": ((Layer("identity", stride=2),), "must be 1, got 2"),
    "an activation that is none": (
        (Layer("conv", 8, 3, 1, "rely", "batch"),),
        "layer1.activation is 'rely'; did you mean 'relu'",
    ),
    "no norm": ((Layer("conv", 8, 3, 1, "relu", None),), "layer1.norm is None"),
    "an operation that is none": (
        (Layer("cnov", 8, 3, 1, "relu", "batch"),),
        "unknown operation 'cnov'; did you mean 'conv'",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_json_of_no_network_is_refused_with_a_sentence(name: str) -> None:
    layers, message = MALFORMED[name]
    macro = Macro(layers)
    assert any(message in sentence for sentence in faults(macro).values())
    with pytest.raises(InvalidArchitectureError, match="layer") as caught:
        Macro.from_json(macro.to_json())
    assert message in str(caught.value)


def test_all_problems_come_at_once_with_their_places() -> None:
    macro = Macro(
        (Layer("conv", 0, 2, 1, "relu", "batch"), joined(CONV, "add", 2)),
        (Dense(0), Dense(8, "tanh", "group", 1.0)),
        "mean",
    )
    with pytest.raises(InvalidArchitectureError, match=r"readout is 'mean'"):
        Macro.from_json(macro.to_json())
    fixed = Macro(macro.layers, macro.dense)
    with pytest.raises(InvalidArchitectureError, match=r"layer1\.filters") as caught:
        Macro.from_json(fixed.to_json())
    lines = str(caught.value).splitlines()
    places = ["layer1.filters", "layer1.kernel", "layer2.skips", "dense1.units"]
    places += ["dense2.activation", "dense2.norm", "dense2.dropout"]
    assert [line.split(" ")[0].rstrip(":") for line in lines] == places


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"kind":"cell","version":1}', "JSON of a macro, got that of a cell"),
        ('{"kind":"macro","version":7,"layers":[],"dense":[]}', "version 7"),
        ('{"kind":"macro","version":1,"layers":4}', "list of layers, got 4"),
        ('{"kind":"macro","version":1,"layers":[3],"dense":[]}', "layer1 must be an object"),
        (
            '{"kind":"macro","version":1,"layers":[{"operation":"zero","filter":3}],"dense":[]}',
            "layer1: unknown field 'filter'; did you mean 'filters'",
        ),
        ('{"kind":"macro","version":1,"layers":[{}],"dense":[]}', "operation is missing"),
        ('{"kind":"macro","version":1,"layers":[],"dense":[{}]}', "dense1: its units is missing"),
        ("nonsense", "Expected the JSON of a macro"),
    ],
)
def test_malformed_json_is_refused(body: str, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"[Mm]acro|layer|dense") as caught:
        Macro.from_json(body)
    assert message in str(caught.value)


SCALARS: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 20),
    st.floats(allow_nan=True),
    st.sampled_from(["conv", "max_pool", "zero", "relu", "batch", "add", "sequential", "x"]),
    st.lists(st.integers(-1, 4), max_size=2),
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*Layer.__dataclass_fields__, "other"]), SCALARS, max_size=8
        ),
        max_size=3,
    ),
    st.lists(st.dictionaries(st.sampled_from(["units", "norm", "dropout"]), SCALARS), max_size=2),
    SCALARS,
)
def test_any_json_is_a_macro_or_refused(layers: Any, dense: Any, readout: Any) -> None:
    body = {"kind": "macro", "version": 1, "layers": layers, "dense": dense, "readout": readout}
    try:
        macro = Macro.from_json(json.dumps(body))
    except InvalidArchitectureError:
        return  # any other error fails the test
    assert faults(macro, trust_names=True) == {}
    assert Macro.from_json(macro.to_json()) == macro


def test_what_is_no_macro_is_told() -> None:
    assert faults(3)[""] == "A macro space holds Macros, got a int."
    assert "tuple of Layers" in faults(Macro((POOL, "conv")))["layers"]  # type: ignore[arg-type]
    assert "tuple of Denses" in faults(Macro(dense=(CONV,)))["dense"]  # type: ignore[arg-type]


def test_lists_are_kept_as_tuples() -> None:
    macro = Macro([CONV, CONV, joined(CONV, "add", 0)], [Dense(8)])  # type: ignore[arg-type]
    skips: Any = [0]
    assert Layer("identity", join="add", skips=skips) == Layer("identity", join="add", skips=(0,))
    assert macro == Macro((CONV, CONV, joined(CONV, "add", 0)), (Dense(8),))
    assert hash(macro)
    assert faults(macro) == {}


def test_a_misspelt_operation_is_no_own_one() -> None:
    text = '{"kind":"macro","version":1,"layers":[{"operation":"identiy"}],"dense":[]}'
    with pytest.raises(InvalidArchitectureError, match="'identiy'; did you mean 'identity'"):
        Macro.from_json(text)
