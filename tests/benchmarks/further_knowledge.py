"""What further knowledge saves the cost-aware sampler: proxies, partial curves, an earlier study.

    OPTUNAS_NB201=path/to/nb201.npz python tests/benchmarks/further_knowledge.py --seeds 10

On NAS-Bench-201, three objectives, as in ``searchers.py``: unique networks (whole trainings, where
some are stopped early) to shares of the true front's hypervolume. Every case and the way it is
compared with run with the same seeds; Wilcoxon's signed ranks of the pairs, and the share of seeds
that were faster. A run that never came so far counts with all that it spent.

- ``extra``: zero-cost proxies as the predictor's features. ``flops`` are the table's; the other
  proxies are computed on Fashion-MNIST of 14 x 14, and kept in ``--proxies``.
- ``curves``: every network reports its accuracy after 12 epochs, which costs 12/200 of a training
  (the table's separate schedule, see its README), and the pruner may stop it there. What the
  sampler makes of the stopped ones' curves, beside not seeing them and beside no pruner.
- ``warm``: an earlier study of 100 networks on other data or another device; its front is
  enqueued, its trials inform the predictor, or both, as ``optunas study run --warm-start`` does.

Every run is one line of a JSONL file; an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.trial import TrialState
from scipy.stats import wilcoxon
from searchers import TABLE, Front, quartiles, stored, table

import optunas
from optunas import NB201, pareto
from optunas.pruning import CheapAwareMedianPruner
from optunas.samplers.cheap_aware import CheapAwareSampler

HOME = "cifar10:pixel2"
SHORT, WHOLE = 12, 200
EARLIER = 100
LEVELS = (0.8, 0.9, 0.95)
PROXIES = ("synflow", "naswot", "zen")
NETWORK = {"channels": 8, "num_cells": 1}

Extra = Callable[[Any], Sequence[float]]
Told = list[tuple[Any, tuple[float, ...]]]


class Case(NamedTuple):
    """What is known in a run.

    Attributes:
        problem: data and device.
        extra: nothing, ``flops`` or ``proxies``.
        source: data and device of an earlier study, or nothing.
        enqueued: whether that study's front is trained first.
        informed: whether its trials inform the predictor.
        pruned: whether networks may be stopped after the short training.
        curves: whether the sampler sees the curves.
    """

    problem: str = HOME
    extra: str = ""
    source: str = ""
    enqueued: bool = False
    informed: bool = False
    pruned: bool = False
    curves: bool = False


def _warm(target: str, source: str, base: str, name: str) -> dict[str, tuple[Case, str]]:
    return {
        f"{base} after {name}: both": (Case(target, "", source, True, True), base),
        f"{base} after {name}: front": (Case(target, "", source, True, False), base),
        f"{base} after {name}: predictor": (Case(target, "", source, False, True), base),
    }


CASES: dict[str, tuple[Case, str]] = {
    "cifar10": (Case(), ""),
    "extra flops": (Case(extra="flops"), "cifar10"),
    "extra proxies": (Case(extra="proxies"), "cifar10"),
    "pruned, curves hidden": (Case(pruned=True), "cifar10"),
    "pruned, curves seen": (Case(pruned=True, curves=True), "pruned, curves hidden"),
    "cifar100": (Case("cifar100:pixel2"), ""),
    **_warm("cifar100:pixel2", HOME, "cifar100", "cifar10"),
    "raspi4": (Case("cifar10:raspi4"), ""),
    **_warm("cifar10:raspi4", HOME, "raspi4", "pixel2"),
}
"""Each case, and the name of the one that it is compared with."""


class Proxies:
    """``extra`` of a member, kept in a file from run to run."""

    def __init__(self, path: Path) -> None:
        self._path, self._own = path, None
        lines = path.read_text().splitlines() if path.exists() else []
        self._known = {key: row for line in lines for key, row in [json.loads(line)]}

    def __call__(self, member: Any) -> list[float]:
        key = NB201.digest(member)
        if key not in self._known:
            self._known[key] = self._members().extra(member)
            with self._path.open("a") as file:
                file.write(json.dumps([key, self._known[key]]) + "\n")
        return self._known[key]

    def _members(self) -> Any:
        if self._own is None:
            from optunas.metrics.proxies.members import MemberProxies
            from optunas.tasks import fashion_mnist

            task = fashion_mnist(train_size=1000, val_size=1000, size=14)
            self._own = MemberProxies(NB201, task, PROXIES, training=NETWORK, batch_size=32)
        return self._own


class Shorts:
    """What the short trainings gave, and the FLOPs, by the row of the table."""

    def __init__(self) -> None:
        with np.load(TABLE) as data:
            self.flops = np.log(data["mflops_cifar10"])
            self.accuracy = {k: data[f"val_acc_12ep_{k}"] for k in table().accuracy}


def sampler_of(case: Case, p: Front, seed: int, extras: dict[str, Extra]) -> CheapAwareSampler:
    earlier = earlier_study(case.source, seed) if case.informed else None
    extra = extras[case.extra] if case.extra else None
    return CheapAwareSampler(
        p.space, known=p.known, identity="code", seed=seed, extra=extra, earlier=earlier
    )


@cache
def earlier_study(source: str, seed: int) -> Told:
    """The networks of a study elsewhere, with their values there."""
    p = Front(*source.split(":"))
    sampler = CheapAwareSampler(p.space, known=p.known, identity="code", seed=10_000 + seed)
    study = optuna.create_study(directions=list(p.directions), sampler=sampler)
    told: Told = []
    for _ in range(EARLIER):
        trial = study.ask()
        member = optunas.suggest(trial, p.space)
        told.append((member, p.values(member, np.random.default_rng(0))))
        study.tell(trial, told[-1][1])
    return told


def run(
    case: Case, seed: int, budget: float, extras: dict[str, Extra], shorts: Shorts
) -> dict[str, Any]:
    """Share of the front's hypervolume and trainings spent, after each network trained whole."""
    p = Front(*case.problem.split(":"))
    study = optuna.create_study(
        directions=list(p.directions), sampler=sampler_of(case, p, seed, extras)
    )
    # The pruner's judgement comes from a study of its own, so that what the sampler sees is free.
    book = optuna.create_study(directions=list(p.directions), pruner=CheapAwareMedianPruner())
    if case.enqueued:
        told = earlier_study(case.source, seed)
        front = pareto.nondominated(np.array([v for _, v in told]), list(p.directions))
        for at in np.flatnonzero(front):
            study.enqueue_trial(optunas.to_params(p.space, told[at][0]))
    more, short = p.begin(), shorts.accuracy[case.problem.split(":")[0]]
    costs, shares, spent, seen = [], [0.0], 0.0, set()
    while spent < budget and shares[-1] < LEVELS[-1]:
        trial = study.ask()
        member = optunas.suggest(trial, p.space)
        values = p.values(member, np.random.default_rng(0))
        assert member not in seen
        seen.add(member)
        if case.pruned:
            after = float(short[table().row[member]])
            note = book.ask()
            _report(case, trial, note, after, SHORT, values)
            if optunas.should_prune(note):
                spent += SHORT / WHOLE
                book.tell(note, state=TrialState.PRUNED)
                study.tell(trial, state=TrialState.PRUNED)
                continue
            _report(case, trial, note, values[0], WHOLE, values)
            book.tell(note, values)
        study.tell(trial, values)
        spent += 1.0
        shares.append(more(member))
        costs.append(spent)
    return {
        "progress": [round(share, 5) for share in shares[1:]],
        "costs": [round(cost, 3) for cost in costs],
        "stopped": len(seen) - len(costs),
    }


