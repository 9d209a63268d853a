"""What a macro space refuses: arguments that cannot be, and architectures of other spaces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_pieces import MUTE, SCALE

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, UnknownNameError
from optunas.space import Dense, Layer, Macro, MacroSpace, Operation
from optunas.space.macro_operations import MACRO_OPERATIONS, READOUTS
from optunas.space.operations import VOCABULARY

EVERYTHING = MacroSpace(
    depth=(0, 4),
    operations=(*MACRO_OPERATIONS, SCALE, MUTE),
    filters=(4, 6),
    kernels=(1, 3, 5),
    strides=(1, 2),
    norms=("batch", "none"),
    dense_depth=(0, 2),
    units=(8, 16),
    readouts=READOUTS,
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


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a reversed range": ({"depth": (6, 1)}, r"depth is reversed: got \(6, 1\), write \(1, 6\)"),
    "a reversed dense range": ({"dense_depth": (2, 0)}, "dense_depth is reversed"),
    "a negative depth": ({"depth": -1}, "depth is one integer or"),
    "three bounds": ({"depth": (1, 2, 3)}, "depth is one integer or"),
    "a bool for a depth": ({"depth": (True, 3)}, "depth is one integer or"),
    "one bool for a depth": ({"depth": True}, "depth is one integer or"),
    "a float for a depth": ({"depth": 2.0}, "depth is one integer or"),
    "a text for a depth": ({"depth": "12"}, "depth is one integer or"),
    "zero filters": ({"filters": (0, 16)}, "filters must be positive integers, got 0"),
    "negative filters": ({"filters": (-8,)}, "filters must be positive integers, got -8"),
    "a bool for filters": ({"filters": (True, 8)}, "filters must be positive integers, got True"),
    "filters twice": ({"filters": (8, 16, 8)}, "filters must be distinct, got 8 twice"),
    "no filters": ({"filters": ()}, "filters needs at least one value"),
    "one number for filters": ({"filters": 16}, r"filters is a list of .* write \[16\]"),
    "an even kernel": ({"kernels": (3, 4)}, "kernels must be odd .* got 4"),
    "a zero kernel": ({"kernels": (0,)}, "kernels must be odd .* got 0"),
    "a pool of 1": ({"pool_kernels": (1, 2)}, "pool_kernels must be integers from 2 on, got 1"),
    "a stride of 3": ({"strides": (1, 3)}, "strides must be 1 or 2, got 3"),
    "zero units": ({"units": (0,)}, "units must be positive integers"),
    "dropping all": ({"dropouts": (1.0,)}, "dropouts must be shares from 0 to below 1, got 1.0"),
    "a NaN to drop": ({"dropouts": (float("nan"),)}, "dropouts must be shares"),
    "no operations": ({"operations": ()}, "operations needs at least one value"),
    "an operation twice": ({"operations": ("conv", "conv")}, "operations must be distinct"),
    "a text for operations": ({"operations": "conv"}, r"write \['conv'\]"),
    "a text for norms": ({"norms": "batch"}, r"write \['batch'\]"),
    "an own operation of a built-in name": (
        {"operations": (Operation("conv", print),)},
        "the name 'conv' is a built-in operation's",
    ),
    "an own operation without a factory": (
        {"operations": (VOCABULARY["nor_conv_3x3"],)},
        "'nor_conv_3x3' has no factory",
    ),
    "two own operations of one name": (
        {"operations": (SCALE, Operation("scale", print, zero=True))},
        "distinct names, got scale twice",
    ),
    "a skip from a later layer": ({"skips": [(3, 2)]}, r"\(3, 2\) goes backwards"),
    "a skip from the layer itself": ({"skips": [(2, 2)]}, r"\(2, 2\) goes backwards"),
    "a skip from the previous node": ({"skips": [(1, 2)]}, r"\(1, 2\) is the previous node"),
    "a skip to no layer": ({"skips": [(0, 9)]}, "a target layer from 1 to 6"),
    "a skip from node -1": ({"skips": [(-1, 3)]}, "a source node from 0 on"),
    "a skip twice": ({"skips": [(0, 3), (0, 3)]}, r"skips must be distinct, got \(0, 3\) twice"),
    "skips that are no pairs": ({"skips": [0, 3]}, r"pair \(source node, target layer\).* got 0"),
    "skips that are a number": ({"skips": 3}, "skips is True, False or a list"),
    "nothing to search": ({"depth": 0, "dense_depth": 0}, "MacroSpace has no parameters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_cannot_be_are_refused(name: str) -> None:
    arguments, message = REFUSED[name]
    with pytest.raises(InvalidSpaceError, match=message):
        MacroSpace(**arguments)


def test_wrong_arguments_come_all_at_once() -> None:
    with pytest.raises(InvalidSpaceError, match="depth is reversed") as caught:
        MacroSpace(depth=(3, 1), filters=(0,), kernels=(2,), skips=[(5, 2)])
    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operations": ("cnov",)}, "Unknown operation 'cnov'; did you mean 'conv'"),
        ({"activations": ("rely",)}, "Unknown activation 'rely'; did you mean 'relu'"),
        ({"dense_activations": ("tanh",)}, "Unknown activation 'tanh'"),
        ({"norms": ("layer",)}, "Unknown norm 'layer'"),
        ({"dense_norms": ("group",)}, "Unknown norm of a dense layer 'group'"),
        ({"joins": ("sum",)}, "Unknown join 'sum'"),
        ({"readouts": ("mean",)}, "Unknown readout 'mean'"),
        ({"norms": (3,)}, "Unknown norm 3"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(arguments: Any, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        MacroSpace(**arguments)


CONV = Layer("conv", 4, 3, 1, "relu", "batch")


def test_validate_lists_every_problem_with_its_place() -> None:
    macro = Macro(
        (
            Layer("conv", 48, 3, 1, "relu", "batch"),
            Layer("zreo"),
            Layer("conv", 0, 7, 1, "relu", "batch", "add", (5,)),
            *[Layer("identity")] * 3,
        ),
        (Dense(7),) * 3,
        "max",
    )
    with pytest.raises(InvalidArchitectureError, match="layer1") as caught:
        EVERYTHING.validate(macro)
    lines = str(caught.value).splitlines()
    for expected in (
        "layer1.filters is 48, but it must be one of 4, 6.",
        "layer2: unknown operation 'zreo'; did you mean 'zero'?",
        "layer3.filters of a conv must be a positive integer, got 0.",
        "layer3.kernel is 7, but it must be one of 1, 3, 5.",
        "layer3.skips: a skip from the later layer 5 to layer 3; nodes 0 to 1",
        "There are 6 layers, but this space's depth is from 0 to 4.",
        "There are 3 dense layers, but this space's dense_depth is from 0 to 2.",
        "dense1.units is 7, but it must be one of 8, 16.",
    ):
        assert any(line.startswith(expected) for line in lines), expected
    assert len(lines) == len(set(lines)) == 9  # the second dense layer's units too


@pytest.mark.parametrize(
    ("macro", "message"),
    [
        (Macro((CONV, CONV, Layer("zero"))), "layer3.operation is 'zero', but it must be one of"),
        (Macro((CONV,) * 3, (Dense(64),), "flatten"), "readout is 'flatten'"),
        (
            Macro((CONV, Layer("identity", join="add", skips=(0,)), CONV)),
            "layer2.join is 'add', but in this space layer 2 has no skips",
        ),
        (
            Macro((CONV, CONV, Layer("identity", join="concat", skips=(0,)))),
            "layer3.join is 'concat', but it must be one of 'sequential', 'add'",
        ),
        (
            Macro((CONV, CONV, Layer("conv", 4, 3, 2, "relu", "batch"))),
            "layer3.stride is 2, but it must be 1.",
        ),
        (
            Macro((CONV, CONV, Layer("conv", 4, 3, 1, "gelu", "batch"))),
            "layer3.activation is 'gelu', but it must be 'relu'.",
        ),
        (Macro((CONV,)), "There are 1 layers, but this space's depth is 3."),
        ("conv", "A macro space holds Macros, got a str"),
        (Macro((CONV, "conv", CONV)), "layers must be a tuple of Layers"),
    ],
)
def test_what_another_space_holds_is_refused(macro: Any, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"layer|readout|Macros") as caught:
        SKIPS.validate(macro)
    assert message in str(caught.value)


def test_a_skip_that_the_space_does_not_allow_is_refused() -> None:
    space = MacroSpace(4, ("conv", "identity"), skips=[(0, 4), (1, 4)])
    conv = Layer("conv", 16, 3, 1, "relu", "batch")
    macro = Macro((conv, conv, conv, Layer("identity", join="add", skips=(0, 2))))
    with pytest.raises(InvalidArchitectureError, match=r"may skip from the nodes 0, 1, not .* 2"):
        space.validate(macro)
    with pytest.raises(InvalidArchitectureError, match="Expected the JSON of a macro"):
        space.from_json('{"kind":"cell"}')
    with pytest.raises(InvalidArchitectureError, match="may skip from"):
        space.from_json(macro.to_json())


def test_a_member_need_not_carry_the_own_operations() -> None:
    member = Macro((Layer("scale", 4),))
    EVERYTHING.validate(member)
    assert EVERYTHING.decode(EVERYTHING.encode(member)).operations == (SCALE, MUTE)
    with pytest.raises(
        InvalidArchitectureError, match=r"unknown operation 'shift'.*Known: .*scale"
    ):
        EVERYTHING.validate(Macro((Layer("shift", 4),)))
    shift = Operation("shift", print)
    with pytest.raises(InvalidArchitectureError, match=r"layer1\.operation is 'shift', but"):
        EVERYTHING.validate(Macro((Layer("shift", 4),), operations=(shift,)))


GARBAGE: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 9), st.just([]), st.just((0,)), st.just("conv")
)
LAYERS = st.builds(
    Layer,
    st.sampled_from([*MACRO_OPERATIONS, "scale", "x", 3]),
    st.sampled_from([None, 4, 6, 0, True]),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.sampled_from([1, 2, 3, True]),
    st.sampled_from([None, "relu", "x"]),
    st.sampled_from([None, "batch", "none", "x"]),
    st.one_of(st.sampled_from(["sequential", "add", "concat"]), GARBAGE),
    st.one_of(st.sampled_from([(), (0,), (1,), (0, 1), (1, 0), (4,)]), GARBAGE),
)


@given(st.lists(LAYERS, max_size=5), GARBAGE)
@settings(max_examples=300)
def test_any_value_is_a_member_or_refused(layers: list[Layer], units: Any) -> None:
    macro = Macro(tuple(layers), (Dense(units),), operations=(SCALE, MUTE))
    try:
        EVERYTHING.validate(macro)
    except InvalidArchitectureError:
        return  # any other error fails the test
    assert EVERYTHING.decode(EVERYTHING.encode(macro)) == macro
