"""A task whose epochs cost next to nothing, for tests of studies; importable in worker processes.

Its candidates have a width (1 to 16) and a ``mood`` that says what goes wrong while they train.
Nothing here needs torch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from optunas import Budget, Choice, HyperSpace, Int, Metric, StudySpec
from optunas.errors import TrainingError, UnknownNameError
from optunas.tasks import Score

MOODS = ("fine", "nan", "diverges", "memory", "breaks", "no epoch")


def toy(
    epochs: int = 3, epoch_s: float = 0.0, log: str | None = None, noise: float = 0.0
) -> ToyTask:
    """The toy task.

    Args:
        epochs: of a training.
        epoch_s: seconds that an epoch sleeps.
        log: a file that gets a line for each epoch that was trained.
        noise: added to the score for each further seed.
    """
    return ToyTask(epochs, epoch_s, log, noise)


class ToyTask:
    """Wider is more accurate, with diminishing returns, and costs more parameters."""

    name, score_name, direction = "toy", "accuracy", "maximize"
    input_shape = num_outputs = None
    network_keys = ("width",)

    def __init__(self, epochs: int, epoch_s: float, log: str | None, noise: float) -> None:
        self.default_epochs = epochs
        self.options = {"epochs": epochs, "epoch_s": epoch_s, "log": log, "noise": noise}

    def known(self, architecture: Any, settings: Mapping[str, Any]) -> dict[str, float]:
        return {"params": 100.0 * settings["width"], "flops": 7.0 * settings["width"]}

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        for key in hyperparameters:
            if key not in ("width", "mood", "epochs", "slope"):
                raise UnknownNameError("hyperparameter", key, ("width", "mood", "epochs", "slope"))

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        return dict(hyperparameters)

    def scores(
        self, candidate: Any, hyperparameters: Mapping[str, Any], seed: int = 0, device: str = "cpu"
    ) -> Iterator[Score]:
        mood = hyperparameters.get("mood", "fine")
        final = 1 - 1 / (1 + hyperparameters["width"]) + self.options["noise"] * seed
        epochs = hyperparameters.get("epochs", self.options["epochs"])
        for step in range(0 if mood == "no epoch" else epochs):
            self._epoch(step)
            if step == 1:
                self._go_wrong(mood)
            score = final * (1 - 0.5 ** (step + 1))
            yield Score(step, float("nan") if mood == "nan" and step else score, 0.5)

    def test_score(self, network: Any, device: str = "cpu") -> float:
        return 0.5

    def fingerprint(self) -> str:
        return "toy"

    def _epoch(self, step: int) -> None:
        if self.options["epoch_s"]:
            time.sleep(self.options["epoch_s"])
        if self.options["log"]:
            # One write in append mode: lines of several processes do not mix.
            with open(self.options["log"], "ab", buffering=0) as file:
                file.write(f"{os.getpid()} {step}\n".encode())

    def _go_wrong(self, mood: str) -> None:
        if mood == "memory":
            raise MemoryError("cannot allocate 7 TiB")
        if mood == "diverges":
            raise TrainingError("The loss of epoch 1 is not finite.")
        if mood == "breaks":
            raise KeyError("weights")


def not_a_task() -> str:
    """A factory that returns something else."""
    return "no task"


def broken_task() -> ToyTask:
    """A factory that fails."""
    raise ZeroDivisionError("no data today")


def weight(network: Mapping[str, Any], input_shape: tuple[int, ...]) -> float:
    """An own metric: grams."""
    return 2.0 * network["width"]


def nothing(network: Mapping[str, Any], input_shape: tuple[int, ...]) -> float:
    """An own metric that is not a number for wide networks."""
    return float("nan") if network["width"] > 8 else 1.0


WEIGHT = Metric("weight", "minimize", "g", cheap=True, compute=weight)
NOTHING = Metric("nothing", "minimize", cheap=True, compute=nothing)

SPACE = HyperSpace(width=Int(1, 16), mood=Choice(("fine",)))
MOODY = HyperSpace(width=Int(1, 16), mood=Choice(MOODS))


def spec(name: str = "toy", **changes: Any) -> StudySpec:
    """A study of the toy task, with the given fields of ``StudySpec`` changed."""
    fields: dict[str, Any] = {
        "space": SPACE,
        "task": "toy_task:toy",
        "objectives": ("accuracy", "params"),
        "budget": Budget(trials=8),
        "sampler": "random",
        "pruner": "none",
    }
    return StudySpec(name, **(fields | changes))
