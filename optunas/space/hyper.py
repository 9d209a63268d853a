"""Hyperparameters as a space: an optimizer, a learning rate, a width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space.base import Space, Values
from optunas.space.frozen import FrozenMapping
from optunas.space.parameters import Parameter, Scalar

__all__ = ["HyperSpace", "Hyperparameters"]


class Hyperparameters(FrozenMapping[Scalar]):
    """Named values; frozen and hashable, equal to a dictionary of the same items."""

    __slots__ = ()


class HyperSpace(Space[Hyperparameters]):
    """Named parameters, each free of the others.

    ``HyperSpace(lr=Float(1e-4, 0.1, log=True), width=Choice([8, 16]))``, or a mapping for names
    that are no Python identifiers.

    Raises:
        InvalidSpaceError: for no parameters, a value that is none, or a name given twice.
    """

    default_name: ClassVar[str] = ""

    def __init__(
        self, parameters: Mapping[str, Parameter] | None = None, /, **named: Parameter
    ) -> None:
        given = dict(parameters or {})
        twice = sorted(given.keys() & named.keys())
        if twice:
            raise InvalidSpaceError(f"HyperSpace: {', '.join(twice)} is given twice.")
        self._given = {**given, **named}
        _ = self._table  # refuse bad parameters here, not at the first use

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._given)

    def encode(self, architecture: Mapping[str, Scalar]) -> Values:
        return {name: architecture[name] for name in self._given}

    def decode(self, values: Mapping[str, Any]) -> Hyperparameters:
        return Hyperparameters({name: p.cast(values[name]) for name, p in self._given.items()})

    def validate(self, architecture: Mapping[str, Scalar]) -> None:
        if not isinstance(architecture, Mapping):
            raise InvalidArchitectureError(
                f"A HyperSpace holds Hyperparameters, got a {type(architecture).__name__}."
            )
        self.check(architecture)

    def parts(self, architecture: Mapping[str, Scalar]) -> tuple[None, dict[str, Any]]:
        return None, dict(architecture)

    def hyperparameter_names(self) -> tuple[str, ...]:
        return tuple(self._given)

    def num_architectures(self) -> int:
        return 0

    @property
    def _kind(self) -> str:
        return "hyperparameters"

    def definition(self) -> dict[str, Any]:
        if type(self) is not HyperSpace:
            return super().definition()
        table = {name: parameter.definition() for name, parameter in self._given.items()}
        return {"kind": "hyper", "version": 1, "parameters": table}

    def __repr__(self) -> str:
        return f"HyperSpace({self._given!r})"
