"""Networks: the skeletons' plans, the candidate operations, and what is built from them.

Importing this room loads no torch; its torch-needing names are resolved when asked for. ``build``
is imported from its module, ``from optunas.nets.build import build``; users call ``optunas.build``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.nets.skeleton import Skeleton, skeleton

if TYPE_CHECKING:
    from optunas.nets.build import DenseNetwork, PairNetwork
    from optunas.nets.cells import DenseCell, PairCell
    from optunas.nets.operations import make
    from optunas.nets.reference import resnet_small

__all__ = [
    "DenseCell",
    "DenseNetwork",
    "PairCell",
    "PairNetwork",
    "Skeleton",
    "make",
    "resnet_small",
    "skeleton",
]

_LAZY = {
    "DenseCell": "cells",
    "DenseNetwork": "build",
    "PairCell": "cells",
    "PairNetwork": "build",
    "make": "operations",
    "resnet_small": "reference",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
