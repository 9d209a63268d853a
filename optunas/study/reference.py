"""The hand-made reference network: trained as a trial is, shown beside the front, never in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from optunas.objective import Objective
from optunas.study.handle import REFERENCE, StudyHandle

if TYPE_CHECKING:
    from torch import nn

    from optunas.tasks import Task

__all__ = ["train_reference", "wants_reference"]

UNITS = 64
"""Of each hidden layer for vectors: what a first try on a table of a few thousand rows would be."""


def wants_reference(handle: StudyHandle, objective: Objective) -> bool:
    """Whether the reference is still to be trained: asked for, for a network, not stored yet."""
    network = len(objective.task.input_shape or ()) in (1, 3)
    return handle.spec.reference and network and handle.reference is None


def train_reference(
    handle: StudyHandle,
    objective: Objective,
    on_epoch: Callable[[int, float], None] | None = None,
) -> dict[str, Any]:
    """Train a small network with the study's fixed settings and store its metrics in the study.

    For images the small ResNet, for vectors a perceptron with two hidden layers.

    It counts against no budget; its epochs and seconds are stored with it. A killed training
    leaves nothing and is done anew by the next run.

    Returns:
        The metrics by name, with ``epochs``, ``seconds`` and ``name``.
    """
    import torch

    task, settings = objective.task, dict(handle.spec.training)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(handle.spec.seed)
        name, network = _network(task, settings)
    row: dict[str, Any] = {"name": name}
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


def _network(task: Task, settings: Mapping[str, Any]) -> tuple[str, nn.Module]:
    """The reference's name, and the network with weights from torch's global seed."""
    from torch import nn

    from optunas.nets.reference import resnet_small

    shape, outputs = task.input_shape, task.num_outputs
    assert shape is not None
    assert outputs is not None
    if len(shape) == 3:
        channels = int(settings.get("channels", 16))
        name = f"small ResNet, {channels} channels"
        return name, resnet_small(shape, outputs, channels=channels)
    hidden = (nn.Linear(shape[0], UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU())
    return f"perceptron, 2 x {UNITS} units", nn.Sequential(*hidden, nn.Linear(UNITS, outputs))
