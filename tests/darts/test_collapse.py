"""The report of collapse, on searches that are made to collapse, and on ones that are not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from plain_steps import SHAPE, blobs

from optunas.darts import SearchSettings, collapse_report, discretize, search
from optunas.darts.choices import one_hot
from optunas.darts.collapse import _of_gap
from optunas.darts.data import Halves
from optunas.darts.judging import judge, selected
from optunas.darts.mixing import Mixing
from optunas.darts.record import record
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets.build import build
from optunas.space import NB201, CellSpace

TASK = blobs()
SETTINGS = SearchSettings(
    epochs=2, batch_size=8, variant="darts", channels=4, num_cells=1, partial=2
)


@pytest.fixture(scope="module")
def searched():
    return search(NB201, TASK, SETTINGS)


def with_weights(found, table: np.ndarray, epochs: int = 6):
    """The search as if it had ended with these weights, and had had them all along."""
    alphas = {"cell": np.log(np.maximum(table, 1e-6))}
    row = record(0, 1.0, 1.0, weights={"cell": table}, space=NB201, seconds=0.0)
    rows = tuple(replace(row, epoch=at) for at in range(epochs))
    return replace(found, weights={"cell": table}, alphas=alphas, records=rows, epoch=epochs - 1)


def leaning(operation: int, weight: float = 0.6) -> np.ndarray:
    table = np.full((6, 5), (1 - weight) / 4)
    table[:, operation] = weight
    return table


def test_a_cell_of_skips_is_a_collapse(searched):
    report = collapse_report(with_weights(searched, leaning(1)), TASK)
    assert report.collapsed
    assert (report.skips, report.edges, report.share_parameter_free) == (6, 6, 1.0)
    assert report.share_by_chance == pytest.approx(3 / 5)
    assert report.words[0].startswith("The search has collapsed: 6 of the 6 chosen operations")
    assert "beta_decay" in report.remedy
    assert "drnas" in report.remedy
    assert "collapsed" in str(report)
    assert "To mend it" in str(report)


def test_four_skips_of_six_are_no_accident_and_two_are(searched):
    """Binomial: at least 4 of 6 at 1/5 has probability .017, at least 3 has .099."""
    four, three = leaning(3), leaning(3)
    four[:4] = leaning(1)[:4]
    three[:3] = leaning(1)[:3]
    assert collapse_report(with_weights(searched, four), TASK).collapsed
    assert not collapse_report(with_weights(searched, three), TASK).collapsed


def test_a_decided_cell_of_convolutions_needs_no_remedy(searched):
    report = collapse_report(with_weights(searched, leaning(3)), TASK)
    assert not report.collapsed
    assert not report.undecided
    assert report.remedy == ""
    assert report.stability == 1.0


def test_alphas_that_stood_still_are_undecided(searched):
    report = collapse_report(with_weights(searched, leaning(3, 0.22)), TASK)
    assert report.undecided
    assert not report.collapsed
    assert "undecided" in str(report)
    assert "alpha_lr" in report.remedy
    held = replace(searched, settings=replace(SETTINGS, beta_decay=50.0))
    assert "lower beta_decay" in collapse_report(with_weights(held, leaning(3, 0.22)), TASK).remedy


def test_a_choice_that_changes_is_undecided(searched):
    made = with_weights(searched, leaning(3), 9)
    other = record(0, 1.0, 1.0, weights={"cell": leaning(2)}, space=NB201, seconds=0.0)
    rows = [replace(r, choice=other.choice) if r.epoch < 8 else r for r in made.records]
    report = collapse_report(replace(made, records=tuple(rows)), TASK)
    assert report.stability == pytest.approx(1 / 3)
    assert report.undecided
    assert "more epochs" in report.remedy


def test_the_gap_is_between_the_supernet_and_the_chosen_operations(searched):
    report = collapse_report(searched, TASK)
    halves = Halves(TASK, 8, 0, torch.device("cpu"))
    batches = list(halves.validation())
    weights = torch.tensor(searched.alphas["cell"]).float().softmax(-1)
    hot = torch.tensor(one_hot(NB201, discretize(NB201, searched.weights))["cell"]).float()
    scores = []
    for table in (weights, hot):
        hits = count = 0
        with torch.no_grad():
            for x, y in batches:
                hits += int(
                    (searched.network.train()(x, Mixing({"cell": table})).argmax(1) == y).sum()
                )
                count += len(y)
        scores.append(hits / count)
    assert report.supernet_score == pytest.approx(scores[0])
    assert report.discrete_score == pytest.approx(scores[1])
    assert report.gap == pytest.approx(scores[0] - scores[1])


def test_judging_changes_nothing(searched):
    before = {k: v.clone() for k, v in searched.network.state_dict().items()}
    numbers, mode = torch.get_rng_state(), searched.network.training
    collapse_report(searched, TASK)
    assert all(torch.equal(before[k], v) for k, v in searched.network.state_dict().items())
    assert torch.equal(numbers, torch.get_rng_state())
    assert searched.network.training == mode


def test_the_gap_of_errors_counts_upwards_too():
    """A loss-like score: larger is worse, so the gap is what it rises by."""
    from optunas.tasks import InMemoryTask, Part

    random = np.random.RandomState(0)
    x = random.normal(size=(40, *SHAPE)).astype(np.float32)
    y = x.mean(axis=(1, 2, 3), keepdims=False)[:, None].astype(np.float32)
    parts = dict.fromkeys(("train", "validation", "test"), Part(x, y))
    task = InMemoryTask("means", parts, "mae", options={}, kind="regression")
    found = search(NB201, task, replace(SETTINGS, halt="eigenvalue"))
    report = collapse_report(found, task)
    assert report.gap == pytest.approx(report.discrete_score - report.supernet_score)
    assert found.records[-1].curvature is not None


@pytest.mark.parametrize("variant", ["darts", "pc_darts", "gdas", "drnas"])
def test_every_variant_and_both_kinds_of_space(variant):
    space = CellSpace(num_nodes=2)
    settings = replace(SETTINGS, variant=variant, num_cells=3)
    report = collapse_report(search(space, TASK, settings), TASK)
    assert report.edges == 8
    assert 0 <= report.discrete_score <= 1
    assert len(report.words) == 3


def test_partial_edges_that_are_left_add_up_to_one():
    space = CellSpace(num_nodes=2)
    found = search(space, TASK, replace(SETTINGS, variant="pc_darts", num_cells=3))
    weights = {k: torch.tensor(w) for k, w in found.weights.items()}
    bypass = {k: w.sum(dim=1) for k, w in weights.items()}
    mixing = selected(
        space, Mixing(weights, bypass=bypass), one_hot(space, discretize(space, found.weights))
    )
    for kind, beta in mixing.bypass.items():
        assert float(beta.sum()) == pytest.approx(2.0)  # two nodes
        torch.testing.assert_close(mixing.weights[kind].sum(dim=1), beta)
        assert int((beta > 0).sum()) == 4


def test_another_architecture_can_be_judged(searched):
    cell = NB201.sample(np.random.default_rng(0))
    report = collapse_report(searched, TASK, architecture=cell)
    free = sum(e.operation in ("none", "skip_connect", "avg_pool_3x3") for e in cell.edges)
    assert report.share_parameter_free == pytest.approx(free / 6)
    with pytest.raises(InvalidArchitectureError, match="holds Cells"):
        collapse_report(searched, TASK, architecture=CellSpace().sample(np.random.default_rng(0)))


def test_wrong_arguments(searched):
    with pytest.raises(InvalidSpecError, match="cannot be had from 'other'"):
        collapse_report(searched, blobs(name="other"))
    with pytest.raises(InvalidSpecError, match=r"got a Sequential|got a "):
        collapse_report(build(NB201.sample(np.random.default_rng(0)), SHAPE, 3), TASK)


def test_judging_is_by_the_statistics_of_each_batch(searched):
    halves = Halves(TASK, 8, 0, torch.device("cpu"))
    hot = {"cell": torch.full((6, 5), 0.2)}
    first = judge(searched.network, Mixing(hot), halves.validation(), TASK)
    searched.network.stem[1].running_mean.add_(5.0)
    assert judge(searched.network, Mixing(hot), halves.validation(), TASK) == first
    searched.network.stem[1].running_mean.sub_(5.0)


def test_the_gap_of_errors_is_told_in_their_own_unit():
    assert "keep the supernet's mae of 0.0001." in _of_gap("mae", 1e-4, 1e-4, 0.0)
    assert "mae gets worse from 0.0001 (the supernet) to 0.0003" in _of_gap("mae", 1e-4, 3e-4, 2e-4)
    assert "mae improves from 0.4 " in _of_gap("mae", 0.4, 0.3, -0.1)
    assert "accuracy gets worse from 0.954 " in _of_gap("accuracy", 0.9543, 0.5, 0.4543)
