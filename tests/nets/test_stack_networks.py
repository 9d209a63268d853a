"""Stacks as networks: the papers' networks where the cells are equal, and whatever else."""

from __future__ import annotations

import re
from itertools import cycle
from typing import Any

import numpy as np
import pytest
import torch
from covering import covering
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import optunas
from optunas.errors import InvalidArchitectureError, InvalidSpaceError, InvalidSpecError
from optunas.metrics import cost
from optunas.nets import DenseCell, PairCell, skeleton
from optunas.nets.skeleton import DenseLayer, PairLayer, ResidualLayer, cell_at, halve
from optunas.space import (
    DARTS,
    NB201,
    VOCABULARY,
    Cell,
    CellSpace,
    DenseCellSpace,
    Edge,
    Macro,
    Operation,
    Stack,
    StackSpace,
    Subnet,
)

DENSE = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|")
PAIR = Cell((Edge(0, 2, "skip_connect"), Edge(1, 2, "max_pool_3x3")), num_inputs=2)


def built(architecture: Any, shape: tuple[int, int, int], **counts: int) -> nn.Module:
    torch.manual_seed(5)
    return optunas.build(architecture, shape, 7, **counts)


def assert_equal_networks(one: Any, other: Any, shape: tuple[int, int, int], **counts: int) -> None:
    """The same parameters, the same cost, and bit for bit the same outputs and gradients."""
    first, second = built(one, shape), built(other, shape, **counts)
    state, again = first.state_dict(), second.state_dict()
    assert list(state) == list(again)
    assert all(torch.equal(state[key], again[key]) for key in state)
    assert cost(one, shape, 7) == cost(other, shape, 7, **counts)
    images = torch.randn((3, *shape), generator=torch.Generator().manual_seed(0))
    outputs = [network.train()(images) for network in (first, second)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert (a.grad is None) is (b.grad is None)
        assert a.grad is None or torch.equal(a.grad, b.grad)  # type: ignore[arg-type]
    with torch.no_grad():
        assert torch.equal(first.eval()(images), second.eval()(images))


@pytest.mark.parametrize("num_cells", [1, 2, 5])
def test_equal_dense_cells_are_nas_bench_201s_network(num_cells: int) -> None:
    for seed in range(3):
        cell = NB201.sample(np.random.default_rng(seed))
        stack = Stack((cell,) * (3 * num_cells), (4, 8, 16), (num_cells, 2 * num_cells))
        assert_equal_networks(stack, cell, (3, 9, 8), channels=4, num_cells=num_cells)


@pytest.mark.parametrize(
    ("num_cells", "reductions"), [(1, (0,)), (2, (0, 1)), (3, (1, 2)), (5, (1, 3)), (8, (2, 5))]
)
def test_normal_and_reduction_cells_are_dartss_network(
    num_cells: int, reductions: tuple[int, ...]
) -> None:
    genotype = DARTS.sample(np.random.default_rng(num_cells))
    cells = tuple(
        genotype.reduce if position in reductions else genotype.normal
        for position in range(num_cells)
    )
    stack = Stack(cells, (4, 8, 16)[: len(reductions) + 1], reductions)
    assert_equal_networks(stack, genotype, (2, 9, 8), channels=4, num_cells=num_cells)


def test_a_dense_stack_has_a_residual_block_before_each_reduction() -> None:
    cells = tuple(NB201.sample(np.random.default_rng(seed)) for seed in range(5))
    plan = skeleton(Stack(cells, (6, 4, 10), (1, 2)), (3, 9, 5), 7)
    assert plan.stem == (3, 6, 9, 5)
    assert plan.layers == (
        DenseLayer(6, 9, 5, cell=0),
        ResidualLayer(6, 4, 9, 5),
        DenseLayer(4, 5, 3, cell=1),
        ResidualLayer(4, 10, 5, 3),
        *[DenseLayer(10, 3, 2, cell=number) for number in (2, 3, 4)],
    )
    assert plan.head == (10, 7, True)


def test_a_two_input_stack_strides_in_the_cells() -> None:
    wide = Cell((Edge(0, 2, "none"), Edge(1, 2, "none"), Edge(0, 3, "none"), Edge(2, 3, "none")), 2)
    plan = skeleton(Stack((PAIR, wide, PAIR), (4, 6, 5), (1, 2)), (3, 9, 5), 7)
    first, second, third = plan.layers
    assert plan.stem == (3, 12, 9, 5)
    assert first == PairLayer((12, 4, 1, 9, 5), (12, 4, 1, 9, 5), 4, 1, 9, 5, 0)  # type: ignore[arg-type]
    assert second == PairLayer((12, 6, 1, 9, 5), (4, 6, 1, 9, 5), 6, 2, 9, 5, 1)  # type: ignore[arg-type]
    assert third == PairLayer((4, 5, 2, 9, 5), (12, 5, 1, 5, 3), 5, 2, 5, 3, 2)  # type: ignore[arg-type]
    assert plan.head == (5, 7, False)


def spaces() -> dict[str, StackSpace]:
    some = {"widths": ((2, 3, 4), (4, 2), 6), "num_reductions": (0, 2)}
    return {
        "dense": StackSpace(DenseCellSpace(VOCABULARY), 3, **some),
        "dense, by stage": StackSpace(NB201, 5, share="stage", **some),
        "two-input": StackSpace(CellSpace(VOCABULARY, num_nodes=2), 4, **some),
        "two-input, by stage": StackSpace(
            CellSpace(VOCABULARY, num_nodes=3), 4, share="stage", **some
        ),
    }


@pytest.mark.parametrize("space", spaces().values(), ids=spaces())
@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 17), st.integers(1, 17)),
)
def test_the_built_networks_layers_have_the_planned_shapes(
    space: StackSpace, seed: int, shape: tuple[int, int, int]
) -> None:
    stack = space.sample(np.random.default_rng(seed))
    network = optunas.build(stack, shape, 3).eval()
    seen = []
    for module in network.layers:  # type: ignore[union-attr]
        module.register_forward_hook(lambda module, x, y: seen.append(tuple(y.shape[1:])))
    with torch.no_grad():
        assert network(torch.zeros(2, *shape)).shape == (2, 3)
    wanted = []
    for layer in skeleton(stack, shape, 3).layers:
        if isinstance(layer, ResidualLayer):
            wanted.append((layer.channels_out, halve(layer.height), halve(layer.width)))
        else:
            cell = cell_at(stack, layer)
            nodes = cell.num_nodes - 2 if isinstance(layer, PairLayer) else 1
            sizes = (-(-layer.height // layer.stride), -(-layer.width // layer.stride))
            wanted.append((nodes * layer.channels, *sizes))
    assert seen == wanted


@pytest.mark.parametrize("name", spaces())
def test_members_with_every_option_train_on_every_shape(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    shapes = cycle([(1, 8, 8), (1, 28, 28), (3, 32, 32)])
    for stack, shape in zip(covering(spaces()[name]), shapes, strict=False):
        network = optunas.build(stack, shape, 4).train()
        output = network(torch.randn((2, *shape), generator=generator))
        assert output.shape == (2, 4)
        assert output.isfinite().all()
        F.cross_entropy(output, torch.tensor([0, 3])).backward()
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        assert len(grads) >= 2
        assert all(grad.isfinite().all() for grad in grads)


def test_each_position_has_its_own_cell_with_its_own_weights() -> None:
    cells = tuple(
        Cell.from_str(f"|{name}~0|") for name in ("nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    )
    network = optunas.build(Stack(cells, (4, 8), (2,)), (1, 8, 8), 3)
    dense = [layer for layer in network.layers if isinstance(layer, DenseCell)]  # type: ignore[union-attr]
    kernels = [getattr(layer.edges[0], "kernel_size", None) for layer in dense]
    assert kernels == [None, None, 3]
    sizes = [
        [m.kernel_size for m in layer.modules() if isinstance(m, nn.Conv2d)] for layer in dense
    ]
    assert sizes == [[(1, 1)], [(3, 3)], []]
    twice = optunas.build(Stack(cells[:1] * 2, (4,)), (1, 8, 8), 3)
    one, other = (layer.edges[0][1].weight for layer in twice.layers)  # type: ignore[union-attr]
    assert one is not other


def test_two_input_cells_stand_by_position_whatever_their_stride() -> None:
    network = optunas.build(Stack((PAIR, PAIR, PAIR), (4, 6), (0,)), (1, 8, 8), 3)
    assert [layer.stride for layer in network.layers if isinstance(layer, PairCell)] == [2, 1, 1]  # type: ignore[union-attr]


def scale(stride_seen: list[int], kernel: int) -> Operation:
    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        stride_seen.append(stride)
        return nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2)

    return Operation("mine", factory)


def test_own_operations_of_one_name_are_each_cells_own() -> None:
    seen: list[int] = []
    edges = (Edge(0, 2, "mine"), Edge(1, 2, "mine"))
    one, other = (Cell(edges, 2, (scale(seen, kernel),)) for kernel in (1, 3))
    network = optunas.build(Stack((one, other), (4, 6), (1,)), (1, 9, 9), 3)
    kernels = [layer.edges[0].kernel_size for layer in network.layers]  # type: ignore[union-attr]
    assert kernels == [(1, 1), (3, 3)]
    assert set(seen) == {1, 2}
    assert network.eval()(torch.randn(1, 1, 9, 9)).shape == (1, 3)
    wrong = Operation("mine", lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 3, stride))
    stack = Stack((one, Cell(edges, 2, (wrong,))), (4, 6), (1,))
    with pytest.raises(InvalidSpaceError, match=r"'mine' .* stride 2 must turn"):
        optunas.build(stack, (1, 9, 9), 3)


def test_checking_own_operations_leaves_the_seed_alone() -> None:
    cell = Cell((Edge(0, 1, "mine"),), 1, (scale([], 1),))
    first = [built(Stack((c, c), (4, 8), (1,)), (1, 8, 8)) for c in (cell, Cell((), 1))]
    assert torch.equal(first[0].stem[0].weight, first[1].stem[0].weight)  # type: ignore[index,union-attr]


@pytest.mark.parametrize("counts", [{"channels": 8}, {"num_cells": 2}, {"channels": 0}])
@pytest.mark.parametrize("function", [optunas.build, cost, optunas.metrics.params])
def test_widths_and_depths_are_the_stacks_own(function: Any, counts: dict[str, int]) -> None:
    ((name, value),) = counts.items()
    sentence = f"A Stack has widths and depths of its own, got {name}={value}"
    with pytest.raises(InvalidSpecError, match=sentence):
        function(Stack((DENSE,), (4,)), (1, 8, 8), 3, **counts)


TWO_NODES = Cell((), num_inputs=2)
THREE = Cell((Edge(0, 3, "none"),), num_inputs=3)


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [
        (Stack((), (4,)), "a tuple of at least one Cell, got ()"),
        (Stack(DENSE, (4,)), "a tuple of at least one Cell, got Cell"),  # type: ignore[arg-type]
        (Stack((DENSE, "x"), (4,)), "cell 2: expected a Cell, got a str"),  # type: ignore[arg-type]
        (
            Stack((DENSE, PAIR), (4,)),
            "all dense (one input) or all two-input cells, got num_inputs",
        ),
        (Stack((THREE,), (4,)), "cell 1: a cell has one or two inputs, got 3"),
        (Stack((PAIR, TWO_NODES), (4,)), "cell 2: a two-input cell needs at least one node"),
        (Stack((DENSE,), ()), "0 reductions make 1 stages, got 0 widths"),
        (Stack((DENSE,) * 2, (4,), (1,)), "1 reductions make 2 stages, got 1 widths"),
        (Stack((DENSE,), (0,)), "widths are positive integers, one a stage, got (0,)"),
        (Stack((DENSE,), (True,)), "widths are positive integers, one a stage, got (True,)"),
        (Stack((DENSE,), (4.0,)), "widths are positive integers, one a stage, got (4.0,)"),  # type: ignore[arg-type]
        (Stack((DENSE,), "4"), "widths are positive integers, one a stage, got '4'"),  # type: ignore[arg-type]
        (Stack((DENSE,) * 3, (4, 8), (0,)), "ascending positions from 1 to 2"),
        (Stack((DENSE,) * 3, (4, 8), (3,)), "ascending positions from 1 to 2"),
        (Stack((PAIR,) * 3, (4, 8), (-1,)), "ascending positions from 0 to 2"),
        (Stack((DENSE,) * 3, (4, 8, 8), (2, 1)), "ascending positions from 1 to 2"),
        (Stack((DENSE,) * 3, (4, 8, 8), (1, 1)), "ascending positions from 1 to 2"),
        (Stack((PAIR,) * 2, (4, 1), (1,)), "halves its channels, so those widths are 2 or more"),
    ],
)
def test_a_stack_that_cannot_be_built_gets_a_sentence(stack: Stack, sentence: str) -> None:
    for function in (optunas.build, cost):
        with pytest.raises(InvalidArchitectureError, match=re.escape(sentence)):
            function(stack, (1, 8, 8), 3)


def test_what_has_no_cells_has_no_skeleton() -> None:
    for thing in (Macro(), Subnet(8, ())):
        name = type(thing).__name__
        with pytest.raises(InvalidArchitectureError, match=f"A {name} is not made of cells"):
            skeleton(thing, (1, 8, 8), 3)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidArchitectureError, match="reductions are ascending") as caught:
        optunas.build(Stack((DENSE,), (4, 0), (5,)), (1, 8, 8), 3)
    assert len(str(caught.value).splitlines()) == 2


def test_a_width_of_one_works_where_nothing_halves_it() -> None:
    for stack in (Stack((PAIR,), (1,)), Stack((DENSE, DENSE), (1, 1), (1,))):
        network = optunas.build(stack, (1, 5, 5), 3).eval()
        assert network(torch.randn(2, 1, 5, 5)).shape == (2, 3)
