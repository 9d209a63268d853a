"""Which cells does a search by gradient find: better than random ones, and which variant's?

Fashion-MNIST, 10,000 training images of 14 x 14, NAS-Bench-201's space. 60 random cells and every
cell found are trained from scratch with one schedule and several seeds; first the rank correlation
of 30 random cells between two training seeds shows whether the task tells cells apart at all. The
default is what ``optunas darts search`` does without options: three searches, and the best by one
training of each cell found (with another seed than the three that judge). What random search finds
for the same cost stands beside it. Every result goes into ``--results`` as it is made, and a run
goes on from there. Takes three hours of processor time; nothing here is asserted.

    python tests/benchmarks/darts_quality.py --results quality.jsonl [--processes 2]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.stats import spearmanr

from optunas.darts import SearchSettings, collapse_report, discretize, perturb, search
from optunas.space import NB201, Cell
from optunas.tasks import fashion_mnist

TASK = {"train_size": 10_000, "val_size": 10_000, "size": 14}
TRAINING = {"epochs": 6, "channels": 8, "num_cells": 1, "lr": 0.05, "batch_size": 64}
SEARCH: dict[str, Any] = {"epochs": 12, "channels": 8, "num_cells": 1}
TRAININGS, VALIDATING = 3, 3
"""Seeds 0, 1 and 2 judge; seed 3 chooses between restarts."""
RESTARTS = 3

WAYS: dict[str, dict[str, Any]] = {
    "darts": {},
    "darts, beta decay": {"beta_decay": 1.0},
    "drnas": {"variant": "drnas"},
    "pc_darts": {"variant": "pc_darts"},
    "gdas": {"variant": "gdas"},
}


class Job(NamedTuple):
    """One thing to be done: a training of a cell, or a search."""

    kind: str
    what: str
    seed: int


def do(job: Job) -> dict[str, Any]:
    """The job's result, as a row of the results."""
    torch.set_num_threads(1)
    started = time.process_time()
    found = _train(job) if job.kind == "train" else _search(job)
    return {**job._asdict(), **found, "seconds": time.process_time() - started}


def _train(job: Job) -> dict[str, Any]:
    readings = fashion_mnist(**TASK).scores(Cell.from_json(job.what), TRAINING, job.seed, "cpu")
    return {"score": [score for _, score, _ in readings][-1]}


def _search(job: Job) -> dict[str, Any]:
    task = fashion_mnist(**TASK)
    found = search(NB201, task, SearchSettings(**SEARCH, **WAYS[job.what]), seed=job.seed)
    report = collapse_report(found, task)
    row = {
        "cell": NB201.to_json(discretize(NB201, found.weights)),
        "weights": found.weights["cell"].tolist(),
        "moved": report.moved,
        "stability": report.stability,
        "supernet": report.supernet_score,
        "alone": report.discrete_score,
        "collapsed": report.collapsed,
        "undecided": report.undecided,
    }
    if job.what == "darts":
        started = time.process_time()
        row["perturbed"] = NB201.to_json(discretize(NB201, perturb(found, task).weights))
        row["perturbing"] = time.process_time() - started
    return row


