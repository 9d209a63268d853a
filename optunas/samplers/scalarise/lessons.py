"""What samplers that learn how good members are learn from: a study's trials and their worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optunas.samplers.scalarise.fitness import violation
from optunas.samplers.scalarise.form import Scalarisation
from optunas.samplers.trials.seen import Floats, Seen, by_completion

__all__ = ["in_order", "normal_scores", "worths"]

PRUNED_QUANTILE = 0.25
"""A pruned trial is worth what a quarter of the complete ones fall short of: it fell behind."""


def in_order(trials: Sequence[Seen]) -> list[Seen]:
    """The trials that teach something, in the order in which they ended, equal times by number.

    These are the complete ones with finite values, and the pruned ones unless they were ruled out
    before they trained. One that ends later comes later, so that what was learned before stands.
    """
    found = [s for s in trials if s.values is not None or _fell_behind(s)]
    return by_completion(found)


def _fell_behind(seen: Seen) -> bool:
    return seen.state == TrialState.PRUNED and "ruled_out" not in seen.trial.user_attrs


def worths(
    form: Scalarisation, trials: Sequence[Seen], directions: Sequence[StudyDirection]
) -> Floats:
    """One finite number a trial, (n,); larger is better. Depends on these trials alone.

    Complete trials have their score. One that breaks its constraints is worth no more than the
    worst that keeps them; where none does, the smaller violation is the better. Pruned ones are
    worth the :data:`PRUNED_QUANTILE` of the others, 0 where there are none.

    Args:
        form: scores the values.
        trials: as :func:`in_order` gives them.
        directions: of the study's objectives.
    """
    worth = np.full(len(trials), np.nan)
    complete = np.array([s.values is not None for s in trials], dtype=bool)
    if not complete.any():
        return np.zeros(len(trials))
    rows = [s for s in trials if s.values is not None]
    scores = form.scores([s.values for s in rows if s.values is not None], directions)
    over = np.minimum([violation(s) for s in rows], 1e300)
    keeps = (over == 0) & np.isfinite(scores)
    if keeps.any():
        scores = np.where(keeps, scores, np.minimum(scores, scores[keeps].min()))
    elif (over > 0).any():
        scores = -over
    known = np.isfinite(scores)
    scores[~known] = scores[known].min() if known.any() else 0.0
    worth[complete] = scores
    worth[~complete] = np.quantile(scores, PRUNED_QUANTILE)
    return worth


def normal_scores(values: Floats) -> Floats:
    """The quantiles of a standard normal at the values' ranks, (n,); equal values have equal ones.

    Only the order counts: a network that learned nothing is no further away than the worst that
    did, and no unit of the objective matters.

    >>> normal_scores(np.array([3.0, -1e9, 8.0])).round(2).tolist()
    [0.0, -0.97, 0.97]
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return ndtri((rankdata(values) - 0.5) / max(len(values), 1))
