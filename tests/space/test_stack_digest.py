"""Digests and connectedness of stacks, held to the networks.

Equal digests are equal functions: weights copied, the float64 outputs agree to 1e-10. A stack is
connected exactly when its network's output has a gradient at the input.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from own_pieces import MUTE, OWN_SET, SCALE
from rewrites import rewrite_dense, rewrite_pair
from test_digest_networks import correspondence, permuted, randomise
from torch import nn

from optunas.nets import DenseCell
from optunas.nets.build import build
from optunas.space import NB201, Cell, CellSpace, DenseCellSpace, Edge, Stack, StackSpace
from optunas.space.digest import CellDigest

DENSE = {
    "nb201": StackSpace(NB201, 3, (2, 4), num_reductions=(0, 1)),
    "own operations": StackSpace(DenseCellSpace(OWN_SET, 3), 3, (2, 3), num_reductions=1),
}
PAIR = {
    "darts": StackSpace(CellSpace(num_nodes=3), 4, (2, 3, 4), num_reductions=(0, 2)),
    "with none": StackSpace(
        CellSpace(("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), num_nodes=2),
        4,
        (2, 4, 2),
    ),
    "own operations": StackSpace(CellSpace(OWN_SET, num_nodes=2), 3, (3, 2), num_reductions=1),
}


def rewritten(stack: Stack, space: StackSpace, rng: np.random.Generator) -> Stack:
    """The same network under other cells' codes."""
    rewrite = rewrite_pair if isinstance(space.cell, CellSpace) else rewrite_dense
    cells = tuple(rewrite(cell, space.cell, rng) for cell in stack.cells)
    return Stack(cells, stack.widths, stack.reductions)


def copy_weights(
    space: StackSpace, one: Stack, other: Stack, source: Any, target: Any
) -> list[list[int]]:
    """Copy by the correspondence of terms; what reads a concatenation gets its blocks permuted."""
    digests, state = CellDigest(space.cell.operations), source.state_dict()
    new = {key: value for key, value in state.items() if ".edges." not in key}
    layers = [at for at, layer in enumerate(source.layers) if hasattr(layer, "edges")]
    orders: list[list[int]] = []
    for position, at in enumerate(layers):
        strided = one.num_inputs == 2 and position in one.reductions
        cells = one.cells[position], other.cells[position]
        matched, order = correspondence(*cells, digests, strided)
        orders.append(order)
        for a, b in matched:
            head, head_b = f"layers.{at}.edges.{a}.", f"layers.{at}.edges.{b}."
            found = {key: value for key, value in state.items() if key.startswith(head)}
            new.update({head_b + key[len(head) :]: value for key, value in found.items()})
    if one.num_inputs == 2:
        for key, value in list(new.items()):
            part = key.split(".")
            back = {"before": 2, "previous": 1}.get(part[2] if len(part) > 2 else "", 0)
            if part[0] == "layers" and back and value.dim() == 4 and int(part[1]) >= back:
                new[key] = permuted(value, orders[int(part[1]) - back], dim=1)
        new["classifier.weight"] = permuted(new["classifier.weight"], orders[-1], dim=1)
    target.load_state_dict(new, strict=False)
    return orders


def check_networks(first: nn.Module, second: nn.Module, generator: torch.Generator) -> None:
    images = torch.randn((4, 1, 6, 6), generator=generator, dtype=torch.float64)
    for training in (False, True):
        first.train(training)
        second.train(training)
        with torch.no_grad():
            expected = first(images)
            torch.testing.assert_close(second(images), expected, rtol=1e-10, atol=1e-10)
    assert expected.abs().max() > 0


@pytest.mark.parametrize("space", [*DENSE.values(), *PAIR.values()], ids=[*DENSE, *PAIR])
def test_equal_digests_are_equal_networks(space: StackSpace) -> None:
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    changed = 0
    while changed < 10:
        one = space.sample(rng)
        other = rewritten(one, space, rng)
        assert space.digest(other) == space.digest(one)
        if other == one:
            continue
        changed += 1
        first, second = (randomise(build(x, (1, 6, 6), 3), generator) for x in (one, other))
        copy_weights(space, one, other, first, second)
        check_networks(first, second, generator)


