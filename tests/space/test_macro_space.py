"""The macro space: its parameters, sizes by hand, verbs, definitions and refusals."""

from __future__ import annotations

import json
import pickle
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_pieces import MUTE, SCALE

from optunas.errors import InvalidSpaceError
from optunas.space import Dense, Layer, Macro, MacroSpace, Operation, space_from_definition
from optunas.space.macro_operations import ACTIVATIONS, JOINS, MACRO_OPERATIONS, READOUTS

EVERYTHING = MacroSpace(
    depth=(0, 4),
    operations=(*MACRO_OPERATIONS, SCALE, MUTE),
    filters=(4, 6),
    kernels=(1, 3, 5),
    pool_kernels=(2, 3),
    strides=(1, 2),
    activations=ACTIVATIONS,
    norms=("batch", "group", "none"),
    dense_depth=(0, 2),
    units=(8, 16),
    dense_activations=("relu", "gelu"),
    dense_norms=("none", "batch", "layer"),
    dropouts=(0.0, 0.5),
    readouts=READOUTS,
)
MLP = MacroSpace(
    depth=0,
    dense_depth=(0, 3),
    units=(32, 64),
    dense_activations=("relu", "gelu"),
    dropouts=(0, 0.5),
)
SKIPS = MacroSpace(
    depth=3,
    operations=("conv", "identity"),
    filters=(4, 8),
    kernels=(3, 5),
    norms=("batch", "none"),
    skips=[(0, 3)],
    joins=("add",),
    dense_depth=(0, 1),
    readouts=("average", "max"),
)
SMALL = MacroSpace(
    depth=(1, 2),
    operations=("conv", "max_pool"),
    filters=(8, 16),
    kernels=(3,),
    pool_kernels=(2, 3),
    dense_depth=0,
)
SPACES = {"everything": EVERYTHING, "mlp": MLP, "skips": SKIPS, "small": SMALL}


def resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


# Sizes by hand: (settings of one layer) ** depth, times (1 + joins * 2 ** sources) for each layer.
SMALL_SIZE = 4 + 4 * 4 * (1 + 2 * 2)  # a conv has 2 filters, a pool 2 kernels
MLP_SIZE = 1 + 8 + 8**2 + 8**3  # 2 units, 2 activations, 2 dropouts
SKIPS_SIZE = (2 * 2 * 2 + 1) ** 3 * (1 + 1 * 2) * 2 * (1 + 2)


