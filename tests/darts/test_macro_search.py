"""A whole search over a macro space: variants, resume, choice under limits, report."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from macro_spaces import BARE, MACROS, PLAIN
from plain_steps import blobs

from optunas import metrics
from optunas.darts import SearchSettings, collapse_report, discretize, perturb, ranked, search
from optunas.darts.choices import LAYERS, closed_of, edges_of, shape_of
from optunas.darts.halting import skips_of
from optunas.darts.record import EpochRecord, Search
from optunas.darts.restarts import Plan, run_restarts
from optunas.darts.result import FinalNetwork, read_result, write_result
from optunas.darts.selection import choice_of
from optunas.darts.variants import make_variant
from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.metrics.layer_costs import layer_costs
from optunas.space import MacroSpace
from optunas.space.macro_skeleton import macro_skeleton

TASK = blobs()
SMALL = SearchSettings(epochs=2, batch_size=10, alpha_lr=0.05)
SHAPE, CLASSES = (1, 6, 6), 3
NETWORK = {"input_shape": SHAPE, "num_outputs": CLASSES}


def same(one: Search, other: Search) -> bool:
    states = (one.network.state_dict(), other.network.state_dict())
    weights = zip(*(state.values() for state in states), strict=True)
    return all(bool((a == b).all()) for a, b in weights) and all(
        (one.alphas[k] == other.alphas[k]).all() for k in one.alphas
    )


def weights_of(space: MacroSpace, seed: int = 0) -> dict[str, np.ndarray]:
    made = np.exp(np.random.default_rng(seed).normal(size=shape_of(space)))
    made[macro_skeleton(space).closed] = 0.0
    return {LAYERS: made / made.sum(axis=1, keepdims=True)}


RUNS = [("darts", 1), ("darts", 2), ("gdas", 1), ("drnas", 1)]


@pytest.mark.parametrize(("variant", "order"), RUNS)
def test_a_resumed_search_is_the_uninterrupted_one(
    variant: str, order: int, tmp_path: Path
) -> None:
    settings = replace(SMALL, variant=variant, order=order, beta_decay=1.0)
    whole = search(PLAIN, TASK, settings, seed=3)
    path = tmp_path / "search.pt"
    with pytest.raises(KeyboardInterrupt):
        search(PLAIN, TASK, settings, seed=3, checkpoint=path, on_epoch=_interrupt)
    assert path.exists()
    assert same(whole, search(PLAIN, TASK, settings, seed=3, checkpoint=path))
    closed = closed_of(PLAIN)
    assert closed is not None
    rows = whole.weights[LAYERS]
    assert (rows[closed] == 0).all()
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-6)
    assert 0.9 < whole.records[0].entropy[LAYERS] <= 1
    assert whole.records[-1].moved[LAYERS] > 0


def _interrupt(record: EpochRecord) -> None:
    if record.epoch == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("variant", ["darts", "gdas", "drnas"])
def test_what_cannot_stand_somewhere_has_no_weight_and_no_gradient(variant: str) -> None:
    closed = closed_of(BARE)
    assert closed is not None
    made = make_variant(replace(SMALL, variant=variant, beta_decay=2.0), edges_of(BARE), closed)
    generator = torch.Generator().manual_seed(0)
    leaves = made.alphas((LAYERS,), shape_of(BARE), generator)
    for _ in range(20):
        mixing = made.mix(leaves, generator, 0.5)
        assert (mixing.weights[LAYERS].detach().numpy()[closed] == 0).all()
        if mixing.active is not None:
            assert not mixing.active[LAYERS][closed].any()
        value = (mixing.weights[LAYERS] * torch.arange(10.0).reshape(2, 5)).sum()
        penalty = made.penalty(leaves, 0.5)
        assert penalty is not None
        (slope,) = torch.autograd.grad(value + penalty, [leaves[LAYERS]])
        assert torch.isfinite(slope).all()
        assert (slope.numpy()[closed] == 0).all()


def test_shares_of_a_dirichlet_among_some_are_dirichlet() -> None:
    closed = closed_of(BARE)
    made = make_variant(replace(SMALL, variant="drnas"), edges_of(BARE), closed)
    alphas = {LAYERS: torch.tensor([[0.0, 1.0, 2.0, 3.0, 9.0]] * 2)}
    mean = made.read(alphas)[LAYERS][0]
    torch.testing.assert_close(mean, torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0]) / 10)


@pytest.mark.parametrize("space", MACROS)
def test_costs_of_the_layers_add_up_to_the_networks(space: MacroSpace) -> None:
    skeleton = macro_skeleton(space)
    parts = layer_costs(skeleton, SHAPE, CLASSES, LAYERS)
    rng = np.random.default_rng(1)
    for _ in range(40):
        columns = [int(rng.choice(np.flatnonzero(row))) for row in skeleton.choosable()]
        member, rows = skeleton.macro(columns), range(len(columns))
        assert metrics.params(member, SHAPE, CLASSES) == (
            parts.fixed.params + parts.params[LAYERS][rows, columns].sum()
        )
        assert metrics.flops(member, SHAPE, CLASSES) == (
            2 * parts.fixed.macs + parts.flops[LAYERS][rows, columns].sum()
        )


@pytest.mark.parametrize("space", MACROS)
@pytest.mark.parametrize("seed", range(3))
def test_the_choice_is_the_best_of_all_members_within_the_limits(
    space: MacroSpace, seed: int
) -> None:
    skeleton, weights = macro_skeleton(space), weights_of(space, seed)
    options = [np.flatnonzero(row) for row in skeleton.choosable()]
    every = []
    for columns in itertools.product(*options):
        member = skeleton.macro([int(c) for c in columns])
        gain = math.fsum(math.log(weights[LAYERS][row, c]) for row, c in enumerate(columns))
        cost = (metrics.params(member, SHAPE, CLASSES), metrics.flops(member, SHAPE, CLASSES))
        every.append((gain, cost, member))
    assert discretize(space, weights) == max(every, key=lambda one: one[0])[2]
    params = float(np.quantile([cost[0] for _, cost, _ in every], 0.4))
    flops = float(np.quantile([cost[1] for _, cost, _ in every], 0.4))
    limits = {"params": params, "flops": flops}
    allowed = [one for one in every if one[1][0] <= params and one[1][1] <= flops]
    kept = sorted(allowed, key=lambda one: -one[0])
    found = ranked(space, weights, limits=limits, alternatives=3, **NETWORK)
    assert found[0].architecture == kept[0][2]
    assert dict(found[0].costs) == {"params": kept[0][1][0], "flops": kept[0][1][1]}
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    least = min(cost[0] for _, cost, _ in every)
    with pytest.raises(InvalidSpecError, match=f"smallest possible value is {least:,}"):
        discretize(space, weights, limits={"params": least - 1}, **NETWORK)


def test_a_width_of_its_own_takes_none() -> None:
    with pytest.raises(InvalidSpecError, match="widths and depths of its own"):
        discretize(BARE, weights_of(BARE), limits={"params": 999}, channels=4, **NETWORK)


def test_identities_count_as_skips() -> None:
    with_one = np.array([[0.7, 0.1, 0.1, 0.1, 0.0], [0.1, 0.1, 0.1, 0.1, 0.6]])
    assert skips_of(BARE, {LAYERS: with_one}) == 1
    assert skips_of(BARE, {LAYERS: with_one * [1, 1, 1, 1, 0]}) == 0


def test_report_perturbation_and_choice() -> None:
    found = search(PLAIN, TASK, SMALL)
    report = collapse_report(found, TASK)
    assert report.edges == 3
    # Of three layers the first has no identity, the others one in eight choices without zero.
    assert report.share_by_chance == pytest.approx((0 + 1 / 8 + 1 / 8) / 3)
    perturbed = perturb(found, TASK, tuning_steps=1)
    skeleton = macro_skeleton(PLAIN)
    assert (perturbed.weights[LAYERS].sum(axis=1) == 1).all()
    assert not perturbed.weights[LAYERS][~skeleton.choosable()].any()
    assert perturbed.judged == 7 + 8 + 8
    choice = choice_of(found, TASK, "perturbation")
    kept = perturb(found, TASK)
    assert discretize(PLAIN, choice.weights) == discretize(PLAIN, kept.weights)
    assert choice.steps == kept.tuned
    assert choice_of(found, TASK).weights is found.weights
    with pytest.raises(UnknownNameError, match="did you mean 'perturbation'"):
        choice_of(found, TASK, "perturbations")


def test_pc_darts_says_why_not() -> None:
    with pytest.raises(InvalidSpecError, match="Choose darts, gdas or drnas"):
        search(BARE, TASK, replace(SMALL, variant="pc_darts"))
    with pytest.raises(InvalidSpaceError, match="more is free: the depth"):
        search(MacroSpace(), TASK, SMALL)


def test_restarts_and_the_file(tmp_path: Path) -> None:
    network = FinalNetwork(SHAPE, CLASSES)
    plan = Plan(
        study="macro", space=BARE, task=TASK, settings=SMALL,
        task_is={"reference": "here", "options": {}}, network=network,
        limits={"params": 250}, selection="perturbation",
        training={"batch_size": 20}, validation_epochs=1,
    )  # fmt: skip
    result = run_restarts(plan, range(2), tmp_path / "g.json")
    write_result(result, tmp_path / "g.json")
    again = read_result(tmp_path / "g.json")
    assert again.selection == "perturbation"
    assert again.operations == tuple(o.operation.name for o in macro_skeleton(BARE).candidates)
    assert again.network.counts() == {}
    assert again.search_cost()["choice_steps"] > 0
    for row, ours in zip(again.restarts, result.restarts, strict=True):
        assert row.network() == ours.network()
        assert metrics.params(row.network(), SHAPE, CLASSES) == row.costs["params"] <= 250
        limits, arguments = plan.limits, network.arguments()
        near = ranked(BARE, row.arrays(), limits=limits, alternatives=1, **arguments)
        assert near[0].architecture == row.network()
    with pytest.raises(UnknownNameError, match="selection"):
        replace(plan, selection="best").check()
