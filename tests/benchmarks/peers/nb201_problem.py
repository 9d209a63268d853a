"""The problem that all peers get: NAS-Bench-201 with known front. NumPy and moocore alone.

Three objectives: validation accuracy (mean over the recorded seeds), latency on a device, and
parameters. What counts is the share of the true front's hypervolume, of losses in [0, 1]: accuracy
from a floor to the best, latency and parameters by their logarithms; the reference point is
(1, 1, 1). With one objective it is accuracy alone, and what counts is the best so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import moocore
import numpy as np

FLOORS = {"cifar10": 85.0, "cifar100": 55.0}
EDGES = ("edge0-1", "edge0-2", "edge1-2", "edge0-3", "edge1-3", "edge2-3")
OBJECTIVES = ("accuracy", "latency", "params")

PART = 12 / 200
"""What a short training costs: the table has trainings of 12 and of 200 epochs."""

Cell = tuple[str, ...]
"""An operation for each of :data:`EDGES`."""


class Trained(NamedTuple):
    """One network that a peer has trained.

    Attributes:
        cell: itself.
        values: one for each objective, accuracy in percent, latency in ms.
        cost: in whole trainings; what was spent on others that were stopped early is on the next
            one that was trained whole.
    """

    cell: Cell
    values: tuple[float, ...]
    cost: float = 1.0


class Problem:
    """Look-up of values, and how good a list of them is.

    Args:
        path: of ``nb201.npz``.
        data: ``cifar10`` or ``cifar100``.
        device: of the latency.
        objectives: all of :data:`OBJECTIVES`, or accuracy alone.
    """

    def __init__(
        self,
        path: str,
        data: str = "cifar10",
        device: str = "pixel2",
        objectives: Sequence[str] = OBJECTIVES,
    ) -> None:
        with np.load(path) as file:
            self.operations = [str(name) for name in file["op_names"]]
            rows = [tuple(self.operations[i] for i in row) for row in file["ops"]]
            devices = [str(name) for name in file["latency_devices"]]
            columns = {
                "accuracy": np.nanmean(file[f"val_acc_{data}"], axis=1),
                "latency": file["latency_ms"][:, devices.index(device)],
                "params": file["params_cifar10"].astype(float),
            }
            self.short = file[f"val_acc_12ep_{data}"].astype(float)
        self.row = {cell: at for at, cell in enumerate(rows)}
        self.objectives = tuple(objectives)
        self.maximised = [name == "accuracy" for name in self.objectives]
        self.table = np.stack([columns[name] for name in self.objectives], axis=1).astype(float)
        best = columns["accuracy"].max()
        short_of = (best - columns["accuracy"]) / (best - FLOORS[data])
        logs = [_logs(columns[name]) for name in ("latency", "params")]
        self._losses = np.stack([short_of, *logs], axis=1)
        self._full = self._volume(self._losses)

    def values(self, cell: Sequence[str]) -> tuple[float, ...]:
        """Of a network trained whole, in the objectives' own directions."""
        return tuple(self.table[self.row[tuple(cell)]].tolist())

    def losses(self, cell: Sequence[str], short: bool = False) -> list[float]:
        """The same to be minimised; ``short`` with the accuracy after 12 epochs."""
        at = self.row[tuple(cell)]
        signs = [-1.0 if maximised else 1.0 for maximised in self.maximised]
        found = self.table[at].copy()
        if short:
            found[0] = self.short[at]
        return (found * signs).tolist()

    def progress(self, trained: Sequence[Trained]) -> tuple[list[float], list[float]]:
        """Cost so far and quality after each new network; repeated ones count nothing."""
        costs, found, seen, spent = [], [], set(), 0.0
        inside, last = np.zeros((0, 3)), 0.0
        best = -np.inf
        for cell, values, cost in trained:
            if cell in seen:
                continue
            seen.add(cell)
            spent += cost
            point = self._losses[self.row[cell]]
            if len(self.objectives) == 1:
                last = best = max(best, values[0])
            elif (point < 1).all() and not (inside <= point).all(axis=1).any():
                inside = np.concatenate([inside, point[None]])
                last = self._volume(inside) / self._full
            costs.append(spent)
            found.append(last)
        return costs, found

    def _volume(self, losses: Any) -> float:
        return float(moocore.hypervolume(losses, ref=[1.0] * 3)) if len(losses) else 0.0


def _logs(cost: Any) -> Any:
    logs = np.log(cost)
    return (logs - logs.min()) / np.ptp(logs)


class Collector:
    """Keeps what a peer trains and says when it has trained enough.

    Args:
        problem: looked up.
        trials: networks, each counted once.
    """

    def __init__(self, problem: Problem, trials: int) -> None:
        self.problem, self.trials = problem, trials
        self.trained: list[Trained] = []
        self._seen: set[Cell] = set()
        self._asked, self._aside = 0, 0.0

    @property
    def done(self) -> bool:
        """Whether there are enough; also when a peer mostly repeats itself."""
        return len(self._seen) >= self.trials or self._asked >= 6 * self.trials

    def train(self, cell: Sequence[str], begun: float = 0.0) -> tuple[float, ...]:
        """Train a network whole; its values. ``begun`` is the share that is paid for already."""
        cell = tuple(cell)
        self._asked += 1
        values = self.problem.values(cell)
        self.trained.append(Trained(cell, values, 1.0 - begun + self._aside))
        self._aside = 0.0
        self._seen.add(cell)
        return values

    def losses(self, cell: Sequence[str], begun: float = 0.0) -> list[float]:
        """Train a network whole; its values, to be minimised."""
        self.train(cell, begun)
        return self.problem.losses(cell)

    def partly(self, cell: Sequence[str]) -> list[float]:
        """The losses after a short training, whose cost falls to the next whole one."""
        self._asked += 1
        self._aside += PART
        return self.problem.losses(cell, short=True)


Peer = Callable[[Collector, int], None]
"""``peer(collector, seed)``: train networks until the collector is done."""