@pytest.mark.parametrize(
    ("space", "size"), [(SMALL, SMALL_SIZE), (MLP, MLP_SIZE), (SKIPS, SKIPS_SIZE)]
)
def test_size_is_that_by_hand_and_that_of_the_enumeration(space: MacroSpace, size: int) -> None:
    members = list(space.enumerate())
    assert space.size == size == len(members) == len(set(members))
    for member in members[:: max(len(members) // 300, 1)]:
        space.validate(member)


def test_size_of_the_default_space() -> None:
    layer = 2 * 3 * 2 + 2 + 1  # two convolutions of 3 filters and 2 kernels, 2 pools, identity
    total, networks = 0, 1
    for depth in range(1, 7):
        networks *= layer * (1 if depth == 1 else 1 + 2 * 2 ** (depth - 1))
        total += networks
    assert MacroSpace().size == total * (1 + 2)


def test_parameters_have_public_names_in_order() -> None:
    names = list(
        MacroSpace(
            depth=(1, 3),
            norms=("batch", "none"),
            activations=("relu", "gelu"),
            strides=(1, 2),
            dense_activations=("relu", "gelu"),
            dense_norms=("none", "batch"),
            dropouts=(0.0, 0.5),
            readouts=("average", "max"),
        ).parameters()
    )
    fields = ["operation", "filters", "kernel", "pool_kernel", "stride", "activation", "norm"]
    assert names[:8] == ["depth", *[f"layer1.{field}" for field in fields]]
    assert names[-9:] == [
        "layer3.join",
        "layer3.skip0",
        "layer3.skip1",
        "readout",
        "dense_depth",
        "dense1.units",
        "dense1.activation",
        "dense1.norm",
        "dense1.dropout",
    ]
    assert "layer1.join" not in names
    assert "layer2.skip1" not in names


def test_what_has_one_option_is_no_parameter() -> None:
    space = MacroSpace(2, ("conv",), filters=(8,), kernels=(3, 5), skips=False, dense_depth=0)
    assert list(space.parameters()) == ["layer1.kernel", "layer2.kernel"]
    assert space.conditions() == {}
    conv = Layer("conv", 8, 5, 1, "relu", "batch")
    assert space.decode({"layer1.kernel": 5, "layer2.kernel": 5}) == Macro((conv, conv))


def test_parameters_that_count_follow_depth_operation_and_join() -> None:
    space = MacroSpace(depth=(1, 3), dense_depth=(0, 1))
    values = {name: p.first for name, p in space.parameters().items()}
    assert values["depth"] == 1
    base = ["depth", "layer1.operation", "layer1.filters", "layer1.kernel", "dense_depth"]
    assert space.active(values) == base
    assert space.active({**values, "layer1.operation": "identity"}) == [*base[:2], "dense_depth"]
    deeper = {**values, "depth": 2, "layer2.operation": "max_pool", "dense_depth": 1}
    second = ["layer2.operation", "layer2.pool_kernel", "layer2.join"]
    assert space.active(deeper) == [*base[:4], *second, "dense_depth", "dense1.units"]
    assert "layer2.skip0" in space.active({**deeper, "layer2.join": "add"})


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_members_go_through_every_form(name: str, seed: int) -> None:
    space = SPACES[name]
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    space.validate(a)
    values = space.encode(a)
    assert list(values) == list(space.parameters())
    space.check(values)
    assert space.canonical(values) == values
    assert space.decode(values) == a
    assert space.from_json(space.to_json(a)) == a
    assert pickle.loads(pickle.dumps(a)) == a
    assert space.digest(space.from_json(space.to_json(a))) == space.digest(a)
    assert space.features(a).shape == space.features(b).shape
    child = space.crossover(a, b, rng)
    space.validate(child)
    theirs = space.encode(b)
    active = space.active(space.encode(child))
    assert all(space.encode(child)[key] in (values[key], theirs[key]) for key in active)


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_mutation_changes_one_parameter_that_counts(name: str, seed: int) -> None:
    space = SPACES[name]
    rng = np.random.default_rng(seed)
    a = space.sample(rng)
    b = space.mutate(a, rng)
    space.validate(b)
    before, after = space.encode(a), space.encode(b)
    both = set(space.active(before)) & set(space.active(after))
    assert len([key for key in both if before[key] != after[key]]) == 1


def test_samples_are_uniform_and_reach_every_option() -> None:
    rng = np.random.default_rng(0)
    members = [SMALL.sample(rng) for _ in range(2000)]
    deep = [m for m in members if len(m.layers) == 2]
    assert 900 < len(deep) < 1100
    assert 250 < sum(m.layers[1].join == "add" for m in deep) < 420
    assert len(set(members)) == SMALL_SIZE


def test_decoding_gives_plain_objects() -> None:
    values = {"depth": np.int64(1), "layer1.operation": "conv", "layer1.filters": 16.0}
    macro = SMALL.decode(SMALL.canonical(values))
    assert type(macro.layers[0].filters) is int
    assert macro == Macro((Layer("conv", 16, 3, 1, "relu", "batch"),))
    assert type(MLP.decode({**MLP.encode(Macro((), (Dense(32),)))}).dense[0].dropout) is float


@pytest.mark.parametrize("name", SPACES)
def test_definitions_bring_back_an_equal_space(name: str) -> None:
    space = SPACES[name]
    again = space_from_definition(json.loads(json.dumps(space.definition())), resolve)
    assert again == space
    assert hash(again) == hash(space)
    assert again.definition() == space.definition()
    copy = pickle.loads(pickle.dumps(space))
    assert copy == space
    rng, other = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(20):
        a, b = space.sample(rng), again.sample(other)
        assert a == b
        assert a.operations == b.operations
        assert space.digest(a) == again.digest(b) == copy.digest(a)


def test_spaces_differ_in_any_argument() -> None:
    spaces = [
        MacroSpace(),
        MacroSpace(depth=(1, 5)),
        MacroSpace(skips=False),
        MacroSpace(skips=[(0, 2)]),
        MacroSpace(strides=(1, 2)),
        MacroSpace(filters=(64, 32, 16)),
    ]
    assert len(set(spaces)) == len(spaces)
    assert MacroSpace(depth=[1, 6], filters=[16, 32, 64]) == MacroSpace()


def test_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(MacroSpace()) == "MacroSpace()"
    space = MacroSpace(3, ["conv", "identity"], filters=(8, 16), skips=[(0, 2), (1, 3)])
    assert repr(space) == (
        "MacroSpace(depth=(3, 3), operations=['conv', 'identity'], filters=(8, 16), "
        "skips=((0, 2), (1, 3)))"
    )
    assert eval(repr(space)) == space


def test_a_subclass_is_stored_by_reference() -> None:
    space = Deeper()
    stored = json.loads(json.dumps(space.definition()))
    assert stored["kind"] == "custom"
    assert space_from_definition(stored, resolve) == space


class Deeper(MacroSpace):
    """A user's subclass, importable by name."""


def test_an_own_lambda_cannot_be_stored() -> None:
    own = Operation("mine", lambda c_in, c_out, stride: None)
    with pytest.raises(InvalidSpaceError, match="lambda"):
        MacroSpace(operations=("conv", own)).definition()


def test_no_joins_are_no_skips() -> None:
    assert MacroSpace(joins=()).parameters() == MacroSpace(skips=False).parameters()
    assert set(JOINS) == {"add", "concat"}


def test_a_space_with_a_single_linear_model_and_more() -> None:
    space = MacroSpace(depth=0, dense_depth=(0, 1), units=(8,))
    assert list(space.enumerate()) == [Macro(), Macro(dense=(Dense(8),))]
