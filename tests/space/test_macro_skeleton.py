"""Which macro spaces have a fixed skeleton, what a layer of them chooses between, and what not."""

from __future__ import annotations

import numpy as np
import pytest

from optunas import MacroSpace, Operation
from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import Layer, Macro
from optunas.space.macro_skeleton import candidate_names, macro_skeleton

FIXED = MacroSpace(
    depth=3,
    operations=("conv", "sep_conv", "identity", "zero"),
    filters=(4,),
    kernels=(3, 5),
    skips=False,
    dense_depth=1,
    units=(6,),
)


def test_the_candidates_are_operations_with_their_windows() -> None:
    found = macro_skeleton(FIXED)
    names = [candidate.operation.name for candidate in found.candidates]
    assert names == [
        *("conv_3x3", "conv_5x5", "sep_conv_3x3", "sep_conv_5x5", "identity", "zero"),
    ]
    assert candidate_names(FIXED.definition()) == tuple(names)
    flags = {c.operation.name: c.operation for c in found.candidates}
    assert flags["identity"].identity
    assert flags["identity"].parameter_free
    assert flags["zero"].zero
    assert not flags["conv_3x3"].parameter_free
    assert found.candidates[1].layer == Layer("conv", 4, 5, 1, "relu", "batch")


def test_activations_and_norms_are_in_the_names_where_they_are_chosen() -> None:
    space = MacroSpace(
        depth=2, operations=("conv",), filters=(4,), kernels=(3,), skips=False, dense_depth=0,
        activations=("relu", "gelu"), norms=("batch", "none"),
    )  # fmt: skip
    names = [candidate.operation.name for candidate in macro_skeleton(space).candidates]
    assert names[:2] == ["conv_3x3_relu_batch", "conv_3x3_relu_none"]
    assert len(names) == 4


def test_the_first_layer_takes_what_has_filters() -> None:
    found = macro_skeleton(FIXED)
    assert found.closed.tolist() == [[False] * 4 + [True] * 2, [False] * 6, [False] * 6]
    assert found.choosable().tolist() == [
        [True] * 4 + [False] * 2,
        *[[True] * 5 + [False]] * 2,
    ]


def test_where_nothing_has_filters_the_first_layer_takes_all() -> None:
    space = MacroSpace(depth=2, operations=("max_pool", "avg_pool"), skips=False, dense_depth=0)
    found = macro_skeleton(space)
    assert not found.closed.any()
    assert len(found.candidates) == 4  # two windows each


def test_every_choice_is_a_member_and_every_member_a_choice() -> None:
    found = macro_skeleton(FIXED)
    held = set()
    for member in FIXED.enumerate():
        try:
            columns = found.columns(member)
        except InvalidArchitectureError:
            assert member.layers[0].operation in ("identity", "zero")
            continue
        assert found.macro(columns) == member
        held.add(tuple(columns))
    assert len(held) == 4 * 6 * 6


def test_a_member_outside_the_skeleton_is_refused() -> None:
    layers = (Layer("identity"), *[Layer("conv", 4, 3, 1, "relu", "batch")] * 2)
    member = Macro(layers, FIXED.sample(np.random.default_rng(0)).dense)
    with pytest.raises(InvalidArchitectureError, match="is not in the skeleton"):
        macro_skeleton(FIXED).columns(member)


def test_all_that_is_free_is_named_at_once_with_how_to_fix_it() -> None:
    with pytest.raises(InvalidSpaceError) as caught:
        macro_skeleton(MacroSpace(strides=(1, 2), readouts=("average", "max")))
    (line,) = str(caught.value).splitlines()
    for words in (
        "the depth, 1 to 6 (give one, depth=6)",
        "the widths, 16, 32, 64 (give one, filters=(64,))",
        "the strides, 1, 2 (give one, strides=(2,))",
        "skip connections and how they join (give skips=False)",
        "the readout, average, max (give one, readouts=('max',))",
        "the dense layers, 0 to 1 (give one number, dense_depth=0)",
        "units, 64, 128 (give one, units=(128,))",
    ):
        assert words in line


@pytest.mark.parametrize(
    ("operations", "strides", "words"),
    [
        (("conv", "max_pool"), (1,), r"max_pool halves it and conv keeps it .*strides=\(2,\)"),
        (("conv", "identity"), (2,), "conv halves it and identity keeps it"),
        (("max_pool", "avg_pool", "identity"), (1,), "max_pool and avg_pool halve it"),
    ],
)
def test_candidates_of_two_resolutions_are_told(
    operations: tuple[str, ...], strides: tuple[int, ...], words: str
) -> None:
    space = MacroSpace(
        depth=2, operations=operations, filters=(4,), strides=strides, skips=False, dense_depth=0
    )
    with pytest.raises(InvalidSpaceError, match=words):
        macro_skeleton(space)


@pytest.mark.parametrize("operations", [("conv", "zero"), ("identity", "zero")])
def test_a_space_with_nothing_to_choose_is_refused(operations: tuple[str, ...]) -> None:
    space = MacroSpace(
        depth=2, operations=operations, filters=(4,), kernels=(3,), skips=False, dense_depth=0
    )
    with pytest.raises(InvalidSpaceError, match="no two to choose between"):
        macro_skeleton(space)


def test_a_multilayer_perceptron_has_no_layers_to_choose() -> None:
    with pytest.raises(InvalidSpaceError, match="there are no layers"):
        macro_skeleton(MacroSpace(depth=0, dense_depth=(1, 2)))


def test_an_own_operation_with_the_name_of_a_candidate_is_refused() -> None:
    space = MacroSpace(
        depth=2, operations=("conv", Operation("conv_3x3", lambda *_: None)), filters=(4,),
        skips=False, dense_depth=0,
    )  # fmt: skip
    with pytest.raises(InvalidSpaceError, match="Two candidates of a layer are called 'conv_3x3'"):
        macro_skeleton(space)
