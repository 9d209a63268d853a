"""What a limit that is known before training costs, on NAS-Bench-201's recorded trainings.

Three questions, a latency limit on the table that pip installs (extra ``bench``):

- how much recorded training goes into networks that break it: a plain Optuna study that tells its
  sampler with ``Trial.set_constraint`` once a network is trained, against optunas;
- whether random search within the limit is uniform over the codes that keep it (chi-square);
- how long a suggestion takes when one code in ten, in a hundred, in a thousand keeps it.

    python tests/benchmarks/limits.py [--seeds 5] [--networks 100]

Medians over the seeds; nothing is asserted.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
from scipy.stats import chisquare

import optunas
from optunas import NB201, Budget, Objective, StudySpec
from optunas.samplers import Given, make_sampler
from optunas.samplers.trials.within import Within

DATA: dict[str, Any] = {"dataset": "cifar10", "device_latency": "recorded"}
SAMPLERS = ("random", "nsga2", "tpe", "architecture_nsga2", "cheap_aware")


def plain(limit: float, seed: int, networks: int, task: Any, sampler: str) -> float:
    """Share of the training that plain Optuna spends on networks that break the limit."""
    made = {
        "random": optuna.samplers.RandomSampler(seed=seed),
        "nsga2": optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
        "tpe": optuna.samplers.TPESampler(multivariate=True, seed=seed),
    }[sampler]
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=made)
    spent = {True: 0.0, False: 0.0}
    for _ in range(networks):
        trial = study.ask()
        cell = optunas.suggest_cell(trial)
        (reading,) = task.scores(cell, {})
        known = task.known(cell, {})
        trial.set_constraint("latency_ms", known["latency_ms"] - limit)
        spent[known["latency_ms"] > limit] += reading.seconds
        study.tell(trial, (reading.score, known["params"]))
    return spent[True] / sum(spent.values())


def ours(limit: float, seed: int, networks: int, sampler: str) -> tuple[float, int]:
    """The same share for a study of optunas, and how many suggestions were ruled out."""
    spec = StudySpec(
        name="limits",
        space=NB201,
        task="optunas.tasks:nas_bench_201",
        task_options=DATA,
        objectives=("accuracy", "params"),
        constraints={"latency_ms": limit},
        sampler=sampler,
        pruner="none",
        reuse=False,
        budget=Budget(trials=networks),
        reference=False,
        seed=seed,
    )
    handle = optunas.run(spec, storage=optuna.storages.InMemoryStorage(), progress=False)
    trials = handle.trials()
    spent = sum(t.user_attrs["seconds"] for t in trials)
    lost = sum(t.user_attrs["seconds"] for t in trials if t.constraints["latency_ms"] > 0)
    return lost / spent, sum(t.state == TrialState.PRUNED for t in trials)


def suggestions(limit: float, objective: Objective, count: int) -> tuple[list[Any], list[float]]:
    """Random search within a limit: what it suggests, and the seconds each suggestion takes."""

    def violation(member: Any) -> float:
        return max(0.0, objective.foresee(member)["latency_ms"] / limit - 1)

    sampler = make_sampler(
        "random",
        {},
        0,
        trials=count,
        objectives=1,
        distributions=optunas.distributions(NB201),
        given=Given(NB201, feasible=Within(violation)),
    )
    study = optuna.create_study(sampler=sampler)
    members, seconds = [], []
    for _ in range(count):
        begun = time.process_time()
        trial = study.ask()
        members.append(optunas.suggest(trial, NB201))
        seconds.append(time.process_time() - begun)
    return members, seconds


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", type=int, default=100)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    task = optunas.tasks.nas_bench_201(**DATA)
    latency = task.column("latency_ms")
    connected = np.array([NB201.is_connected(cell) for cell in NB201.enumerate()])
    tight = float(np.quantile(latency[connected], 0.05))
    print(f"limit {tight:.3f} ms: one code in twenty keeps it; {arguments.networks} networks")
    for sampler in SAMPLERS:
        seeds = range(arguments.seeds)
        mine = [ours(tight, seed, arguments.networks, sampler) for seed in seeds]
        line = f"{sampler:20} training spent on what breaks it {median(m[0] for m in mine):5.1%}"
        line += f" (ruled out before training {median(m[1] for m in mine):g})"
        if sampler in ("random", "nsga2", "tpe"):
            there = [plain(tight, s, arguments.networks, task, sampler) for s in seeds]
            line += f"; Optuna with set_constraint alone {median(there):.1%}"
        print(line, flush=True)
    objective = Objective(NB201, task, ("accuracy", "latency_ms"))
    for share in (0.1, 0.01, 0.001):
        limit = float(np.quantile(latency[connected], share))
        feasible = [c for c, ms in zip(NB201.enumerate(), latency, strict=True) if ms <= limit]
        feasible = [c for c in feasible if NB201.is_connected(c)]
        members, seconds = suggestions(limit, objective, max(200, 10 * len(feasible)))
        counts = Counter(members)
        p = chisquare([counts[cell] for cell in feasible]).pvalue
        print(
            f"{len(feasible):5} codes keep {limit:.3f} ms: a suggestion takes "
            f"{1000 * median(seconds):.1f} ms, at most {1000 * max(seconds):.0f}; uniform over "
            f"them: chi-square p = {p:.2f} ({len(members)} draws, all of them "
            f"{'' if set(counts) <= set(feasible) else 'NOT '}within)",
            flush=True,
        )


if __name__ == "__main__":
    main()
