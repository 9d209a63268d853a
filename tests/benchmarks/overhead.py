"""What optunas costs beside the training: against the same study written by hand in bare Optuna.

Run with ``python tests/benchmarks/overhead.py``; some minutes. The epochs of both cost nothing, so
a trial's time is all overhead. Both suggest the same parameters with NSGA-II, report as many
epochs, and leave the same attributes in their trials: optunas' own are written by the bare study
too, once each, and the learning curve after every epoch. Bare is Optuna as it comes
(``sqlite:///file``); optunas also writes notes, and on SQLite a drawing of each cell and curve.
Everything is the median of interleaved repeats in one process; differences and ratios are taken
within one repeat. Processor time leaves out the waiting for a disk and for other programs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import optuna
from numpy.typing import NDArray

import optunas
from optunas import NB201, Budget, Choice, Float, HyperSpace, JointSpace, StudySpec
from optunas.samplers import population_size
from optunas.tasks import Score

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
SPACE = JointSpace(
    cell=NB201,
    train=HyperSpace(lr=Float(0.008, 0.3, log=True), channels=Choice((4, 8, 16))),
)
TARGET_MS, TARGET_RATIO = 5.0, 0.5

Times = NDArray[np.float64]


class FreeTask:
    """A table without a table: scores and costs by a formula."""

    name, score_name, direction = "free", "accuracy", "maximize"
    input_shape = num_outputs = None
    network_keys = ("channels",)

    def __init__(self, epochs: int) -> None:
        self.epochs, self.options = epochs, {"epochs": epochs}

    def known(self, architecture: Any, settings: Mapping[str, Any]) -> dict[str, float]:
        return costs(settings["channels"], settings["lr"])

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        pass

    def scores(
        self, candidate: Any, hyperparameters: Mapping[str, Any], seed: int = 0, device: str = "cpu"
    ) -> Iterator[Score]:
        for step in range(self.epochs):
            yield Score(step, score(hyperparameters["lr"], step), 0.0)


def free_task(epochs: int) -> FreeTask:
    """The task's factory."""
    return FreeTask(epochs)


def costs(channels: int, lr: float) -> dict[str, float]:
    """Parameters, latency and FLOPs."""
    return {"params": 100.0 * channels, "latency_ms": 1.0 + lr, "flops": 7.0 * channels}


def score(lr: float, step: int) -> float:
    """The accuracy after an epoch."""
    return (1 - 2.0**-step) * (1 - lr)


def spec(trials: int, epochs: int, pruner: str) -> StudySpec:
    """The study in optunas."""
    return StudySpec(
        "overhead",
        SPACE,
        "overhead:free_task",
        task_options={"epochs": epochs},
        metrics=("flops",),
        pruner=pruner,
        budget=Budget(trials=trials),
    )


def by_hand(trial: optuna.Trial, epochs: int) -> tuple[float, float, float]:
    """The study's objective in bare Optuna."""
    cell = {e: trial.suggest_categorical(f"cell.edge{e}", OPERATIONS) for e in EDGES}
    lr = trial.suggest_float("train.lr", 0.008, 0.3, log=True)
    channels = trial.suggest_categorical("train.channels", (4, 8, 16))
    text = json.dumps({"cell": cell, "lr": lr, "channels": channels})
    known = costs(channels, lr)
    attrs = {"optunas:worker": "[host, process, start]", "architecture": text, "digest": "0" * 32}
    for name, value in (attrs | known).items():
        trial.set_user_attr(name, value)
    curve: dict[int, float] = {}
    for step in range(epochs):
        curve[step] = score(lr, step)
        body = {"objective": 0, "steps": list(curve), "values": list(curve.values())}
        trial.set_user_attr("optunas:curve", json.dumps(body))
    spent = {"optunas:cheap": json.dumps(known), "optunas:spent": json.dumps([epochs, 0.0, 0.0])}
    end = {"epochs": epochs, "seconds": 0.0, "accuracy": curve[epochs - 1]}
    for name, value in (spent | end).items():
        trial.set_user_attr(name, value)
    return curve[epochs - 1], known["latency_ms"], known["params"]


