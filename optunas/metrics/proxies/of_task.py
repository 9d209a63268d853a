"""The proxies of a task's networks: on one batch of its training data, read when first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optunas.errors import InvalidSpecError
from optunas.measures import ZERO_COST
from optunas.nets.own_build import own_build

if TYPE_CHECKING:
    from optunas.metrics.proxies.batch import Batch

__all__ = ["TaskProxies", "built", "network_shape"]


class TaskProxies:
    """What a study needs to take proxies for metrics.

    Args:
        task: gives the batch and builds the networks.
        seed: of batch, initial weights and draws.
        device: ``cpu``, ``cuda``, ``cuda:1``.
    """

    def __init__(self, task: Any, seed: int = 0, device: str = "cpu") -> None:
        self.task, self.seed, self.device = task, seed, device

    @cached_property
    def batch(self) -> Batch:
        """Training samples, or noise: see ``task_batch``."""
        from optunas.metrics.proxies.batch import task_batch

        return task_batch(self.task, seed=self.seed)

    def built(self, architecture: Any, settings: Mapping[str, Any], wanted: Iterable[str]) -> Any:
        """The task's network for the ``wanted`` metrics; with seeded weights where it matters."""
        if not any(name in ZERO_COST for name in wanted):
            return self.task.build(architecture, settings)
        return built(self.task, architecture, settings, self.seed)

    def value(self, name: str, network: Any) -> float:
        """One proxy of a network; see :func:`optunas.metrics.proxy`."""
        from optunas.metrics.proxies.computing import proxy

        return proxy(network, name, self.batch, seed=self.seed, device=self.device)


def network_shape(task: Any) -> tuple[int, ...]:
    """The shape of one sample, without batch, that the networks of ``task`` take.

    Raises:
        InvalidSpecError: for a task without networks.
    """
    shape = getattr(task, "network_shape", task.input_shape)
    if shape is None:
        raise InvalidSpecError(
            f"The task {task.name!r} trains no networks, and zero-cost proxies read networks: take "
            "a task of images or vectors."
        )
    return tuple(shape)


def built(
    task: Any, architecture: Any, settings: Mapping[str, Any], seed: int, space: Any = None
) -> Any:
    """The network that ``task`` (or a space that builds its own) makes, seeded; networks stay.

    Raises:
        InvalidArchitectureError, InvalidSpecError: as the builder does.
    """
    from torch import nn

    from optunas.train import seeded

    if isinstance(architecture, nn.Module):
        return architecture
    own = None if space is None else own_build(space)
    with seeded(seed):
        if own is not None:
            return own(architecture, task.input_shape, task.num_outputs, settings)
        return task.build(architecture, settings)
