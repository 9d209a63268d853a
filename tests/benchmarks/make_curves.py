"""Makes the tables of real learning curves that the pruning benchmark replays.

Trains random configurations of a study of cells, learning rate and width (NAS-Bench-201 cells,
distinct by digest) on a small Fashion-MNIST, and keeps each epoch's validation accuracy, the
parameters, the FLOPs and a latency. Cells of one width and learning rate differ by less than their
training seeds here, so width and rate vary as they do in the ready studies. There are two tables:
``small``, images of 7 x 7 for 20 epochs, every configuration with two training seeds, which then
agree on the ranking; ``large``, other cells on images of 14 x 14 for 12 epochs, one seed. One
process, one thread; a second start goes on where the first one ended.

    python tests/benchmarks/make_curves.py            # train, measure, write curves.npz
    python tests/benchmarks/make_curves.py --table large    # ten minutes, curves_large.npz
    python tests/benchmarks/make_curves.py --check    # how far it is, and how well the seeds agree
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.stats import spearmanr

from optunas.metrics import flops, latency_ms, params
from optunas.nets.build import build
from optunas.space import NB201, Cell
from optunas.tasks import fashion_mnist

WIDTHS, RATES, CLASSES = (2, 4, 8, 16), (0.003, 0.3), 10
LATENCY_PASSES = 5


class Plan(NamedTuple):
    """What a table holds: configurations, drawn from ``draw``, and how each is trained.

    ``images`` are those of training and validation.
    """

    cells: int
    seeds: tuple[int, ...]
    epochs: int
    size: int
    images: tuple[int, int]
    batch_size: int
    draw: int
    output: str

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Of one image."""
        return (1, self.size, self.size)

    @property
    def training(self) -> dict[str, int]:
        """Settings that all configurations share."""
        return {"epochs": self.epochs, "batch_size": self.batch_size, "num_cells": 1}

    @property
    def checkpoint(self) -> Path:
        """Where finished trainings are kept until all are there."""
        return Path(tempfile.gettempdir()) / f"optunas-{Path(self.output).stem}.jsonl"


PLANS = {
    "small": Plan(128, (0, 1), 20, 7, (2000, 3000), 128, 201, "curves.npz"),
    "large": Plan(64, (0,), 12, 14, (1000, 1500), 64, 202, "curves_large.npz"),
}


class Configuration(NamedTuple):
    """One row of the table."""

    cell: Cell
    channels: int
    lr: float


def configurations(plan: Plan) -> list[Configuration]:
    """The first of one random sequence, their cells distinct by digest."""
    rng, seen, found = np.random.default_rng(plan.draw), set(), []
    low, high = np.log(RATES)
    while len(found) < plan.cells:
        cell = NB201.sample(rng)
        width, rate = int(rng.choice(WIDTHS)), float(np.exp(rng.uniform(low, high)))
        digest = NB201.digest(cell)
        if digest not in seen:
            seen.add(digest)
            found.append(Configuration(cell, width, round(rate, 5)))
    return found


def load(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """(cell, seed) -> finished row; a half-written last line is left out."""
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        rows[row["cell"], row["seed"]] = row
    return rows


def train(checkpoint: Path, plan: Plan) -> None:
    """Train what is missing, one line of the checkpoint for each configuration and seed."""
    train_size, val_size = plan.images
    task = fashion_mnist(train_size=train_size, val_size=val_size, size=plan.size)
    done = load(checkpoint)
    for cell, channels, lr in configurations(plan):
        for seed in plan.seeds:
            if (str(cell), seed) in done:
                continue
            start = time.perf_counter()
            settings = {**plan.training, "channels": channels, "lr": lr}
            curve = [s.score for s in task.scores(cell, settings, seed=seed, device="cpu")]
            row = {"cell": str(cell), "seed": seed, "curve": curve}
            with checkpoint.open("a") as out:
                out.write(json.dumps(row) + "\n")
            seconds = time.perf_counter() - start
            print(f"{cell} x{channels} lr {lr} seed {seed}: {curve[-1]:.4f}, {seconds:.1f} s")


def check(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    """Print how well the two training seeds agree on the final ranking."""
    pairs = [
        (row["curve"][-1], rows[cell, 1]["curve"][-1])
        for (cell, seed), row in rows.items()
        if seed == 0 and (cell, 1) in rows
    ]
    print(f"{len(rows)} trainings")
    if len(pairs) > 2:
        first, second = zip(*pairs, strict=True)
        print(f"{len(pairs)} cells, Spearman of the seeds {spearmanr(first, second)[0]:.3f}")


def latencies(table: list[Configuration], shape: tuple[int, int, int]) -> np.ndarray:
    """Milliseconds for one image; whole passes in random order, then the median: (rows,)."""
    rng = np.random.default_rng(0)
    passes = np.empty((LATENCY_PASSES, len(table)))
    networks = [build(c.cell, shape, CLASSES, channels=c.channels, num_cells=1) for c in table]
    for one in passes:
        for index in rng.permutation(len(networks)):
            one[index] = latency_ms(networks[index], (1, *shape), device="cpu", threads=1)
    return np.median(passes, axis=0)


def write(rows: dict[tuple[str, int], dict[str, Any]], plan: Plan) -> None:
    """Write the table; accuracies as counts of validation images, exact and small."""
    table, shape = configurations(plan), plan.input_shape
    curves = [[rows[str(c.cell), seed]["curve"] for c in table] for seed in plan.seeds]
    costs = [(c.cell, shape, CLASSES, c.channels, 1) for c in table]
    output = Path(__file__).with_name(plan.output)
    np.savez_compressed(
        output,
        cell=np.array([str(c.cell) for c in table]),
        channels=np.array([c.channels for c in table]),
        lr=np.array([c.lr for c in table]),
        # Correct validation images: (seed, row, epoch).
        correct=np.rint(np.array(curves) * plan.images[1]).astype(np.uint16),
        images=np.array(plan.images[1]),
        params=np.array([params(*cost) for cost in costs]),
        flops=np.array([flops(*cost) for cost in costs]),
        latency_ms=latencies(table, shape).astype(np.float32),
    )
    print(f"wrote {output.name}: {len(table)} rows, {output.stat().st_size} bytes")


def main() -> None:
    """Train, check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=PLANS, default="small")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    plan = PLANS[options.table]
    checkpoint = options.checkpoint or plan.checkpoint
    if not options.check:
        torch.set_num_threads(1)
        train(checkpoint, plan)
        write(load(checkpoint), plan)
    check(load(checkpoint))


if __name__ == "__main__":
    main()
