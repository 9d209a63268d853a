"""Makes the table of real learning curves that the pruning benchmark replays.

Trains random configurations of a study of cells, learning rate and width (NAS-Bench-201 cells,
distinct by digest) on a small Fashion-MNIST, every one with two training seeds, and keeps each
epoch's validation accuracy, the parameters, the FLOPs and a latency. Cells of one width and
learning rate differ by less than their training seeds here, so width and rate vary as they do in
the ready studies; the seeds then agree on the ranking. One process, one thread; a second start
goes on where the first one ended.

    python tests/benchmarks/make_curves.py            # train, measure, write curves.npz
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

CELLS, SEEDS, EPOCHS, SIZE = 128, (0, 1), 20, 7
TRAIN_IMAGES, VALIDATION_IMAGES = 2000, 3000
WIDTHS, RATES = (2, 4, 8, 16), (0.003, 0.3)
TRAINING = {"epochs": EPOCHS, "batch_size": 128, "num_cells": 1}
INPUT, CLASSES = (1, SIZE, SIZE), 10
LATENCY_PASSES = 5
OUTPUT = Path(__file__).with_name("curves.npz")
CHECKPOINT = Path(tempfile.gettempdir()) / "optunas-curves.jsonl"


class Configuration(NamedTuple):
    """One row of the table."""

    cell: Cell
    channels: int
    lr: float


def configurations(count: int) -> list[Configuration]:
    """The first ``count`` of one random sequence, their cells distinct by digest."""
    rng, seen, found = np.random.default_rng(201), set(), []
    low, high = np.log(RATES)
    while len(found) < count:
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


def train(checkpoint: Path, count: int) -> None:
    """Train what is missing, one line of the checkpoint for each configuration and seed."""
    task = fashion_mnist(train_size=TRAIN_IMAGES, val_size=VALIDATION_IMAGES, size=SIZE)
    done = load(checkpoint)
    for cell, channels, lr in configurations(count):
        for seed in SEEDS:
            if (str(cell), seed) in done:
                continue
            start = time.perf_counter()
            settings = {**TRAINING, "channels": channels, "lr": lr}
            curve = [s.score for s in task.scores(cell, settings, seed=seed, device="cpu")]
            row = {"cell": str(cell), "seed": seed, "curve": curve}
            with checkpoint.open("a") as out:
                out.write(json.dumps(row) + "\n")
            seconds = time.perf_counter() - start
            print(f"{cell} x{channels} lr {lr} seed {seed}: {curve[-1]:.4f}, {seconds:.1f} s")


def check(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
    """Print how well the two training seeds agree on the final ranking."""
    pairs = [
        (row["curve"][-1], rows[cell, SEEDS[1]]["curve"][-1])
        for (cell, seed), row in rows.items()
        if seed == SEEDS[0] and (cell, SEEDS[1]) in rows
    ]
    if len(pairs) > 2:
        first, second = zip(*pairs, strict=True)
        print(f"{len(pairs)} cells, Spearman of the seeds {spearmanr(first, second)[0]:.3f}")


def latencies(table: list[Configuration]) -> np.ndarray:
    """Milliseconds for one image; whole passes in random order, then the median: (rows,)."""
    rng = np.random.default_rng(0)
    passes = np.empty((LATENCY_PASSES, len(table)))
    networks = [build(c.cell, INPUT, CLASSES, channels=c.channels, num_cells=1) for c in table]
    for one in passes:
        for index in rng.permutation(len(networks)):
            one[index] = latency_ms(networks[index], (1, *INPUT), device="cpu", threads=1)
    return np.median(passes, axis=0)


def write(rows: dict[tuple[str, int], dict[str, Any]], table: list[Configuration]) -> None:
    """Write the table; accuracies as counts of validation images, exact and small."""
    curves = [[rows[str(c.cell), seed]["curve"] for c in table] for seed in SEEDS]
    costs = [(c.cell, INPUT, CLASSES, c.channels, 1) for c in table]
    np.savez_compressed(
        OUTPUT,
        cell=np.array([str(c.cell) for c in table]),
        channels=np.array([c.channels for c in table]),
        lr=np.array([c.lr for c in table]),
        # Correct validation images: (seed, row, epoch).
        correct=np.rint(np.array(curves) * VALIDATION_IMAGES).astype(np.uint16),
        images=np.array(VALIDATION_IMAGES),
        params=np.array([params(*cost) for cost in costs]),
        flops=np.array([flops(*cost) for cost in costs]),
        latency_ms=latencies(table).astype(np.float32),
    )
    print(f"wrote {OUTPUT.name}: {len(table)} rows, {OUTPUT.stat().st_size} bytes")


def main() -> None:
    """Train, check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=CELLS)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.check:
        torch.set_num_threads(1)
        train(options.checkpoint, options.cells)
        write(load(options.checkpoint), configurations(options.cells))
    check(load(options.checkpoint))


if __name__ == "__main__":
    main()
