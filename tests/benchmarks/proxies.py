"""Which zero-cost proxy orders cells as training does, and does any beat FLOPs?

The cells, the task and the schedule of ``darts_quality.py``: connected NAS-Bench-201 cells of
distinct networks at random, Fashion-MNIST with 10,000 training images of 14 x 14. What is trained
already is read from all files of ``--results`` (a cell's score is the mean of its trainings there);
of the first ``--cells`` cells the missing ones are trained once and written into the last file.
Proxies are computed on one batch of training data with the default settings and kept in
``--proxies``. The combinations take nothing from the scores; the learned mixes are judged on cells
that they have not seen. Nothing here is asserted.

    python tests/benchmarks/proxies.py --results quality.jsonl more.jsonl --proxies proxies.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from darts_quality import TASK, TRAINING, Job, do, random_cells

from optunas.metrics import PROXIES, proxy_table
from optunas.metrics.proxies import COMBINATIONS, ProxyMix, agreements
from optunas.metrics.proxies.combine import combined
from optunas.metrics.proxies.mix import KINDS
from optunas.space import Cell
from optunas.tasks import fashion_mnist

NETWORK = {name: TRAINING[name] for name in ("channels", "num_cells")}


def rows(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file of JSON lines; a last one that is being written is left out."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def trained(paths: list[Path], cells: list[str], missing: bool) -> dict[str, list[float]]:
    """Scores of the trainings of each cell that has some, in the order of ``cells``.

    A training that several files hold, or one of them twice, counts once.
    """
    done = [row for path in paths for row in rows(path) if row["kind"] == "train"]
    known: dict[str, list[float]] = defaultdict(list)
    for (cell, _), score in {(row["what"], row["seed"]): row["score"] for row in done}.items():
        known[cell].append(score)
    for cell in cells if missing else ():
        if cell not in known:
            row = do(Job("train", cell, 0))
            with paths[-1].open("a") as file:
                file.write(json.dumps(row) + "\n")
            known[cell].append(row["score"])
    return {cell: known[cell] for cell in cells if known[cell]}


def proxies_of(path: Path, cells: list[str]) -> dict[str, dict[str, float]]:
    """Each cell's row of proxies and seconds; those that the file lacks are computed now."""
    found = {row["what"]: row["values"] for row in rows(path)}
    task = fashion_mnist(**TASK)
    for number, cell in enumerate(cells):
        if cell in found:
            continue
        table = proxy_table([Cell.from_json(cell)], tuple(PROXIES), task=task, settings=NETWORK)
        found[cell] = {k: v for k, v in table[0].items() if k != "network"}
        with path.open("a") as file:
            file.write(json.dumps({"what": cell, "values": found[cell]}) + "\n")
        print(f"proxies of {number + 1} of {len(cells)} cells", file=sys.stderr)
    return {cell: found[cell] for cell in cells}


def print_table(values: dict[str, np.ndarray], scores: np.ndarray) -> None:
    """A line for each proxy, combination and mix, the best last."""
    columns = dict(values)
    columns |= {f"{name} (combination)": combined(name, values) for name in COMBINATIONS}
    for kind in KINDS:
        columns[f"{kind} (held out)"] = ProxyMix(tuple(values), kind).held_out(values, scores)
    found = sorted(agreements(columns, scores), key=lambda one: one.tau)
    print(f"{'':24} tau               95 %   over FLOPs      95 %        Spearman       95 %")
    for one in found:
        low, high = one.tau_interval
        print(
            f"{one.name:24}{one.tau:6.3f}  [{low:6.3f}, {high:6.3f}]  {one.over:+7.3f}  "
            f"[{one.over_interval[0]:+.3f}, {one.over_interval[1]:+.3f}]  {one.rho:6.3f}  "
            f"[{one.rho_interval[0]:6.3f}, {one.rho_interval[1]:6.3f}]"
        )


def main() -> None:
    """Read the command line, do what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, nargs="+", required=True)
    parser.add_argument("--proxies", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=150)
    parser.add_argument("--no-training", action="store_true", help="only what is trained already")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cells = random_cells(arguments.cells)
    scores = trained(arguments.results, cells, missing=not arguments.no_training)
    found = proxies_of(arguments.proxies, list(scores))
    seconds = median(row["seconds"] for row in found.values())
    several = sum(len(one) > 1 for one in scores.values())
    print(
        f"{len(scores)} cells, {several} of them the mean of several trainings; all proxies of a "
        f"cell take {seconds:.2f} s (median)"
    )
    columns = {name: np.array([row[name] for row in found.values()]) for name in PROXIES}
    print_table(columns, np.array([mean(one) for one in scores.values()]))


if __name__ == "__main__":
    main()