def _report(
    case: Case,
    trial: optuna.Trial,
    note: optuna.Trial,
    accuracy: float,
    step: int,
    values: tuple[float, ...],
) -> None:
    cheap = {1: values[1], 2: values[2]}
    for one in (note, trial) if case.curves else (note,):
        optunas.report(one, accuracy, step, cheap=cheap)


def needed(row: dict[str, Any], level: float) -> float:
    """Trainings until the share is reached, or infinity."""
    pairs = zip(row["costs"], row["progress"], strict=True)
    return next((cost for cost, share in pairs if share >= level), math.inf)


def report(name: str, base: str, done: dict[str, list[dict[str, Any]]]) -> None:
    """Trainings to each level, and the comparison with ``base`` at the last one."""
    runs = done[name]
    cells = []
    for level in LEVELS:
        counts = [min(needed(row, level), 10.0**6) for row in runs]
        cells.append(f"{level:g}: {quartiles(counts)}")
    line = f"{name:32} n={len(runs):<3} " + "  ".join(f"{cell:26}" for cell in cells)
    if base and len(runs) == len(done.get(base, ())):
        pairs = [
            [min(needed(row, LEVELS[-1]), row["costs"][-1]) for row in two]
            for two in zip(done[base], runs, strict=True)
        ]
        before, after = np.array(pairs).T
        p = wilcoxon(before, after).pvalue if (before != after).any() else 1.0
        line += (
            f" {np.median(after / before):.2f} of {base} (median), less in "
            f"{np.mean(after < before):.0%}, p = {p:.3g}"
        )
    print(line, flush=True)


def main() -> None:
    """Run what is asked for and is not in the file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=float, default=150, help="whole trainings a run")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--out", type=Path, default=Path("further_knowledge.jsonl"))
    parser.add_argument("--proxies", type=Path, default=Path("further_proxies.jsonl"))
    arguments = parser.parse_args()
    if not os.path.exists(TABLE):
        print("skipped: OPTUNAS_NB201 is not the path of nb201.npz")
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    shorts, known = Shorts(), stored(arguments.out)
    extras: dict[str, Extra] = {
        "flops": lambda member: [float(shorts.flops[table().row[member]])],
        "proxies": Proxies(arguments.proxies),
    }
    done: dict[str, list[dict[str, Any]]] = {}
    for name in arguments.cases:
        case, base = CASES[name]
        done[name] = []
        for seed in range(arguments.seeds):
            key = (name, seed, arguments.budget)
            if key not in known:
                known[key] = run(case, seed, arguments.budget, extras, shorts)
                with arguments.out.open("a") as file:
                    file.write(json.dumps({"row": key, **known[key]}) + "\n")
            done[name].append(known[key])
        report(name, base, done)


if __name__ == "__main__":
    main()
