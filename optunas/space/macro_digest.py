"""Which macro architectures are the same network."""

from __future__ import annotations

from collections.abc import Collection

from optunas.space.base import short_hash
from optunas.space.macro import Macro
from optunas.space.macro_graph import ZERO, live_graph

__all__ = ["macro_digest"]


def macro_digest(macro: Macro, zeros: Collection[str] = ()) -> str:
    """A short string, equal only for macros that compute the same function.

    Such macros have the same parameters and, after copying them, the same float64 output. The
    rules are those of :mod:`optunas.space.macro_graph`. The readout counts where there are feature
    maps to read: not for the input alone, flattened, and not between average and max of zeros.

    Args:
        macro: a network (see ``macro_check``).
        zeros: own operations that always give zeros.
    """
    graph = live_graph(macro, zeros)
    readout = macro.readout
    if graph.output == ZERO and readout == "max":
        readout = "average"
    dense = [
        f"{one.units},{one.activation},{one.norm},{float(one.dropout)!r}" for one in macro.dense
    ]
    return short_hash("macro", graph.text(), readout, *dense)
