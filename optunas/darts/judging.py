"""What a supernet is worth under some mixing, judged on the alphas' half."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from optunas.darts.choices import Searchable, edges_of
from optunas.darts.data import Batch
from optunas.darts.making import Supernet
from optunas.darts.mixing import Mixing
from optunas.darts.record import Search
from optunas.darts.supernet import untracked
from optunas.errors import InvalidSpecError
from optunas.tasks import NetworkTask
from optunas.tasks.scoring import score_function
from optunas.train import TrainSettings, seeded

__all__ = ["Judgement", "check_search", "judge", "selected"]


class Judgement(NamedTuple):
    """The task's own score and its loss."""

    score: float
    loss: float


def judge(
    network: Supernet, mixing: Mixing, batches: Iterable[Batch], task: NetworkTask
) -> Judgement:
    """Score and mean loss of the supernet under a mixing.

    Batch norms take each batch's own statistics, as in training: running ones belong to the mixing
    that the weights were trained with, and would punish every other one. The network is as before
    afterwards.

    Raises:
        TrainingError: when the outputs are not finite.
    """
    loss, score = task.goal.loss(TrainSettings()), score_function(task.score_name, task.kind)
    truth, predicted, total, count = [], [], 0.0, 0
    training = network.training
    network.train()
    try:
        with torch.no_grad(), untracked(network), seeded(0):
            for x, y in batches:
                outputs = network(x, mixing)
                predicted.append(task.goal.predict(outputs))
                classes = task.kind == "classification"
                truth.append(y.cpu().numpy() if classes else task.goal.predict(y))
                total += float(loss(outputs, y)) * len(y)
                count += len(y)
    finally:
        network.train(training)
    return Judgement(score(np.concatenate(truth), np.concatenate(predicted)), total / count)


def check_search(search: object, task: NetworkTask) -> None:
    """Raise InvalidSpecError unless this is a search with its supernet, on this task."""
    if not isinstance(search, Search) or not isinstance(search.network, Supernet):
        raise InvalidSpecError(
            f"This judges the supernet of a search, so it needs what optunas.darts.search(...) "
            f"returned; got a {type(search).__name__}."
        )
    name = getattr(task, "name", type(task).__name__)
    if name != search.task:
        raise InvalidSpecError(
            f"The search was on the task {search.task!r}, its halves cannot be had from {name!r}: "
            "give the same task."
        )


def selected(space: Searchable, settled: Mixing, chosen: Mapping[str, np.ndarray]) -> Mixing:
    """The mixing of the architecture ``chosen`` in the supernet of ``settled``.

    ``chosen`` is what :func:`optunas.darts.choices.one_hot` gives. With partial channels the edges
    that are left keep their weights, relative to each other: the other channels have no other way.
    """
    weights, active, bypass = {}, {}, {}
    for kind, like in settled.weights.items():
        hot = torch.as_tensor(chosen[kind], dtype=like.dtype, device=like.device)
        active[kind] = chosen[kind] > 0
        if kind in settled.bypass:
            bypass[kind] = _of_those_left(space, settled.bypass[kind].detach(), hot.sum(dim=1))
            hot = hot * bypass[kind][:, None]
        weights[kind] = hot
    return Mixing(weights, active, bypass)


def _of_those_left(space: Searchable, beta: Tensor, left: Tensor) -> Tensor:
    """Edge weights (E,) that add up to 1 over the edges left into each node."""
    targets = torch.tensor([target for _, target in edges_of(space)], device=beta.device)
    kept = beta * left
    total = torch.zeros(int(targets.max()) + 1, dtype=beta.dtype, device=beta.device)
    total.index_add_(0, targets, kept)
    return kept / total[targets].clamp_min(1e-12)
