"""Parameters and multiply-accumulates of a ``Macro`` without building it."""

from __future__ import annotations

from optunas.space.macro import Macro
from optunas.space.operations import Cost

__all__ = ["macro_cost"]


def macro_cost(architecture: Macro, input_shape: tuple[int, ...], num_outputs: int) -> Cost:
    """The cost of the network that ``build`` makes."""
    raise NotImplementedError
