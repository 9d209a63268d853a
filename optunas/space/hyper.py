"""Hyperparameters as a space: an optimizer, a learning rate, a width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from optunas.errors import InvalidArchitectureError, InvalidSpaceError
from optunas.space.base import Space, Values
from optunas.space.conditions import Condition, When
from optunas.space.frozen import FrozenMapping
from optunas.space.parameters import Parameter, Scalar

__all__ = ["HyperSpace", "Hyperparameters"]


class Hyperparameters(FrozenMapping[Scalar]):
    """Named values; frozen and hashable, equal to a dictionary of the same items."""

    __slots__ = ()


class HyperSpace(Space[Hyperparameters]):
    """Named parameters; one may count only when another has a certain value.

    ``HyperSpace(lr=Float(1e-4, 0.1, log=True), width=Choice([8, 16]))``, or a mapping for names
    that are no Python identifiers. ``momentum=When(Float(0.5, 0.99), optimizer="sgd")`` is a
    parameter that only counts with sgd: a member without sgd has no momentum. ``group`` makes a
    choice between alternatives that have parameters of their own.

    Raises:
        InvalidSpaceError: for no parameters, a value that is none, a name given twice, or a
            condition that cannot be met.
    """

    default_name: ClassVar[str] = ""

    def __init__(
        self,
        parameters: Mapping[str, Parameter | When] | None = None,
        /,
        **named: Parameter | When,
    ) -> None:
        if parameters is not None and not isinstance(parameters, Mapping):
            raise InvalidSpaceError(
                "HyperSpace takes parameters by name, such as HyperSpace(lr=Float(0.001, 0.1)) or "
                f"a mapping of them, got {parameters!r}."
            )
        given = dict(parameters or {})
        twice = sorted(given.keys() & named.keys())
        if twice:
            raise InvalidSpaceError(f"HyperSpace: {', '.join(twice)} is given twice.")
        given |= named
        self._given: dict[str, Parameter] = {
            name: p.parameter if isinstance(p, When) else p for name, p in given.items()
        }
        self._when = {name: p.condition for name, p in given.items() if isinstance(p, When)}
        _ = self._conditions  # refuse bad parameters here, not at the first use

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._given)

    def conditions(self) -> dict[str, Condition]:
        return dict(self._when)

    def encode(self, architecture: Mapping[str, Scalar]) -> Values:
        if self._when:
            return self.canonical(architecture)
        return {name: architecture[name] for name in self._given}

    def decode(self, values: Mapping[str, Any]) -> Hyperparameters:
        names = self.active(values)
        return Hyperparameters({name: self._given[name].cast(values[name]) for name in names})

    def validate(self, architecture: Mapping[str, Scalar]) -> None:
        if not isinstance(architecture, Mapping):
            raise InvalidArchitectureError(
                f"A HyperSpace holds Hyperparameters, got a {type(architecture).__name__}."
            )
        self.check(architecture)
        counting = self.active(architecture)
        found = [
            f"Parameter {name!r} does not count here, only when "
            f"{self._conditions[name].parent!r} is "
            f"{' or '.join(map(repr, self._conditions[name].values))}; leave it out."
            for name in architecture
            if name not in counting
        ]
        if found:
            raise InvalidArchitectureError("\n".join(found))

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
        return {"kind": "hyper", "version": 1, "parameters": self.stored_parameters()}

    def __repr__(self) -> str:
        shown = {
            name: f"When({p!r}, {{{self._when[name].parent!r}: {self._when[name].values!r}}})"
            if name in self._when
            else repr(p)
            for name, p in self._given.items()
        }
        return f"HyperSpace({{{', '.join(f'{name!r}: {text}' for name, text in shown.items())}}})"
