"""The hand-made reference network: trained as a trial is, shown beside the front, never in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from optunas.objective import Objective
from optunas.study.handle import REFERENCE, StudyHandle

__all__ = ["train_reference", "wants_reference"]


def wants_reference(handle: StudyHandle, objective: Objective) -> bool:
    """Whether the reference is still to be trained: asked for, on images, and not stored yet."""
    images = len(objective.task.input_shape or ()) == 3
    return handle.spec.reference and images and handle.reference is None


def train_reference(
    handle: StudyHandle,
    objective: Objective,
    on_epoch: Callable[[int, float], None] | None = None,
) -> dict[str, Any]:
    """Train the small ResNet with the study's fixed settings and store its metrics in the study.

    It counts against no budget; its epochs and seconds are stored with it. A killed training
    leaves nothing and is done anew by the next run.

    Returns:
        The metrics by name, with ``epochs``, ``seconds`` and ``name``.
    """
    import torch

    from optunas.nets.reference import resnet_small

    shape, outputs = objective.task.input_shape, objective.task.num_outputs
    assert shape is not None
    assert outputs is not None
    task, settings = objective.task, dict(handle.spec.training)
    channels = int(settings.get("channels", 16))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(handle.spec.seed)
        network = resnet_small(shape, outputs, channels=channels)
    row: dict[str, Any] = {"name": f"small ResNet, {channels} channels"}
    row |= objective.measure(None, settings, network)
    scores, seconds = [], 0.0
    for step, score, cost in task.scores(network, settings, handle.spec.seed, objective.device):
        scores.append(score)
        seconds += cost
        if on_epoch is not None:
            on_epoch(step, score)
    pick = max if task.direction == "maximize" else min
    row[task.score_name] = pick(scores) if handle.spec.score == "best" else scores[-1]
    row |= {"epochs": len(scores), "seconds": seconds}
    handle.study.set_user_attr(REFERENCE, json.dumps(row))
    return row
