"""DARTS-PT against an obvious loop, and its promises."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from plain_steps import DENSE, PAIR, blobs

from optunas.darts import SearchSettings, discretize, perturb, search
from optunas.darts.data import Halves, mixed
from optunas.darts.mixing import Mixing
from optunas.darts.supernet import edges_of, untracked
from optunas.errors import InvalidSpecError, TrainingError

TASK = blobs(24)
SETTINGS = SearchSettings(epochs=2, batch_size=8, channels=4, num_cells=1, partial=2)


@pytest.fixture(scope="module")
def dense():
    return search(DENSE, TASK, SETTINGS)


@pytest.fixture(scope="module")
def pair():
    return search(PAIR, TASK, replace(SETTINGS, num_cells=3))


def plain_score(found, tables) -> tuple[float, float]:
    """Accuracy and loss on the alphas' half, batch by batch."""
    hits, loss, count = 0, 0.0, 0
    network = found.network.train()
    weights = {k: torch.tensor(t).float() for k, t in tables.items()}
    with torch.no_grad(), untracked(network):
        for x, y in Halves(TASK, 8, 0, torch.device("cpu")).validation():
            outputs = network(x, Mixing(weights))
            hits += int((outputs.argmax(1) == y).sum())
            loss += float(torch.nn.functional.cross_entropy(outputs, y)) * len(y)
            count += len(y)
    return hits / count, loss / count


def plain_choice(found, space) -> dict[str, np.ndarray]:
    """Without tuning: edge by edge, then node by node, as algorithm 1 says."""
    random = np.random.RandomState(mixed(found.seed, 3) % 2**32)
    ends, tables = edges_of(space), {k: w.copy() for k, w in found.weights.items()}
    kinds = list(tables)
    edges = [(k, e) for k in kinds for e in range(len(ends))]
    for at in random.permutation(len(edges)):
        kind, e = edges[at]
        harms = {}
        for o, operation in enumerate(space.operations):
            if not operation.zero:
                without = {k: t.copy() for k, t in tables.items()}
                without[kind][e, o] = 0.0
                score, loss = plain_score(found, without)
                harms[o] = (-score, loss)
        tables[kind][e] = 0.0
        tables[kind][e, max(harms, key=lambda o: harms[o])] = 1.0
    kept = {k: t.copy() for k, t in tables.items()}
    nodes = [(k, n) for k in kinds for n in range(3, space.num_nodes + 2)] if space is PAIR else []
    for at in random.permutation(len(nodes)):
        kind, node = nodes[at]
        rivals = [e for e, (_, target) in enumerate(ends) if target == node]
        harms = {}
        for e in rivals:
            without = {k: t.copy() for k, t in tables.items()}
            without[kind][e] = 0.0
            score, loss = plain_score(found, without)
            harms[e] = (-score, loss)
        for e in sorted(rivals, key=lambda e: harms[e])[:-2]:
            tables[kind][e] = 0.0
            kept[kind][e] *= 0.5
    return kept


@pytest.mark.parametrize("name", ["dense", pytest.param("pair", marks=pytest.mark.slow)])
def test_the_choice_is_the_plain_loops(name, request):
    found = request.getfixturevalue(name)
    made = perturb(found, TASK, tuning_steps=0)
    for kind, table in plain_choice(found, found.space).items():
        np.testing.assert_array_equal(made.weights[kind], table)
    assert made.tuned == 0


def test_the_cost_is_counted(dense, pair):
    made = perturb(dense, TASK, tuning_steps=2)
    assert made.judged == 3 * 3  # three edges, three operations that are not none
    assert made.tuned == 2 * 2  # nothing follows the last decision
    assert "9 passes" in made.words
    assert made.seconds > 0
    made = perturb(pair, TASK, tuning_steps=1)
    assert made.judged == 2 * (5 * 4 + 3)
    assert made.tuned == 2 * (5 + 1) - 1


def test_discretize_keeps_what_was_kept(dense, pair):
    made = perturb(dense, TASK, tuning_steps=1)
    chosen = [e.operation for e in discretize(DENSE, made.weights).edges]
    names = [operation.name for operation in DENSE.operations]
    assert chosen == [names[row.argmax()] for row in made.weights["cell"]]
    made = perturb(pair, TASK, tuning_steps=1)
    genotype = discretize(PAIR, made.weights)
    for kind in ("normal", "reduce"):
        for source, target, operation in getattr(genotype, kind).edges:
            row = made.weights[kind][edges_of(PAIR).index((source, target))]
            assert row[[o.name for o in PAIR.operations].index(operation)] == 1.0


def test_equal_seeds_choose_equally_and_the_search_stays_as_it_is(dense):
    before = {k: v.clone() for k, v in dense.network.state_dict().items()}
    numbers = torch.get_rng_state()
    one, same = (perturb(dense, TASK, tuning_steps=3) for _ in range(2))
    np.testing.assert_array_equal(one.weights["cell"], same.weights["cell"])
    assert all(torch.equal(before[k], v) for k, v in dense.network.state_dict().items())
    assert torch.equal(numbers, torch.get_rng_state())


@pytest.mark.parametrize("variant", ["pc_darts", "gdas", "drnas"])
def test_every_variant(variant):
    found = search(DENSE, TASK, replace(SETTINGS, variant=variant))
    made = perturb(found, TASK)
    assert sorted(made.weights["cell"].sum(axis=1)) == [1.0] * 3
    assert made.tuned > 0


def test_wrong_arguments(dense):
    with pytest.raises(InvalidSpecError, match="cannot be had from 'other'"):
        perturb(dense, blobs(name="other"))
    with pytest.raises(InvalidSpecError, match="got a str"):
        perturb("genotype.json", TASK)
    with pytest.raises(InvalidSpecError, match="tuning_steps must be a whole number"):
        perturb(dense, TASK, tuning_steps=-1)
    with pytest.raises(InvalidSpecError, match=r"seed must be a whole number .*, got 'x'"):
        perturb(dense, TASK, seed="x")


def test_tuning_that_breaks_down_says_so(dense):
    wild = replace(dense, settings=replace(SETTINGS, lr=1e30, grad_clip=1e30))
    with pytest.raises(TrainingError, match=r"while tuning|not finite"):
        perturb(wild, TASK, tuning_steps=5)
