"""Toy tasks whose trainings can go on, and what must hold of every study that promotes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import toy_task
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas import Budget, Choice, HyperSpace, Int
from optunas.pruning import curve
from optunas.pruning.lineage import RESUMES
from optunas.tasks import Score

EPOCHS = 9


class ResumableToy(toy_task.ToyTask):
    """The toy task, with trainings that can go on."""

    def training(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
        state: bytes | None = None,
    ) -> _Training:
        return _Training(self, hyperparameters, 0 if state is None else json.loads(state))


class _Training:
    def __init__(self, task: ResumableToy, settings: Mapping[str, Any], done: int) -> None:
        self.done, self._task = done, task
        self._final = 1 - 1 / (1 + settings["width"])

    def __iter__(self) -> _Training:
        return self

    def __next__(self) -> Score:
        if self.done == self._task.default_epochs:
            raise StopIteration
        self._task._epoch(self.done)
        self.done += 1
        return Score(self.done - 1, self._final * (1 - 0.5**self.done), 0.5)

    def state(self) -> bytes:
        return json.dumps(self.done).encode()


class RecordedToy(toy_task.ToyTask):
    """The toy task as a table of recorded trainings."""

    simulated = True


def resumable(epochs: int = EPOCHS, log: str | None = None) -> ResumableToy:
    return ResumableToy(epochs, 0.0, log, 0.0)


def recorded(epochs: int = EPOCHS, log: str | None = None) -> RecordedToy:
    return RecordedToy(epochs, 0.0, log, 0.0)


def plain(epochs: int = EPOCHS, log: str | None = None) -> toy_task.ToyTask:
    return toy_task.ToyTask(epochs, 0.0, log, 0.0)


WIDE = HyperSpace(width=Int(1, 10**6), mood=Choice(("fine",)))


def spec(name: str = "promoting", task: str = "resumable", **changes: Any) -> optunas.StudySpec:
    fields: dict[str, Any] = {
        "space": WIDE,
        "task": f"promoting:{task}",
        "pruner": "mo_successive_halving",
        "budget": Budget(trials=20),
        "reference": False,
    }
    return toy_task.spec(name, **(fields | changes))


def run(spec: optunas.StudySpec, storage: str | BaseStorage | None = None, **options: Any) -> Any:
    return optunas.run(spec, storage=storage or InMemoryStorage(), progress=False, **options)


def promotions(handle: optunas.StudyHandle) -> list[FrozenTrial]:
    return [t for t in handle.trials() if RESUMES in t.user_attrs]


def check(handle: optunas.StudyHandle, resumes: bool = True) -> None:
    """What must hold of every study that was promoted to its end."""
    trials, found = handle.trials(), promotions(handle)
    assert found
    resumed = [t.user_attrs[RESUMES] for t in found if t.state != TrialState.FAIL]
    assert len(set(resumed)) == len(resumed)
    for trial in found:
        before = trials[trial.user_attrs[RESUMES]]
        assert before.state == TrialState.PRUNED
        assert trial.params == before.params
        if trial.state == TrialState.FAIL:
            continue
        behind, whole = curve(before), curve(trial)
        assert {step: whole[step] for step in behind} == behind
        assert trial.user_attrs["epochs"] == len(whole) - len(behind) * resumes
        assert ("checkpoint_lost" in trial.user_attrs) != resumes
    assert handle.usage().epochs == sum(t.user_attrs["epochs"] for t in trials)
