"""Early stop: the rules on made-up records, the curvature against a dense Hessian."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from plain_steps import DENSE, PAIR, alphas_of, batch, blobs, network_of
from torch.nn import functional as F

from optunas.darts import SearchSettings, search
from optunas.darts.curvature import dominant, lanczos
from optunas.darts.halting import halted, skips_of
from optunas.darts.record import EpochRecord
from optunas.darts.supernet import edges_of, untracked
from optunas.darts.variants import make_variant
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.space import CellSpace, DenseCellSpace

SKIPS = SearchSettings(halt="skips", halt_patience=3, halt_skips=2)
ONE_NODE = CellSpace(PAIR.operations, num_nodes=1)
CURVED = SearchSettings(halt="eigenvalue", halt_patience=5)


def records(skips=None, curvatures=None) -> list[EpochRecord]:
    count = len(skips or curvatures)
    return [
        EpochRecord(
            at, 1.0, 1.0, {}, {}, {}, {}, 0.0,
            skips=skips[at] if skips else None,
            curvature=curvatures[at] if curvatures else None,
        )
        for at in range(count)
    ]  # fmt: skip


def first_halt(made: list[EpochRecord], settings: SearchSettings, first: int = 0):
    """(epoch in which the search ends, epoch that it goes back to)."""
    for count in range(1, len(made) + 1):
        found = halted(made[:count], settings, first)
        if found is not None:
            return count - 1, found.epoch
    return None


@pytest.mark.parametrize(
    ("skips", "wanted"),
    [
        ([0, 1, 2, 2, 2, 2, 2], None),  # as many as are allowed
        ([0, 3, 3, 2, 3, 3, 2], None),  # a recovery in between
        ([0, 1, 3, 3, 4, 4], (4, 1)),
        ([3, 3, 3], (2, 0)),
    ],
)
def test_skips_must_last(skips, wanted):
    assert first_halt(records(skips), SKIPS) == wanted


def test_epochs_of_warm_up_do_not_count():
    assert first_halt(records([5, 5, 5, 5, 5]), SKIPS, first=2) == (4, 2)


def test_curvature_must_rise_by_a_third_within_the_window():
    steady, rise = [1.0] * 8, [1.0] * 6 + [2.0] * 6
    assert first_halt(records(curvatures=steady * 2), CURVED) is None
    assert first_halt(records(curvatures=[2.0] * 6 + [1.0] * 9), CURVED) is None
    # Means of the last five over the five before: 1.4 at epoch 9 (two of five at 2) is above 4/3.
    plain = None
    for now in range(9, 12):
        before, after = np.mean(rise[now - 9 : now - 4]), np.mean(rise[now - 4 : now + 1])
        if before / after < 0.75:
            plain = (now, now - 5)
            break
    assert plain is not None
    assert first_halt(records(curvatures=rise), CURVED) == plain
    assert first_halt(records(curvatures=[-c for c in rise]), CURVED) == plain  # sizes alone


def test_no_rule_never_ends():
    assert first_halt(records([9] * 20), SearchSettings()) is None


def test_lanczos_finds_the_eigenvalue_of_largest_size():
    random = torch.Generator().manual_seed(0)
    for size in (1, 2, 7, 30):
        for _ in range(5):
            half = torch.randn(size, size, generator=random, dtype=torch.float64)
            matrix = half + half.T
            values = torch.linalg.eigvalsh(matrix)
            wanted = values[values.abs().argmax()].item()
            start = torch.randn(size, generator=random, dtype=torch.float64)
            assert lanczos(lambda v, m=matrix: m @ v, start, size) == pytest.approx(
                wanted, rel=1e-9
            )


def test_lanczos_stops_where_the_space_is_exhausted():
    matrix = torch.diag(torch.tensor([3.0, 3.0, -1.0, -1.0], dtype=torch.float64))
    start = torch.ones(4, dtype=torch.float64)
    assert lanczos(lambda v: matrix @ v, start, 4) == pytest.approx(3.0)
    assert lanczos(lambda v: 0 * v, start, 4) == 0.0


@pytest.mark.parametrize(
    ("space", "name"),
    [
        (DENSE, "darts"),
        (DENSE, "pc_darts"),
        (ONE_NODE, "darts"),
    ],
)
def test_the_curvature_is_the_dense_hessians(space, name):
    settings = SearchSettings(variant=name, channels=4, partial=2)
    network = network_of(space, partial=2 if name == "pc_darts" else 1)
    variant, leaves = make_variant(settings, edges_of(space)), alphas_of(space, settings)
    x, y = batch(0)
    names = [k for k, a in leaves.items() if a.dim() == 2]
    sizes = [leaves[k].numel() for k in names]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = zip(names, flat.split(sizes), strict=True)
        moved = {**leaves, **{k: p.view(leaves[k].shape) for k, p in parts}}
        with untracked(network):
            return F.cross_entropy(network(x, variant.settled(moved)), y)

    centre = torch.cat([leaves[k].detach().flatten() for k in names])
    dense = torch.autograd.functional.hessian(loss, centre)
    torch.testing.assert_close(dense, dense.T, rtol=1e-6, atol=1e-9)
    values = torch.linalg.eigvalsh(dense)
    wanted = values[values.abs().argmax()].item()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    found = dominant(network, leaves, variant, F.cross_entropy, (x, y), products=40)
    assert found == pytest.approx(wanted, rel=1e-6)
    few = dominant(network, leaves, variant, F.cross_entropy, (x, y))
    assert few == pytest.approx(wanted, rel=0.05)  # ten products are enough
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    assert all(w.requires_grad for w in network.parameters())


def test_skips_are_counted_in_the_cell_at_stride_one():
    space = CellSpace(("skip_connect", "sep_conv_3x3"), num_nodes=2)
    rows = len(edges_of(space))
    skip, conv = np.tile([0.9, 0.1], (rows, 1)), np.tile([0.1, 0.9], (rows, 1))
    assert skips_of(space, {"normal": skip, "reduce": conv}) == 4
    assert skips_of(space, {"normal": conv, "reduce": skip}) == 0
    dense = DenseCellSpace(("skip_connect", "nor_conv_1x1"), num_nodes=3)
    assert skips_of(dense, {"cell": np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2]])}) == 2


def test_a_search_goes_back_to_the_alphas_before_the_collapse(tmp_path):
    """With a window of one epoch: the first rise ends it, the outcome is the epoch before it."""
    space = DenseCellSpace(("skip_connect", "nor_conv_3x3"), num_nodes=3)
    settings = SearchSettings(
        epochs=6, batch_size=8, variant="darts", channels=4, num_cells=1, alpha_lr=0.05,
        halt="eigenvalue", halt_patience=1,
    )  # fmt: skip
    path = tmp_path / "search.pt"
    found = search(space, blobs(), settings, checkpoint=path)
    sizes = [abs(r.curvature) for r in found.records]
    rises = [
        at for at in range(1, len(sizes)) if sizes[at] > 0 and sizes[at - 1] / sizes[at] < 0.75
    ]
    if not rises:
        pytest.fail("this search has no rise of the curvature: choose another seed")
    assert len(found.records) == rises[0] + 1
    assert found.epoch == rises[0] - 1
    assert "curvature" in found.stopped
    kept = found.records[found.epoch].alphas["cell"]
    np.testing.assert_array_equal(found.alphas["cell"], np.array(kept))
    exponents = np.exp(np.array(kept))
    softmax = exponents / exponents.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.weights["cell"], softmax, rtol=1e-6)
    again = search(space, blobs(), settings, checkpoint=path)
    np.testing.assert_array_equal(found.alphas["cell"], again.alphas["cell"])
    assert again.stopped == found.stopped


def test_rules_that_cannot_be():
    with pytest.raises(UnknownNameError, match="did you mean 'skips'"):
        SearchSettings(halt="skip")
    plain = DenseCellSpace(("nor_conv_1x1", "nor_conv_3x3"), num_nodes=2)
    with pytest.raises(InvalidSpecError, match="this space has none"):
        search(plain, blobs(), replace(SKIPS, epochs=1))
