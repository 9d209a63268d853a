"""A product of named spaces: one study over a cell and its training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from optunas.errors import InvalidArchitectureError, InvalidSpaceError, nearest
from optunas.space.base import Space, Values, short_hash
from optunas.space.conditions import Condition
from optunas.space.frozen import FrozenMapping
from optunas.space.json_text import load_json
from optunas.space.parameters import Parameter

__all__ = ["Joint", "JointSpace"]


class Joint(FrozenMapping[Any]):
    """One member of each named space; frozen and hashable."""

    __slots__ = ()


class JointSpace(Space[Joint]):
    """All combinations of the members of named spaces; parameters are ``cell.edge0-1``, ``hp.lr``.

    ``JointSpace(cell=NB201, hp=HyperSpace(lr=Float(1e-3, 1e-1, log=True)))``, or a mapping.

    Raises:
        InvalidSpaceError: for no spaces, a part that is none, colliding parameter or
            hyperparameter names, or two architectures.
    """

    default_name: ClassVar[str] = ""

    def __init__(
        self, spaces: Mapping[str, Space[Any]] | None = None, /, **named: Space[Any]
    ) -> None:
        if spaces is not None and not isinstance(spaces, Mapping):
            raise InvalidSpaceError(
                "JointSpace takes spaces by name, such as JointSpace(cell=NB201, hp=...), or a "
                f"mapping of them, got {spaces!r}."
            )
        given = dict(spaces or {})
        twice = sorted(given.keys() & named.keys())
        if twice:
            raise InvalidSpaceError(f"JointSpace: {', '.join(twice)} is given twice.")
        self.spaces: dict[str, Space[Any]] = {**given, **named}
        self._check_parts()
        tables = {part: space.parameters() for part, space in self.spaces.items()}
        self._names = {p: [(f"{p}.{name}", name) for name in table] for p, table in tables.items()}
        _refuse_collisions(
            [full for names in self._names.values() for full, _ in names], "parameter"
        )
        self._parameters: dict[str, Parameter] = {
            full: tables[part][name] for part, names in self._names.items() for full, name in names
        }
        _refuse_collisions(self.hyperparameter_names(), "hyperparameter")

    def _check_parts(self) -> None:
        if not self.spaces:
            raise InvalidSpaceError("JointSpace needs at least one named space, got none.")
        for name, space in self.spaces.items():
            if not isinstance(name, str) or not name:
                raise InvalidSpaceError(f"JointSpace: a part's name is a string, got {name!r}.")
            if not isinstance(space, Space):
                raise InvalidSpaceError(
                    f"JointSpace: part {name!r} must be a Space, got {space!r}."
                )
        if self.num_architectures() > 1:
            parts = [name for name, space in self.spaces.items() if space.num_architectures()]
            raise InvalidSpaceError(
                f"JointSpace: {' and '.join(parts)} are {self.num_architectures()} architectures, "
                "but a network is built from one; put the others into studies of their own."
            )

    def parameters(self) -> dict[str, Parameter]:
        return dict(self._parameters)

    def conditions(self) -> dict[str, Condition]:
        return {
            f"{part}.{name}": Condition(f"{part}.{condition.parent}", condition.values)
            for part, space in self.spaces.items()
            for name, condition in space.conditions().items()
        }

    def _part(self, values: Mapping[str, Any], part: str) -> Values:
        return {name: values[full] for full, name in self._names[part]}

    def encode(self, architecture: Mapping[str, Any]) -> Values:
        values: Values = {}
        for part, space in self.spaces.items():
            encoded = space.encode(architecture[part])
            values.update({full: encoded[name] for full, name in self._names[part]})
        return values

    def decode(self, values: Mapping[str, Any]) -> Joint:
        return Joint({p: space.decode(self._part(values, p)) for p, space in self.spaces.items()})

    def sample(self, rng: np.random.Generator) -> Joint:
        return Joint({part: space.sample(rng) for part, space in self.spaces.items()})

    def validate(self, architecture: Mapping[str, Any]) -> None:
        if not isinstance(architecture, Mapping):
            raise InvalidArchitectureError(
                f"A JointSpace holds Joints, got a {type(architecture).__name__}."
            )
        found = [
            f"Unknown part {part!r}{nearest(str(part), self.spaces)}"
            for part in architecture
            if part not in self.spaces
        ]
        for part, space in self.spaces.items():
            if part not in architecture:
                found.append(f"Part {part!r} is missing.")
                continue
            try:
                space.validate(architecture[part])
            except InvalidArchitectureError as error:
                found += [f"{part}: {line}" for line in str(error).splitlines()]
        if found:
            raise InvalidArchitectureError("\n".join(found))

    def digest(self, architecture: Mapping[str, Any]) -> str:
        """Equal only when every part's digest is."""
        return self._hash(architecture, lambda space, part: space.digest(part))

    def structure_digest(self, architecture: Mapping[str, Any]) -> str:
        return self._hash(architecture, lambda space, part: space.structure_digest(part))

    def _hash(
        self, architecture: Mapping[str, Any], digest: Callable[[Space[Any], Any], str]
    ) -> str:
        digests = [f"{p}={digest(space, architecture[p])}" for p, space in self.spaces.items()]
        return short_hash("joint", *digests)

    def is_connected(self, architecture: Mapping[str, Any]) -> bool:
        return all(space.is_connected(architecture[p]) for p, space in self.spaces.items())

    def features(self, architecture: Mapping[str, Any]) -> np.ndarray:
        return np.concatenate([s.features(architecture[p]) for p, s in self.spaces.items()])

    def parts(self, architecture: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        found: Any = None
        hyperparameters: dict[str, Any] = {}
        for name, space in self.spaces.items():
            one, more = space.parts(architecture[name])
            if space.num_architectures():
                found = one
            hyperparameters.update(more)
        return found, hyperparameters

    def hyperparameter_names(self) -> tuple[str, ...]:
        return tuple(n for space in self.spaces.values() for n in space.hyperparameter_names())

    def num_architectures(self) -> int:
        return sum(space.num_architectures() for space in self.spaces.values())

    @property
    def _kind(self) -> str:
        return "joint"

    def to_json(self, architecture: Mapping[str, Any]) -> str:
        parts = {p: json.loads(s.to_json(architecture[p])) for p, s in self.spaces.items()}
        return json.dumps({"kind": "joint", "version": 1, "parts": parts}, separators=(",", ":"))

    def from_json(self, text: str) -> Joint:
        parts = load_json(text, "joint").get("parts")
        names = list(parts) if isinstance(parts, dict) else parts
        if not isinstance(parts, dict) or set(parts) != set(self.spaces):
            raise InvalidArchitectureError(
                f"This joint space has the parts {list(self.spaces)}, the JSON has {names!r}."
            )
        return Joint({p: s.from_json(json.dumps(parts[p])) for p, s in self.spaces.items()})

    def definition(self) -> dict[str, Any]:
        if type(self) is not JointSpace:
            return super().definition()
        spaces = {name: space.definition() for name, space in self.spaces.items()}
        return {"kind": "joint", "version": 1, "spaces": spaces}

    def _identity(self) -> object:
        return tuple(self.spaces.items())

    def __repr__(self) -> str:
        return f"JointSpace({self.spaces!r})"


def _refuse_collisions(names: list[str] | tuple[str, ...], what: str) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise InvalidSpaceError(
            f"JointSpace: the {what} name {', '.join(map(repr, twice))} occurs in two parts; "
            "rename one."
        )
