"""How a space's own code is stored: as the name under which Python can import it again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space.operations import VOCABULARY, Operation

__all__ = [
    "Resolve",
    "is_own",
    "operation_definition",
    "operation_from_definition",
    "own_operations",
    "reference_to",
]

Resolve = Callable[[str], Any]
"""``resolve("package.module:name")`` imports the object; its caller decides what is trusted."""

_FLAGS = ("parameter_free", "weightless", "zero", "identity")


def reference_to(thing: Any, what: str) -> str:
    """The ``"module:qualname"`` of an importable class or function.

    Raises:
        InvalidSpaceError: for a lambda, a local definition, an instance, or code of the running
            script, none of which another process can import.
    """
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None)
    remedy = "define it at the top level of a module that can be imported"
    if not module or not name:
        raise InvalidSpaceError(f"{what} {thing!r} cannot be stored by name; {remedy}.")
    if "<lambda>" in name or "<locals>" in name:
        raise InvalidSpaceError(
            f"{what} {name!r} is a lambda or a local definition and cannot be stored; {remedy}."
        )
    if module == "__main__":
        raise InvalidSpaceError(
            f"{what} {name!r} is defined in the running script and cannot be stored; {remedy}."
        )
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not thing:
        raise InvalidSpaceError(
            f"{what} {module}:{name} is not the object of that name in its module; {remedy}."
        )
    return f"{module}:{name}"


def is_own(operation: Operation) -> bool:
    """Whether the operation is a user's, not one of the vocabulary."""
    return operation.factory is not None or VOCABULARY.get(operation.name) != operation


def own_operations(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The user's operations among ``operations``."""
    return tuple(operation for operation in operations if is_own(operation))


def operation_definition(operation: Operation) -> str | dict[str, Any]:
    """A vocabulary operation's name, or an own operation as JSON-able data.

    Raises:
        InvalidSpaceError: when its factory or cost cannot be imported by name.
    """
    if not is_own(operation):
        return operation.name
    data: dict[str, Any] = {"name": operation.name}
    for role in ("factory", "cost"):
        code = getattr(operation, role)
        what = f"The {role} of operation {operation.name!r},"
        data[role] = None if code is None else reference_to(code, what)
    return data | {flag: getattr(operation, flag) for flag in _FLAGS}


def operation_from_definition(data: str | Mapping[str, Any], resolve: Resolve) -> Operation:
    """The operation that :func:`operation_definition` described.

    Raises:
        InvalidSpaceError: for data of another form.
        UnknownNameError: for a name that the vocabulary lacks.
    """
    if isinstance(data, str):
        if data not in VOCABULARY:
            raise UnknownNameError("operation", data, VOCABULARY)
        return VOCABULARY[data]
    try:
        code = [None if data[role] is None else resolve(data[role]) for role in ("factory", "cost")]
        flags = {flag: bool(data[flag]) for flag in _FLAGS}
        return Operation(data["name"], code[0], code[1], **flags)
    except (KeyError, TypeError):
        raise InvalidSpaceError(f"Expected a stored operation, got {data!r}.") from None
