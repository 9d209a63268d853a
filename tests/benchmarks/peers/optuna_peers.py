"""Plain Optuna: its samplers, categorical parameters, nothing of ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import optuna
from nb201_problem import EDGES, Collector
from optuna.samplers import BaseSampler

optuna.logging.set_verbosity(optuna.logging.WARNING)


def _run(make: Callable[[int], BaseSampler], collector: Collector, seed: int) -> None:
    problem = collector.problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental arguments
        study = optuna.create_study(
            directions=["maximize" if up else "minimize" for up in problem.maximised],
            sampler=make(seed),
        )
        while not collector.done:
            trial = study.ask()
            cell = [trial.suggest_categorical(edge, problem.operations) for edge in EDGES]
            study.tell(trial, collector.train(cell))


def _peer(make: Callable[[int], BaseSampler]) -> Callable[[Collector, int], None]:
    return lambda collector, seed: _run(make, collector, seed)


PEERS = {
    "optuna random": _peer(lambda seed: optuna.samplers.RandomSampler(seed=seed)),
    "optuna nsga2 50": _peer(
        lambda seed: optuna.samplers.NSGAIISampler(population_size=50, seed=seed)
    ),
    "optuna nsga2 20": _peer(
        lambda seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed)
    ),
    "optuna tpe multivariate": _peer(
        lambda seed: optuna.samplers.TPESampler(multivariate=True, seed=seed)
    ),
    "optuna gp": _peer(lambda seed: optuna.samplers.GPSampler(seed=seed)),
}
