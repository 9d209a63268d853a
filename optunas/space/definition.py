"""Spaces from stored definitions, so that a study can be run on another machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from optunas.errors import InvalidSpaceError, nearest
from optunas.space.base import Space
from optunas.space.conditions import When
from optunas.space.dense import DenseCellSpace
from optunas.space.elastic import ElasticSpace
from optunas.space.hyper import HyperSpace
from optunas.space.joint import JointSpace
from optunas.space.macro_space import MacroSpace
from optunas.space.parameters import Choice, Parameter
from optunas.space.ranges import Float, Int
from optunas.space.references import Resolve, operation_from_definition
from optunas.space.stack_space import StackSpace
from optunas.space.two_input import CellSpace

__all__ = ["parameter_from_definition", "space_from_definition"]


def space_from_definition(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    """The space that ``space.definition()`` described, equal to the one that was stored.

    Args:
        definition: JSON-able data with ``kind`` and ``version``.
        resolve: imports ``"module:qualname"``; the caller decides which code is trusted.

    Raises:
        InvalidSpaceError: for another kind or version, a field that is missing, or a user's space
            whose parameters have changed since.
    """
    if not isinstance(definition, Mapping):
        raise InvalidSpaceError(
            f"A stored space is an object with its kind and version, got {definition!r}."
        )
    kind, version = definition.get("kind"), definition.get("version")
    if not isinstance(kind, str) or kind not in _BUILDERS:
        hint = nearest(str(kind), _BUILDERS)
        raise InvalidSpaceError(f"Unknown kind of space {kind!r}{hint}")
    if version != 1:
        raise InvalidSpaceError(
            f"This {kind} space was stored in version {version!r}, this optunas reads version 1."
        )
    try:
        return _BUILDERS[kind](definition, resolve)
    except KeyError as error:
        raise InvalidSpaceError(f"The stored {kind} space lacks its {error}.") from error


def parameter_from_definition(definition: Mapping[str, Any]) -> Parameter | When:
    """The parameter that :meth:`Parameter.definition` described, with its condition if it has one.

    Raises:
        InvalidSpaceError: for data of another form.
    """
    fields = dict(definition)
    condition = fields.pop("when", None)
    kinds: dict[str, type] = {"choice": Choice, "int": Int, "float": Float}
    kind = kinds.get(fields.pop("type", ""))
    try:
        if kind is None:
            raise TypeError
        parameter: Parameter = kind(**fields)
    except TypeError:
        raise InvalidSpaceError(
            f"A stored parameter has a type (choice, int or float) and its fields, "
            f"got {dict(definition)!r}."
        ) from None
    return parameter if condition is None else When(parameter, condition)


def _dense(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    operations = [operation_from_definition(o, resolve) for o in definition["operations"]]
    return DenseCellSpace(operations, definition["num_nodes"])


def _cell(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    operations = [operation_from_definition(o, resolve) for o in definition["operations"]]
    return CellSpace(operations, definition["num_nodes"])


def _hyper(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    table = definition["parameters"]
    return HyperSpace({name: parameter_from_definition(p) for name, p in table.items()})


def _joint(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    spaces = definition["spaces"]
    return JointSpace({name: space_from_definition(s, resolve) for name, s in spaces.items()})


def _custom(definition: Mapping[str, Any], resolve: Resolve) -> Space[Any]:
    reference = definition["reference"]
    made = resolve(reference)
    space = made(**definition["arguments"]) if callable(made) else made
    if not isinstance(space, Space):
        raise InvalidSpaceError(f"The stored space {reference!r} is {space!r}, not a Space.")
    now = json.loads(json.dumps(space.stored_parameters()))
    if now != definition["parameters"]:
        raise InvalidSpaceError(
            f"The parameters of {reference} have changed since the space was stored; "
            "start a new study, or bring the old code back."
        )
    return space


_BUILDERS: dict[str, Callable[[Mapping[str, Any], Resolve], Space[Any]]] = {
    "dense_cell": _dense,
    "cell": _cell,
    "hyper": _hyper,
    "joint": _joint,
    "macro": MacroSpace.from_definition,
    "elastic": ElasticSpace.from_definition,
    "stack": StackSpace.from_definition,
    "custom": _custom,
}
