"""A device that is known: what networks take on it, without measuring."""

from __future__ import annotations

from typing import Any

import numpy as np

from optunas import NB201
from optunas.metrics.predicted import Fingerprint, LatencyModel, Question, fingerprint, fit_model
from optunas.metrics.predicted.sampling import choose_networks

QUESTION = Question(NB201, (3, 8, 8), 5, {"channels": 4, "num_cells": 1})
DEVICE = fingerprint("laptop")

EACH = {
    "nor_conv_3x3": 0.30,
    "nor_conv_1x1": 0.11,
    "avg_pool_3x3": 0.17,
    "skip_connect": 0.02,
    "add": 0.03,
}
"""Milliseconds of each operation on the known device, wherever it stands."""


def truth(question: Question, member: Any, used: bool = False) -> float:
    """Milliseconds of a member on the known device."""
    counted = question.counted(member)
    return 1.0 + sum((c.used if used else c.times) * EACH.get(c.term.name, 0.0) for c in counted)


def known(
    count: int = 30, held_out: int = 20, noise: float = 0.0, used: bool = False
) -> tuple[list[tuple[Any, float]], list[tuple[Any, float]]]:
    """Members with their milliseconds, to fit to and held out."""
    rng = np.random.default_rng(0)
    chosen = choose_networks(QUESTION, count, held_out)
    fit, held = (
        [(m, truth(QUESTION, m, used) * (1 + noise * rng.exponential())) for m in part]
        for part in chosen
    )
    return fit, held


def model(device: Fingerprint = DEVICE) -> LatencyModel:
    """A model of the known device."""
    return fit_model(QUESTION, *known(), device)
