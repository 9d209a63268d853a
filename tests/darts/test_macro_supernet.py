"""The supernet of macro spaces against their discrete networks, and against a plain sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from macro_spaces import BARE, CLASSES, HALVING, MACROS, PLAIN, SHAPE, macro_network_of

from optunas import build
from optunas.darts.choices import LAYERS, closed_of, edges_of, one_hot, operations_of
from optunas.darts.extraction import extract
from optunas.darts.mixing import Mixing
from optunas.darts.supernet import untracked
from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space import Macro, MacroSpace
from optunas.space.macro_skeleton import macro_skeleton


def x_of(samples: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(samples, *SHAPE, generator=generator, dtype=torch.float64)


def hot(space: MacroSpace, member: Macro) -> Mixing:
    table = one_hot(space, member)[LAYERS]
    return Mixing({LAYERS: torch.from_numpy(table)}, {LAYERS: table > 0})


def every_place(space: MacroSpace) -> list[Macro]:
    """Members that hold, between them, each candidate in each layer where it can stand."""
    skeleton = macro_skeleton(space)
    base = [int(np.flatnonzero(row)[0]) for row in skeleton.choosable()]
    found = []
    for row, column in zip(*np.nonzero(~skeleton.closed), strict=True):
        columns = list(base)
        columns[row] = int(column)
        found.append(skeleton.macro(columns))
    return found


PLACES = [(space, member) for space in MACROS for member in every_place(space)]


@pytest.mark.parametrize(("space", "member"), PLACES, ids=lambda one: str(one)[:60])
@pytest.mark.parametrize("training", [True, False])
def test_one_hot_weights_are_the_discrete_network(
    space: MacroSpace, member: Macro, training: bool
) -> None:
    network = macro_network_of(space).train(training)
    alone = extract(network, member)
    assert alone.training == training
    fresh = build(member, SHAPE, CLASSES, form="search")
    assert alone.state_dict().keys() == fresh.state_dict().keys()
    table = hot(space, member)
    for mixing in (table, Mixing(table.weights)):  # all computed, or the chosen ones alone
        with torch.no_grad(), untracked(network), untracked(alone):
            torch.testing.assert_close(network(x_of(), mixing), alone(x_of()), rtol=0, atol=1e-12)


def test_all_candidates_stood_in_every_layer_once() -> None:
    for space in MACROS:
        count = int((~macro_skeleton(space).closed).sum())
        assert len(every_place(space)) == count
    assert len(PLACES) == 25 + 8 + 9


@pytest.mark.parametrize("space", MACROS)
def test_a_mixed_layer_is_the_plain_sum(space: MacroSpace) -> None:
    network = macro_network_of(space)
    weights = torch.rand(network.shape, dtype=torch.float64, requires_grad=True)
    found = network(x_of(), Mixing({LAYERS: weights}))
    closed = macro_skeleton(space).closed
    x = x_of()
    with untracked(network):
        for row, layer in enumerate(network.layers):
            terms = [
                weights[row, at] * layer.candidates[at](x)
                for at, operation in enumerate(operations_of(space))
                if not operation.zero and not closed[row, at]
            ]
            x = torch.stack(terms).sum(dim=0)
        kind = space.readouts[0]
        x = {"average": x.mean((2, 3)), "max": x.amax((2, 3)), "flatten": x.flatten(1)}[kind]
        wanted = network.classifier(network.dense(x))
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
    first = torch.autograd.grad(found.square().sum(), weights)[0]
    second = torch.autograd.grad(wanted.square().sum(), weights)[0]
    torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-11)
    assert (first.numpy()[closed] == 0).all()


def test_rows_are_layers_and_columns_candidates() -> None:
    assert edges_of(PLAIN) == [(0, 1), (1, 2), (2, 3)]
    assert [o.name for o in operations_of(HALVING)] == [
        *("conv_3x3", "sep_conv_3x3", "max_pool_2x2", "max_pool_3x3"),
        *("avg_pool_2x2", "avg_pool_3x3"),
    ]
    assert macro_network_of(HALVING).shape == (2, 6)
    closed = closed_of(HALVING)
    assert closed is not None
    assert closed[0].tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("space", [PLAIN, BARE])
def test_computing_again_changes_nothing_but_the_memory(space: MacroSpace) -> None:
    results = []
    for checkpoint in (False, True):
        network = macro_network_of(space, checkpoint=checkpoint)
        weights = torch.full(network.shape, 0.2, dtype=torch.float64, requires_grad=True)
        value = network(x_of(), Mixing({LAYERS: weights})).square().sum()
        value.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        results.append([value.detach(), weights.grad, *gradients, *network.buffers()])
    for plain, again in zip(*results, strict=True):
        torch.testing.assert_close(plain, again, rtol=0, atol=0)


def test_norms_have_no_weights_that_could_undo_the_mixing() -> None:
    network = build(every_place(HALVING)[0], SHAPE, CLASSES, form="search")
    norms = [m for m in network.modules() if type(m).__name__ in ("_GroupNorm", "BatchNorm2d")]
    assert norms
    assert not any(norm.affine for norm in norms)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidSpaceError, match="more is free: the depth"):
        macro_network_of(MacroSpace())
    outside = next(m for m in PLAIN.enumerate() if m.layers[0].operation == "identity")
    with pytest.raises(InvalidArchitectureError, match="is not in the skeleton"):
        extract(macro_network_of(PLAIN), outside)
    with pytest.raises(InvalidArchitectureError, match="There are 2 layers"):
        extract(macro_network_of(PLAIN), every_place(HALVING)[0])
