"""Conformance suites for a user's own pieces; they need pytest.

``SpaceConformance`` holds a search space to what every search space does, ``NetworkConformance``
its networks to what every network does (and imports torch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import pytest  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "optunas.testing needs pytest, which is not installed: pip install 'optunas[test]'."
    ) from error

from optunas.testing.spaces import SpaceConformance

if TYPE_CHECKING:
    from optunas.testing.networks import NetworkConformance

__all__ = ["NetworkConformance", "SpaceConformance"]


def __getattr__(name: str) -> Any:
    if name != "NetworkConformance":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from optunas.testing.networks import NetworkConformance

    return NetworkConformance
