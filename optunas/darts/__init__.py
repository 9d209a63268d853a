"""DARTS: a differentiable search over cell spaces whose result seeds a study.

Importing this room loads no torch; a search does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.darts.settings import ORDERS, VARIANTS, SearchSettings

if TYPE_CHECKING:
    from optunas.darts.choose import Ranked, discretize, ranked
    from optunas.darts.record import EpochRecord, Search
    from optunas.darts.searching import search
    from optunas.darts.supernet import SuperNetwork

__all__ = [
    "ORDERS",
    "VARIANTS",
    "EpochRecord",
    "Ranked",
    "Search",
    "SearchSettings",
    "SuperNetwork",
    "discretize",
    "ranked",
    "search",
]

_LAZY = {
    "EpochRecord": "record",
    "Ranked": "choose",
    "Search": "record",
    "SuperNetwork": "supernet",
    "discretize": "choose",
    "ranked": "choose",
    "search": "searching",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
