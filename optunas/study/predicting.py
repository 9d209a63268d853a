"""What a study's trials predict of networks that were not trained, and how far to believe it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import optuna
from optuna.trial import TrialState

from optunas.errors import InvalidSpecError, OptunasError
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
    study: StudyHandle | optuna.Study,
    architectures: Any,
    space: Space[Any] | None = None,
    *,
    name: str | None = None,
) -> Prediction:
    """Values that architectures would have, as a Gaussian process on the study's trials predicts.

    Objectives in closed form are exact where the study is a handle.

    Args:
        study: a handle, or a plain Optuna study whose trials ``optunas.suggest`` filled.
        architectures: members of the space, or a single one.
        space: of a plain study; a handle has its own.
        name: prefix of a plain study's parameters, where ``optunas.suggest`` was given one.

    Returns:
        ``mean`` and ``std``, each (architectures, objectives), in the objectives' units.

    Raises:
        InvalidSpecError: with fewer than 3 complete trials, a plain study without a space, or what
            is no study or no space.
        InvalidArchitectureError: for what is no member of the space.
    """
    from optunas.samplers.prediction.predicting import predict as predicted

    known, searched, prefix = None, space, name
    if isinstance(study, StudyHandle):
        plain, searched, prefix = study.study, study.spec.space, None
        known = None if study.knowledge is None else study.knowledge.known
    else:
        plain = study
        _check_plain(study, space)
    assert searched is not None
    return predicted(plain, _listed(searched, architectures), searched, name=prefix, known=known)


def _check_plain(study: Any, space: Any) -> None:
    if not isinstance(study, optuna.Study):
        raise InvalidSpecError(
            "predict needs a study, what optunas.run or optunas.load returned or an Optuna study, "
            f"got {study!r}."
        )
    if not isinstance(space, Space):
        got = "" if space is None else f", got {space!r}"
        raise InvalidSpecError(
            "predict needs the space of a plain Optuna study: predict(study, cells, "
            f"space=NB201){got}."
        )


def _listed(space: Space[Any], given: Any) -> list[Any]:
    """Several members, or the single one that this is: members may be mappings and tuples too."""
    if not isinstance(given, Iterable):
        return [given]
    if not isinstance(given, (list, Iterator)):
        try:
            space.validate(given)
        except (OptunasError, TypeError, ValueError, AttributeError, KeyError):
            pass  # of another kind: several, of which each is checked
        else:
            return [given]
    return [given] if isinstance(given, (str, Mapping)) else list(given)


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
