"""Syne Tune: regularized evolution with non-dominated sorting, and MO-ASHA with two rungs.

One trial after the other, told by hand, so that no simulated clock decides what is known when.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

import numpy as np
from nb201_problem import EDGES, PART, Collector
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective import MultiObjectiveRegularizedEvolution
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

SHORT, WHOLE = 12, 200
"""Epochs of the rungs. The short training counts as the whole one's beginning, in favour of it."""


def _evolution(collector: Collector, seed: int, population: int) -> None:
    searcher = MultiObjectiveRegularizedEvolution(
        _space(collector), population_size=population, random_seed=seed
    )
    number = 0
    while not collector.done:
        config: Any = searcher.suggest()
        losses = collector.losses([config[edge] for edge in EDGES])
        searcher.on_trial_complete(number, config, losses)
        number += 1


def _moasha(collector: Collector, seed: int) -> None:
    # It draws from the global generators.
    np.random.seed(seed)
    random.seed(seed)
    names = list(collector.problem.objectives)
    scheduler = MOASHA(
        _space(collector),
        names,
        time_attr="epochs",
        max_t=WHOLE,
        grace_period=SHORT,
        reduction_factor=3,
        random_seed=seed,
    )
    number = 0
    while not collector.done:
        suggested: Any = scheduler.suggest()
        cell = [suggested.config[edge] for edge in EDGES]
        trial = Trial(number, suggested.config, datetime.datetime.now())
        scheduler.on_trial_add(trial)
        number += 1
        short = dict(zip(names, collector.partly(cell), strict=True))
        if scheduler.on_trial_result(trial, {**short, "epochs": SHORT}) == SchedulerDecision.STOP:
            scheduler.on_trial_remove(trial)
            continue
        whole = dict(zip(names, collector.losses(cell, begun=PART), strict=True))
        scheduler.on_trial_complete(trial, {**whole, "epochs": WHOLE})


def _space(collector: Collector) -> dict[str, Any]:
    return {edge: choice(collector.problem.operations) for edge in EDGES}


PEERS = {
    "syne tune mo-rea 100": lambda collector, seed: _evolution(collector, seed, 100),
    "syne tune mo-rea 30": lambda collector, seed: _evolution(collector, seed, 30),
    "syne tune mo-asha 12/200": _moasha,
}
