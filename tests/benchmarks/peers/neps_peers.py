"""NePS: Bayesian optimisation by noisy expected hypervolume improvement, and MO-ASHA; ask and tell.

Its README's ``evaluate_pipeline`` loop writes every trial to disk; asking and telling is the same
optimizer without that.
"""

from __future__ import annotations

import random
from typing import Any

import neps
import numpy as np
import torch
from nb201_problem import EDGES, PART, Collector

SHORT, WHOLE = 1, 3
"""MO-ASHA's rungs, a factor of three apart; they stand for 12 and 200 epochs."""


def _seeded(seed: int) -> None:
    """NePS takes its random numbers from the global generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _bayesian(collector: Collector, seed: int) -> None:
    _seeded(seed)
    space = neps.SearchSpace(_space(collector))
    asked = neps.AskAndTell(neps.algorithms.bayesian_optimization(space))
    while not collector.done:
        trial = asked.ask()
        asked.tell(trial, _report(collector.losses(_cell(trial))))


def _moasha(collector: Collector, seed: int) -> None:
    _seeded(seed)
    epochs = neps.HPOInteger(SHORT, WHOLE, is_fidelity=True)
    space = neps.SearchSpace({**_space(collector), "epochs": epochs})
    asked = neps.AskAndTell(neps.algorithms.moasha(space))
    begun = set()
    while not collector.done:
        trial = asked.ask()
        cell = _cell(trial)
        if trial.config["epochs"] < WHOLE:
            begun.add(cell)
            losses = collector.partly(cell)
        else:
            losses = collector.losses(cell, begun=PART if cell in begun else 0.0)
        asked.tell(trial, _report(losses))


def _space(collector: Collector) -> dict[str, Any]:
    return {edge: neps.HPOCategorical(collector.problem.operations) for edge in EDGES}


def _cell(trial: Any) -> tuple[str, ...]:
    return tuple(trial.config[edge] for edge in EDGES)


def _report(losses: list[float]) -> Any:
    return losses[0] if len(losses) == 1 else losses


PEERS = {"neps bo": _bayesian, "neps mo-asha 12/200": _moasha}
