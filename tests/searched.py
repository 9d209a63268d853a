"""Results of searches for tests: made by hand, no network is trained for them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from optunas.darts.choose import ranked
from optunas.darts.result import FinalNetwork, Restart, SearchResult, space_digest
from optunas.metrics.edge_costs import cell_edges, cell_kinds
from optunas.space import CellSpace, DenseCellSpace

NETWORK = FinalNetwork((1, 8, 8), 10, channels=4, num_cells=2, origin="made by hand")


def weights_of(space: CellSpace | DenseCellSpace, seed: int) -> dict[str, np.ndarray]:
    """Softmax of normal numbers."""
    rng = np.random.default_rng(seed)
    shape = (len(cell_edges(space)), len(space.operations))
    made = {kind: np.exp(rng.normal(size=shape)) for kind in cell_kinds(space)}
    return {kind: w / w.sum(axis=1, keepdims=True) for kind, w in made.items()}


def restart(
    space: CellSpace | DenseCellSpace, seed: int, epochs: int = 2, **fields: Any
) -> Restart:
    """A restart whose weights never moved after their start."""
    weights = weights_of(space, seed)
    best = ranked(space, weights)[0]
    names = [operation.name for operation in space.operations]
    shares = {k: dict(zip(names, w.mean(axis=0).tolist(), strict=True)) for k, w in weights.items()}
    record = {
        "train_loss": 2.0,
        "validation_loss": None,
        "entropy": dict.fromkeys(weights, 0.9),
        "moved": dict.fromkeys(weights, 0.25),
        "shares": shares,
        "choice": {kind: w.argmax(axis=1).tolist() for kind, w in weights.items()},
        "seconds": 1.5,
    }
    given: dict[str, Any] = {
        "seed": seed,
        "architecture": json.loads(space.to_json(best.architecture)),  # type: ignore[arg-type]
        "score": best.score,
        "costs": {"params": 1000 + seed, "flops": 2000},
        "alphas": {kind: np.log(w).tolist() for kind, w in weights.items()},
        "weights": {kind: w.tolist() for kind, w in weights.items()},
        "history": tuple({"epoch": epoch, **record} for epoch in range(epochs)),
        "stability": 1.0,
        "seconds": 1.5 * epochs,
        "steps": 4 * epochs,
    }
    return Restart(**(given | fields))


def result(
    space: CellSpace | DenseCellSpace, seeds: tuple[int, ...] = (0,), **fields: Any
) -> SearchResult:
    """A result of one restart a seed."""
    definition = space.definition()
    given: dict[str, Any] = {
        "study": "by-hand",
        "space": definition,
        "space_digest": space_digest(definition),
        "task": {"name": "digits", "score": "accuracy", "direction": "maximize"},
        "settings": {"variant": "darts", "order": 1, "channels": 4, "num_cells": 2, "epochs": 2},
        "network": NETWORK,
        "limits": {},
        "device": "cpu",
        "restarts": tuple(restart(space, seed) for seed in seeds),
    }
    return SearchResult(**(given | fields))
