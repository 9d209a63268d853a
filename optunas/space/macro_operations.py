"""The names that a macro architecture is made of, and which fields each operation has.

No torch here: the modules are in :mod:`optunas.nets.macro_layers`.
"""

from __future__ import annotations

__all__ = [
    "ACTIVATIONS",
    "CONVOLUTIONS",
    "DENSE_NORMS",
    "JOINS",
    "MACRO_OPERATIONS",
    "NORMS",
    "POOLS",
    "READOUTS",
]

CONVOLUTIONS = ("conv", "sep_conv", "dil_conv")
"""With filters, kernel, stride, norm and activation. ``sep_conv`` is depthwise, then 1x1;
``dil_conv`` is a full convolution whose window is spread by a dilation of 2."""

POOLS = ("max_pool", "avg_pool")
"""With a kernel; always stride 2."""

MACRO_OPERATIONS = (*CONVOLUTIONS, *POOLS, "identity", "zero")
"""All built-in operations of a layer; ``zero`` cuts the path, joins around it remain."""

ACTIVATIONS = ("relu", "relu6", "gelu", "silu")
NORMS = ("batch", "group", "none")
DENSE_NORMS = ("batch", "layer", "none")
JOINS = ("add", "concat")
READOUTS = ("average", "max", "flatten")
