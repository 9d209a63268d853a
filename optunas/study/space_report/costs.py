"""What the members of a space cost, as far as it is known without training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optunas.errors import OptunasError
from optunas.measures import Metric, metric
from optunas.objective import Objective
from optunas.study.space_report.shares import Share
from optunas.study.spec import StudySpec

__all__ = ["COUNTED", "Costs", "constraint_shares", "known_objectives", "measure"]

COUNTED = ("params", "flops")
"""Metrics of an architecture that need no training and no data."""

BUILT = 50
"""Networks that are built where there is no closed form..."""

BUILDING_S = 5.0
"""...and the seconds after which no further one is begun."""


@dataclass
class Costs:
    """Values of the cheap metrics over random members.

    Attributes:
        values: metric -> one value a member.
        problems: metric -> why it has none, where that is a fault of the space.
        mismatch: why the task refuses the members, "" when it takes them.
        no_data: why the task could not be made, its data being absent; "" when it could.
        built: whether networks had to be built.
        recorded: whether the task looks its scores up in a table, a row for each code.
    """

    values: dict[str, list[float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    mismatch: str = ""
    no_data: str = ""
    built: bool = False
    recorded: bool = False

    def ranges(self) -> dict[str, tuple[float, float, float]]:
        """Lowest, median and highest value by metric."""
        return {k: (min(v), float(np.median(v)), max(v)) for k, v in self.values.items()}

    def middle(self) -> dict[str, tuple[float, float]]:
        """Where nine in ten members lie, by metric: the 5th and the 95th percentile."""
        ends = {k: np.percentile(v, (5, 95)) for k, v in self.values.items()}
        return {k: (float(low), float(high)) for k, (low, high) in ends.items()}


def measure(spec: StudySpec, task: Any, members: Sequence[Any]) -> Costs:
    """Parameters, FLOPs and the study's other cheap metrics of ``members``.

    In closed form over all of them, or on the first networks built where a space, a task or a
    metric wants that. Latency is left out: reading it takes seconds a network.
    """
    found = Costs(recorded=bool(getattr(task, "simulated", False)))
    own = [m for m in spec.all_metrics if m.cheap and not m.measured and m.compute is not None]
    for wanted in (*map(metric, COUNTED), *own):
        try:
            objective = Objective(
                spec.space, task, (_score(spec, task), wanted), training=spec.training
            )
        except OptunasError:
            continue
        try:
            objective.sample_check(members[0])
        except OptunasError as error:
            found.mismatch = str(error)
            break
        _measure_one(objective, wanted, members, found, spec.seed)
    return found


def known_objectives(spec: StudySpec, task: Any, members: Sequence[Any]) -> int:
    """How many objectives samplers know of a member before it is trained."""
    try:
        objective = Objective(spec.space, task, spec.objective_metrics, training=spec.training)
        foreseen = objective.foresee(members[0])
    except (OptunasError, IndexError):
        return 0
    return sum(m.name in foreseen for m in spec.objective_metrics)


def _score(spec: StudySpec, task: Any) -> Metric:
    own = {m.name: m for m in spec.objective_metrics}
    return own.get(task.score_name) or metric(task.score_name)


def _measure_one(
    objective: Objective, wanted: Metric, members: Sequence[Any], found: Costs, seed: int
) -> None:
    """Add one metric's values to ``found``, or why there are none."""
    values: list[float] = []
    begun, task = time.perf_counter(), objective.task
    for member in members:
        architecture, searched = objective.space.parts(member)
        settings = {**objective.training, **searched}
        try:
            subject = objective.subject(architecture, settings, seed)
            values.append(objective.measure(architecture, settings, subject)[wanted.name])
        except Exception as error:  # a user's build, operation or metric can raise anything
            if task.input_shape is not None:
                found.problems[wanted.name] = f"{type(error).__name__}: {error}"
            if not values:
                return
            break
        built = subject is not architecture or not getattr(task, "builds_cells", False)
        built = (built or wanted.compute is not None) and not _recorded(task)
        late = len(values) >= BUILT or time.perf_counter() - begun > BUILDING_S
        found.built |= built
        if built and late:
            break
    found.values[wanted.name] = values


def _recorded(task: Any) -> bool:
    """Whether the task looks costs up instead of building networks."""
    return hasattr(task, "known")


def constraint_shares(spec: StudySpec, costs: Costs) -> dict[str, Share]:
    """The share of members that meets each limit on a metric whose values are known."""
    maximised = {m.name for m in spec.all_metrics if m.maximize}
    shares = {}
    for name, limit in spec.constraints.items():
        if name in costs.values:
            sign = -1 if name in maximised else 1
            values = costs.values[name]
            shares[name] = Share(sum(sign * v <= sign * limit for v in values), len(values))
    return shares
