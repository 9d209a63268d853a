"""The candidate operations of a space, whatever way it holds them."""

from __future__ import annotations

from typing import Any

from optunas.space import VOCABULARY, Operation

__all__ = ["as_operation", "operations_of"]


def operations_of(part: Any) -> tuple[Operation, ...]:
    """The candidate operations of a space, or of the space of its cells; () where it has none."""
    for holder in (part, getattr(part, "cell", None)):
        given = getattr(holder, "operations", None)
        if isinstance(given, (tuple, list)) and given:
            known = [as_operation(one) for one in given]
            return tuple(one for one in known if one is not None)
    return ()


def as_operation(given: Any) -> Operation | None:
    """An operation, or what a name says of one; None for anything else."""
    if isinstance(given, Operation):
        return given
    if not isinstance(given, str) or not given.replace("_", "").isalnum():
        return None
    zero, identity = given in ("none", "zero"), given in ("identity", "skip_connect")
    weightless = zero or given.endswith("pool")
    known = VOCABULARY.get(given)
    return known or Operation(given, weightless=weightless, zero=zero, identity=identity)
