"""A piece of a network: its layers, told to whatever reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.steps import Segment
from optunas.space.layers import Shape, Tally
from optunas.space.operations import Cost

__all__ = ["Piece"]


class Piece(NamedTuple):
    """A stem, a block, a layer, a head.

    Attributes:
        layers: tells a tally that has the inputs of the layers of a plan; returns the output.
        plan: of this piece.
        inputs: shapes of the tensors that come from outside.
    """

    layers: Callable[[Tally, Any], int]
    plan: Any
    inputs: tuple[Shape, ...]

    @property
    def cost(self) -> Cost:
        """Parameters and multiply-accumulates."""
        return _cost(self)

    @property
    def segment(self) -> Segment:
        """Its steps; equal pieces have the same one."""
        return _segment(self)


@lru_cache(maxsize=65536)
def _cost(piece: Piece) -> Cost:
    net = Tally(*piece.inputs)
    piece.layers(net, piece.plan)
    return Cost(net.params, net.macs)


@lru_cache(maxsize=4096)
def _segment(piece: Piece) -> Segment:
    builder = Builder(*piece.inputs)
    return builder.done(piece.layers(builder, piece.plan))
