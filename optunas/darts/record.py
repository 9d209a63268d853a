"""What a search leaves: a record of each epoch, and the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import nn

from optunas.darts.choices import Searchable, closed_of, operations_of
from optunas.darts.settings import SearchSettings

__all__ = ["EpochRecord", "Search", "record"]

Weights = Mapping[str, np.ndarray]
"""For each kind of cell the operations' weights (E, O)."""


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch of a search came to.

    Attributes:
        epoch: from 0.
        train_loss: mean over the epoch, of the training half.
        validation_loss: likewise of the validation half; NaN while the weights warm up.
        entropy: mean over the edges of ``-sum p log p``, divided by ``log O``: 1 is undecided, 0 is
            one operation; by kind of cell. O counts what can stand on an edge; edges without a
            choice do not count.
        moved: largest distance of an operation's weight from the uniform one, by kind of cell.
        shares: mean weight of each operation over all edges, by kind of cell and operation.
        choice: the operation with the largest weight on each edge, as indices, by kind of cell.
        seconds: of wall time.
        alphas: the variant's leaves at its end, as nested lists, by name.
        skips: skip connections in the cell at stride 1 that would be chosen; None unless asked for.
        curvature: eigenvalue of largest size of the Hessian of the validation loss in the alphas;
            None unless asked for.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    entropy: Mapping[str, float]
    moved: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    choice: Mapping[str, tuple[int, ...]]
    seconds: float
    alphas: Mapping[str, list[Any]] = field(default_factory=dict)
    skips: int | None = None
    curvature: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, JSON-able; a loss that is NaN is None."""
        body = asdict(self)
        for name in ("train_loss", "validation_loss"):
            body[name] = None if math.isnan(body[name]) else body[name]
        body["choice"] = {kind: list(row) for kind, row in self.choice.items()}
        return body

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> EpochRecord:
        """The record that :meth:`to_dict` wrote."""
        choice = {kind: tuple(row) for kind, row in body["choice"].items()}
        names = ("train_loss", "validation_loss")
        losses = {n: math.nan if body[n] is None else body[n] for n in names}
        return cls(**{**body, **losses, "choice": choice})


@dataclass(frozen=True)
class Search:
    """A search as it stands.

    Attributes:
        space, settings, seed: what was searched, and how.
        task: its name.
        alphas: the variant's leaves, by name.
        weights: what the choice goes by: operations' weights (E, O) by kind of cell, rows as in
            ``edges_of``.
        records: one an epoch.
        network: the supernet with its trained weights.
        epoch: whose alphas these are; an early stop takes them back. -1 before the first one.
        stopped: why the search ended before its last epoch, in words; else empty.
    """

    space: Searchable
    settings: SearchSettings
    seed: int
    task: str
    alphas: Weights
    weights: Weights
    records: tuple[EpochRecord, ...]
    network: nn.Module
    epoch: int = -1
    stopped: str = ""

    @property
    def seconds(self) -> float:
        """Wall time of all epochs."""
        return float(sum(r.seconds for r in self.records))

    def stability(self) -> float:
        """Share of the edges whose leading operation stayed the same over the last third.

        Of the epochs up to the one whose alphas were taken.
        """
        counted = self.records[: self.epoch + 1] or self.records
        last = counted[-max(len(counted) // 3, 1) :]
        rows = [np.concatenate([np.array(row) for row in r.choice.values()]) for r in last]
        return float(np.mean([(row == rows[-1]).mean() for row in rows])) if rows else 0.0


def record(
    epoch: int,
    train_loss: float,
    validation_loss: float,
    *,
    weights: Weights,
    space: Searchable,
    seconds: float,
    alphas: Weights | None = None,
    skips: int | None = None,
    curvature: float | None = None,
) -> EpochRecord:
    """The record of an epoch, given the operations' weights at its end."""
    names = [operation.name for operation in operations_of(space)]
    closed = closed_of(space)
    rows = {
        kind: w / np.maximum(w.sum(axis=1, keepdims=True), 1e-30) for kind, w in weights.items()
    }
    return EpochRecord(
        epoch,
        train_loss,
        validation_loss,
        {kind: _entropy(p, closed) for kind, p in rows.items()},
        {kind: _moved(p, closed) for kind, p in rows.items()},
        {k: dict(zip(names, p.mean(axis=0).tolist(), strict=True)) for k, p in rows.items()},
        {kind: tuple(p.argmax(axis=1).tolist()) for kind, p in rows.items()},
        seconds,
        {name: alpha.tolist() for name, alpha in (alphas or {}).items()},
        skips,
        curvature,
    )


def _moved(p: np.ndarray, closed: np.ndarray | None) -> float:
    if closed is None:
        return float(np.abs(p - 1 / p.shape[1]).max())
    uniform = ~closed / (~closed).sum(axis=1, keepdims=True)
    return float(np.abs(p - uniform).max())


def _entropy(p: np.ndarray, closed: np.ndarray | None) -> float:
    logs = np.log(np.maximum(p, 1e-30))
    if closed is None:
        return float((-(p * logs).sum(axis=1) / np.log(p.shape[1])).mean())
    counts = (~closed).sum(axis=1)
    free = counts > 1
    return float((-(p * logs).sum(axis=1)[free] / np.log(counts[free])).mean())