UNCHANGED = Cell.from_str("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
SMALL, LARGE = (
    Cell.from_str(f"|{name}~0|+|none~0|{name}~1|+|none~0|none~1|skip_connect~2|")
    for name in ("nor_conv_1x1", "nor_conv_3x3")
)


def test_where_a_dense_cell_that_changes_nothing_stands_does_not_matter() -> None:
    space = StackSpace(NB201, 4, (3, 4), placements=((1,), (2,), (3,)))
    family = [
        Stack((SMALL, UNCHANGED, UNCHANGED, LARGE), (3, 4), (3,)),
        Stack((SMALL, UNCHANGED, UNCHANGED, LARGE), (3, 4), (1,)),
        Stack((SMALL, UNCHANGED, LARGE, UNCHANGED), (3, 4), (2,)),
        Stack((UNCHANGED, SMALL, UNCHANGED, LARGE), (3, 4), (2,)),
    ]
    others = [
        Stack((SMALL, UNCHANGED, LARGE, UNCHANGED), (3, 4), (3,)),
        Stack((LARGE, UNCHANGED, UNCHANGED, SMALL), (3, 4), (3,)),
        Stack((UNCHANGED, UNCHANGED, SMALL, LARGE), (3, 4), (1,)),
    ]
    for digest in (space.digest, space.structure_digest):
        assert len({digest(stack) for stack in family}) == 1
        assert len({digest(stack) for stack in [family[0], *others]}) == 4
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    networks = [randomise(build(stack, (1, 6, 6), 3), generator) for stack in family]
    for stack, network in zip(family[1:], networks[1:], strict=True):
        _copy_in_order(networks[0], network, family[0], stack, UNCHANGED)
        check_networks(networks[0], network, generator)


def _copy_in_order(source: Any, target: Any, one: Stack, other: Stack, unchanged: Cell) -> None:
    """Copy the layers one after the other, without the cells that change nothing."""
    lists = []
    for network, stack in ((source, one), (target, other)):
        cells = iter(stack.cells)
        lists.append(
            [
                layer
                for layer in network.layers
                if not isinstance(layer, DenseCell) or next(cells) != unchanged
            ]
        )
    for a, b in zip(*lists, strict=True):
        b.load_state_dict(a.state_dict())
    for name in ("stem", "norm", "classifier"):
        getattr(target, name).load_state_dict(getattr(source, name).state_dict())


def test_what_differs_has_another_digest() -> None:
    space = StackSpace(
        CellSpace(("max_pool_3x3", "skip_connect"), num_nodes=1), 3, ((4, 6), (4, 8), 8),
        num_reductions=(0, 2),
    )  # fmt: skip
    digests: dict[str, Stack] = {}
    for stack in space.enumerate():
        same = digests.setdefault(space.digest(stack), stack)
        assert same.widths == stack.widths
        assert same.reductions == stack.reductions
    assert len(digests) == space.size  # two different inputs and no dead node: all differ


def test_a_skip_has_weights_only_where_a_two_input_cell_strides() -> None:
    """Two skips from one input are one input twice at stride 1, two sets of weights at stride 2."""
    space = StackSpace(CellSpace(("none", "skip_connect"), num_nodes=2), 2, num_reductions=1)
    twice = Cell(
        (Edge(0, 2, "skip_connect"), Edge(1, 2, "none"), Edge(0, 3, "skip_connect"),
         Edge(1, 3, "none")), 2,
    )  # fmt: skip
    chained = Cell(
        (Edge(0, 2, "skip_connect"), Edge(1, 2, "none"), Edge(0, 3, "none"),
         Edge(2, 3, "skip_connect")), 2,
    )  # fmt: skip
    for place, equal in ((1, True), (0, False)):
        one, other = (Stack((cell, twice), (16, 32), (place,)) for cell in (twice, chained))
        assert (space.digest(one) == space.digest(other)) is equal


def test_the_order_of_the_cells_counts() -> None:
    space = StackSpace(NB201, 3, num_reductions=0)
    cells = [
        Cell.from_str(f"|{name}~0|+|none~0|{name}~1|+|none~0|none~1|skip_connect~2|")
        for name in ("nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    ]
    stacks = [Stack(order, (16,)) for order in permutations(cells)]
    assert len({space.digest(stack) for stack in stacks}) == 6
    assert len({space.structure_digest(stack) for stack in stacks}) == 6


def test_a_structure_forgets_shared_weights() -> None:
    space = StackSpace(NB201, 2, num_reductions=1)
    texts = (
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|",
    )
    one, other = (Stack((Cell.from_str(text),) * 2, (16, 32), (1,)) for text in texts)
    assert space.structure_digest(one) == space.structure_digest(other)
    assert space.digest(one) != space.digest(other)


OWN_ZERO = ("none", MUTE, "skip_connect", SCALE)
CONNECTED = {
    "dense": StackSpace(
        DenseCellSpace(("none", "skip_connect", "nor_conv_1x1"), 3),
        2,
        (8, 8),
        num_reductions=(0, 1),
    ),
    "dense, own": StackSpace(DenseCellSpace(OWN_ZERO, 2), 3, (8, 8), num_reductions=1),
    "two-input": StackSpace(
        CellSpace(("none", "skip_connect"), num_nodes=1),
        5,
        (8, 8, 8),
        num_reductions=(0, 2),
    ),
    "two-input, two nodes": StackSpace(
        CellSpace(("none", "skip_connect", "sep_conv_3x3"), num_nodes=2),
        3,
        (8, 8),
        num_reductions=1,
    ),
    "two-input, own": StackSpace(CellSpace(OWN_ZERO, num_nodes=1), 4, (8, 8), num_reductions=1),
}


@pytest.mark.parametrize("space", CONNECTED.values(), ids=CONNECTED)
def test_connected_is_what_has_a_gradient_at_the_input(space: StackSpace) -> None:
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    found = []
    for _ in range(60):
        stack = space.sample(rng)
        torch.manual_seed(0)
        network = build(stack, (1, 4, 4), 3).double().eval()
        images = torch.randn((4, 1, 4, 4), generator=generator, dtype=torch.float64)
        images.requires_grad_()
        network(images).square().sum().backward()
        sees = images.grad is not None and bool(images.grad.abs().max() > 0)
        assert space.is_connected(stack) is sees, str(stack)
        found.append(sees)
    assert len(set(found)) == 2, "the samples should hold both kinds"


def test_a_two_input_cell_that_passes_nothing_on_is_stepped_over() -> None:
    space = StackSpace(CellSpace(("none", "skip_connect"), num_nodes=1), 3, num_reductions=1)

    def cell(first: str, second: str) -> Cell:
        return Cell((Edge(0, 2, first), Edge(1, 2, second)), 2)

    nothing, before = cell("none", "none"), cell("skip_connect", "none")
    previous = cell("none", "skip_connect")
    for cells, connected in [
        ((before, nothing, before), True),
        ((before, nothing, previous), False),
        ((nothing, before, before), False),
        ((nothing, previous, previous), False),
        ((nothing, before, previous), True),
        ((before, before, nothing), False),
    ]:
        assert space.is_connected(Stack(cells, (16, 32), (2,))) is connected
