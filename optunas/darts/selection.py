"""The rules by which a finished search becomes an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from optunas.darts.perturbation import perturb
from optunas.darts.record import Search
from optunas.darts.settings import SELECTIONS
from optunas.errors import UnknownNameError
from optunas.tasks import NetworkTask

__all__ = ["Choice", "choice_of"]

TIE = 1e-6
"""Weight of the alphas beside a perturbation: it decides first."""


@dataclass(frozen=True)
class Choice:
    """What an architecture is chosen by, under limits or not.

    Attributes:
        weights: (E, O) for each kind of cell, as :func:`optunas.darts.ranked` takes them.
        own: the same where they are not the search's weights; else empty.
        seconds, steps: that it took, on top of the search's.
    """

    weights: Mapping[str, np.ndarray]
    own: Mapping[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    steps: int = 0


def choice_of(
    search: Search, task: NetworkTask, rule: str = "argmax", *, device: str = "cpu"
) -> Choice:
    """The weights that a rule chooses by.

    ``argmax`` takes the search's own. ``perturbation`` is DARTS-PT
    (:func:`optunas.darts.perturb`): it decides wherever limits let it, and the search's weights
    rank what replaces its operations where they do not: as few as can be.

    Raises:
        UnknownNameError: for another rule.
        InvalidSpecError, TrainingError: as ``perturb``.
    """
    if rule not in SELECTIONS:
        raise UnknownNameError("selection", rule, SELECTIONS)
    if rule == "argmax":
        return Choice(search.weights)
    found = perturb(search, task, device=device)
    table = {
        kind: np.where(kept > 0, kept, TIE * search.weights[kind])
        for kind, kept in found.weights.items()
    }
    return Choice(table, table, found.seconds, found.tuned)
