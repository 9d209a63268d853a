"""How far the early epochs of a study's trainings tell their ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from optuna.trial import TrialState

from optunas.pruning import ParetoHyperbandPruner
from optunas.pruning.lineage import candidates
from optunas.pruning.view import as_pruners_see
from optunas.study.handle import StudyHandle

__all__ = ["RungRank", "rung_ranks"]

FEWEST = 4
"""Trials below which a rank correlation says nothing."""


@dataclass(frozen=True)
class RungRank:
    """One rung.

    Attributes:
        epochs: of the rung.
        trials: that came to their end, over all the trials that each took.
        rho: Spearman's rank correlation of their scores at the rung with those at the end. They are
            those that were among the first at the rung: with the others it would be higher.
    """

    epochs: int
    trials: int
    rho: float

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.rho:.2f} after {self.epochs} epoch{'' if self.epochs == 1 else 's'}"


def rung_ranks(handle: StudyHandle) -> list[RungRank]:
    """Each rung of a study's successive halving, where enough trials went on from it to the end.

    Empty with any other pruner.
    """
    study, pruner = handle.study, handle.study.pruner
    if not isinstance(pruner, ParetoHyperbandPruner):
        return []
    everyone = candidates(as_pruners_see(study).get_trials(deepcopy=False))
    whole = [c for c in everyone if c.last.state == TrialState.COMPLETE]
    found = []
    for rung in pruner.ladder.rungs(0, max((c.epochs for c in whole), default=0)):
        there = [c for c in whole if c.epochs > rung]
        pairs = np.array([(c.value(rung), c.value(c.epochs)) for c in there]).reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        if len(pairs) >= FEWEST and (pairs.min(axis=0) < pairs.max(axis=0)).all():
            found.append(RungRank(rung, len(pairs), _spearman(pairs)))
    return found


def _spearman(pairs: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(pairs[:, 0], pairs[:, 1])[0])
