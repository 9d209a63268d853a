"""The network of a ``Subnet``."""

from __future__ import annotations

from torch import nn

from optunas.space.subnet import Subnet

__all__ = ["build_subnet"]


def build_subnet(architecture: Subnet, input_shape: tuple[int, ...], num_outputs: int) -> nn.Module:
    """Build the network of ``architecture``."""
    raise NotImplementedError
