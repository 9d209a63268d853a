"""Pruners by name."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
)

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.measures import Metric
from optunas.pruning import (
    CheapAwareMedianPruner,
    ParetoHalvingPruner,
    ParetoHyperbandPruner,
)

__all__ = ["PRUNERS", "check_rungs", "make_pruner"]

PRUNERS: dict[str, Callable[..., BasePruner]] = {
    "cheap_aware_median": CheapAwareMedianPruner,
    "hyperband": HyperbandPruner,
    "median": MedianPruner,
    "mo_hyperband": ParetoHyperbandPruner,
    "mo_successive_halving": ParetoHalvingPruner,
    "none": NopPruner,
    "patient": PatientPruner,
    "percentile": PercentilePruner,
    "successive_halving": SuccessiveHalvingPruner,
    "threshold": ThresholdPruner,
}
"""The pruners under the names that a study definition uses."""


def make_pruner(
    name: str, options: Mapping[str, Any], objectives: Sequence[Metric] = ()
) -> BasePruner:
    """The pruner called ``name``; a patient pruner wraps the one named by its option ``wrapped``.

    Args:
        name: a key of :data:`PRUNERS`.
        options: its arguments; they win over the defaults made here.
        objectives: the study's; the cheap-aware median allows for noise where they are measured.

    Raises:
        UnknownNameError: for an unknown name or option, with the nearest known one.
        InvalidSpecError: for a value that the pruner refuses.
    """
    if name not in PRUNERS:
        raise UnknownNameError("pruner", name, PRUNERS)
    kind = PRUNERS[name]
    arguments = dict(options)
    known = list(inspect.signature(kind).parameters)
    if kind is PatientPruner:
        known = [k for k in known if k != "wrapped_pruner"] + ["wrapped"]
        inner = arguments.pop("wrapped", None)
        arguments["wrapped_pruner"] = None if inner is None else make_pruner(inner, {}, objectives)
        arguments.setdefault("patience", 3)
    if kind is CheapAwareMedianPruner:
        arguments.setdefault("measured", [i for i, m in enumerate(objectives) if m.measured])
    if kind is PercentilePruner:
        arguments.setdefault("percentile", 25.0)
    for option in options:
        if option not in known:
            raise UnknownNameError(f"option of the pruner {name!r}:", option, known)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return kind(**arguments)
    except InvalidSpecError:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidSpecError(f"The pruner {name!r} refuses {dict(options)}: {error}") from error


def check_rungs(
    name: str, options: Mapping[str, Any], epochs: Collection[int | None], unit: str = "epoch"
) -> None:
    """Refuse a pruner whose rungs no training of the study passes.

    Args:
        name: as for :func:`make_pruner`.
        options: as for :func:`make_pruner`.
        epochs: of whole trainings, the longest of which counts; None where a task does not say.
        unit: what a task counts its steps in.

    Raises:
        InvalidSpecError: also for trainings of a single step.
    """
    known = [count for count in epochs if count is not None]
    if name not in PRUNERS or not known:
        return
    kind = PRUNERS[name]
    if isinstance(kind, type) and issubclass(kind, ParetoHyperbandPruner):
        pruner = make_pruner(name, options)
        assert isinstance(pruner, ParetoHyperbandPruner)
        pruner.ladder.check(max(known), unit)
