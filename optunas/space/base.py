"""What every search space can do.

A space is a table of parameters of which every combination is valid, and the two translations
between such a combination and an architecture. Everything else follows from these three. Some
parameters may count only when another has a certain value; an architecture does not hold those that
do not count, and no verb depends on them.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import math
import numbers
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, nearest
from optunas.space.conditions import Condition, active, combinations, count, linked
from optunas.space.json_text import load_json
from optunas.space.parameters import Parameter
from optunas.space.references import reference_to

__all__ = ["Space", "Values", "short_hash"]

A = TypeVar("A")
Values = dict[str, Any]
"""One value a parameter, by name."""


def short_hash(*parts: str) -> str:
    """Twenty hexadecimal digits (80 bits) that depend on every part, the same on every machine."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).hexdigest()


class Space(ABC, Generic[A]):
    """A set of architectures: subclass it with ``parameters``, ``encode`` and ``decode``.

    A subclass's constructor arguments must be kept in attributes of the same names (a dataclass
    does), then its definition can be stored with a study.
    """

    default_name: ClassVar[str] = ""
    """Prefix of the parameters' names in a trial when the user gives none."""

    @abstractmethod
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, in order; every combination of values is an architecture."""

    @abstractmethod
    def encode(self, architecture: A) -> Values:
        """The value of every parameter, in the order of :meth:`parameters`.

        A parameter that does not count in this architecture has its first value.
        """

    @abstractmethod
    def decode(self, values: Mapping[str, Any]) -> A:
        """The architecture that has these values; :meth:`check` is not repeated here.

        Every parameter is in ``values``; those that do not count have their first value.
        """

    def conditions(self) -> Mapping[str, Condition]:
        """On what a parameter depends, for those that do not always count; none by default.

        ``{"momentum": Condition("optimizer", ("sgd",))}``: momentum counts with sgd. The other
        parameter comes earlier in :meth:`parameters` and may have a condition itself.
        """
        return {}

    @cached_property
    def _table(self) -> dict[str, Parameter]:
        table = self.parameters()
        what = type(self).__name__
        if not table:
            raise InvalidSpaceError(f"{what} has no parameters; give it at least one.")
        for name, parameter in table.items():
            if not isinstance(name, str) or not name:
                raise InvalidSpaceError(f"{what}: a parameter's name is a string, got {name!r}.")
            if not isinstance(parameter, Parameter):
                raise InvalidSpaceError(
                    f"{what}: parameter {name!r} must be a Choice, Int or Float, got {parameter!r}."
                )
        return table

    @cached_property
    def _conditions(self) -> dict[str, Condition]:
        return linked(self._table, self.conditions(), type(self).__name__)

    def active(self, values: Mapping[str, Any]) -> list[str]:
        """The names of the parameters that count, given these values, in order."""
        if not self._conditions:
            return list(self._table)
        return list(active(self._table, self._conditions, values))

    def canonical(self, values: Mapping[str, Any]) -> Values:
        """The values of all parameters; those that do not count, or are missing, get their first.

        Two parameter dictionaries are one architecture exactly when these are equal.
        """
        if not self._conditions:
            return dict(values)
        counting = active(self._table, self._conditions, values)
        return {
            name: values[name] if name in counting else parameter.first
            for name, parameter in self._table.items()
        }

    @cached_property
    def size(self) -> int | float:
        """Number of members, exact; ``math.inf`` when a parameter is continuous.

        Parameters that do not count are not counted. Several members can be one network, see
        :meth:`digest`.
        """
        return count(self._table, self._conditions)

    def enumerate(self, limit: int | None = None) -> Iterator[A]:
        """Every architecture in lexicographic order of the parameters, at most ``limit``.

        Raises:
            InvalidSpaceError: when a parameter is continuous.
        """
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int) or limit < 0
        ):
            raise InvalidSpaceError(
                f"enumerate: limit must be 0 or more, got {limit!r}; it is an integer, or None "
                "for all."
            )
        for name, parameter in self._table.items():
            if parameter.size == math.inf:
                raise InvalidSpaceError(
                    f"The space is infinite, parameter {name!r} is {parameter.describe()}; "
                    "give it a step to enumerate, or use sample(rng)."
                )
        rows = combinations(self._table, self._conditions)
        if limit is not None:
            rows = itertools.islice(rows, min(limit, sys.maxsize))
        return (self.decode(row) for row in rows)

    def sample(self, rng: np.random.Generator) -> A:
        """One architecture; each parameter that counts independent and uniform (on its scale)."""
        values = {name: p.sample(rng) for name, p in self._table.items()}
        return self.decode(self.canonical(values))

    def check(self, values: Mapping[str, Any], prefix: str = "") -> None:
        """Refuse a parameter dictionary that is not of this space.

        A parameter that does not count may be missing.

        Args:
            values: one value a parameter.
            prefix: what stands before each parameter's name in ``values``.

        Raises:
            InvalidArchitectureError: naming every missing, extra and out-of-range value at once.
        """
        if not isinstance(values, Mapping):
            raise InvalidArchitectureError(
                "Expected a dictionary with one value a parameter, "
                f"got a {type(values).__name__}: {str(values)[:80]!r}."
            )
        table = {prefix + name: parameter for name, parameter in self._table.items()}
        own = {name: values.get(prefix + name) for name in self._table}
        needed = {prefix + name for name in self.active(own)}
        found = []
        for name, parameter in table.items():
            if name not in values and name not in needed:
                continue
            if name not in values:
                found.append(f"Parameter {name!r} is missing; it must be {parameter.describe()}.")
            elif not parameter.contains(values[name]):
                found.append(
                    f"Parameter {name!r} is {values[name]!r}, but it must be "
                    f"{parameter.describe()}."
                )
        found += [
            f"Unknown parameter {name!r}{nearest(str(name), table)}"
            for name in values
            if name not in table
        ]
        if found:
            raise InvalidArchitectureError("\n".join(found))

    def validate(self, architecture: A) -> None:
        """Refuse what is not a member of this space.

        Raises:
            InvalidArchitectureError: naming every problem at once, and where it is.
        """
        try:
            values = self.encode(architecture)
        except (AttributeError, KeyError, TypeError, ValueError, LookupError) as error:
            raise InvalidArchitectureError(
                f"{type(self).__name__} cannot read {architecture!r}: "
                f"{type(error).__name__} {error}."
            ) from error
        self.check(values)

    def mutate(self, architecture: A, rng: np.random.Generator) -> A:
        """A member that differs in exactly one parameter, chosen uniformly from those that count.

        Parameters that come to count by this are drawn at random.

        Raises:
            InvalidSpaceError: when the architecture has no parameter that can change.
        """
        values = self.encode(architecture)
        names = self._mutable
        before = active(self._table, self._conditions, values) if self._conditions else None
        if before is not None:
            names = [name for name in names if name in before]
        if not names:
            raise InvalidSpaceError("The space has a single member, there is nothing to mutate to.")
        name = names[int(rng.integers(len(names)))]
        values[name] = self._table[name].neighbour(values[name], rng)
        if before is not None:
            fresh = {n: p.sample(rng) for n, p in self._table.items() if n not in before}
            values = self.canonical(values | fresh)
        return self.decode(values)

    @cached_property
    def _mutable(self) -> list[str]:
        return [name for name, parameter in self._table.items() if parameter.size > 1]

    def crossover(self, a: A, b: A, rng: np.random.Generator, rate: float = 0.5) -> A:
        """A child whose every value is ``a``'s or, with probability ``rate``, ``b``'s.

        A parameter that counts in the child and in one parent only has that parent's value.

        Raises:
            InvalidSpaceError: when ``rate`` lies outside [0, 1].
        """
        if not isinstance(rate, numbers.Real) or not 0.0 <= rate <= 1.0:
            raise InvalidSpaceError(f"crossover: rate is a probability in [0, 1], got {rate!r}.")
        first, second = self.encode(a), self.encode(b)
        from_b = rng.random(len(first)) < rate
        genes = zip(first, from_b.tolist(), strict=True)
        if not self._conditions:
            return self.decode({name: (second if other else first)[name] for name, other in genes})
        in_a, in_b = (active(self._table, self._conditions, v) for v in (first, second))
        values = {
            name: (second if name in in_b and (other or name not in in_a) else first)[name]
            for name, other in genes
        }
        return self.decode(self.canonical(values))

    def digest(self, architecture: A) -> str:
        """A short string, equal only for architectures that are the same network.

        Here: the same parameters, as far as they count, numbers rounded to their resolution. Cell
        spaces also recognise one network under several codes.
        """
        values = self.encode(architecture)
        rounded = {name: self._table[name].round(values[name]) for name in self.active(values)}
        return short_hash(self._kind, json.dumps(rounded))

    def structure_digest(self, architecture: A) -> str:
        """A coarser class than :meth:`digest` where a space has one; must not be used for reuse."""
        return self.digest(architecture)

    def is_connected(self, architecture: A) -> bool:
        """Whether its network's output depends on the input; one that does not learns nothing."""
        return True

    def features(self, architecture: A) -> np.ndarray:
        """A vector for regressors: one-hot choices, numbers scaled to [0, 1]; shape (F,), float.

        Zeros stand for a parameter that does not count.
        """
        values = self.encode(architecture)
        columns = [p.features(values[name]) for name, p in self._table.items()]
        if self._conditions:
            counting = active(self._table, self._conditions, values)
            for at, name in enumerate(self._table):
                if name not in counting:
                    columns[at] = [0.0] * len(columns[at])
        return np.array(list(itertools.chain.from_iterable(columns)), dtype=float)

    def parts(self, architecture: A) -> tuple[Any, dict[str, Any]]:
        """The architecture that a network is built from (or None), and the hyperparameters."""
        return architecture, {}

    def hyperparameter_names(self) -> tuple[str, ...]:
        """The keys of the second of :meth:`parts`."""
        return ()

    def num_architectures(self) -> int:
        """How many architectures a member holds: 0 for hyperparameters alone, else 1."""
        return 1

    @property
    def _kind(self) -> str:
        """What the JSON of this space's members says they are."""
        return type(self).__name__

    def to_json(self, architecture: A) -> str:
        """The architecture as JSON text; :meth:`from_json` gives an equal one back."""
        values = self.encode(architecture)
        counting = {name: self._table[name].cast(values[name]) for name in self.active(values)}
        body = {"kind": self._kind, "version": 1, "parameters": counting}
        return json.dumps(body, separators=(",", ":"))

    def from_json(self, text: str) -> A:
        """The architecture that :meth:`to_json` wrote.

        Raises:
            InvalidArchitectureError: for JSON of another space or version, or outside this one.
        """
        values = load_json(text, self._kind).get("parameters")
        if not isinstance(values, dict):
            raise InvalidArchitectureError(f"The JSON of a {self._kind} lacks its parameters.")
        self.check(values)
        return self.decode(self.canonical(values))

    def definition(self) -> dict[str, Any]:
        """The space as JSON-able data, from which ``space_from_definition`` rebuilds it.

        Raises:
            InvalidSpaceError: when its code or its arguments cannot be stored.
        """
        return {
            "kind": "custom",
            "version": 1,
            "reference": reference_to(type(self), "The space"),
            "arguments": self._arguments(),
            "parameters": self.stored_parameters(),
        }

    def stored_parameters(self) -> dict[str, Any]:
        """The parameters with their conditions as JSON-able data."""
        stored = {name: parameter.definition() for name, parameter in self._table.items()}
        for name, condition in self._conditions.items():
            stored[name]["when"] = {condition.parent: list(condition.values)}
        return stored

    def _arguments(self) -> dict[str, Any]:
        """The constructor's arguments, read from the attributes of the same names."""
        arguments = {}
        for name, parameter in inspect.signature(type(self)).parameters.items():
            variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            try:
                value = getattr(self, name)
                if variable or json.loads(json.dumps(value)) != _as_json(value):
                    raise TypeError
            except (AttributeError, TypeError, ValueError):
                raise InvalidSpaceError(
                    f"{type(self).__name__} cannot be stored: its argument {name!r} must be kept "
                    "in an attribute of that name and be a string, number or list of such; "
                    "else override definition()."
                ) from None
            arguments[name] = value
        return arguments

    def _identity(self) -> object:
        """What two equal spaces of one class share."""
        return tuple(self._table.items()), tuple(sorted(self._conditions.items()))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), self._identity()))


def _as_json(value: Any) -> Any:
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value
