"""Which cells does a search by gradient find: better than random ones, and which variant's?

Fashion-MNIST, 10,000 training images of 14 x 14, NAS-Bench-201's space. 60 random cells and every
cell found are trained from scratch with one schedule and several seeds; first the rank correlation
of 30 random cells between two training seeds shows whether the task tells cells apart at all. Every
result goes into ``--results`` as it is made, and a run goes on from there. Takes some two hours of
processor time; ``--only darts --seeds 1 --cells 6`` is a short look. Nothing here is asserted.

    python tests/benchmarks/darts_quality.py --results quality.jsonl [--processes 2]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import defaultdict
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
TRAININGS = 3

WAYS: dict[str, dict[str, Any]] = {
    "darts": {},
    "darts, beta decay": {"beta_decay": 1.0},
    "drnas": {"variant": "drnas"},
    "pc_darts": {"variant": "pc_darts"},
    "gdas": {"variant": "gdas"},
}
PERTURBED = "darts, perturbed"
"""The searches of ``darts``, read by DARTS-PT."""


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


def searched(results: Results, ways: Sequence[str], seeds: Sequence[int]) -> Iterator[tuple]:
    """(way, rows of its searches, the cells), for each way and for the perturbation."""
    # A turn of all ways before the next seed, so that a run that is cut short has something of all.
    results.make([Job("search", way, seed) for seed in seeds for way in ways])
    for way in ways:
        rows = [results.rows[Job("search", way, seed)] for seed in seeds]
        yield way, rows, [row["cell"] for row in rows]
        if way == "darts":
            perturbed = [{**r, "seconds": r["seconds"]} for r in rows]
            yield PERTURBED, perturbed, [row["perturbed"] for row in rows]


def main() -> None:
    """Read the command line, do what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5, help="searches of each way")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(WAYS), default=list(WAYS))
    arguments = parser.parse_args()
    results = Results(arguments.results, arguments.processes)
    trainings = range(TRAININGS)
    cells = random_cells(arguments.cells)

    both = results.scores(cells[:30], (0, 1))
    rank = spearmanr(both[:, 0], both[:, 1]).statistic
    print(f"{len(both)} random cells, two training seeds: Spearman {rank:.3f}")

    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    ways = list(searched(results, arguments.only, seeds))
    results.scores([cell for *_, found in ways for cell in found], trainings)
    random = np.sort(results.scores(cells, trainings).mean(axis=1))[::-1]
    print(
        f"{len(random)} random cells, mean of {TRAININGS} trainings: best {random[0]:.4f}, "
        f"best 10 % from {random[len(random) // 10 - 1]:.4f}, median {np.median(random):.4f}, "
        f"worst {random[-1]:.4f}"
    )
    print_table(results, ways, random)


def print_table(results: Results, ways: Sequence[tuple], random: np.ndarray) -> None:
    """A row for each way: what it costs, what it finds."""
    costs = defaultdict(list)
    for row in results.rows.values():
        costs[row["kind"]].append(row["seconds"])
    one = median(costs["train"])
    print(f"{'':18} trainings  median   worst  rank of 60: median, worst  moved  stable  gap  free")
    for way, rows, cells in ways:
        scores = results.scores(cells, range(TRAININGS)).mean(axis=1)
        places = [1 + int((random > score).sum()) for score in scores]
        extra = [r.get("perturbing", 0.0) * (-1 if way != PERTURBED else 0) for r in rows]
        cost = mean(r["seconds"] + e for r, e in zip(rows, extra, strict=True)) / one
        gap = mean(r["supernet"] - r["alone"] for r in rows)
        print(
            f"{way:18} {cost:9.1f} {np.median(scores):8.4f} {scores.min():7.4f} "
            f"{int(np.median(places)):12d} {max(places):9d} "
            f"{mean(r['moved'] for r in rows):13.2f} {mean(r['stability'] for r in rows):7.2f} "
            f"{gap:5.2f} {sum(r['collapsed'] for r in rows):3d} collapsed"
        )


if __name__ == "__main__":
    main()
