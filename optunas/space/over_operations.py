"""What the two cell spaces share: candidates, a number of nodes, and how they are stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from optunas.errors import InvalidSpaceError
from optunas.space.base import Space
from optunas.space.cell import Cell, Genotype
from optunas.space.digest import CellDigest
from optunas.space.operations import Operation, resolve_operations
from optunas.space.references import operation_definition, own_operations

__all__ = ["OperationSpace", "refuse_many"]

A = TypeVar("A", Cell, Genotype)


def refuse_many(space: str, num_nodes: int, most: int) -> None:
    """Refuse more nodes than their pairs, which are all written down, leave memory for.

    Raises:
        InvalidSpaceError: for more than ``most``.
    """
    if num_nodes > most:
        raise InvalidSpaceError(
            f"{space}: num_nodes must be at most {most}, got {num_nodes}; a deeper network "
            "stacks cells (build's num_cells, or a StackSpace)."
        )


class OperationSpace(Space[A]):
    """A space of cells over candidate operations.

    Attributes:
        operations: the candidates, in the order of the choices.
        num_nodes: as the subclass counts them.
    """

    member: ClassVar[type]
    """Cell or Genotype, which write and read their own JSON."""
    stored_kind: ClassVar[str]
    """The kind in the space's definition."""

    def __init__(self, operations: Iterable[str | Operation], num_nodes: int) -> None:
        self.operations = resolve_operations(operations)
        self.num_nodes = num_nodes
        self._names = tuple(operation.name for operation in self.operations)
        self._zeros = [operation.name for operation in self.operations if operation.zero]
        self._own = own_operations(self.operations)
        self._digest = CellDigest(self.operations)

    @property
    def _kind(self) -> str:
        return self.member.__name__.lower()

    def to_json(self, architecture: A) -> str:
        return architecture.to_json()

    def from_json(self, text: str) -> A:
        architecture: A = self.member.from_json(text, self._own)  # type: ignore[attr-defined]
        self.validate(architecture)
        return architecture

    def definition(self) -> dict[str, Any]:
        if "stored_kind" not in vars(type(self)):  # a user's subclass is stored by reference
            return super().definition()
        operations = [operation_definition(operation) for operation in self.operations]
        return {
            "kind": self.stored_kind,
            "version": 1,
            "operations": operations,
            "num_nodes": self.num_nodes,
        }

    def _identity(self) -> object:
        return self.operations, self.num_nodes

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(operations={list(self._names)}, num_nodes={self.num_nodes})"
