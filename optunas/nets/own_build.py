"""Spaces that build their own networks; no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optunas.space import Space

__all__ = ["own_build"]


def own_build(space: Space[Any]) -> Callable[..., Any] | None:
    """The ``build`` of a space that makes its own networks, also as a joint space's part.

    ``build(architecture, input_shape, num_outputs, settings) -> torch.nn.Module``; None for spaces
    whose networks the task builds.
    """
    for part in getattr(space, "spaces", {"": space}).values():
        if part.num_architectures() and hasattr(part, "build"):
            return part.build
    return None
