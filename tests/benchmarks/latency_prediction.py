"""How well latency is predicted from few measured networks.

``python tests/benchmarks/latency_prediction.py here`` calibrates on this machine for cells of
NAS-Bench-201 and DARTS and for a Once-for-All space: 60 networks to fit to, 50 others to judge by.
``python tests/benchmarks/latency_prediction.py devices`` fits ten recorded devices from 30 cells
each; the file that ``OPTUNAS_NB201`` names has their latencies (``latency_ms``,
``latency_devices``, ``ops``, ``op_names``; see ``optunas.tasks.nas_bench_201``).
``python tests/benchmarks/latency_prediction.py regressors [cells] [draws]`` compares the model with
other regressors on the same devices and the same cells, judged on 1,000 others a draw.

Cells whose output does not see the input are left out on both sides: a study rules them out before
training. (Of the Raspberry Pi's 15,625 times the 276 below 1 ms are all of such cells: its runtime
drops what the output does not depend on.)
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from latency_regressors import REGRESSORS, case_of

from optunas import DARTS, NB201, OFA_MOBILENET_V3
from optunas.metrics.predicted import Question
from optunas.metrics.predicted.agreement import Agreement, agreement, straight_line
from optunas.metrics.predicted.calibrating import Calibration, calibrate, default_how
from optunas.metrics.predicted.design import Design, design_of
from optunas.metrics.predicted.prices import fit_prices
from optunas.metrics.predicted.sampling import choose_networks
from optunas.metrics.predicted.selection import choose_recipe, predicted, rows
from optunas.space.cell import Cell, Edge

HERE: dict[str, tuple[Any, tuple[int, ...], dict[str, int]]] = {
    "NB201": (NB201, (3, 32, 32), {"channels": 16, "num_cells": 1}),
    "DARTS": (DARTS, (3, 32, 32), {"channels": 8, "num_cells": 4}),
    "OFA": (OFA_MOBILENET_V3, (3, 32, 32), {}),
}

RECORDED: tuple[Any, ...] = (NB201, (3, 32, 32), 10, {"channels": 16, "num_cells": 5})
"""What the devices were timed on."""

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target of the edges, in the file's order."""

FEW, MANY, DRAWS = 30, 2000, 10
JUDGES = 1000


def here(names: list[str], passes: int) -> None:
    """Calibrate on this machine and print the held-out report."""
    from optunas.nets.build import build

    print(f"{'space':8}{'rho':>8}{'in 10%':>8}{'R2':>8}{'error':>8}   ", end="")
    print(f"{'table rho':>10}{'in 10%':>8}   {'FLOPs rho':>10}{'in 10%':>8}{'halves':>8}{'s':>7}")
    for name in names:
        space, shape, training = HERE[name]
        question = Question(space, shape, 10, training)

        def make(member: Any, question: Question = question) -> Any:
            architecture, counts = question.parts(member)
            return build(architecture, question.input_shape, question.num_outputs, **counts)

        calibration = Calibration(question, make, default_how("cpu"), passes=passes)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            model = calibrate(calibration, Path(folder) / "side")
        report = model.report
        assert report is not None
        assert report.table is not None
        ours, table, flops = report.model, report.table, report.flops
        print(f"{name:8}{ours.rho:8.3f}{ours.within:8.0%}{ours.r2:8.3f}{ours.error:8.1%}", end="")
        print(f"   {table.rho:10.3f}{table.within:8.0%}   ", end="")
        print(f"{flops.rho:10.3f}{flops.within:8.0%}{report.repeat:8.3f}", end="")
        print(f"{time.monotonic() - begun:7.0f}  {model.recipe}", flush=True)


def devices(path: str) -> None:
    """Fit each recorded device from few and from many cells; print the mean over the draws."""
    file = np.load(path)
    cells = _cells(file)
    question = Question(*RECORDED)
    seen = np.array([cell.is_connected() for cell in cells])
    design = design_of([question.network(cell) for cell in cells])
    macs = design.built @ design.work[:, :4].sum(axis=1)
    at = {str(cell): number for number, cell in enumerate(cells)}
    draws = [
        [at[str(member)] for member in choose_networks(question, FEW, 0, seed).fit]
        for seed in range(DRAWS)
    ]
    connected = np.flatnonzero(seen)
    many = np.random.default_rng(0).choice(connected, MANY, replace=False)
    print(
        f"{len(connected)} cells that see their input; Spearman (share within 10 %) on the others"
    )
    heads = (f"{FEW} cells", f"{MANY} cells", "OLS, 30", "OLS, 2000", "table sum", "FLOPs")
    print(f"{'device':14}" + "".join(f"{head:>15}" for head in heads))
    gaps = []
    for column, device in enumerate(file["latency_devices"]):
        ms = np.asarray(file["latency_ms"][:, column], dtype=float)
        found = [_judged(design, ms, np.array(draw), connected) for draw in draws]
        full = _judged(design, ms, many, connected)
        ols = [_ols(cells, ms, np.array(draw), connected) for draw in draws]
        line = _line(macs, ms, np.array(draws[0]), connected)
        table = _one_operation(cells, ms, at, connected)
        results = (np.mean(found, axis=0), full, np.mean(ols, axis=0))
        results = (*results, _ols(cells, ms, many, connected), table, line)
        gaps.append(results[1][0] - results[0][0])
        print(f"{device!s:14}" + "".join(f"{f'{r:.3f} ({w:.0%})':>15}" for r, w in results))
    print(f"largest gap of {FEW} cells behind {MANY}: {max(gaps):.3f} rho")


