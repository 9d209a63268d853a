"""The work of layers, read off the description that parameters and memory are read off too."""

from __future__ import annotations

import math

from optunas.metrics.flow.pieces import Piece
from optunas.metrics.predicted.work import CLASSES, Work
from optunas.space.layers import Shape, Tally

__all__ = ["work_of"]


def work_of(piece: Piece) -> Work:
    """The work of the piece's layers."""
    net = _Effort(*piece.inputs)
    piece.layers(net, piece.plan)
    return Work(**net.amounts)


class _Effort(Tally):
    """Adds up work: each step reads and writes by itself; norms and biases are small weights."""

    def __init__(self, *inputs: Shape) -> None:
        super().__init__(*inputs)
        self.amounts = dict.fromkeys(CLASSES, 0)
        self._window = ""

    def conv(
        self,
        x: int,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> int:
        """See ``Tally``."""
        self._window = "depthwise" if groups > 1 else "pointwise" if kernel == 1 else "dense"
        return super().conv(x, channels, kernel, stride, groups, bias)

    def step(
        self,
        kind: str,
        reads: tuple[int, ...],
        shape: Shape,
        macs: int = 0,
        weights: int = 0,
        saves: tuple[int, ...] = (),
        saved_bytes: int = 0,
        saved_stats: int = 0,
        in_training: bool = False,
    ) -> int:
        """See ``Tally``; zeros, and what only training runs, are no work."""
        made = super().step(kind, reads, shape, macs, weights)
        if kind != "zeros" and not in_training:
            moved = sum([math.prod(self.shapes[tensor]) for tensor in (*reads, made)])
            self.amounts[self._window if kind == "conv" else "linear"] += macs
            self.amounts["traffic"] += moved + macs // (shape[1] * shape[2])
            self.amounts["steps"] += 1
        return made
