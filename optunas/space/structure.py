"""NAS-Bench-201's own notion of "the same cell": expression strings.

Coarser than :mod:`optunas.space.digest` in one way (an expression forgets whether two equal parts
share their weights) and finer in another (a zero part leaves its ``#`` in a sum), so the two are
never exchanged: classes of expressions serve comparison with the paper, not the reuse of results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from optunas.space.cell import Cell
from optunas.space.digest import Kind

__all__ = ["structure_expression"]

_LONGEST = 4096
"""Expressions double at every node; longer ones stand as their hash."""


def structure_expression(cell: Cell, kinds: Mapping[str, Kind], strided: bool = False) -> str:
    """The expression of the cell's output, as NAS-Bench-201 writes it to tell cells apart.

    A skip is its source's expression, ``none`` and what comes from a zero is ``#``, sums are sorted
    (Dong and Yang 2020, 15,625 codes make 6,466 expressions; their ``to_unique_str``). A cell with
    two inputs sorts its concatenated nodes; ``strided`` makes the skips from its inputs operations.
    """
    expressions = [str(node) for node in range(cell.num_inputs)]
    for node in range(cell.num_inputs, cell.num_nodes):
        parts = []
        for source, _, name in cell.into(node):
            kind, before = kinds[name], expressions[source]
            if kind.zero or before == "#":
                parts.append("#")
            elif kind.identity and not (strided and source < cell.num_inputs):
                parts.append(before)
            else:
                parts.append(f"({before})@{name}")
        expressions.append(_shorten("+".join(sorted(parts))))
    if cell.num_inputs == 1:
        return expressions[-1]
    return "|".join(sorted(expressions[cell.num_inputs :]))


def _shorten(expression: str) -> str:
    if len(expression) <= _LONGEST:
        return expression
    return "~" + hashlib.blake2b(expression.encode(), digest_size=16).hexdigest()
