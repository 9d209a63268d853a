"""The proxies of a space's members, as samplers, predictors and pre-filters want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from optunas.errors import UnknownNameError
from optunas.metrics.proxies.catalogue import check_names
from optunas.metrics.proxies.features import compressed
from optunas.metrics.proxies.of_task import built
from optunas.space import Space

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CHEAP", "MemberProxies"]

CHEAP = ("flops", "grad_norm", "synflow", "naswot", "expressivity", "progressivity", "trainability")
"""What a predictor gets where nothing is said: one proxy of each sort, none that takes a second
derivative."""


class MemberProxies:
    """Proxies by member, each digest computed once.

    Members of one digest are one network but for edges that lead nowhere; the first one asked for
    answers for all. ``extra`` and what ``score`` returns can be given to samplers as they are.

    Args:
        space: of the members.
        task: gives the batch and builds the networks (a space with a ``build`` builds its own).
        names: of the proxies, in the order of the features; None takes seven quick ones.
        training: settings of the network that are not searched (``channels``, ``num_cells``).
        batch_size: samples.
        seed: of batch, initial weights and draws: equal in every process.
        device: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        UnknownNameError: for an unknown proxy.
        InvalidSpecError: for a task without networks.
    """

    def __init__(
        self,
        space: Space[Any],
        task: Any,
        names: Iterable[str] | None = None,
        *,
        training: Mapping[str, Any] | None = None,
        batch_size: int = 64,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        from optunas.metrics.proxies.batch import task_batch

        self.space, self.task, self.seed, self.device = space, task, seed, device
        self.names = check_names(CHEAP if names is None else names)
        self.training = dict(training or {})
        self.batch = task_batch(task, batch_size, seed)
        self.refused: dict[str, str] = {}
        """By proxy why a network did not support it; such values are -inf."""
        self._known: dict[str, dict[str, float]] = {}

    def values(self, member: Any) -> dict[str, float]:
        """The member's proxies by name; -inf where its network does not support one."""
        from optunas.metrics.proxies.computing import proxy_values

        key = self.space.digest(member)
        if key not in self._known:
            self._known[key] = proxy_values(
                self.network(member),
                self.names,
                self.batch,
                seed=self.seed,
                device=self.device,
                refused=self.refused,
            )
        return dict(self._known[key])

    def extra(self, member: Any) -> list[float]:
        """The member's proxies as features of a regressor: finite, on a logarithmic scale."""
        return compressed(self.values(member), self.names)

    def score(self, name: str) -> Callable[[Any], float]:
        """``member -> value`` of one of the proxies; more is better.

        Raises:
            UnknownNameError: when it is none of :attr:`names`.
        """
        if name not in self.names:
            raise UnknownNameError("proxy of these members", name, self.names)
        return lambda member: self.values(member)[name]

    def network(self, member: Any) -> nn.Module:
        """The member's untrained network, with initial weights from the seed."""
        architecture, searched = self.space.parts(member)
        return built(self.task, architecture, {**self.training, **searched}, self.seed, self.space)
