"""How a learning curve lies in a trial of a study with several objectives: two user attributes.

Optuna stores intermediate values only for one objective, and intermediate values on a pruned trial
make its TPE sampler fail when there are several. So the curve is kept as JSON in one user
attribute, which every storage, process and sampler leaves alone. Numbers that JSON lacks are
written as the strings ``"nan"``, ``"inf"`` and ``"-inf"``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial

__all__ = ["CHEAP_ATTR", "CURVE_ATTR", "Curve", "curve", "own_curve", "read_cheap", "read_curve"]

CURVE_ATTR = "optunas:curve"
CHEAP_ATTR = "optunas:cheap"


class Curve(NamedTuple):
    """The reported values of one objective.

    Attributes:
        objective: index into the study's directions.
        trial: number of the trial that reported it. A trial that retries a killed one inherits
            that one's attributes; the number tells the two curves apart.
        values: step -> value, in the order of reporting.
    """

    objective: int
    trial: int
    values: dict[int, float]

    def to_json(self) -> str:
        """JSON text; :func:`read_curve` gives an equal curve back."""
        body = {
            "objective": self.objective,
            "trial": self.trial,
            "steps": list(self.values),
            "values": [_number(value) for value in self.values.values()],
        }
        return json.dumps(body, separators=(",", ":"))


def read_curve(user_attrs: Mapping[str, Any]) -> Curve | None:
    """The stored curve among a trial's user attributes; None without one, or when it is broken."""
    try:
        body = json.loads(user_attrs[CURVE_ATTR])
        steps = [int(step) for step in body["steps"]]
        values = [float(value) for value in body["values"]]
        pairs = dict(zip(steps, values, strict=True))
        return Curve(int(body["objective"]), int(body.get("trial", -1)), pairs)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def read_cheap(user_attrs: Mapping[str, Any]) -> dict[int, float]:
    """Objective index -> value known before training; ``{}`` without any."""
    try:
        body = json.loads(user_attrs[CHEAP_ATTR])
        return {int(index): float(value) for index, value in body.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def cheap_json(values: Mapping[int, float]) -> str:
    """JSON text of cheap values; :func:`read_cheap` gives them back."""
    return json.dumps({str(i): _number(v) for i, v in values.items()}, separators=(",", ":"))


def own_curve(trial: FrozenTrial) -> Curve | None:
    """The stored curve of ``trial``, unless it only inherited one from the trial that it retries.

    A finished trial that was copied from another study has another number there and keeps its
    curve; Optuna marks a retrying trial by the system attribute ``failed_trial``.
    """
    if CURVE_ATTR not in trial.user_attrs:
        return None
    stored = read_curve(trial.user_attrs)
    if stored is None or stored.trial == trial.number:
        return stored
    copied = trial.state.is_finished() and "failed_trial" not in trial.system_attrs
    return stored if copied else None


def curve(trial: FrozenTrial) -> dict[int, float]:
    """The values that ``trial`` reported, by step; ``{}`` when it reported none.

    Works for studies of one objective (Optuna's own intermediate values) and of several.
    """
    stored = own_curve(trial)
    return stored.values if stored is not None else dict(trial.intermediate_values)


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(float(value))
