"""The network of a ``Macro``."""

from __future__ import annotations

from torch import nn

from optunas.space.macro import Macro

__all__ = ["build_macro"]


def build_macro(architecture: Macro, input_shape: tuple[int, ...], num_outputs: int) -> nn.Module:
    """Build the network of ``architecture``."""
    raise NotImplementedError
