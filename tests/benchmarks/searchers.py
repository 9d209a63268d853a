"""How many trained networks each searcher needs, in real Optuna studies.

    OPTUNAS_NB201=path/to/nb201.npz python tests/benchmarks/searchers.py --seeds 20

On NAS-Bench-201: a network's accuracy is bought, its parameters and measured latency are known;
what is counted are unique networks. Three objectives: the share of the true front's hypervolume
(accuracy above a floor, logarithms of latency and parameters, each normalised to [0, 1] over the
table, reference point (1, 1, 1)). One objective: regret of the validation accuracy, the mean of
the table's seeds. On a synthetic space that cannot be listed (28 choices, a learning rate, a width;
noise; two workers): hypervolume of the noiseless values. ``pair:0`` is the same space with two
objectives, both noisy and neither known. ``cheap_aware_unknown`` is told no costs and predicts all
objectives from their trials. ``--speed 1000`` prints the seconds that a suggestion takes instead.

Every run is kept as one line of a JSONL file, so that an interrupted benchmark goes on where it
stopped. Medians over seeds are printed, from first to third quartile, and how the first of
``--samplers`` compares with each other one on the same seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from scipy.stats import wilcoxon

import optunas
from optunas import pareto
from optunas.samplers.cheap_aware import CheapAwareSampler
from optunas.space import Cell, Choice, Edge, Float, HyperSpace, Int, Space

TABLE = os.environ.get("OPTUNAS_NB201", "")
FLOORS = {"cifar10": 85.0, "cifar100": 55.0}
CHOICES, LETTERS = 28, tuple("abcde")
MARKS, COMPARED = (50, 60, 100, 200, 300), (100, 300)
NEVER = 10**6


class Table:
    """NAS-Bench-201: accuracies, latency on ten devices, parameters."""

    def __init__(self, path: str) -> None:
        data = np.load(path)
        names = [str(name) for name in data["op_names"]]
        pairs = [(i, j) for j in range(1, 4) for i in range(j)]
        cells = [
            Cell(tuple(Edge(i, j, names[o]) for (i, j), o in zip(pairs, row, strict=True)))
            for row in data["ops"]
        ]
        self.row = {cell: at for at, cell in enumerate(cells)}
        self.accuracy = {k: np.nanmean(data[f"val_acc_{k}"], axis=1) for k in FLOORS}
        devices = [str(name) for name in data["latency_devices"]]
        self.latency = {name: data["latency_ms"][:, at] for at, name in enumerate(devices)}
        self.params = data["params_cifar10"].astype(float)


@cache
def table() -> Table:
    return Table(TABLE)


class Problem:
    """What is searched, and how far a run has come."""

    space: Space[Any] = optunas.NB201
    directions: tuple[str, ...]
    workers = 1
    goal = math.inf
    """Progress at which a run ends."""

    def values(self, member: Any, rng: np.random.Generator) -> tuple[float, ...]:
        raise NotImplementedError

    known: Callable[[Any], dict[int, float]] | None = None

    def begin(self) -> Callable[[Any], float]:
        """A function that takes one more member and says the progress with it."""
        raise NotImplementedError


class Front(Problem):
    """Accuracy, latency on a device, parameters."""

    directions = ("maximize", "minimize", "minimize")
    goal = 0.96

    def __init__(self, data: str, device: str) -> None:
        t = table()
        self.columns = np.stack([t.accuracy[data], t.latency[device], t.params], axis=1)
        best = self.columns[:, 0].max()
        logs = np.log(self.columns[:, 1:])
        costs = (logs - logs.min(axis=0)) / np.ptp(logs, axis=0)
        self.losses = np.c_[(best - self.columns[:, 0]) / (best - FLOORS[data]), costs]
        self.full = pareto.hypervolume(self.losses, ["minimize"] * 3, [1.0] * 3)

    def values(self, member: Any, rng: np.random.Generator) -> tuple[float, ...]:
        return tuple(self.columns[table().row[member]].tolist())

    def known(self, member: Any) -> dict[int, float]:
        row = self.columns[table().row[member]]
        return {1: float(row[1]), 2: float(row[2])}

    def begin(self) -> Callable[[Any], float]:
        inside, last = np.zeros((0, 3)), 0.0

        def more(member: Any) -> float:
            nonlocal inside, last
            point = self.losses[table().row[member]]
            if (point < 1).all() and not (inside <= point).all(axis=1).any():
                inside = np.concatenate([inside, point[None]])
                last = pareto.hypervolume(inside, ["minimize"] * 3, [1.0] * 3) / self.full
            return last

        return more


class Best(Problem):
    """Accuracy alone; progress is minus the regret."""

    directions = ("maximize",)
    goal = -1e-9

    def __init__(self, data: str) -> None:
        self.accuracy = table().accuracy[data]

    def values(self, member: Any, rng: np.random.Generator) -> tuple[float, ...]:
        return (float(self.accuracy[table().row[member]]),)

    def begin(self) -> Callable[[Any], float]:
        best = -math.inf

        def more(member: Any) -> float:
            nonlocal best
            best = max(best, float(self.accuracy[table().row[member]]))
            return best - float(self.accuracy.max())

        return more


class Synthetic(Problem):
    """A made-up accuracy with interactions, and two costs; larger choices cost more and help."""

    directions = ("maximize", "minimize", "minimize")
    workers = 2
    NOISE = 0.01

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng(number)
        self.space = HyperSpace(
            {f"c{at}": Choice(LETTERS) for at in range(CHOICES)}
            | {"lr": Float(1e-4, 0.1, log=True), "width": Int(8, 64, log=True)}
        )
        shape = (CHOICES, 5)
        self.cost = np.array([0, 1, 2, 5, 9.0]) * rng.uniform(0.2, 1, (CHOICES, 1))
        self.worth = rng.standard_normal(shape) * rng.exponential(1, (CHOICES, 1))
        self.worth += 0.25 * np.log1p(self.cost)
        self.pairs = [tuple(rng.choice(CHOICES, 2, replace=False)) for _ in range(20)]
        self.together = 0.7 * rng.standard_normal((20, 5, 5))
        sample = np.array([self.true(self.space.sample(rng)) for _ in range(2000)])
        logs = np.log(sample[:, 1:])
        self.low, self.high = logs.min(axis=0), logs.max(axis=0)
        self.floor = float(np.median(sample[:, 0]))

    def true(self, member: Any) -> tuple[float, ...]:
        picks = np.array([LETTERS.index(member[f"c{at}"]) for at in range(CHOICES)])
        rate, width = math.log10(member["lr"]), math.log2(member["width"] / 8)
        every = np.arange(CHOICES)
        score = float(self.worth[every, picks].sum())
        score += sum(t[picks[a], picks[b]] for t, (a, b) in zip(self.together, self.pairs))  # noqa: B905
        score += width - 2.0 * (rate + 2.2 + 0.2 * width) ** 2
        costs = self.cost[every, picks]
        size = (1.0 + costs.sum()) * member["width"] ** 2
        delay = (5.0 + ((picks > 0) * (1.0 + 0.5 * costs)).sum()) * member["width"] ** 0.7
        return 1.0 / (1.0 + math.exp(-score / 6.0)), float(size), float(delay)

    def values(self, member: Any, rng: np.random.Generator) -> tuple[float, ...]:
        accuracy, *costs = self.true(member)
        return accuracy + self.NOISE * float(rng.standard_normal()), *costs

    def known(self, member: Any) -> dict[int, float]:
        return dict(enumerate(self.true(member)[1:], start=1))

    def begin(self) -> Callable[[Any], float]:
        points: list[list[float]] = []

        def more(member: Any) -> float:
            accuracy, *costs = self.true(member)
            scaled = (np.log(costs) - self.low) / (self.high - self.low)
            points.append([(1.0 - accuracy) / (1.0 - self.floor), *scaled])
            count = len(self.directions)
            return pareto.hypervolume(points, ["minimize"] * count, [1.0] * count)

        return more


class Pair(Synthetic):
    """The made-up accuracy and its delay, as if both were measured after training."""

    directions = ("maximize", "minimize")
    known = None
    SPREAD = 0.05  # relative deviation of a measured delay

    def true(self, member: Any) -> tuple[float, ...]:
        return super().true(member)[::2]

    def values(self, member: Any, rng: np.random.Generator) -> tuple[float, ...]:
        accuracy, delay = self.true(member)
        noise = rng.standard_normal(2)
        return accuracy + self.NOISE * float(noise[0]), delay * math.exp(self.SPREAD * noise[1])


SAMPLERS: dict[str, Callable[[Problem, int], BaseSampler]] = {
    "cheap_aware": lambda p, seed: CheapAwareSampler(
        p.space, known=p.known, identity="code", seed=seed
    ),
    "cheap_aware_unknown": lambda p, seed: CheapAwareSampler(p.space, identity="code", seed=seed),
    "random": lambda p, seed: RandomSampler(seed=seed),
    "nsga2_20": lambda p, seed: NSGAIISampler(population_size=20, seed=seed),
    "nsga2_50": lambda p, seed: NSGAIISampler(population_size=50, seed=seed),
    "tpe_mv": lambda p, seed: TPESampler(multivariate=True, seed=seed),
}


def problem(name: str) -> Problem:
    """``front:cifar10:pixel2``, ``best:cifar10``, ``synthetic:0`` or ``pair:0``."""
    kind, *rest = name.split(":")
    if kind in ("front", "best"):
        return Front(*rest) if kind == "front" else Best(*rest)
    return Pair(int(rest[0])) if kind == "pair" else Synthetic(int(rest[0]))


def run(p: Problem, sampler: BaseSampler, seed: int, budget: int) -> dict[str, Any]:
    """Progress after each new network, and seconds a trial, the objective's small part included."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=list(p.directions), sampler=sampler)
    rng, more = np.random.default_rng([seed, 7]), p.begin()
    seen: set[Any] = set()
    progress: list[float] = []
    waiting: list[tuple[optuna.Trial, Any]] = []
    start, trials = time.process_time(), 0
    while len(seen) < budget and trials < 5 * budget and (progress or [-math.inf])[-1] < p.goal:
        while len(waiting) < p.workers:
            trial = study.ask()
            waiting.append((trial, optunas.suggest(trial, p.space)))
            trials += 1
        trial, member = waiting.pop(0)
        study.tell(trial, p.values(member, rng))
        if member not in seen:
            seen.add(member)
            progress.append(more(member))
    seconds = (time.process_time() - start) / max(trials, 1)
    return {"progress": [round(v, 5) for v in progress], "trials": trials, "seconds": seconds}


