"""What is computed again in the backward pass gives what was kept otherwise, in every setting."""

import numpy as np
import pytest
import torch
from plain_steps import PAIR, SPACES, batch, bilevel_of, network_of
from test_supernet_equal import Pair, gap
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts.mixing import Mixing
from optunas.darts.recompute import recomputed
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperCell, SuperNetwork
from optunas.errors import InvalidSpecError
from optunas.space import DARTS, NB201, DenseCellSpace

KEPT, AGAIN = False, True


@pytest.mark.parametrize("name", ["darts with none", "own, two inputs", "own, dense"])
def test_checkpointing_changes_nothing_but_time(name: str) -> None:
    pair = Pair(name, (2, 7, 7), 1 if name == "own, dense" else 2, steps=1)
    pair.fast.checkpoint = True
    pair.hold(pair.weights())
    pair.fast.eval()
    pair.plain.eval()
    pair.hold(pair.weights())


def test_checkpointing_counts_a_batch_once() -> None:
    pair = Pair("own, two inputs", (2, 8, 8), 2, steps=1)
    pair.fast.checkpoint = True
    counts = [
        b for name, b in pair.fast.named_buffers() if name.endswith("norm.num_batches_tracked")
    ]
    before = [int(count) for count in counts if count > 0]
    x, y = pair.data()
    F.cross_entropy(pair.fast(x, Mixing(pair.weights())), y).backward()
    after = [int(count) for count in counts if count > 0]
    assert before
    assert after == [count + 1 for count in before]


@pytest.mark.parametrize(
    ("space", "cells", "again"),
    [
        ("darts", 5, [True, True, True, True, False]),  # 14 edges at a quarter: less than 4
        ("darts", 2, [True, True]),
        ("nb201", 1, [True, True, False]),  # 6 edges at a quarter
        ("nb201", 2, [True, True, True, True, False, False]),
    ],
)
def test_small_cells_at_the_end_are_kept(space: str, cells: int, again: list[bool]) -> None:
    network = SuperNetwork(DARTS if space == "darts" else NB201, (1, 8, 8), 3, 4, cells)
    network.checkpoint = True
    supercells = [cell for cell in network.cells if isinstance(cell, SuperCell)]
    counts = []
    for cell in supercells:
        counts.append([])
        leave, own = cell._leave, counts[-1]
        cell._leave = lambda *a, leave=leave, own=own: own.append(1) or leave(*a)
    shares = {kind: torch.rand(network.shape) for kind in network.kinds}
    network(torch.randn(2, 1, 8, 8), Mixing(shares)).sum().backward()
    states = [len(cell.rows) for cell in supercells]
    assert [len(own) / n for own, n in zip(counts, states, strict=True)] == [1 + a for a in again]


def test_what_is_not_active_has_no_gradient_either() -> None:
    pair = Pair("nb201", (1, 8, 8), 1, steps=0)
    active = {"cell": np.zeros(pair.fast.shape, dtype=bool)}
    active["cell"][:, 2] = True
    found = []
    for pair.fast.checkpoint in (KEPT, AGAIN):
        torch.manual_seed(0)
        pair.fast.zero_grad()
        x, y = pair.data()
        F.cross_entropy(pair.fast(x, Mixing(pair.weights(), active)), y).backward()
        found.append([parameter.grad for parameter in pair.fast.parameters()])
    kept, again = found
    assert [g is None for g in kept] == [g is None for g in again]
    assert any(g is None for g in kept)
    assert max(gap(a, k) for a, k in zip(again, kept, strict=True) if k is not None) <= 1e-12


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("variant", ["darts", "drnas", "gdas", "pc_darts"])
@pytest.mark.parametrize("space", SPACES)
def test_steps_end_in_the_same_alphas_and_weights(space, variant: str, order: int) -> None:
    if order == 2 and (variant == "gdas" or isinstance(space, DenseCellSpace)):
        pytest.skip("the same as another case")
    ends = []
    for checkpointing in (KEPT, AGAIN):
        settings = SearchSettings(
            variant=variant, order=order, partial=2, channels=4, alpha_lr=0.05,
            checkpointing=checkpointing,
        )  # fmt: skip
        network = network_of(space, partial=2 if variant == "pc_darts" else 1)
        network.checkpoint = checkpointing
        bilevel, generator = bilevel_of(network, space, settings), torch.Generator()
        generator.manual_seed(1)
        for at in range(3):
            bilevel.step(batch(2 * at), batch(2 * at + 1), 0.1, generator)
        ends.append([*bilevel.alphas.values(), *bilevel.weights, *network.buffers()])
    for kept, again in zip(*ends, strict=True):
        torch.testing.assert_close(again, kept, rtol=0, atol=1e-10)


def test_random_numbers_are_the_same_again() -> None:
    layer, x = nn.Dropout(0.5), torch.randn(50, 4, requires_grad=True)
    torch.manual_seed(0)
    (y,) = recomputed(lambda x: [layer(x) * 3.0], [x], layer)
    assert isinstance(y, Tensor)
    after = torch.get_rng_state()
    (found,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(torch.get_rng_state(), after)
    assert torch.equal(found != 0, y != 0)
    assert 0 < int((y != 0).sum()) < y.numel()


def test_results_that_depend_on_nothing_have_no_gradients() -> None:
    x = torch.randn(3, requires_grad=True)
    one, none = recomputed(lambda x: [torch.ones(3), None], [x], nn.Identity())
    assert none is None
    assert torch.autograd.grad(one.sum(), x, allow_unused=True) == (None,)


def test_a_second_derivative_is_refused() -> None:
    network = network_of(PAIR)
    network.checkpoint = True
    weights = {
        kind: torch.full(network.shape, 0.2, dtype=torch.double, requires_grad=True)
        for kind in network.kinds
    }
    value = F.cross_entropy(network(batch(0)[0], Mixing(weights)), batch(0)[1])
    with pytest.raises(InvalidSpecError, match="set checkpoint=False on the supernet"):
        torch.autograd.grad(value, list(weights.values()), create_graph=True)
