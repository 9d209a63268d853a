"""Operations as a drawing shows them: a short label, and a family with a colour."""

from __future__ import annotations

import re
from typing import NamedTuple

from optunas.draw.svg import shorten
from optunas.space.cell import Cell
from optunas.space.operations import VOCABULARY

__all__ = ["OWN", "Family", "family", "short_label", "zero_names"]


class Family(NamedTuple):
    """Operations of one kind: legend name, line colour, label tint, label text colour."""

    name: str
    line: str
    tint: str
    ink: str


_FAMILIES = {
    "nor_conv": Family("convolution", "#2563eb", "#dbeafe", "#1e40af"),
    "sep_conv": Family("separable convolution", "#0f9d76", "#d1fae5", "#065f46"),
    "dil_conv": Family("dilated convolution", "#9333ea", "#f3e8ff", "#6b21a8"),
    "pool": Family("pooling", "#d97706", "#fef3c7", "#92400e"),
    "skip": Family("skip connection", "#64748b", "#f1f5f9", "#334155"),
}
OWN = Family("own operation", "#db2777", "#fce7f3", "#9d174d")
"""Whatever the vocabulary does not know."""

_WORDS = {"nor_conv": "conv", "sep_conv": "sep", "dil_conv": "dil"}


def family(operation: str) -> Family:
    """The family of an operation, :data:`OWN` for a name outside the vocabulary."""
    if operation not in VOCABULARY:
        return OWN
    if operation == "skip_connect":
        return _FAMILIES["skip"]
    return _FAMILIES["pool" if "_pool_" in operation else operation[:8]]


def short_label(operation: str) -> str:
    """``sep_conv_3x3`` as ``sep 3×3``, an own name with spaces and at most 18 characters."""
    if operation == "skip_connect":
        return "skip"
    label = _WORDS.get(operation[:8], operation[:8]) + operation[8:]
    label = re.sub(r"(\d)x(\d)", r"\1×\2", label).replace("_pool", "").replace("_", " ").strip()
    return shorten(label or operation, 18)


def zero_names(cell: Cell) -> frozenset[str]:
    """The operations of a cell that pass nothing on: ``none``, and own ones that say so."""
    return frozenset({"none"} | {op.name for op in cell.operations if op.zero})