def needed(progress: list[float], level: float) -> int:
    """Networks until the progress reaches the level."""
    return next((at for at, v in enumerate(progress, start=1) if v >= level - 1e-9), NEVER)


def quartiles(counts: list[float]) -> str:
    low, middle, high = np.quantile(counts, [0.25, 0.5, 0.75], method="inverted_cdf")
    shown = [">budget" if v >= NEVER else f"{v:.4g}" for v in (low, middle, high)]
    return f"{shown[1]} ({shown[0]} .. {shown[2]})"


class Row(NamedTuple):
    problem: str
    sampler: str
    seed: int
    budget: int


def stored(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Runs by what they are runs of; a line that was being written is left out."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return {tuple(line["row"]): line for line in lines}


def report(name: str, sampler: str, runs: list[dict[str, Any]]) -> None:
    curves = [r["progress"] for r in runs]
    levels = {"front": (0.9, 0.95), "best": (-0.1, 0.0)}.get(name.split(":")[0], ())
    found = [f"{level:g}: {quartiles([needed(c, level) for c in curves])}" for level in levels]
    if not name.startswith("best"):
        found += [
            f"at {mark}: {quartiles([c[min(mark, len(c)) - 1] for c in curves])}"
            for mark in MARKS
            if mark <= max(map(len, curves))
        ]
    seconds = float(np.median([r["seconds"] for r in runs]))
    print(
        f"{name:24} {sampler:12} n={len(runs):<3} {'  '.join(found)}  {seconds:.3f} s", flush=True
    )


def scores(name: str, run: dict[str, Any]) -> dict[str, float]:
    """What a run is compared by: networks (all of its, if too few), or hypervolumes."""
    curve = run["progress"]
    level = {"front": 0.95, "best": 0.0}.get(name.split(":")[0])
    if level is not None:
        return {f"networks to {level:g}": min(needed(curve, level), len(curve))}
    return {f"hypervolume at {n}": curve[min(n, len(curve)) - 1] for n in COMPARED}


def compare(name: str, one: str, other: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Two samplers on the same seeds: the ratio's median, and Wilcoxon's signed ranks."""
    ours, theirs = ([scores(name, run) for run in runs[sampler]] for sampler in (one, other))
    for what in ours[0]:
        a, b = (np.array([row[what] for row in rows]) for rows in (ours, theirs))
        p = wilcoxon(a, b).pvalue if (a != b).any() else 1.0
        print(
            f"{name:24} {one} / {other}, {what}: median {np.median(a / b):.2f}, higher for "
            f"{(a > b).sum()} of {len(a)} seeds, p = {p:.2g}",
            flush=True,
        )


def speed(trials: int, asks: int) -> None:
    """Median processor seconds of a suggestion in one study of random trials."""
    p, rng = Synthetic(0), np.random.default_rng(0)
    for name in ("random", "nsga2_50", "tpe_mv", "cheap_aware"):
        study = optuna.create_study(directions=list(p.directions), sampler=SAMPLERS[name](p, 0))
        known = optunas.distributions(p.space)
        for _ in range(trials):
            member = p.space.sample(rng)
            params = optunas.to_params(p.space, member)
            values = p.values(member, rng)
            study.add_trial(optuna.create_trial(params=params, distributions=known, values=values))
        taken = []
        for _ in range(asks):
            start = time.process_time()
            trial = study.ask()
            member = optunas.suggest(trial, p.space)
            taken.append(time.process_time() - start)
            study.tell(trial, p.values(member, rng))
        print(f"suggest at {trials} trials, 30 parameters: {name:12} {np.median(taken):.4f} s")


PROBLEMS = (
    "front:cifar10:pixel2",
    "best:cifar10",
    "front:cifar100:pixel2",
    "front:cifar10:raspi4",
    "front:cifar10:fpga",
    "best:cifar100",
    "synthetic:0",
    "synthetic:1",
    "synthetic:2",
    "pair:0",
    "pair:1",
    "pair:2",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=300, help="unique networks a run")
    parser.add_argument("--problems", nargs="+", default=PROBLEMS)
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS), choices=SAMPLERS)
    parser.add_argument("--out", type=Path, default=Path("searchers.jsonl"))
    parser.add_argument("--speed", type=int, default=0, metavar="TRIALS", help="time only")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.speed, 15)
        return
    done = stored(arguments.out)
    for name in arguments.problems:
        if name.startswith(("front", "best")) and not os.path.exists(TABLE):
            print(f"{name:24} skipped: OPTUNAS_NB201 is not the path of nb201.npz")
            continue
        p, found = problem(name), {}
        for sampler in arguments.samplers:
            runs = found[sampler] = []
            for seed in range(arguments.seeds):
                row = Row(name, sampler, seed, arguments.budget)
                if row not in done:
                    outcome = run(p, SAMPLERS[sampler](p, seed), seed, arguments.budget)
                    done[row] = {"row": row, **outcome}
                    with arguments.out.open("a") as file:
                        file.write(json.dumps(done[row]) + "\n")
                runs.append(done[row])
            report(name, sampler, runs)
        for sampler in arguments.samplers[1:]:
            compare(name, arguments.samplers[0], sampler, found)


if __name__ == "__main__":
    main()
