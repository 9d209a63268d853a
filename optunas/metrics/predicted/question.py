"""Whose latency is predicted: the networks of a space, with the settings that shape them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from optunas.errors import InvalidSpaceError, InvalidSpecError
from optunas.metrics.predicted.design import Network, network_of
from optunas.metrics.predicted.terms import Counted, terms_of
from optunas.nets.own_build import own_build
from optunas.nets.skeleton import default_counts
from optunas.space import Choice, Float, Int, JointSpace, Space
from optunas.space.cell import Cell, Genotype
from optunas.space.parameters import Parameter

__all__ = ["COUNTS", "Question", "require_networks", "same_settings"]

COUNTS = ("channels", "num_cells")


@dataclass(frozen=True)
class Question:
    """Networks of one kind.

    Attributes:
        space: of the members; alone or joint with hyperparameters.
        input_shape: without batch.
        num_outputs: of the classifier.
        training: settings that are not searched; ``channels`` and ``num_cells`` are read.

    Raises:
        InvalidSpecError: for a space without networks, or one that builds its own.
    """

    space: Space[Any]
    input_shape: tuple[int, ...]
    num_outputs: int
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_networks(self.space)
        object.__setattr__(self, "input_shape", tuple(self.input_shape))

    def parts(self, member: Any) -> tuple[Any, dict[str, Any]]:
        """A member's architecture, and the width and depth that it is built with, where given."""
        architecture, searched = self.space.parts(member)
        settings = {**self.training, **searched}
        return architecture, {name: settings[name] for name in COUNTS if name in settings}

    def identity(self, member: Any) -> str:
        """Equal for members whose networks are equal; a learning rate, say, is no part of it."""
        architecture, counts = self.parts(member)
        return f"{self._architectures.digest(architecture)} {json.dumps(counts, sort_keys=True)}"

    def code(self, member: Any) -> str:
        """Its architecture's JSON with width and depth: one network may have several codes."""
        architecture, counts = self.parts(member)
        return f"{self._architectures.to_json(architecture)} {json.dumps(counts, sort_keys=True)}"

    @cached_property
    def _architectures(self) -> Space[Any]:
        return _searched(self.space)

    def counted(self, member: Any) -> list[Counted]:
        """The terms of a member's network."""
        architecture, counts = self.parts(member)
        return terms_of(architecture, self.input_shape, self.num_outputs, **counts)

    def network(self, member: Any) -> Network:
        """The terms of a member's network, equal ones added up."""
        return network_of(self.counted(member))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that decides what the networks are, as plain data for JSON.

        ``channels`` and ``num_cells`` are the smallest and the largest that occur, None where
        architectures have widths and depths of their own.
        """
        found: dict[str, Any] = {
            "space": _definition(self._architectures),
            "input_shape": list(self.input_shape),
            "num_outputs": self.num_outputs,
        }
        return found | self._counts()

    def _counts(self) -> dict[str, list[int] | None]:
        first = self.space.parts(_any_member(self.space))[0]
        if not isinstance(first, (Cell, Genotype)):
            return dict.fromkeys(COUNTS)
        searched = {name.rpartition(".")[2]: p for name, p in self.space.parameters().items()}
        own = self.space.hyperparameter_names()
        found: dict[str, list[int] | None] = {}
        for name, default in zip(COUNTS, default_counts(None, None), strict=True):
            if name in self.training:
                found[name] = [int(self.training[name])] * 2
            elif name in searched and name in own:
                found[name] = _range(searched[name])
            else:
                found[name] = [default] * 2
        return found


def require_networks(space: Space[Any]) -> None:
    """Refuse a space whose networks are not known from their plan.

    Raises:
        InvalidSpecError: for hyperparameters alone, and for a space that builds its own networks.
    """
    if space.num_architectures() == 0:
        raise InvalidSpecError(
            "The space holds hyperparameters alone: latency is of networks, and none is searched "
            "here."
        )
    if own_build(space) is not None:
        raise InvalidSpecError(
            "The space builds its own networks, whose layers are not known before they are built; "
            "leave their latency to be measured."
        )


def same_settings(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of ``now`` a calibration for ``stored`` does not hold for; empty where it does."""
    found = []
    if stored.get("space") != now["space"]:
        found.append("another space")
    for name in ("input_shape", "num_outputs"):
        if stored.get(name) != now[name]:
            found.append(f"{name} {_text(stored.get(name))}, not {_text(now[name])}")
    for name in COUNTS:
        held, wanted = stored.get(name), now[name]
        if held is None or wanted is None:
            continue  # architectures of their own width; then the spaces are not equal either
        if not held[0] <= wanted[0] <= wanted[1] <= held[1]:
            found.append(f"{name} {_between(held)}, not {_between(wanted)}")
    return found


def _text(value: Any) -> str:
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)


def _between(ends: list[int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _searched(space: Space[Any]) -> Space[Any]:
    """The space of the architectures, out of joint ones."""
    if isinstance(space, JointSpace):
        return _searched(next(s for s in space.spaces.values() if s.num_architectures()))
    return space


def _definition(space: Space[Any]) -> Any:
    try:
        found = space.definition()
    except InvalidSpaceError:  # code that cannot be stored: by its parameters
        found = {"kind": type(space).__name__, "parameters": space.stored_parameters()}
    return json.loads(json.dumps(found))


def _any_member(space: Space[Any]) -> Any:
    return space.decode(space.canonical({n: p.first for n, p in space.parameters().items()}))


def _range(parameter: Parameter) -> list[int]:
    if isinstance(parameter, Choice):
        return [int(min(parameter.options)), int(max(parameter.options))]
    assert isinstance(parameter, (Int, Float))
    return [int(parameter.low), int(parameter.top)]
