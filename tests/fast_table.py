"""A task that looks results up, for tests of comparisons: microseconds a trial, no network."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import optuna

from optunas import Choice, Float, HyperSpace, Int, StudySpec
from optunas.errors import TrainingError
from optunas.tasks import Score

SPACE = HyperSpace(
    width=Int(1, 32),
    depth=Int(1, 8),
    kind=Choice(("plain", "skip", "dense")),
    slope=Float(0.01, 1.0, log=True),
)
SIZES = {"plain": 1.0, "skip": 1.1, "dense": 1.6}


def table(
    epochs: int = 1, seconds: float = 60.0, noise: float = 0.01, front: bool = False, **odd: Any
) -> TableTask:
    """The task.

    Args:
        epochs: of a training.
        seconds: recorded for each of them, times the size of the network.
        noise: standard deviation of the score over seeds.
        front: whether the task says what the best values are.
        odd: ``data`` (another data set), ``sleep`` (seconds that a trial takes), ``log`` (a file
            that gets a line for each trial), ``die_at`` (a width whose process dies),
            ``fails`` (every training breaks down).
    """
    return TableTask(epochs, seconds, noise, front, odd)


class TableTask:
    """Accuracy grows with size and skips, parameters with size, and slopes have a best value."""

    name, score_name, direction = "table", "accuracy", "maximize"
    input_shape = num_outputs = None
    network_keys = ("width", "depth", "kind")

    def __init__(
        self, epochs: int, seconds: float, noise: float, front: bool, odd: Mapping[str, Any]
    ) -> None:
        self.default_epochs, self.seconds, self.noise, self.odd = epochs, seconds, noise, odd
        self.options = {"epochs": epochs, "seconds": seconds, "noise": noise, "front": front, **odd}
        if front:
            self.true_front = self._true_front

    def known(self, architecture: Any, settings: Mapping[str, Any]) -> dict[str, float]:
        size = settings["width"] ** 2 * settings["depth"] * SIZES[settings["kind"]]
        return {"params": 10.0 * size, "flops": 100.0 * size, "latency_ms": 0.1 * size}

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        pass

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        return dict(hyperparameters)

    def scores(
        self, candidate: Any, hyperparameters: Mapping[str, Any], seed: int = 0, device: str = "cpu"
    ) -> Iterator[Score]:
        if self.odd.get("log"):
            with open(self.odd["log"], "ab", buffering=0) as file:
                file.write(f"{os.getpid()} {hyperparameters['width']}\n".encode())
        if self.odd.get("sleep"):
            time.sleep(self.odd["sleep"])
        if self.odd.get("die_at") == hyperparameters["width"]:
            os._exit(9)
        if self.odd.get("fails"):
            raise TrainingError("The loss of epoch 0 is not finite.")
        size = self.known(None, hyperparameters)["params"]
        best = self._best(hyperparameters)
        text = f"{sorted(hyperparameters.items())} {seed}"
        mixed = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))
        final = best + self.noise * float(mixed.standard_normal())
        for step in range(self.default_epochs):
            reached = final * (1 - 0.5 ** (step + 1)) if self.default_epochs > 1 else final
            yield Score(step, reached, self.seconds * (1 + size / 1e5))

    def _best(self, settings: Mapping[str, Any]) -> float:
        size = math.log10(self.known(None, settings)["params"]) / 6
        kind = {"plain": 0.0, "skip": 0.06, "dense": 0.05}[settings["kind"]]
        slope = 0.02 * (math.log10(settings["slope"]) + 1) ** 2
        return 0.3 + 0.6 * size * (1 - 0.2 * size) + kind - slope

    def _true_front(self, names: list[str]) -> list[list[float]]:
        rows = []
        for width in range(1, 33):
            for depth in range(1, 9):
                for kind in SIZES:
                    settings = {"width": width, "depth": depth, "kind": kind, "slope": 0.1}
                    values = {"accuracy": self._best(settings), **self.known(None, settings)}
                    rows.append([values[name] for name in names])
        return rows

    def test_score(self, network: Any, device: str = "cpu") -> float:
        return 0.5

    def fingerprint(self) -> str:
        return f"table {self.odd.get('data', '')}"


def spec(name: str = "table", **changes: Any) -> StudySpec:
    """A study of the table, with the given fields of ``StudySpec`` changed."""
    fields: dict[str, Any] = {
        "space": SPACE,
        "task": "fast_table:table",
        "objectives": ("accuracy", "params"),
        "sampler": "tpe",
        "pruner": "none",
    }
    return StudySpec(name, **(fields | changes))


def own_sampler(space: Any, directions: Any, seed: int) -> optuna.samplers.BaseSampler:
    """A sampler from elsewhere."""
    return optuna.samplers.RandomSampler(seed=seed)


def no_sampler(space: Any, directions: Any, seed: int) -> int:
    """What is no sampler."""
    return seed
