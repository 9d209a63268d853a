"""Spaces of cells that differ along the depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from optunas.space.base import Space, Values
from optunas.space.parameters import Parameter
from optunas.space.references import Resolve
from optunas.space.stack import Stack

__all__ = ["StackSpace"]


class StackSpace(Space[Stack]):
    """A cell for each position, widths of the stages, places of the reductions."""

    default_name: ClassVar[str] = "stack"

    def parameters(self) -> dict[str, Parameter]:
        raise NotImplementedError

    def encode(self, architecture: Stack) -> Values:
        raise NotImplementedError

    def decode(self, values: Mapping[str, Any]) -> Stack:
        raise NotImplementedError

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> StackSpace:
        """The space that ``definition()`` described."""
        raise NotImplementedError
