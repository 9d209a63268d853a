"""What a metric is: a name, a direction, a unit, and whether it is known before training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from optunas.errors import UnknownNameError

__all__ = ["METRICS", "ROBUSTNESS", "ZERO_COST", "Metric", "metric"]

Direction = Literal["maximize", "minimize"]
"""Optuna's own words."""


@dataclass(frozen=True)
class Metric:
    """One value of a network.

    Attributes:
        name: how objectives, constraints, attributes and tables call it.
        direction: ``"maximize"`` or ``"minimize"``.
        unit: of the value; ``""`` for a fraction or a count.
        cheap: True when the value is known without training.
        measured: True when two readings differ (a latency); comparisons then allow 5 %.
        compute: a user's own metric: ``compute(network, input_shape) -> float``, with
            ``input_shape`` (channels, height, width), importable by name so that workers find it.

    Raises:
        UnknownNameError: for another direction.
    """

    name: str
    direction: Direction
    unit: str = ""
    cheap: bool = False
    measured: bool = False
    compute: Callable[[Any, tuple[int, ...]], float] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise UnknownNameError(
                f"direction of the metric {self.name!r}:", self.direction, ("maximize", "minimize")
            )

    @property
    def maximize(self) -> bool:
        """Whether larger is better."""
        return self.direction == "maximize"


ZERO_COST = (
    *("grad_norm", "snip", "grasp", "fisher", "synflow", "jacob_cov", "naswot", "zen", "zico"),
    *("expressivity", "progressivity", "trainability"),
)
"""Proxies of accuracy, of the untrained network and one batch: see ``optunas.metrics.proxies``."""

ROBUSTNESS = ("accuracy_noise", "accuracy_corrupted", "accuracy_fgsm", "accuracy_pgd")
"""Accuracies of the trained network on changed inputs: see ``optunas.metrics.robustness``."""

METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("accuracy", "maximize"),
        Metric("balanced_accuracy", "maximize"),
        Metric("f1", "maximize"),
        Metric("r2", "maximize"),
        Metric("mae", "minimize"),
        Metric("loss", "minimize"),
        Metric("latency_ms", "minimize", "ms", cheap=True, measured=True),
        Metric("params", "minimize", "", cheap=True),
        Metric("flops", "minimize", "", cheap=True),
        Metric("fit_seconds", "minimize", "s", measured=True),
        Metric("predict_ms", "minimize", "ms", measured=True),
        Metric("model_bytes", "minimize", "bytes"),
        Metric("peak_memory_bytes", "minimize", "bytes", cheap=True),
        Metric("energy_mj", "minimize", "mJ", cheap=True, measured=True),
        *(Metric(name, "maximize") for name in ROBUSTNESS),
        *(Metric(name, "maximize", cheap=True) for name in ZERO_COST),
    )
}
"""The metrics that optunas computes itself; scores are fractions, FLOPs are 2 x MACs.

The three from ``fit_seconds`` on come with a task's scores: the time to fit a model, the time to
predict one row, and the size of the fitted model as a file.
"""


def metric(name: str) -> Metric:
    """Return the built-in metric called ``name``.

    Raises:
        UnknownNameError: with the nearest known name.
    """
    if name not in METRICS:
        raise UnknownNameError("metric", name, METRICS)
    return METRICS[name]
