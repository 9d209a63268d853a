"""Does a study that begins at the result of a search by gradient need fewer trials?

Fashion-MNIST, small images of 14 x 14; accuracy against parameters. For each seed one search and
two studies of equal definition and seed: one begins with the search's networks of falling size
(``optunas study seed --spread 8``), the other as usual. Two spaces: ``joint`` (NAS-Bench-201's
cells, width and learning rate) and ``nb201`` (the cells alone).
Printed: after how many trials the first has the hypervolume that the other ends with, as a share of
the other's trials, without the search's cost and with it (in trainings: processor seconds of the
search over the mean of a trial's). Volumes are of accuracy and the logarithm of parameters, from
the worst of both studies. Every study goes into ``--results`` as it ends. Nothing here is asserted.

    python tests/benchmarks/darts_seeding.py nb201 --results seeding.jsonl [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np
import optuna
import torch
from optuna.trial import TrialState

import optunas
from optunas import (
    NB201,
    Budget,
    Choice,
    Float,
    HyperSpace,
    JointSpace,
    StudySpec,
)
from optunas.darts import SearchResult, SearchSettings
from optunas.darts.restarts import Plan, run_restarts
from optunas.pareto import hypervolume, reference_point
from optunas.study.final_network import final_network

DIRECTIONS = ("maximize", "minimize")
TRIALS, SPREAD, RESTARTS = 40, 8, 3
TASK: dict[str, Any] = {"train_size": 3_000, "val_size": 5_000, "size": 14}
SEARCH = SearchSettings(epochs=16, channels=8, num_cells=1)


class Case(NamedTuple):
    """What a study searches, and what it fixes."""

    space: Any
    training: dict[str, Any]


TRAINING = {"num_cells": 1, "epochs": 6, "batch_size": 64}
CASES = {
    "joint": Case(
        JointSpace(
            cell=NB201,
            train=HyperSpace(lr=Float(0.02, 0.3, log=True), channels=Choice((4, 8))),
        ),
        TRAINING,
    ),
    "nb201": Case(NB201, {**TRAINING, "channels": 8, "lr": 0.1}),
}


def spec(case: Case, seed: int) -> StudySpec:
    """The study of both."""
    return StudySpec(
        name="seeded",
        space=case.space,
        task="optunas.tasks:fashion_mnist",
        task_options=TASK,
        objectives=("accuracy", "params"),
        training=case.training,
        budget=Budget(trials=TRIALS),
        reference=False,
        seed=seed,
    )


def searched_by(case: Case, handle: optunas.StudyHandle, seed: int) -> SearchResult:
    """What ``optunas darts search FILE`` does: three searches, the best by validation."""
    task = optunas.tasks.fashion_mnist(**TASK)
    network = final_network(handle.spec, task)
    plan = Plan(
        "seeded",
        NB201,
        task,
        SEARCH,
        {},
        network,
        training=case.training,
        validation_epochs=case.training["epochs"],
    )
    seeds = range(10 * seed, 10 * seed + RESTARTS)
    with tempfile.TemporaryDirectory() as folder:
        return run_restarts(plan, seeds, Path(folder) / "genotype.json")


def run(job: tuple[str, int, bool]) -> dict[str, Any]:
    """One study; the values of its completed trials by their place among those that count."""
    name, seed, seeded = job
    case = CASES[name]
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    handle = optunas.create(spec(case, seed), storage=optuna.storages.InMemoryStorage())
    searched = 0.0
    if seeded:
        started = time.process_time()
        optunas.seed(handle, searched_by(case, handle, seed), spread=SPREAD)
        searched = time.process_time() - started
    started = time.process_time()
    optunas.run(handle, progress=False)
    trained = time.process_time() - started
    rows, place = [], 0
    for trial in handle.trials():
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            place += "reused_from" not in trial.user_attrs and "ruled_out" not in trial.user_attrs
        if trial.state == TrialState.COMPLETE:
            rows.append([place, *trial.values])
    return {
        "space": name,
        "seed": seed,
        "seeded": seeded,
        "rows": rows,
        "search": searched,
        "trials": trained,
    }


def volumes(rows: list[list[float]], reference: np.ndarray) -> np.ndarray:
    """The hypervolume after each trial that counts, (TRIALS,)."""
    points = np.array([[place, accuracy, np.log10(params)] for place, accuracy, params in rows])
    return np.array(
        [
            hypervolume(points[points[:, 0] <= n, 1:], DIRECTIONS, reference)
            if (points[:, 0] <= n).any()
            else 0.0
            for n in range(1, TRIALS + 1)
        ]
    )


def compare(plain: dict[str, Any], seeded: dict[str, Any]) -> tuple[float, float, float]:
    """Share of the trials without the search and with it, and the ratio of the final volumes."""
    both = [[a, np.log10(p)] for row in (plain, seeded) for _, a, p in row["rows"]]
    reference = reference_point(both, DIRECTIONS)
    goal = volumes(plain["rows"], reference)[-1]
    reached = volumes(seeded["rows"], reference)
    places = np.flatnonzero(reached >= goal)
    trials = places[0] + 1 if len(places) else np.inf
    extra = seeded["search"] / (seeded["trials"] / TRIALS)
    return trials / TRIALS, (trials + extra) / TRIALS, reached[-1] / goal


def main() -> None:
    """Read the command line, run what is missing, print the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("space", choices=list(CASES))
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    path: Path = arguments.results
    lines = path.read_text().splitlines() if path.exists() else []
    rows = {(row["space"], row["seed"], row["seeded"]): row for row in map(json.loads, lines)}
    name = arguments.space
    jobs = [(name, seed, seeded) for seed in range(arguments.seeds) for seeded in (False, True)]
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for row in pool.imap_unordered(run, [job for job in jobs if job not in rows]):
            rows[name, row["seed"], row["seeded"]] = row
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
    pairs = [compare(rows[name, n, False], rows[name, n, True]) for n in range(arguments.seeds)]
    for n, (bare, charged, ratio) in enumerate(pairs):
        print(
            f"seed {n}: {bare:.2f} of the trials, {charged:.2f} with the search; final {ratio:.3f}x"
        )
    print(
        f"median: {median(p[0] for p in pairs):.2f} of the unseeded study's trials, "
        f"{median(p[1] for p in pairs):.2f} with the search charged; final volume "
        f"{mean(p[2] for p in pairs):.3f}x"
    )


if __name__ == "__main__":
    main()
