"""The space of macro architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from optunas.space.base import Space, Values
from optunas.space.macro import Macro
from optunas.space.parameters import Parameter
from optunas.space.references import Resolve

__all__ = ["MacroSpace"]


class MacroSpace(Space[Macro]):
    """Depth, layers, widths, skip connections and how they join."""

    default_name: ClassVar[str] = "macro"

    def parameters(self) -> dict[str, Parameter]:
        raise NotImplementedError

    def encode(self, architecture: Macro) -> Values:
        raise NotImplementedError

    def decode(self, values: Mapping[str, Any]) -> Macro:
        raise NotImplementedError

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> MacroSpace:
        """The space that ``definition()`` described."""
        raise NotImplementedError
