"""What a study of one objective comes to: the best value, its parameters, and what mattered."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from optunas.codec import to_params
from optunas.study.handle import StudyHandle

__all__ = ["best", "importances"]

FEWEST = 4
"""Complete trials below which a forest has nothing to split."""


def best(handle: StudyHandle) -> dict[str, Any] | None:
    """The best trial of a study with one objective.

    Returns:
        ``trial``, ``value`` (in the objective's unit) and ``params``: the parameters that count,
        by name; None with several objectives, or before a feasible trial is complete. Of equal
        values the earliest trial is taken.
    """
    if len(handle.spec.objective_metrics) > 1:
        return None
    trials = handle.front_trials()
    if not trials:
        return None
    trial, space = trials[0], handle.spec.space
    member = handle.candidate(trial)
    counting = set(space.active(space.encode(member)))
    named = zip(space.parameters(), to_params(space, member).items(), strict=True)
    params = {full: value for name, (full, value) in named if name in counting}
    return {"trial": trial.number, "value": trial.values[0], "params": params}


def importances(handle: StudyHandle) -> dict[str, float]:
    """How much each searched parameter decides the objective, as shares that add up to 1.

    Optuna's fANOVA (Hutter, Hoos and Leyton-Brown 2014) over the COMPLETE trials, with the study's
    seed; most important first. Where a parameter does not count it has its first value, not the
    arbitrary one that was suggested. Infinite values are left out. {} with several objectives,
    fewer than four complete trials of finite value, values that are all equal, or parameters that
    do not tell different values apart (one setting repeated).
    """
    trials = handle.trials(TrialState.COMPLETE)
    trials = [trial for trial in trials if math.isfinite(trial.values[0])]
    if len(handle.spec.objective_metrics) > 1 or len(trials) < FEWEST:
        return {}
    if len({t.values[0] for t in trials}) == 1:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        evaluator = FanovaImportanceEvaluator(seed=handle.spec.seed)
        try:
            with np.errstate(over="raise", invalid="raise"):
                found = get_param_importances(_canonical(handle, trials), evaluator=evaluator)
        except (RuntimeError, FloatingPointError):  # no tree splits; or squares beyond the floats
            return {}
    return {name: float(share) for name, share in found.items()}


def _canonical(handle: StudyHandle, trials: list[FrozenTrial]) -> optuna.Study:
    """The trials in memory, with the values of the architectures that they trained."""
    space = handle.spec.space
    study = optuna.create_study(
        direction=handle.study.direction, storage=optuna.storages.InMemoryStorage()
    )
    for trial in trials:
        canonical = to_params(space, handle.candidate(trial))
        study.add_trial(
            optuna.create_trial(
                params={**trial.params, **canonical},
                distributions=trial.distributions,
                value=trial.values[0],
            )
        )
    return study
