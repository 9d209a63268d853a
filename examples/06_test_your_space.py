"""Your own space, tested as those of optunas are: ``pytest examples/06_test_your_space.py``."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import optuna
from torch import nn

import optunas
from optunas import Choice, Int, Space
from optunas.space import Condition
from optunas.testing import NetworkConformance, SpaceConformance


class Plan(NamedTuple):
    """An architecture: convolutions, then perhaps a pool, which alone has a window."""

    depth: int
    pool: str
    window: int | None


class PlanSpace(Space[Plan]):
    """``window`` counts with a pool only; ``encode`` gives the first value where it does not."""

    def parameters(self) -> dict[str, Any]:
        return {"depth": Int(1, 4), "pool": Choice(("none", "max")), "window": Int(2, 4)}

    def conditions(self) -> dict[str, Condition]:
        return {"window": Condition("pool", ("max",))}

    def encode(self, architecture: Plan) -> dict[str, Any]:
        return {**architecture._asdict(), "window": architecture.window or 2}

    def decode(self, values: Mapping[str, Any]) -> Plan:
        window = values["window"] if values["pool"] == "max" else None
        return Plan(values["depth"], values["pool"], window)

    def build(self, plan: Plan, input_shape: Any, outputs: int, settings: Any) -> nn.Module:
        net = nn.Sequential(nn.Conv2d(input_shape[0], 8, 3, padding=1))
        for _ in range(plan.depth):
            net.extend([nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)])
        net.append(nn.MaxPool2d(plan.window, ceil_mode=True) if plan.window else nn.Identity())
        return net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, outputs)])


class TestPlanSpace(SpaceConformance, NetworkConformance):
    space = PlanSpace()


def main(n_trials: int = 20) -> optuna.Study:
    """Search the space on scikit-learn's digits."""
    objective = optunas.Objective(PlanSpace(), optunas.tasks.digits(), ("accuracy", "params"))
    study = optuna.create_study(directions=objective.directions)
    study.optimize(objective, n_trials=n_trials)
    return study


if __name__ == "__main__":
    print([(trial.params, trial.values) for trial in main().best_trials])
