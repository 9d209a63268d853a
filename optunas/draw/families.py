"""Operations as a drawing shows them: a short label, and a family with a colour."""

from __future__ import annotations

import re
from typing import NamedTuple

from optunas.draw.svg import shorten
from optunas.space.cell import Cell
from optunas.space.operations import VOCABULARY

__all__ = [
    "DENSE",
    "OWN",
    "SKIP",
    "ZERO",
    "Family",
    "family",
    "layer_family",
    "layer_label",
    "short_label",
    "zero_names",
]


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
SKIP = Family("identity", "#64748b", "#f1f5f9", "#334155")
"""A layer that passes its input on."""

ZERO = Family("zero", "#94a3b8", "#ffffff", "#64748b")
"""A layer that passes nothing on."""

DENSE = Family("fully connected", "#0891b2", "#cffafe", "#155e75")
"""A fully connected layer."""

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


_LAYERS = {
    "conv": ("conv", "nor_conv"),
    "sep_conv": ("sep", "sep_conv"),
    "dil_conv": ("dil", "dil_conv"),
    "max_pool": ("max pool", "pool"),
    "avg_pool": ("avg pool", "pool"),
}


def layer_family(operation: str) -> Family:
    """The family of a macro layer's operation, :data:`OWN` for one that a user brought."""
    if operation in _LAYERS:
        return _FAMILIES[_LAYERS[operation][1]]
    return {"identity": SKIP, "zero": ZERO}.get(operation, OWN)


def layer_label(operation: str, kernel: int | None) -> str:
    """``conv`` with kernel 3 as ``conv 3×3``, an own name with spaces and cut to 18 characters."""
    if operation in _LAYERS:
        words = _LAYERS[operation][0]
    else:
        words = shorten(operation.replace("_", " ").strip() or operation, 18)
    return words if kernel is None else f"{words} {kernel}×{kernel}"