def regressors(path: str, few: int, draws: int) -> None:
    """Medians over devices and draws of each regressor's agreement, and where it is behind."""
    file = np.load(path)
    cells = _cells(file)
    rows_of = {str(cell): row for row, cell in enumerate(cells)}
    connected = np.flatnonzero([cell.is_connected() for cell in cells])
    question = Question(*RECORDED)
    design = design_of([question.network(cell) for cell in cells])
    found: dict[str, list[list[Agreement]]] = {name: [] for name in REGRESSORS}
    for column, device in enumerate(file["latency_devices"]):
        ms = np.asarray(file["latency_ms"][:, column], dtype=float)
        for per_draw in found.values():
            per_draw.append([])
        for seed in range(draws):
            chosen = choose_networks(question, few, 0, seed).fit
            fit = np.array([rows_of[str(member)] for member in chosen])
            rest = np.setdiff1d(connected, fit)
            judges = np.random.default_rng(seed).choice(rest, JUDGES, replace=False)
            case = case_of(design, ms[fit], fit, judges)
            for name, regressor in REGRESSORS.items():
                found[name][-1].append(agreement(regressor(case), ms[judges]))
        medians = {name: np.median(each[-1], axis=0) for name, each in found.items()}
        print(
            f"{device!s:12}" + "; ".join(f"{n} {m[0]:.3f} {m[1]:.0%}" for n, m in medians.items())
        )
    print(f"\n{few} cells: medians over devices and draws; means of the devices' medians; and the")
    print("worst of these against the model's")
    heads = ("rho", "in 10%", "R2", "rho", "in 10%", "rho", "in 10%")
    print(f"{'':20}" + "".join(f"{head:>9}" for head in heads))
    own = np.median(found["model"], axis=1)
    for name, each in found.items():
        all_, device = np.median(np.array(each).reshape(-1, 4), axis=0), np.median(each, axis=1)
        worst, mean = (device - own).min(axis=0), device.mean(axis=0)
        print(f"{name:20}{all_[0]:9.3f}{all_[1]:9.1%}{all_[2]:9.3f}", end="")
        print(f"{mean[0]:9.4f}{mean[1]:9.1%}{worst[0]:+9.3f}{worst[1]:+9.1%}")


def _cells(file: Any) -> list[Cell]:
    names = [str(name) for name in file["op_names"]]
    order = sorted(range(6), key=lambda edge: (EDGES[edge][1], EDGES[edge][0]))
    return [
        Cell(tuple(Edge(*EDGES[edge], names[int(codes[edge])]) for edge in order))
        for codes in file["ops"]
    ]


def _judged(design: Design, ms: np.ndarray, fit: np.ndarray, all_: np.ndarray) -> tuple[float, ...]:
    """Rho and share within 10 % on the cells that nothing was fitted to."""
    own = rows(design, fit)
    recipe, _ = choose_recipe(own, ms[fit])
    prices = fit_prices(own, ms[fit], recipe)
    rest = np.setdiff1d(all_, fit)
    return agreement(predicted(prices, rows(design, rest)), ms[rest])[:2]


def _ols(cells: list[Cell], ms: np.ndarray, fit: np.ndarray, all_: np.ndarray) -> tuple[float, ...]:
    """Ordinary least squares on how often each operation occurs."""
    names = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    x = np.array([[1.0, *(_count(cell, name) for name in names)] for cell in cells])
    found = np.linalg.lstsq(x[fit], ms[fit], rcond=None)[0]
    rest = np.setdiff1d(all_, fit)
    return agreement(x[rest] @ found, ms[rest])[:2]


def _line(macs: np.ndarray, ms: np.ndarray, fit: np.ndarray, all_: np.ndarray) -> tuple[float, ...]:
    slope, constant = straight_line(macs[fit], ms[fit])
    rest = np.setdiff1d(all_, fit)
    return agreement(slope * macs[rest] + constant, ms[rest])[:2]


def _one_operation(
    cells: list[Cell], ms: np.ndarray, at: dict[str, int], all_: np.ndarray
) -> tuple[float, ...]:
    """A plain table: an operation's price is a sixth of the cell made of it alone, less none."""
    price = {}
    empty = ms[at["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"]]
    for name in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"):
        key = f"|{name}~0|+|{name}~0|{name}~1|+|{name}~0|{name}~1|{name}~2|"
        price[name] = (ms[at[key]] - empty) / 6
    summed = np.array([empty + sum(price[edge.operation] for edge in cell.edges) for cell in cells])
    return agreement(summed[all_], ms[all_])[:2]


def _count(cell: Cell, name: str) -> int:
    return sum(edge.operation == name for edge in cell.edges)


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "here"
    if what == "devices":
        if "OPTUNAS_NB201" not in os.environ:
            sys.exit("skipped: OPTUNAS_NB201 names no file")
        devices(os.environ["OPTUNAS_NB201"])
    elif what == "regressors":
        if "OPTUNAS_NB201" not in os.environ:
            sys.exit("skipped: OPTUNAS_NB201 names no file")
        counts = [int(one) for one in sys.argv[2:4]]
        regressors(os.environ["OPTUNAS_NB201"], *(counts + [FEW, DRAWS][len(counts) :]))
    else:
        here(sys.argv[3:] or list(HERE), int(sys.argv[2]) if len(sys.argv) > 2 else 8)
