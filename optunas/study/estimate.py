"""What a run would cost, from a few short trainings that are not stored."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from optunas.objective import Objective
from optunas.study.budget import LIMITS, Budget, Usage
from optunas.study.handle import StudyHandle
from optunas.study.spec import StudySpec

__all__ = ["Estimate", "estimate"]

SAMPLES, MOST_SAMPLES, SECONDS = 3, 30, 2.0
"""Random candidates that train for one epoch each; their mean stands for a trial.

More than the least number while they take no longer than that: a candidate can cost a hundred times
another, where models of different kinds are searched.
"""

BYTES_PER_TRIAL = 45_000
"""Measured: attributes, parameters and notes in SQLite, a cell drawing and a curve beside it."""


STORING_S = 0.1
"""Measured: seconds to store a trial with its notes and drawings in SQLite, on a busy core.

It counts where trainings are looked up; beside a training it is nothing."""


@dataclass(frozen=True)
class Estimate:
    """Upper bounds for a run; pruning and reuse make it cheaper.

    Attributes:
        trials: left to run.
        epoch_s: seconds of an epoch, mean over the samples.
        setup_s: seconds that a trial takes besides its epochs; storing it included for a table.
        minutes: of the whole run.
        megabytes: of database and artifacts.
        recorded_hours: device hours that the run stands for, where trainings are looked up in a
            table; None where they take their time.
    """

    trials: int
    epoch_s: float
    setup_s: float
    minutes: float
    megabytes: float
    recorded_hours: float | None = None

    def sentence(self, workers: int = 1) -> str:
        """The estimate for a person."""
        epoch = f"an epoch of {self.epoch_s:.2f} s and {self.setup_s:.2f} s of measuring each"
        if self.recorded_hours is not None:
            epoch = (
                f"{self.epoch_s:,.0f} s of recorded training each "
                f"({self.recorded_hours:,.1f} device hours in all) and {self.setup_s:.2f} s to "
                "look it up and store it"
            )
        return (
            f"{self.trials} trials, {epoch}: at most {self.minutes:.1f} minutes with {workers} "
            f"worker{'s' if workers > 1 else ''}, about {self.megabytes:.1f} MB on disk. Pruning "
            "and reuse make it less."
        )


def estimate(
    spec: StudySpec,
    objective: Objective,
    budget: Budget,
    workers: int = 1,
    handle: StudyHandle | None = None,
) -> Estimate:
    """Train a few random candidates for an epoch and extrapolate to the budget.

    Args:
        spec: the study.
        objective: made from it.
        budget: in force.
        workers: processes that would share the work, taken as scaling perfectly.
        handle: the stored study, whose finished trials need not run again; None for a new one.
    """
    rng = np.random.default_rng(spec.seed)
    trained: list[float] = []
    beside: list[float] = []
    start = time.perf_counter()
    simulated = bool(getattr(objective.task, "simulated", False))
    while len(trained) < SAMPLES or (
        len(trained) < MOST_SAMPLES and time.perf_counter() - start < SECONDS
    ):
        architecture, searched = spec.space.parts(spec.space.sample(rng))
        begun = time.perf_counter()
        seconds = _one_epoch(objective, architecture, {**spec.training, **searched})
        taken = -STORING_S if simulated else seconds
        beside.append(max(0.0, time.perf_counter() - begun - taken))
        trained.append(seconds)
    epoch_s, setup_s = fmean(trained), fmean(beside)
    epochs = objective.planned_epochs(spec.training) or 1
    trial_s = setup_s + (0.0 if simulated else epochs * epoch_s)
    one = Usage(1, epochs, trial_s / workers, epochs * epoch_s / 3600)
    trials = _trials_left(budget, handle.usage() if handle else Usage(), one)
    seconds = trials * trial_s / workers
    return Estimate(
        trials,
        epoch_s,
        setup_s,
        seconds / 60,
        trials * BYTES_PER_TRIAL / 1e6,
        trials * one.device_hours if simulated else None,
    )


def _trials_left(budget: Budget, used: Usage, one: Usage) -> int:
    """How many trials that use as much as ``one`` fit into what is left of the scarcest limit."""
    left = []
    for name in LIMITS:
        limit, each = getattr(budget, name), getattr(one, name)
        if limit is not None and each > 0:
            left.append(max(0.0, limit - getattr(used, name)) / each)
    return math.ceil(min(left, default=0.0))


def _one_epoch(objective: Objective, architecture: Any, settings: dict[str, Any]) -> float:
    subject = objective.subject(architecture, settings, 0)
    objective.measure(architecture, settings, subject)
    return next(iter(objective.task.scores(subject, settings, 0, objective.device))).seconds
