"""Parameters and multiply-accumulates of a ``Subnet`` without building it."""

from __future__ import annotations

from optunas.space.operations import Cost
from optunas.space.subnet import Subnet

__all__ = ["subnet_cost"]


def subnet_cost(architecture: Subnet, input_shape: tuple[int, ...], num_outputs: int) -> Cost:
    """The cost of the network that ``build`` makes."""
    raise NotImplementedError
