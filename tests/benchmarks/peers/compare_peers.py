"""Other searchers and ours on NAS-Bench-201, under one protocol: who needs how many networks.

    OPTUNAS_NB201=path/to/nb201.npz python tests/benchmarks/peers/compare_peers.py --seeds 5

A peer that is not installed is skipped with the reason. Peers that want packages of different
versions run in environments of their own: run this file with each environment's Python and the same
``--store``, then once more with ``--print``. What the environments need: ``optuna``, ``pymoo``,
``syne-tune[moo]``, ``neural-pipeline-search`` (0.17 goes with gpytorch 1.13, which it pins, and so
with botorch 0.12 and no later one; pip finds that by itself); numpy and moocore besides. A run that
is in the store is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

MODULES = ("optunas_peer", "optuna_peers", "pymoo_peer", "syne_tune_peers", "neps_peers")
MARKS, LEVEL = (50, 100, 200, 500), 0.95


def found() -> tuple[dict[str, Any], list[str]]:
    """The peers that are installed here by name, and a sentence for each module that is not."""
    peers: dict[str, Any] = {}
    missing = []
    for name in MODULES:
        try:
            peers |= import_module(name).PEERS
        except ImportError as error:
            missing.append(f"Skipped {name}: {error}.")
    return peers, missing


def run(peer: Any, objectives: Sequence[str], seed: int, trials: int, **problem: Any) -> list[Any]:
    """The networks that a peer trains, in their order, as (cell, values, cost)."""
    from nb201_problem import Collector, Problem

    path = os.environ["OPTUNAS_NB201"]
    collector = Collector(Problem(path, objectives=objectives, **problem), trials)
    peer(collector, seed)
    return collector.trained


def main() -> None:
    """Run what is asked for and is not in the store, then print medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=500, help="unique networks of a run")
    parser.add_argument("--only", nargs="*", default=[], help="parts of peers' names")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--device", default="pixel2")
    parser.add_argument("--single", action="store_true", help="accuracy alone")
    parser.add_argument("--store", type=Path, default=Path("peers.jsonl"))
    parser.add_argument("--print", action="store_true", dest="print_only")
    options = parser.parse_args()
    if not os.environ.get("OPTUNAS_NB201"):
        sys.exit("Skipped: OPTUNAS_NB201 names no table.")
    if not options.print_only:
        _run_all(options)
    _print(_stored(options.store), options)


def _run_all(options: argparse.Namespace) -> None:
    from nb201_problem import OBJECTIVES, Problem

    peers, missing = found()
    print(*missing, sep="\n", file=sys.stderr)
    objectives = OBJECTIVES[:1] if options.single else OBJECTIVES
    problem = Problem(os.environ["OPTUNAS_NB201"], options.data, options.device, objectives)
    there = {_key(row) for row in _stored(options.store) if row["trials"] >= options.trials}
    for seed in range(options.seeds):
        for name, peer in peers.items():
            if options.only and not any(part in name for part in options.only):
                continue
            row: dict[str, Any] = {
                "peer": name,
                "seed": seed,
                "trials": options.trials,
                "problem": [options.data, options.device, len(objectives)],
            }
            if _key(row) in there:
                continue
            begun = time.process_time()
            trained = run(
                peer, objectives, seed, options.trials, data=options.data, device=options.device
            )
            row["cpu_s"] = time.process_time() - begun
            row["costs"], row["quality"] = problem.progress(trained)
            row["evaluations"] = len(trained)
            with options.store.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name}, seed {seed}: {row['quality'][-1]:.3f}", file=sys.stderr)


def _key(row: dict[str, Any]) -> str:
    return json.dumps([row["peer"], row["seed"], row["problem"]])


def _stored(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _print(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Medians (and quartiles) over the seeds at the marks; "-" where a run is shorter."""
    wanted = [options.data, options.device, 1 if options.single else 3]
    rows = [row for row in rows if row["problem"] == wanted]
    what = "best accuracy" if options.single else "share of the front's hypervolume"
    print(f"{what}, {options.data}, {options.device}: median (quartiles) at unique networks")
    to = "" if options.single else f"to {LEVEL:.0%}"
    head = "".join(f"{mark:>20}" for mark in MARKS)
    print(f"{'peer':<28}{'seeds':>6}{head}{to:>18}{'ms/trial':>10}")
    for name in sorted({row["peer"] for row in rows}):
        own = [row for row in rows if row["peer"] == name]
        cells = []
        for mark in MARKS:
            at = [_at(row, mark) for row in own]
            there = sorted(value for value in at if value is not None)
            if not there:
                cells.append("-")
                continue
            low, middle, high = (
                statistics.quantiles(there, n=4) if len(there) > 1 else [there[0]] * 3
            )
            cells.append(f"{middle:.3f} ({low:.3f}-{high:.3f})")
        pace = statistics.median(1e3 * row["cpu_s"] / max(1, row["evaluations"]) for row in own)
        to = "" if options.single else _needed(own)
        shown = "".join(f"{c:>20}" for c in cells)
        print(f"{name:<28}{len(own):>6}{shown}{to:>18}{pace:>10.1f}")


def _needed(rows: list[dict[str, Any]]) -> str:
    """Median of the trainings to 95 % of the hypervolume, and how many runs came so far."""
    found = []
    for row in rows:
        pairs = zip(row["costs"], row["quality"], strict=True)
        found.append(next((cost for cost, share in pairs if share >= LEVEL), math.inf))
    reached = sum(cost < math.inf for cost in found)
    middle = statistics.median_low(found)
    shown = f"> {rows[0]['trials']}" if math.isinf(middle) else f"{middle:.0f}"
    return f"{shown} ({reached}/{len(rows)})"


def _at(row: dict[str, Any], mark: float) -> float | None:
    """The quality when so many whole trainings were spent."""
    if not row["costs"] or row["costs"][-1] < mark - 1e-9:
        return None
    pairs = zip(row["costs"], row["quality"], strict=True)
    return max((quality for cost, quality in pairs if cost <= mark + 1e-9), default=0.0)


if __name__ == "__main__":
    main()
