"""Once-for-All spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from optunas.space.base import Space, Values
from optunas.space.parameters import Parameter
from optunas.space.references import Resolve
from optunas.space.subnet import Subnet

__all__ = ["ElasticSpace"]


class ElasticSpace(Space[Subnet]):
    """Depth, width and kernel of the stages of one large network."""

    default_name: ClassVar[str] = "subnet"

    def parameters(self) -> dict[str, Parameter]:
        raise NotImplementedError

    def encode(self, architecture: Subnet) -> Values:
        raise NotImplementedError

    def decode(self, values: Mapping[str, Any]) -> Subnet:
        raise NotImplementedError

    @classmethod
    def from_definition(cls, definition: Mapping[str, Any], resolve: Resolve) -> ElasticSpace:
        """The space that ``definition()`` described."""
        raise NotImplementedError
