"""Earlier trials of the same candidate, and what of them need not be bought again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from optunas.measures import Metric

__all__ = ["earlier_trials", "mark_untrained", "remembered"]


def earlier_trials(
    trials: Sequence[FrozenTrial], attribute: str, value: str, given: Sequence[Metric]
) -> list[FrozenTrial]:
    """Finished trials that trained the same candidate, oldest first.

    Args:
        trials: of the study.
        attribute: the user attribute by which candidates are the same.
        value: the candidate's.
        given: metrics that come with the scores; a complete trial without one is left out.
    """
    return [
        t
        for t in trials
        if t.user_attrs.get(attribute) == value
        and t.state in (TrialState.COMPLETE, TrialState.PRUNED)
        and not {"reused_from", "ruled_out"} & t.user_attrs.keys()
        and (t.state == TrialState.PRUNED or len(remembered([t], given)) == len(given))
    ]


def remembered(sources: Sequence[FrozenTrial], given: Sequence[Metric]) -> dict[str, float]:
    """What came with the scores of earlier trials: the means of what all of them have."""
    return {
        m.name: math.fsum(t.user_attrs[m.name] for t in sources) / len(sources)
        for m in given
        if all(m.name in t.user_attrs for t in sources)
    }


def mark_untrained(trial: optuna.Trial, why: str, what: int | bool) -> None:
    """Note that a trial trains nothing, and why."""
    trial.set_user_attr(why, what)
    trial.set_user_attr("epochs", 0)
    trial.set_user_attr("seconds", 0.0)
