"""The plan of a macro's network: channels and sizes by hand."""

from __future__ import annotations

import pytest

from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, groups, macro_plan
from optunas.space import Dense, Layer, Macro
from optunas.space.macro_graph import ZERO

CONV = Layer("conv", 16, 3, 1, "relu", "batch")
STRIDED = Layer("conv", 8, 3, 2, "relu", "batch")
POOL = Layer("max_pool", kernel=2, stride=2)


def add(layer: Layer, *skips: int) -> Layer:
    return Layer(**{**layer.__dict__, "join": "add", "skips": skips})


def concat(layer: Layer, *skips: int) -> Layer:
    return Layer(**{**layer.__dict__, "join": "concat", "skips": skips})


def test_sizes_are_rounded_up_and_skips_are_brought_there() -> None:
    plan = macro_plan(Macro((STRIDED, POOL, add(CONV, 0, 1))), (3, 7, 5), 10)
    strided, pool, join, conv = plan.nodes
    assert isinstance(strided, LayerPlan)
    assert (strided.channels, strided.height, strided.width) == (8, 4, 3)
    assert isinstance(pool, LayerPlan)
    assert (pool.channels, pool.height, pool.width) == (8, 2, 2)
    assert isinstance(join, JoinPlan)
    assert (join.channels, join.height, join.width) == (8, 2, 2)
    assert [(t.source.node, t.factor, t.project) for t in join.terms] == [
        (0, 4, True),
        (1, 2, False),
        (2, 1, False),
    ]
    assert isinstance(conv, LayerPlan)
    assert (conv.source.node, conv.source.channels, conv.channels) == (3, 8, 16)
    assert plan.readout is not None
    assert (plan.readout.kind, plan.readout.features, plan.features) == ("average", 16, 16)


def test_a_concatenation_has_all_channels_and_no_projection() -> None:
    plan = macro_plan(Macro((CONV, POOL, concat(STRIDED, 0, 1)), readout="flatten"), (3, 8, 8), 2)
    join = plan.nodes[2]
    assert isinstance(join, JoinPlan)
    assert (join.channels, join.height) == (3 + 16 + 16, 4)
    assert not any(term.project for term in join.terms)
    assert plan.features == 8 * 2 * 2


def test_an_input_of_the_layers_width_needs_no_projection() -> None:
    for channels, projects in ((16, False), (3, True)):
        join = macro_plan(Macro((CONV, add(CONV, 0))), (channels, 8, 8), 2).nodes[1]
        assert isinstance(join, JoinPlan)
        assert join.terms[0].project is projects


def test_what_does_not_reach_the_output_is_not_planned() -> None:
    plan = macro_plan(Macro((CONV, Layer("zero"), POOL), (Dense(4),)), (3, 8, 8), 2)
    assert plan.nodes == ()
    assert plan.readout is not None
    assert plan.readout.source == (ZERO, 16, 4, 4, 1)
    assert plan.dense == (DensePlan(16, 4, "relu", "none", 0.0),)


def test_an_image_without_layers_is_flattened_and_a_vector_taken_as_it_is() -> None:
    mlp = Macro(dense=(Dense(32), Dense(8)))
    image, vector = macro_plan(mlp, (3, 4, 5), 2), macro_plan(mlp, (60,), 2)
    assert image.dense == vector.dense
    assert [dense.features for dense in vector.dense] == [60, 32]
    assert image.readout is not None
    assert vector.readout is None


@pytest.mark.parametrize(
    ("channels", "count"),
    [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (7, 1), (8, 4), (12, 6), (16, 8), (20, 5), (64, 8)],
)
def test_groups_divide_the_channels_and_hold_two_at_least(channels: int, count: int) -> None:
    assert groups(channels) == count


def test_an_image_needs_three_sizes() -> None:
    with pytest.raises(InvalidSpecError, match="for vectors, take a macro without layers"):
        macro_plan(Macro((CONV,)), (64,), 2)
    for shape in ((0,), (3, 0, 8), (8, 8), "abc", None):
        with pytest.raises(InvalidSpecError, match="input_shape must be"):
            macro_plan(Macro(), shape, 2)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="num_classes must be a positive integer, got 0"):
        macro_plan(Macro(), (8,), 0)


def test_what_is_no_network_has_no_plan() -> None:
    with pytest.raises(InvalidArchitectureError, match="unknown operation 'cnov'") as caught:
        macro_plan(Macro((Layer("cnov"), add(Layer("zero", 3), 4))), (3, 8, 8), 2)
    assert len(str(caught.value).splitlines()) == 3