class Results:
    """What is known, and the file that it is in."""

    def __init__(self, path: Path, processes: int) -> None:
        self.path, self.processes = path, processes
        self.rows: dict[Job, dict[str, Any]] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            row = json.loads(line)
            self.rows[Job(row["kind"], row["what"], row["seed"])] = row

    def make(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """The rows of these jobs; those that are missing are done now."""
        missing = [job for job in dict.fromkeys(jobs) if job not in self.rows]
        with multiprocessing.get_context("spawn").Pool(self.processes) as pool:
            for row in pool.imap_unordered(do, missing):
                self.rows[Job(row["kind"], row["what"], row["seed"])] = row
                with self.path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        return [self.rows[job] for job in jobs]

    def scores(self, cells: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        """(cells, seeds): what each cell reaches."""
        rows = self.make([Job("train", cell, seed) for cell in cells for seed in seeds])
        return np.array([row["score"] for row in rows]).reshape(len(cells), len(seeds))


def random_cells(count: int) -> list[str]:
    """Connected cells of distinct networks, as JSON."""
    rng, found = np.random.default_rng(0), {}
    while len(found) < count:
        cell = NB201.sample(rng)
        if NB201.is_connected(cell):
            found.setdefault(NB201.digest(cell), NB201.to_json(cell))
    return list(found.values())


class Way(NamedTuple):
    """What one way found: a cell for each seed, what each cost in processor seconds, its search."""

    name: str
    cells: list[str]
    seconds: list[float]
    searches: list[dict[str, Any]]


def default(results: Results, seeds: int) -> Way:
    """Restarts of DrNAS, and the best by validation of each three."""
    rows = results.make([Job("search", "drnas", seed) for seed in range(RESTARTS * seeds)])
    scores = results.scores([row["cell"] for row in rows], [VALIDATING])[:, 0]
    trained = [results.rows[Job("train", row["cell"], VALIDATING)]["seconds"] for row in rows]
    kept, seconds = [], []
    for first in range(0, len(rows), RESTARTS):
        group = range(first, first + RESTARTS)
        kept.append(rows[max(group, key=lambda n: scores[n])])
        seconds.append(sum(rows[n]["seconds"] + trained[n] for n in group))
    return Way("default", [row["cell"] for row in kept], seconds, kept)


def plain(results: Results, name: str, seeds: int) -> Iterator[Way]:
    """One search a seed, its choice by the alphas; for DARTS also by perturbation."""
    rows = results.make([Job("search", name, seed) for seed in range(seeds)])
    further = [row.get("perturbing", 0.0) for row in rows]
    seconds = [row["seconds"] - more for row, more in zip(rows, further, strict=True)]
    yield Way(name, [row["cell"] for row in rows], seconds, rows)
    if any(further):
        perturbed = [row["perturbed"] for row in rows]
        yield Way(f"{name}, perturbed", perturbed, [row["seconds"] for row in rows], rows)


def main() -> None:
    """Read the command line, do what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5, help="searches of each way")
    parser.add_argument("--only", nargs="*", choices=list(WAYS), default=list(WAYS))
    arguments = parser.parse_args()
    results = Results(arguments.results, arguments.processes)
    cells = random_cells(arguments.cells)

    both = results.scores(cells[:30], (0, 1))
    rank = spearmanr(both[:, 0], both[:, 1]).statistic
    print(f"{len(both)} random cells, two training seeds: Spearman {rank:.3f}", flush=True)
    random = results.scores(cells, range(TRAININGS)).mean(axis=1)
    ordered = np.sort(random)[::-1]
    print(
        f"{len(random)} random cells, mean of {TRAININGS} trainings: best {ordered[0]:.4f}, "
        f"best 10 % from {ordered[len(random) // 10 - 1]:.4f}, median {np.median(random):.4f}, "
        f"worst {ordered[-1]:.4f}"
    )
    one = median(row["seconds"] for job, row in results.rows.items() if job.kind == "train")
    print(
        f"{'':20}  cost  at that cost   median   worst   rank of {len(random)}:  moved  stable"
        "   gap  collapsed\n"
        f"{'':20} (trainings)  random  accuracy  of seeds  median worst"
    )
    print_way(results, default(results, arguments.seeds), random, one)
    for name in arguments.only:
        for way in plain(results, name, arguments.seeds):
            print_way(results, way, random, one)


def print_way(results: Results, way: Way, random: np.ndarray, one: float) -> None:
    """A row of the table: what it costs, what it finds."""
    scores = results.scores(way.cells, range(TRAININGS)).mean(axis=1)
    places = [1 + int((random > score).sum()) for score in scores]
    cost = median(way.seconds) / one
    rng, count = np.random.default_rng(0), max(round(cost), 1)
    beside = median(rng.choice(random, count, replace=True).max() for _ in range(2000))
    rows = way.searches
    print(
        f"{way.name:20} {cost:5.1f} {beside:13.4f} {np.median(scores):9.4f} {scores.min():9.4f} "
        f"{median(places):12.0f} {max(places):5d} {mean(r['moved'] for r in rows):6.2f} "
        f"{mean(r['stability'] for r in rows):7.2f} "
        f"{mean(r['supernet'] - r['alone'] for r in rows):6.2f} "
        f"{sum(r['collapsed'] for r in rows):5d} of {len(rows)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
