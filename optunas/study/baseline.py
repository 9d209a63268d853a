"""A plain candidate beside the front, for tasks that train no network."""

from __future__ import annotations

import json
from typing import Any

from optunas.objective import Objective
from optunas.study.handle import REFERENCE, StudyHandle

__all__ = ["train_baseline", "wants_baseline"]


def wants_baseline(handle: StudyHandle, objective: Objective) -> bool:
    """Whether the task names a baseline that is asked for and not stored yet."""
    named = getattr(objective.task, "baseline", None) is not None
    return handle.spec.reference and named and handle.reference is None


def train_baseline(handle: StudyHandle, objective: Objective) -> dict[str, Any]:
    """Train the task's baseline as a trial is and store its metrics in the study.

    It counts against no budget, and the study's fixed settings do not change it.

    Returns:
        The metrics by name, with ``epochs``, ``seconds`` and ``name``.
    """
    task: Any = objective.task
    name, settings, *rest = task.baseline
    architecture = rest[0] if rest else None
    row: dict[str, Any] = {"name": name, **objective.measure(architecture, settings)}
    steps, seconds = 0, 0.0
    for reading in task.scores(architecture, settings, handle.spec.seed, objective.device):
        row |= {**objective.given_by(reading), task.score_name: reading.score}
        steps, seconds = steps + 1, seconds + reading.seconds
    row |= {"epochs": steps, "seconds": seconds}
    handle.study.set_user_attr(REFERENCE, json.dumps(row))
    return row
