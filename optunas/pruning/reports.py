"""``report`` and ``should_prune``: Optuna's own, for studies of one or several objectives."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

from optuna import Trial
from optuna.trial import BaseTrial

from optunas.errors import InvalidSpecError
from optunas.pruning.curves import CHEAP_ATTR, CURVE_ATTR, Curve, cheap_json, read_cheap
from optunas.pruning.view import latest_trial, view_of

__all__ = ["report", "should_prune"]


def report(
    trial: BaseTrial,
    value: float,
    step: int,
    cheap: Mapping[int, float] | None = None,
    objective: int = 0,
) -> None:
    """Report the value that one objective has at ``step``; the pruner decides on these.

    With one objective this is ``trial.report(value, step)``. With several, the curve is kept in
    the trial's user attribute ``optunas:curve`` (JSON), which every storage and sampler accepts.

    Args:
        trial: the running trial; a ``FixedTrial`` or ``FrozenTrial`` reports nothing, as in Optuna.
        value: anything ``float`` accepts, NaN too, in the direction of that objective.
        step: of training, an epoch for instance; from 0. Steps need not increase; a second
            value for a step is ignored with a warning, as by ``Trial.report``.
        cheap: objective index -> value that is known before training ends (latency, parameters);
            each is stored once, the first time that it comes. NaN counts as not known.
        objective: index of the objective that ``value`` belongs to; one per trial.

    Raises:
        TypeError: when ``value`` is not a number or ``step`` not an integer.
        ValueError: when ``step`` is negative.
        InvalidSpecError: when ``objective`` or a key of ``cheap`` is not an objective of the
            study, or the trial reported another objective before.
    """
    if isinstance(trial, Trial):
        _check_indices(len(trial.study.directions), cheap or {}, objective)
    if not isinstance(trial, Trial) or len(trial.study.directions) == 1:
        trial.report(value, step)
        return
    value, step = _checked(value, step)
    frozen, curve = latest_trial(trial)
    if curve is not None and curve.objective != objective:
        raise InvalidSpecError(
            f"Trial {frozen.number} reported objective {curve.objective} before and now "
            f"{objective}; report one objective per trial."
        )
    # A retried trial inherits attributes; its first report writes its own cheap values.
    known = read_cheap(frozen.user_attrs) if curve is not None else {}
    new = {i: float(v) for i, v in (cheap or {}).items() if i not in known and not math.isnan(v)}
    if new:
        trial.set_user_attr(CHEAP_ATTR, cheap_json(known | new))
    if curve is not None and step in curve.values:
        warnings.warn(
            f"The reported value is ignored because this `step={step}` is already reported.",
            stacklevel=2,
        )
        return
    values = {**(curve.values if curve else {}), step: value}
    trial.set_user_attr(CURVE_ATTR, Curve(objective, frozen.number, values).to_json())


def should_prune(trial: BaseTrial) -> bool:
    """Whether the study's pruner would end ``trial`` now; raise ``optuna.TrialPruned`` then.

    With one objective this is ``trial.should_prune()``. With several, the study's own pruner
    judges the objective that :func:`report` was called for, in that objective's direction: any of
    Optuna's pruners, a user's, or :class:`~optunas.pruning.CheapAwareMedianPruner`.
    """
    if not isinstance(trial, Trial) or len(trial.study.directions) == 1:
        return bool(trial.should_prune())
    frozen, curve = latest_trial(trial)
    view = view_of(trial.study, curve.objective if curve is not None else 0)
    return bool(view.pruner.prune(view, view.seen(frozen, curve)))


def _check_indices(num_objectives: int, cheap: Mapping[int, float], objective: int) -> None:
    known = f"the study's objectives are 0 to {num_objectives - 1}"
    if objective not in range(num_objectives):
        raise InvalidSpecError(f"objective={objective!r} cannot be reported; {known}.")
    for index in cheap:
        if index not in range(num_objectives) or index == objective:
            raise InvalidSpecError(
                f"cheap names objective {index!r}, but {known} and {objective} is being reported; "
                "cheap values belong to the other objectives."
            )


def _checked(value: float, step: int) -> tuple[float, int]:
    """``value`` and ``step`` as Optuna's ``Trial.report`` converts and refuses them."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"The `value` argument is of type '{type(value)}' but supposed to be a float."
        ) from None
    try:
        step = int(step)
    except (TypeError, ValueError):
        raise TypeError(
            f"The `step` argument is of type '{type(step)}' but supposed to be an int."
        ) from None
    if step < 0:
        raise ValueError(f"`step={step}` must be non-negative.")
    return value, step
