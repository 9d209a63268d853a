"""Optuna's samplers within limits that are known before training."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy.stats import chisquare

import optunas
from optunas import NB201, OFA_MOBILENET_V3, Choice, DenseCellSpace, Float, HyperSpace, JointSpace
from optunas.samplers import Given, make_sampler
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.within import Within

CELLS = DenseCellSpace(num_nodes=3)
SHAPE = (1, 8, 8)


def params_of(member: Any) -> int:
    return optunas.metrics.params(member, SHAPE, 10)


def below(limit: float, cost: Callable[[Any], float] = params_of) -> Within:
    return Within(lambda member: max(0.0, cost(member) / limit - 1))


def study_of(
    name: str, space: optunas.Space, within: Within, objectives: int = 1, **options: Any
) -> optuna.Study:
    sampler = make_sampler(
        name,
        options,
        0,
        trials=60,
        objectives=objectives,
        distributions=optunas.distributions(space),
        given=Given(space, feasible=within),
    )
    return optuna.create_study(sampler=sampler, directions=["minimize"] * objectives)


def limit_of(space: optunas.Space, share: float, cost: Callable[[Any], float] = params_of) -> float:
    costs = sorted(cost(m) for m in space.enumerate() if space.is_connected(m))
    return costs[int(share * len(costs))]


def test_random_search_within_limits_is_uniform_over_what_keeps_them() -> None:
    within = below(limit_of(CELLS, 0.2))
    feasible = [m for m in CELLS.enumerate() if CELLS.is_connected(m) and within(m)]
    study = study_of("random", CELLS, within)
    drawn = Counter(optunas.suggest(study.ask(), CELLS) for _ in range(25 * len(feasible)))
    assert set(drawn) == set(feasible)
    assert chisquare([drawn[m] for m in feasible]).pvalue > 0.01


@pytest.mark.parametrize("name", ["random", "nsga2", "nsga3", "tpe", "gp", "cmaes"])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_every_suggestion_keeps_the_limits(name: str) -> None:
    if name == "cmaes":
        pytest.importorskip("cmaes")
    space = JointSpace(cell=CELLS, train=HyperSpace(lr=Float(0.01, 1.0), channels=Choice((8, 16))))

    def cost(member: Any) -> float:
        channels = space.parts(member)[1]["channels"]
        return optunas.metrics.params(space.parts(member)[0], SHAPE, 10, channels=channels)

    within = below(30_000, cost)
    objectives = 1 if name == "cmaes" else 2
    study = study_of(name, space, within, objectives)
    for _ in range(24 if name != "gp" else 12):
        trial = study.ask()
        member = optunas.suggest(trial, space)
        assert within(member)
        values = [abs(space.parts(member)[1]["lr"] - 0.1), cost(member)][:objectives]
        study.tell(trial, values)
    assert all(t.state == TrialState.COMPLETE for t in study.trials)


def test_a_thousandth_of_a_space_is_served_in_under_a_second() -> None:
    within = below(limit_of(NB201, 0.001))
    study = study_of("random", NB201, within)
    drawn = []
    optunas.suggest(study.ask(), NB201)  # the first may have to list the space
    for _ in range(5):
        begun = time.process_time()
        drawn.append(optunas.suggest(study.ask(), NB201))
        assert time.process_time() - begun < 1
    assert all(within(m) for m in drawn)


def test_mutations_lead_to_limits_that_drawing_does_not_meet() -> None:
    space, rng = OFA_MOBILENET_V3, np.random.default_rng(0)

    def cost(member: Any) -> float:
        return optunas.metrics.params(member, (3, 64, 64), 10)

    drawn = [cost(space.sample(rng)) for _ in range(60)]
    within = below(min(drawn) * 0.93, cost)
    assert not any(within(space.sample(rng)) for _ in range(20))
    found = within.approach(space, space.sample(rng), rng)
    assert found is not None
    assert within(found)
    assert Members(space, within).allowed(found)


def test_limits_that_nothing_keeps_end_in_any_suggestion() -> None:
    study = study_of("random", CELLS, below(1))
    assert CELLS.validate(optunas.suggest(study.ask(), CELLS)) is None
    assert below(1).approach(CELLS, CELLS.sample(np.random.default_rng(0)), _rng()) is None


def test_enqueued_parameters_are_kept_though_they_break_a_limit() -> None:
    study = study_of("random", CELLS, below(limit_of(CELLS, 0.2)))
    dear = max(CELLS.enumerate(), key=params_of)
    study.enqueue_trial(optunas.to_params(CELLS, dear))
    assert optunas.suggest(study.ask(), CELLS) == dear


def test_a_sampler_that_walks_in_order_walks_over_all() -> None:
    study = study_of("brute_force", CELLS, below(limit_of(CELLS, 0.2)))
    for _ in range(30):
        trial = study.ask()
        optunas.suggest(trial, CELLS)
        study.tell(trial, 0.0)
    assert len({tuple(t.params.items()) for t in study.trials}) == 30


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)
