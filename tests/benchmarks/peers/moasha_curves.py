"""Syne Tune's MO-ASHA on the tables of learning curves, for ``pruning.py --peers``.

One trial after the other, told by hand. Its decision to stop is obeyed as it comes: it never goes
back to a trial. Needs ``syne-tune[moo]`` and numpy, nothing of optunas.

    python tests/benchmarks/peers/moasha_curves.py --out moasha.jsonl [--orders 20]
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import randint
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

HERE = Path(__file__).resolve().parents[1]
TABLES = {
    "small0": ("curves.npz", 0),
    "small1": ("curves.npz", 1),
    "large": ("curves_large.npz", 0),
}
SETTINGS = {"syne tune mo-asha 1 x 3": (1, 3), "syne tune mo-asha 3 x 3": (3, 3)}
NAMES = ("error", "latency", "params")


def replay(losses: Any, order: Any, first: int, eta: int, seed: int) -> tuple[list[int], list[Any]]:
    """Epochs of each row, negative where it was stopped, and (epochs so far, row) of the others."""
    rows, epochs, _ = losses.shape
    np.random.seed(seed)  # it draws from the global generators
    random.seed(seed)
    scheduler = MOASHA(
        {"row": randint(0, rows - 1)},
        list(NAMES),
        time_attr="epochs",
        max_t=epochs,
        grace_period=first,
        reduction_factor=eta,
        random_seed=seed,
    )
    trained, ends = np.zeros(rows, int), []
    for number, row in enumerate(order):
        trial = Trial(number, {"row": int(row)}, datetime.datetime.now())
        scheduler.on_trial_add(trial)
        for epoch in range(epochs):
            trained[row] = epoch + 1
            result = {**dict(zip(NAMES, losses[row, epoch], strict=True)), "epochs": epoch + 1}
            if epoch + 1 == epochs:
                scheduler.on_trial_complete(trial, result)
                ends.append((int(np.abs(trained).sum()), int(row)))
            elif scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                scheduler.on_trial_remove(trial)
                trained[row] *= -1
                break
    return trained.tolist(), ends


def main() -> None:
    """Write one line for each table, setting and order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    options = parser.parse_args()
    with options.out.open("w") as out:
        for name in options.tables:
            file, seed = TABLES[name]
            with np.load(HERE / file) as data:
                errors = 1 - data["correct"][seed] / float(data["images"])  # (n, epochs)
                costs = np.column_stack([data["latency_ms"], data["params"]]).astype(float)
            costs = np.repeat(costs[:, None], errors.shape[1], axis=1)
            losses = np.concatenate([errors[:, :, None], costs], axis=2)
            for who, (first, eta) in SETTINGS.items():
                for number in range(options.orders):
                    order = np.random.default_rng(number).permutation(len(errors))
                    trained, ends = replay(losses, order, first, eta, number)
                    body = {"table": name, "peer": who, "trained": trained, "ends": ends}
                    out.write(json.dumps(body) + "\n")


if __name__ == "__main__":
    main()
