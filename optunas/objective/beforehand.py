"""What is known of a candidate before it is trained: counts, measurements, recorded values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from optunas.measures import ZERO_COST, Metric
from optunas.metrics.proxies.of_task import TaskProxies
from optunas.nets.own_build import own_build
from optunas.space import Space

if TYPE_CHECKING:
    from optunas.tasks import Task

__all__ = ["Beforehand", "LatencySource"]

CLOSED = ("params", "flops", "peak_memory_bytes")
"""Metrics of an architecture that need no network."""


class LatencySource(Protocol):
    """Tells an architecture's latency without a network: a calibrated model, or an estimate."""

    def predict(
        self,
        architecture: Any,
        input_shape: tuple[int, ...],
        num_outputs: int,
        channels: int | None = None,
        num_cells: int | None = None,
    ) -> float:
        """Milliseconds of the network that ``optunas.build`` makes of these arguments."""
        ...


class Beforehand:
    """The metrics that need no training.

    Args:
        space: whose candidates are measured.
        task: builds their networks, or has recorded values.
        metrics: what is wanted.
        seed: of proxies' batches and weights.
        device: where latency is measured.
        latency: tells ``latency_ms`` in place of a measurement; None measures.
    """

    def __init__(
        self,
        space: Space[Any],
        task: Task,
        metrics: Sequence[Metric],
        *,
        seed: int = 0,
        device: str = "cpu",
        latency: LatencySource | None = None,
    ) -> None:
        self.space, self.task, self.metrics, self.device = space, task, tuple(metrics), device
        self.latency = latency
        self._proxies = TaskProxies(task, seed, device)
        named = {m.name for m in self.metrics if m.compute is None}
        if "energy_mj" in named and "energy_mj" not in getattr(task, "knows", ()):
            from optunas.metrics import find_meter

            find_meter(device)  # where there is none, that is said before any training
        self._closed = {*CLOSED, "latency_ms"} if latency is not None else {*CLOSED}

    def foresee(self, architecture: Any, settings: Mapping[str, Any]) -> dict[str, float]:
        """The metrics, by name, that need no network: recorded by the task, or in closed form."""
        values = self._recorded(architecture, settings)
        if getattr(self.task, "builds_cells", False) and own_build(self.space) is None:
            for m in self.metrics:
                if m.name not in values and m.name in self._closed and m.compute is None:
                    values[m.name] = self._closed_form(m.name, architecture, settings)
        return {m.name: float(values[m.name]) for m in self.metrics if m.name in values}

    def measure(
        self,
        architecture: Any,
        settings: Mapping[str, Any],
        subject: Any = None,
        metrics: Sequence[Metric] | None = None,
    ) -> dict[str, float]:
        """Every metric that is known without training, by name, in the metric's unit.

        Args:
            architecture: a member of the space's architecture part; None without one.
            settings: of network and training.
            subject: the network when it is built already.
            metrics: some of the wanted ones; None for all.
        """
        metrics = self.metrics if metrics is None else metrics
        values = self._recorded(architecture, settings)
        wanted = [m for m in metrics if m.name not in values]
        # A task that builds networks its own way is asked for the network itself.
        stock = getattr(self.task, "builds_cells", False) and subject is architecture
        closed = self._closed if stock else set()
        network = subject if subject is not architecture else None
        for m in wanted:
            if m.name in closed and m.compute is None:
                values[m.name] = self._closed_form(m.name, architecture, settings)
                continue
            if network is None:
                network = self._proxies.built(architecture, settings, (m.name for m in wanted))
            values[m.name] = self._on_network(m, network)
        return {m.name: float(values[m.name]) for m in metrics}

    def _recorded(self, architecture: Any, settings: Mapping[str, Any]) -> dict[str, float]:
        recorded = getattr(self.task, "known", None)
        return dict(recorded(architecture, settings)) if recorded else {}

    def _closed_form(self, name: str, architecture: Any, settings: Mapping[str, Any]) -> float:
        from optunas import metrics

        network = {k: settings[k] for k in self.task.network_keys if k in settings}
        shape, outputs = self.task.input_shape, self.task.num_outputs
        if name == "latency_ms":
            assert self.latency is not None
            assert shape is not None
            assert outputs is not None
            return self.latency.predict(architecture, shape, outputs, **network)
        count = getattr(metrics, name)  # one of CLOSED, by its own name
        return float(count(architecture, shape, outputs, **network))

    def _on_network(self, wanted: Metric, network: Any) -> float:
        from optunas import metrics

        shape = tuple(getattr(self.task, "network_shape", self.task.input_shape) or ())
        if wanted.compute is not None:
            return float(wanted.compute(network, shape))
        if wanted.name == "latency_ms":
            return metrics.latency_ms(network, (1, *shape), device=self.device)
        if wanted.name == "energy_mj":
            return metrics.energy_mj(network, (1, *shape), device=self.device)
        if wanted.name in ZERO_COST:
            return self._proxies.value(wanted.name, network)
        return float(getattr(metrics, wanted.name)(network, shape))  # one of CLOSED
