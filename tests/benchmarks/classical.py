"""The classical samplers on NAS-Bench-201: networks to the optimum, hypervolume of a front.

Needs the table that ``OPTUNAS_NB201`` names; prints why when there is none. One objective: CIFAR-10
validation accuracy (mean of the seeds), trials until the best network of the table is found. Three:
accuracy above 85 %, log latency on Pixel 2, log parameters, each normalised to [0, 1] over the
table, share of the true front's hypervolume at reference point (1, 1, 1). Members count by code.
Prints medians over seeds; nothing here is asserted.

    OPTUNAS_NB201=path/to/nb201.npz python tests/benchmarks/classical.py [--seeds 20] [--only local]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, NSGAIISampler

from optunas.codec import suggest_cell
from optunas.pareto import nondominated, normalised_hypervolume
from optunas.samplers import (
    ArchitectureNSGAII,
    LocalSearchSampler,
    RegularizedEvolutionSampler,
    ReinforceSampler,
    SurrogateSampler,
    UniqueRandomSampler,
)
from optunas.space import NB201, Cell

Make = Callable[[int], BaseSampler]
DIRECTIONS: tuple[Literal["minimize", "maximize"], ...] = ("maximize", "minimize", "minimize")
FLOOR = 85.0
AT = (50, 100, 200)
PATIENCE = 1000
"""Trials after which a search for the optimum is given up."""

CODE: Mapping[str, Any] = {"identity": "code"}
ONE: dict[str, Make] = {
    "unique_random": lambda s: UniqueRandomSampler(NB201, seed=s, **CODE),
    "local_search first": lambda s: LocalSearchSampler(NB201, seed=s, **CODE),
    "local_search best": lambda s: LocalSearchSampler(NB201, improvement="best", seed=s, **CODE),
    "regularized_evolution": lambda s: RegularizedEvolutionSampler(NB201, seed=s, **CODE),
    "architecture_nsga2 20": lambda s: ArchitectureNSGAII(
        NB201, population_size=20, seed=s, **CODE
    ),
    "reinforce": lambda s: ReinforceSampler(NB201, seed=s, **CODE),
    "surrogate gp": lambda s: SurrogateSampler(NB201, seed=s, **CODE),
}
THREE: dict[str, Make] = {
    "unique_random": ONE["unique_random"],
    "nsga2 50 (Optuna)": lambda s: NSGAIISampler(population_size=50, seed=s),
    "nsga2 20 (Optuna)": lambda s: NSGAIISampler(population_size=20, seed=s),
    "architecture_nsga2 50": lambda s: ArchitectureNSGAII(
        NB201, population_size=50, seed=s, **CODE
    ),
    "architecture_nsga2 20": ONE["architecture_nsga2 20"],
    "regularized_evolution": ONE["regularized_evolution"],
    "local_search first": ONE["local_search first"],
    "local_search chebyshev": lambda s: LocalSearchSampler(
        NB201, scalarise="chebyshev", seed=s, **CODE
    ),
}


class Table(NamedTuple):
    """NAS-Bench-201, a row for each cell.

    Attributes:
        rows: of the cells.
        values: (n, 3): accuracy in %, log latency, log parameters.
    """

    rows: dict[Cell, int]
    values: NDArray[np.float64]


def load(path: str) -> Table:
    """The table of CIFAR-10 and Pixel 2."""
    with np.load(path) as data:
        names = [str(name) for name in data["op_names"]]
        keys = list(NB201.parameters())
        rows = {
            NB201.decode({k: names[op] for k, op in zip(keys, ops, strict=True)}): at
            for at, ops in enumerate(data["ops"].tolist())
        }
        device = [str(name) for name in data["latency_devices"]].index("pixel2")
        accuracy = np.nanmean(data["val_acc_cifar10"], axis=1)
        latency, params = data["latency_ms"][:, device], data["params_cifar10"]
    return Table(rows, np.column_stack([accuracy, np.log(latency), np.log(params)]))


def networks(table: Table, make: Make, seed: int, objectives: int, enough: int) -> list[int]:
    """Rows in the order in which they were first asked for; until ``enough``, or the best."""
    best = int(np.argmax(table.values[:, 0]))
    study = optuna.create_study(directions=list(DIRECTIONS[:objectives]), sampler=make(seed))
    found: dict[int, None] = {}
    for _ in range(20 * enough):
        trial = study.ask()
        row = table.rows[suggest_cell(trial)]
        study.tell(trial, table.values[row, :objectives].tolist())
        found[row] = None
        if len(found) == enough or (objectives == 1 and row == best):
            break
    return list(found)


def shares(table: Table, rows: list[int], at: tuple[int, ...]) -> list[float]:
    """Of the true front's hypervolume, after so many networks."""
    values = table.values
    good = values[values[:, 0] > FLOOR]
    reference = [FLOOR, values[:, 1].max(), values[:, 2].max()]
    ideal = [values[:, 0].max(), values[:, 1].min(), values[:, 2].min()]

    def volume(points: NDArray[np.float64]) -> float:
        return normalised_hypervolume(points, DIRECTIONS, reference, ideal)

    whole = volume(good[nondominated(good, DIRECTIONS)])
    return [volume(values[rows[:n]]) / whole for n in at]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="samplers whose name has this")
    parser.add_argument("--objectives", type=int, choices=(1, 3), default=None)
    asked = parser.parse_args()
    path = os.environ.get("OPTUNAS_NB201")
    if not path:
        sys.exit("Skipped: OPTUNAS_NB201 names no table.")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table, seeds = load(path), range(asked.seeds)
    if asked.objectives != 3:
        print("one objective: networks to the optimum; mean, quartiles")
        for name, make in ONE.items():
            if asked.only in name:
                start = time.perf_counter()
                counts = [len(networks(table, make, seed, 1, PATIENCE)) for seed in seeds]
                quartiles = np.percentile(counts, (25, 50, 75))
                spent = time.perf_counter() - start
                print(f"{name:24} {np.mean(counts):6.0f}  {quartiles}  {spent:.0f} s", flush=True)
    if asked.objectives != 1:
        print(f"three objectives: median share of the hypervolume at {AT} networks")
        for name, make in THREE.items():
            if asked.only in name:
                rows = [networks(table, make, seed, 3, max(AT)) for seed in seeds]
                found = np.median([shares(table, r, AT) for r in rows], axis=0)
                print(f"{name:24} {np.round(found, 3)}", flush=True)


if __name__ == "__main__":
    main()
