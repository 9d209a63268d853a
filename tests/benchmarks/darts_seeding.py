"""Does a study that begins at the result of a search by gradient need fewer trials?

Fashion-MNIST, 3,000 training images of 14 x 14, NAS-Bench-201's cells, width and learning rate;
accuracy against parameters. For each seed one search and two studies of equal definition and seed:
one begins with the search's network and its nearest alternatives, the other as usual. Printed:
after how many trials the first has the hypervolume that the other ends with, as a share of the
other's trials, without the search's cost and with it (in trainings: processor seconds of the search
over the mean of a trial's). Volumes are of accuracy and the logarithm of parameters, from the worst
of both studies. Every study goes into ``--results`` as it ends. Nothing here is asserted.

    python tests/benchmarks/darts_seeding.py --results seeding.jsonl [--seeds 5] [--processes 2]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import optuna
import torch
from optuna.trial import TrialState

import optunas
from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec
from optunas.darts import SearchSettings, ranked, search
from optunas.pareto import hypervolume, reference_point

TASK = {"train_size": 3_000, "val_size": 5_000, "size": 14}
DIRECTIONS = ("maximize", "minimize")
TRIALS, NEIGHBOURS = 40, 3
SETTINGS = SearchSettings(epochs=16, channels=8, num_cells=1)


def spec(seed: int) -> StudySpec:
    """The study of both."""
    return StudySpec(
        name="seeded",
        space=JointSpace(
            cell=NB201,
            train=HyperSpace(lr=Float(0.02, 0.3, log=True), channels=Choice((4, 8))),
        ),
        task="optunas.tasks:fashion_mnist",
        task_options=TASK,
        objectives=("accuracy", "params"),
        training={"num_cells": 1, "epochs": 6, "batch_size": 64},
        budget=Budget(trials=TRIALS),
        reference=False,
        seed=seed,
    )


def run(job: tuple[int, bool]) -> dict[str, Any]:
    """One study; the values of its completed trials by their place among those that count."""
    seed, seeded = job
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    handle = optunas.create(spec(seed), storage=optuna.storages.InMemoryStorage())
    searched = 0.0
    if seeded:
        started = time.process_time()
        task = optunas.tasks.fashion_mnist(**TASK)
        found = search(NB201, task, SETTINGS, seed=seed)
        best = ranked(NB201, found.weights, alternatives=NEIGHBOURS)
        searched = time.process_time() - started
        optunas.seed(handle, [one.architecture for one in best], source="darts")
    started = time.process_time()
    optunas.run(handle, progress=False)
    trained = time.process_time() - started
    rows, place = [], 0
    for trial in handle.trials():
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            place += "reused_from" not in trial.user_attrs and "ruled_out" not in trial.user_attrs
        if trial.state == TrialState.COMPLETE:
            rows.append([place, *trial.values])
    return {"seed": seed, "seeded": seeded, "rows": rows, "search": searched, "trials": trained}


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    path: Path = arguments.results
    lines = path.read_text().splitlines() if path.exists() else []
    rows = {(row["seed"], row["seeded"]): row for row in map(json.loads, lines)}
    jobs = [(seed, seeded) for seed in range(arguments.seeds) for seeded in (False, True)]
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for row in pool.imap_unordered(run, [job for job in jobs if job not in rows]):
            rows[row["seed"], row["seeded"]] = row
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
    pairs = [compare(rows[n, False], rows[n, True]) for n in range(arguments.seeds)]
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
