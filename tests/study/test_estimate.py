"""A dry run extrapolates an epoch to the budget."""

from __future__ import annotations

from typing import Any

import pytest
import toy_task
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget
from optunas.study.estimate import Estimate, estimate
from optunas.study.life import make_objective


def guess(budget: Budget, workers: int = 1, **changes: Any) -> Estimate:
    spec = toy_task.spec(training={"epochs": 4}, budget=budget, **changes)
    return estimate(spec, make_objective(spec, ["toy_task"]), budget, workers)


def test_trials_times_epochs_times_seconds() -> None:
    found = guess(Budget(trials=60))
    assert (found.trials, found.epoch_s, found.setup_s) == (60, 0.5, 0.0)
    assert found.minutes == pytest.approx(2.0)
    assert guess(Budget(trials=60), workers=4).minutes == pytest.approx(0.5)
    assert found.megabytes > 0


@pytest.mark.parametrize(
    ("limits", "trials"),
    [
        ({"trials": 100, "epochs": 30}, 8),
        ({"trials": None, "epochs": 30}, 8),
        ({"trials": 5, "epochs": 30}, 5),
        ({"trials": None, "wall_seconds": 60}, 30),
        ({"trials": 100, "device_hours": 0.01}, 18),
    ],
)
def test_the_scarcest_limit_decides(limits: dict[str, Any], trials: int) -> None:
    assert guess(Budget(**limits)).trials == trials


def test_finished_trials_are_not_counted_again() -> None:
    spec = toy_task.spec(training={"epochs": 4})
    handle = optunas.run(spec, storage=InMemoryStorage(), trials=3, progress=False)
    objective = make_objective(spec, ["toy_task"])
    assert estimate(spec, objective, spec.budget, 1, handle).trials == 5
    assert estimate(spec, objective, Budget(trials=2), 1, handle).trials == 0


def test_the_default_number_of_epochs_is_the_trainings() -> None:
    spec = toy_task.spec(budget=Budget(trials=10))
    found = estimate(spec, make_objective(spec, ["toy_task"]), spec.budget)
    assert found.minutes == pytest.approx(10 * 3 * 0.5 / 60)
