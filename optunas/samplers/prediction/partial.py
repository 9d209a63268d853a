"""What the learning curves of pruned trials tell of the values that they would have had."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from optunas.samplers.trials.seen import Floats, Seen

__all__ = ["Guess", "guesses", "read_curve"]

CURVE = "optunas:curve"
"""User attribute in which ``optunas.report`` keeps the curve of a trial of several objectives."""

FEWEST = 4
"""Complete curves that a guess rests on."""


class Guess(NamedTuple):
    """The value that a pruned trial would have ended with.

    Attributes:
        seen: the trial.
        value: predicted, in the objective's own unit.
        variance: of the prediction, in units of the variance of the final values.
    """

    seen: Seen
    value: float
    variance: float


def read_curve(trial: FrozenTrial) -> tuple[int, dict[int, float]]:
    """The objective, and its value by step; ``(0, {})`` for a trial that reported nothing.

    A curve that a retrying trial inherited is not its own and is left out.
    """
    stored = trial.user_attrs.get(CURVE)
    if stored is None:
        return 0, dict(trial.intermediate_values)
    try:
        body = json.loads(stored)
        inherited = int(body.get("trial", trial.number)) != trial.number
        if inherited and "failed_trial" in trial.system_attrs:
            return 0, {}
        pairs = zip(map(int, body["steps"]), map(float, body["values"]), strict=True)
        return int(body["objective"]), {s: v for s, v in pairs if np.isfinite(v)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return 0, {}


def guesses(seen: Sequence[Seen], objective: int) -> list[Guess]:
    """Of the trials that were pruned after a step that enough complete trials reached too.

    The final value is regressed, by least squares, on the value at the last step that the pruned
    trial reported; its residuals are the guess's variance.
    """
    if all(one.state != TrialState.PRUNED for one in seen):
        return []
    curves: dict[int, Mapping[int, float]] = {}
    pruned: list[Seen] = []
    finals: list[Seen] = []
    for one in seen:
        if one.state == TrialState.PRUNED or one.values is not None:
            index, curve = read_curve(one.trial)
            if index == objective and curve:
                curves[one.number] = curve
                (pruned if one.values is None else finals).append(one)
    found = []
    fits: dict[int, tuple[Floats, float] | None] = {}
    for one in pruned:
        step = max(curves[one.number])
        if step not in fits:
            pairs = [
                (curves[f.number][step], f.values[objective])
                for f in finals
                if step in curves[f.number] and f.values is not None
            ]
            fits[step] = _line(np.array(pairs, dtype=float).reshape(-1, 2))
        fit = fits[step]
        if fit is not None:
            line, variance = fit
            found.append(Guess(one, float(np.polyval(line, curves[one.number][step])), variance))
    return found


def _line(pairs: Floats) -> tuple[Floats, float] | None:
    """Slope and intercept, and the share of the variance that they leave; None for too few."""
    if len(pairs) < FEWEST or np.ptp(pairs[:, 0]) <= 0.0 or np.ptp(pairs[:, 1]) <= 0.0:
        return None
    line = np.polyfit(pairs[:, 0], pairs[:, 1], 1)
    if line[0] <= 0.0:
        return None  # who leads here falls behind later: the step says nothing
    left = pairs[:, 1] - np.polyval(line, pairs[:, 0])
    share = float(left @ left) / (len(pairs) - 2) / float(np.var(pairs[:, 1]))
    # A guess beyond the line's ends is worth less than its residuals say.
    return line, share + 0.1