def now() -> Times:
    """Wall clock and this process's processor time, in milliseconds."""
    return np.array([time.perf_counter(), time.process_time()]) * 1000


def since(start: Times) -> Times:
    """What has passed of both."""
    return now() - start


def bare_ms(trials: int, epochs: int, storage: str | None) -> Times:
    """Milliseconds of a trial in bare Optuna."""
    study = optuna.create_study(
        storage=storage,
        directions=["maximize", "minimize", "minimize"],
        sampler=optuna.samplers.NSGAIISampler(population_size=population_size(trials), seed=0),
    )
    start = now()
    study.optimize(lambda trial: by_hand(trial, epochs), n_trials=trials)
    return since(start) / trials


def optunas_ms(trials: int, epochs: int, storage: str | None, pruner: str = "none") -> Times:
    """Milliseconds of a trial in optunas."""
    where = optuna.storages.InMemoryStorage() if storage is None else storage
    handle = optunas.create(spec(trials, epochs, pruner), where)
    start = now()
    optunas.run(handle, progress=False)
    return since(start) / len(handle.trials())


def new_file(folder: str) -> str:
    """The URL of a SQLite file that is not there yet, in a folder of its own."""
    return f"sqlite:///{tempfile.mkdtemp(dir=folder)}/study.db"


def compare(trials: int, epochs: int, repeats: int, storage: Callable[[], str | None]) -> None:
    """Print medians, difference and ratio of interleaved repeats."""
    rows: dict[str, list[Times]] = {"bare": [], "optunas": [], "optunas, default pruner": []}
    for _ in range(repeats):
        rows["bare"].append(bare_ms(trials, epochs, storage()))
        rows["optunas"].append(optunas_ms(trials, epochs, storage()))
        pruned = optunas_ms(trials, epochs, storage(), "cheap_aware_median")
        rows["optunas, default pruner"].append(pruned)
    print(f"  {'ms a trial':<26}{'wall':>9}{'processor':>11}")
    for name, values in rows.items():
        show(name, np.array(values))
    bare, ours = np.array(rows["bare"]), np.array(rows["optunas"])
    show("above bare", ours - bare)
    show("ratio to bare", ours / bare)


def show(name: str, values: Times) -> None:
    """Print the medians over repeats, (repeats, 2)."""
    wall, processor = np.median(values, axis=0)
    print(f"  {name:<26}{wall:9.2f}{processor:11.2f}")


def seconds_of(code: list[str], repeats: int) -> list[float]:
    """Wall seconds of new Python processes."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, *code], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return taken


def imports(repeats: int) -> None:
    """Print what importing and asking for help cost."""
    alone, ours, theirs, helped = [], [], [], []
    for _ in range(repeats):
        alone += seconds_of(["-c", "pass"], 1)
        theirs += seconds_of(["-c", "import optuna"], 1)
        ours += seconds_of(["-c", "import optunas"], 1)
        helped += seconds_of(["-m", "optunas", "--help"], 1)
    base = statistics.median(alone)
    print(f"  import optuna   {statistics.median(theirs) - base:6.3f} s")
    print(f"  import optunas  {statistics.median(ours) - base:6.3f} s, target 1.2 of optuna's")
    print(f"  optunas --help  {statistics.median(helped):6.3f} s, target below a second")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optunas_ms(4, 2, None)  # what is imported once is not a trial's cost
    with tempfile.TemporaryDirectory() as folder:
        print(f"{given.trials} trials of {given.epochs} epochs, {given.repeats} repeats")
        print(f"in memory, target {TARGET_MS:.0f} ms above bare")
        compare(given.trials, given.epochs, given.repeats, lambda: None)
        print(f"SQLite, target {TARGET_RATIO} of bare")
        compare(given.trials, given.epochs, given.repeats, lambda: new_file(folder))
    print("new processes")
    imports(2 * given.repeats + 1)


if __name__ == "__main__":
    main()
