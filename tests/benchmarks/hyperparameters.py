"""Pure hyperparameters and one objective: how far samplers come on published tables.

    pip install 'optunas[bench]'; python tests/benchmarks/hyperparameters.py --seeds 3

Six tables of HPOBench and HPOLib, numbers searched by their place in the grid. What is counted is
the share of the table's settings that are better than the best one found; medians over seeds.
Nothing is known before training. TPE is Optuna's, multivariate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

import optunas
from optunas.samplers.cheap_aware import CheapAwareSampler
from optunas.space import Space
from optunas.tasks import hpo_table, hpo_table_space

TABLES = {
    "hpobench": ("credit_g", "phoneme", "segment", "vehicle"),
    "hpolib": ("naval_propulsion", "protein_structure"),
}
MARKS = (20, 40, 60)
SAMPLERS: dict[str, Callable[[Space[Any], int], BaseSampler]] = {
    "cheap_aware": lambda space, seed: CheapAwareSampler(space, identity="code", seed=seed),
    "tpe": lambda space, seed: TPESampler(multivariate=True, seed=seed),
    "random": lambda space, seed: RandomSampler(seed=seed),
}


def run(benchmark: str, dataset: str, sampler: str, seed: int) -> tuple[list[float], float]:
    """The share of better settings after each of the marks, and seconds for a trial."""
    space, task = hpo_table_space(benchmark, ordinal=True), hpo_table(benchmark, dataset)
    values = task.column(task.score_name)
    better = np.argsort(np.argsort(values if task.direction == "minimize" else -values))
    study = optuna.create_study(direction=task.direction, sampler=SAMPLERS[sampler](space, seed))
    places, start = [], time.process_time()
    for _ in range(MARKS[-1]):
        trial = study.ask()
        row = task.row(None, optunas.suggest(trial, space))
        study.tell(trial, float(values[row]))
        places.append(better[row] / len(values))
    seconds = (time.process_time() - start) / len(places)
    return [float(min(places[:mark])) for mark in MARKS], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for benchmark, datasets in TABLES.items():
        for dataset in datasets:
            for sampler in SAMPLERS:
                runs = [run(benchmark, dataset, sampler, seed) for seed in range(seeds)]
                shares = np.median([shares for shares, _ in runs], axis=0)
                found = "  ".join(f"{m}: {s:.2%}" for m, s in zip(MARKS, shares, strict=True))
                seconds = float(np.median([taken for _, taken in runs]))
                print(f"{benchmark} {dataset:18} {sampler:12} {found}  {seconds:.3f} s", flush=True)


if __name__ == "__main__":
    main()
