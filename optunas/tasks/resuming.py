"""Trainings that can stop and go on later: what a task brings for it, and what stands in for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from optunas.errors import TrainingError
from optunas.tasks.protocol import Score, Task

__all__ = ["Resumable", "Training", "begin", "can_resume"]


class Training(Protocol):
    """A training under way: an iterator over its scores."""

    def __iter__(self) -> Iterator[Score]:
        """Itself."""
        ...

    def __next__(self) -> Score:
        """Train one step; its score."""
        ...

    def state(self) -> bytes | None:
        """All that the steps after the last score depend on; None where it cannot be had."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A task whose trainings can go on from where an earlier one ended."""

    def training(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
        state: bytes | None = None,
    ) -> Training:
        """Like ``scores``, from the beginning or from an earlier training's state.

        Args:
            candidate: as for ``scores``.
            hyperparameters: as for ``scores``.
            seed: of the earlier training, where there was one.
            device: need not be the earlier one's.
            state: what :meth:`Training.state` gave. The steps go on from there: only new ones
                come, with their own cost.

        Raises:
            TrainingError: for a state that is damaged or another training's, at once.
        """
        ...


def can_resume(task: Task) -> bool:
    """Whether a training of the task can go on from where an earlier one ended."""
    return _resumable(task) or bool(getattr(task, "simulated", False))


def begin(
    task: Task,
    candidate: Any,
    hyperparameters: Mapping[str, Any],
    seed: int = 0,
    device: str = "cpu",
    state: bytes | None = None,
) -> Training:
    """A training of any task.

    A task that is :class:`Resumable` begins it itself. Where trainings were recorded beforehand
    (``simulated``) the steps that the state has behind it are read again and left out, which costs
    nothing. All other trainings have no state, and start anew.

    Raises:
        TrainingError: for a state that is damaged or another training's, or that this task cannot
            go on from.
    """
    if isinstance(task, Resumable) and _resumable(task):
        return task.training(candidate, hyperparameters, seed, device, state)
    recorded = bool(getattr(task, "simulated", False))
    if state is not None and not recorded:
        raise TrainingError(f"The task {task.name!r} cannot go on with an earlier training.")
    scores = task.scores(candidate, hyperparameters, seed, device)
    return _Scores(scores, _read(state), recorded)


class _Scores(Iterator[Score]):
    """The scores of a task, some of the first left out."""

    def __init__(self, scores: Iterator[Score], skipped: int, recorded: bool) -> None:
        self._scores, self._recorded, self._done = scores, recorded, 0
        while self._done < skipped:
            next(self)

    def __next__(self) -> Score:
        score = next(self._scores)
        self._done += 1
        return score

    def state(self) -> bytes | None:
        """How many steps there were, where they were recorded."""
        return json.dumps({"steps": self._done}).encode() if self._recorded else None


def _resumable(task: Task) -> bool:
    """Whether ``training`` belongs to ``scores``: a subclass may have replaced the latter alone."""
    for owner in (task, *type(task).__mro__):
        if "training" in vars(owner):
            return True
        if "scores" in vars(owner):
            return False
    return False


def _read(state: bytes | None) -> int:
    try:
        return 0 if state is None else int(json.loads(state)["steps"])
    except (ValueError, TypeError, LookupError):
        raise TrainingError(
            "The stored training cannot be read: it is no count of recorded steps."
        ) from None
