"""How well a data sheet ranks networks: rank correlations of estimates with measured latency.

Random NAS-Bench-201 cells; printed: Spearman's rho of each estimate with FLOPs beside it, against
the ten devices in the file that OPTUNAS_NB201 names (left out without it), and against this CPU,
measured here; then the ratio of measured to estimated milliseconds, and what an estimate costs.
Nothing is asserted: an estimate is one.

    python tests/benchmarks/profiles.py [--cells 1000] [--measured 20] [--no-devices]
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

import optunas
from optunas.metrics import estimate_latency_ms, flops, latencies, profiles

SHAPE, CLASSES = (3, 32, 32), 10
NEAREST = {
    "1080ti_1": ("jetson_tx2", 1),
    "1080ti_256": ("t4", 256),
    "2080ti_32": ("t4", 32),
    "gold_6226": ("laptop", 1),
    "silver_4114": ("laptop", 1),
    "pixel2": ("raspberry_pi_4", 1),
    "samsung_a50": ("raspberry_pi_4", 1),
    "raspi4": ("raspberry_pi_4", 1),
    "eyeriss": ("jetson_orin_nano", 1),
    "fpga": ("jetson_orin_nano", 1),
}
"""The profile and batch that come nearest to each device of the file."""


def devices(count: int) -> None:
    """Against recorded latency of cells that are connected."""
    path = os.environ.get("OPTUNAS_NB201")
    if not path:
        print("recorded devices: left out, OPTUNAS_NB201 names no file")
        return
    data = np.load(path, allow_pickle=True)
    chosen = np.random.default_rng(0).permutation(len(data["ops"]))
    cells = [cell_of(data, row) for row in chosen]
    keep = [i for i, cell in enumerate(cells) if optunas.NB201.is_connected(cell)][:count]
    cells, rows = [cells[i] for i in keep], chosen[keep]
    work = [flops(cell, SHAPE, CLASSES) for cell in cells]
    print(f"recorded latency of {len(cells)} cells, Spearman's rho")
    print(f"{'device':14} {'profile':18} {'batch':>5} {'estimate':>9} {'FLOPs':>7}")
    for column, device in enumerate(data["latency_devices"]):
        profile, batch = NEAREST[str(device)]
        told = [estimate_latency_ms(c, SHAPE, CLASSES, profile, batch=batch) for c in cells]
        seen = data["latency_ms"][rows, column]
        fits = spearmanr(told, seen).statistic, spearmanr(work, seen).statistic
        print(f"{device!s:14} {profile:18} {batch:5} {fits[0]:9.3f} {fits[1]:7.3f}")


def cell_of(data: Any, row: int) -> Any:
    """The cell of one row, whose operations are in NAS-Bench-201's order of edges."""
    names = [str(name) for name in data["op_names"]]
    a, b, c, d, e, f = (names[code] for code in data["ops"][row])
    return optunas.Cell.from_str(f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")


def here(count: int) -> None:
    """Against this CPU, one thread, measured in passes of random order."""
    rng = np.random.default_rng(1)
    cells: list[Any] = []
    while len(cells) < count:
        cell = optunas.NB201.sample(rng)
        if optunas.NB201.is_connected(cell):
            cells.append(cell)
    networks = [optunas.build(cell, SHAPE, CLASSES) for cell in cells]
    readings = latencies(networks, (1, *SHAPE), passes=3, repeats=10, max_seconds=0.5)
    seen = [reading.median_ms for reading in readings]
    work = [flops(cell, SHAPE, CLASSES) for cell in cells]
    print(f"\nthis CPU, {count} cells, {min(seen):.2f} to {max(seen):.2f} ms")
    print(f"{'profile':18} {'rho':>6} {'measured / estimated':>21}")
    print(f"{'FLOPs alone':18} {spearmanr(work, seen).statistic:6.3f}")
    for profile in profiles():
        told = [estimate_latency_ms(cell, SHAPE, CLASSES, profile) for cell in cells]
        ratio = np.median(np.array(seen) / told)
        print(f"{profile.name:18} {spearmanr(told, seen).statistic:6.3f} {ratio:21.1f}")
    start = time.process_time()
    for cell in cells:
        estimate_latency_ms(cell, SHAPE, CLASSES)
    each = (time.process_time() - start) / count
    print(f"an estimate takes {1000 * each:.2f} ms")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--measured", type=int, default=20)
    parser.add_argument("--no-devices", action="store_true")
    given = parser.parse_args()
    torch.manual_seed(0)
    if not given.no_devices:
        devices(given.cells)
    if given.measured:
        here(given.measured)


if __name__ == "__main__":
    main()
