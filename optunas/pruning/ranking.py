"""A total order of points with several losses: by fronts, and spread out inside a front."""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

__all__ = ["fronts", "pareto_order", "spread_order"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def pareto_order(losses: Floats) -> tuple[Indices, Indices]:
    """Points from the one to keep first to the one to drop first, and each one's front.

    Non-dominated sorting; inside a front an epsilon-net (:func:`spread_order`), so that any number
    of first points covers the whole front. With one loss this is the order of the losses.

    Args:
        losses: (n, k), smaller is better; infinities allowed, NaN not.

    Returns:
        Indices in that order, (n,), and the number of each point's front from 0, (n,).

    Reference:
        Schmucker, Donini, Zafar, Salinas and Archambeau 2021, Multi-objective asynchronous
        successive halving (arXiv:2106.12639), section 3. Distances are taken between ranks here:
        the unit and the scale of an objective do not matter.

    >>> pareto_order(np.array([[0.1, 9.0], [0.3, 1.0], [0.2, 5.0], [0.4, 6.0]]))[0].tolist()
    [0, 1, 2, 3]
    """
    if losses.shape[1] == 1:
        by_loss = np.argsort(losses[:, 0], kind="stable")
        return by_loss, np.unique(losses[:, 0], return_inverse=True)[1].astype(np.intp)
    front = fronts(losses)
    order: list[int] = []
    for number in range(int(front.max(initial=-1)) + 1):
        members = np.flatnonzero(front == number)
        order += members[spread_order(_ranks(losses[members]))].tolist()
    return np.array(order, dtype=np.intp), front


def fronts(losses: Floats) -> Indices:
    """Each point's front, (n,): 0 where no other dominates it, 1 where only those of 0 do, ..."""
    # A point alone, or none, is more than moocore takes.
    if len(losses) < 2:
        return np.zeros(len(losses), dtype=np.intp)
    # By ranks: infinities mislead it.
    return np.asarray(moocore.pareto_rank(_ranks(losses)), dtype=np.intp)


def spread_order(points: Floats) -> Indices:
    """The points, first the one with the smallest first coordinate, then always the farthest.

    The farthest from all that came before (Salinas et al. 2021, A multi-objective perspective on
    jointly tuning hardware and hyperparameters, section 4). Ties go to the earlier point.

    Args:
        points: (n, k), finite, n >= 1.
    """
    order = [int(np.argmin(points[:, 0]))]
    distances = np.full(len(points), np.inf)
    for _ in range(len(points) - 1):
        distances = np.minimum(distances, ((points - points[order[-1]]) ** 2).sum(axis=1))
        distances[order] = -1.0  # not again, not even among equals
        order.append(int(np.argmax(distances)))
    return np.array(order, dtype=np.intp)


def _ranks(values: Floats) -> Floats:
    """Each column as ranks in [0, 1], equal values alike, (n, k)."""
    columns = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.stack([c / max(1, int(c.max())) for c in columns], axis=1)
