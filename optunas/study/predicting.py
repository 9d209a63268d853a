"""What a study's trials predict of networks that were not trained, and how far to believe it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import optuna
from optuna.trial import TrialState

from optunas.errors import InvalidSpecError
from optunas.space import Space
from optunas.study.handle import StudyHandle

if TYPE_CHECKING:
    from optunas.samplers.prediction.predicting import Prediction

__all__ = ["Ranking", "predict", "predictor_rank"]

PREDICTING = ("cheap_aware", "surrogate")
"""Samplers whose suggestions rest on such a prediction."""


class Ranking(NamedTuple):
    """How well the order of trained networks is predicted by the other ones.

    Attributes:
        metric: name of the objective.
        kendall, spearman: rank correlations, -1 to 1.
        trials: held out in turn.
    """

    metric: str
    kendall: float
    spearman: float
    trials: int

    def __str__(self) -> str:
        return (
            f"{self.metric} of held-out networks: Kendall's tau {self.kendall:.2f}, Spearman's rho "
            f"{self.spearman:.2f} ({self.trials} networks)"
        )


def predict(
    study: StudyHandle | optuna.Study, architectures: Any, space: Space[Any] | None = None
) -> Prediction:
    """Values that architectures would have, as a Gaussian process on the study's trials predicts.

    Objectives in closed form are exact where the study is a handle.

    Args:
        study: a handle, or a plain Optuna study whose trials ``optunas.suggest`` filled.
        architectures: members of the space, or a single one.
        space: of a plain study; a handle has its own.

    Returns:
        ``mean`` and ``std``, each (architectures, objectives), in the objectives' units.

    Raises:
        InvalidSpecError: with fewer than 3 complete trials, or a plain study without a space.
        InvalidArchitectureError: for what is no member of the space.
    """
    from optunas.samplers.prediction.predicting import predict as predicted

    known, searched = None, space
    if isinstance(study, StudyHandle):
        plain, searched = study.study, study.spec.space
        known = None if study.knowledge is None else study.knowledge.known
    else:
        plain = study
    if searched is None:
        raise InvalidSpecError(
            "predict needs the space of a plain Optuna study: predict(study, cells, space=NB201)."
        )
    alone = isinstance(architectures, dict) or not isinstance(architectures, Iterable)
    members = [architectures] if alone else list(architectures)
    return predicted(plain, members, searched, known=known)


def predictor_rank(handle: StudyHandle) -> list[Ranking]:
    """The predictor's held-out rank correlation in what had to be trained for.

    Empty for a study whose sampler predicts nothing, and below ten complete trials.
    """
    if handle.spec.sampler not in PREDICTING or not handle.trials(TrialState.COMPLETE):
        return []
    from optunas.samplers.prediction.predicting import cross_validated_rank

    metrics = handle.spec.objective_metrics
    return [
        Ranking(metrics[one.objective].name, one.kendall, one.spearman, one.trials)
        for one in cross_validated_rank(handle.study, handle.spec.space)
        if not metrics[one.objective].cheap and not math.isnan(one.kendall)
    ]
