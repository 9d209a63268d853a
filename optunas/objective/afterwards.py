"""What can only be measured on a trained network: its accuracy on changed inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from optunas.errors import InvalidSpecError
from optunas.measures import ROBUSTNESS, Metric

if TYPE_CHECKING:
    from optunas.tasks import Task

__all__ = ["Afterwards", "Readings", "measured_afterwards"]


def measured_afterwards(task: Task, metrics: Sequence[Metric]) -> list[Metric]:
    """Those of the metrics that need the trained network and do not come with the task's scores."""
    gives = getattr(task, "gives", ())
    return [
        m for m in metrics if m.name in ROBUSTNESS and m.name not in gives and m.compute is None
    ]


class Afterwards:
    """The metrics of a trained network; they cost passes, so they are measured once, at the end.

    Args:
        task: whose validation data is changed.
        metrics: what :func:`measured_afterwards` gave; without any, nothing is measured.
        device: where the network is.

    Raises:
        InvalidSpecError: for a task that cannot be asked this.
    """

    def __init__(self, task: Task, metrics: Sequence[Metric], device: str = "cpu") -> None:
        self.task, self.metrics, self.device = task, tuple(metrics), device
        if self.metrics:
            from optunas.metrics.robustness import check_robustness

            check_robustness(task, [m.name for m in self.metrics])

    def measure(self, network: Any) -> dict[str, float]:
        """The values by name.

        Args:
            network: what the training left.

        Raises:
            InvalidSpecError: when the task's training gives no network.
        """
        if not self.metrics:
            return {}
        names = [m.name for m in self.metrics]
        if network is None:
            raise InvalidSpecError(
                f"The training of the task {self.task.name!r} gives no network back, so its "
                f"{', '.join(names)} cannot be measured."
            )
        from optunas.metrics.robustness import robust_accuracies

        return robust_accuracies(network, self.task, names, device=self.device)


class Readings(Iterator[Any]):
    """A training's scores, and the network that is there when they end."""

    def __init__(self, scores: Iterator[Any]) -> None:
        self._scores = scores
        self.network: Any = None

    def __next__(self) -> Any:
        try:
            return next(self._scores)
        except StopIteration as end:
            # A generator returns it; a training that can be written down has it.
            self.network = getattr(self._scores, "network", end.value)
            raise
