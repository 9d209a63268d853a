"""The objective: a trial in, its values out; the only place that prunes.

Works in any Optuna study, with or without the rest of optunas::

    task = optunas.tasks.digits()
    objective = Objective(optunas.NB201, task, ("accuracy", "params"), training={"epochs": 5})
    study = optuna.create_study(directions=objective.directions)
    study.optimize(objective, n_trials=20)
"""

from __future__ import annotations

from optunas.objective.beforehand import Beforehand, LatencySource
from optunas.objective.evaluation import SPENT, Objective
from optunas.objective.limits import Limits

__all__ = ["SPENT", "Beforehand", "LatencySource", "Limits", "Objective"]
