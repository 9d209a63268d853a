"""DARTS: a differentiable search over cells or layers whose result seeds a study.

Importing this room loads no torch; a search does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.darts.settings import HALTS, ORDERS, SELECTIONS, VARIANTS, SearchSettings

if TYPE_CHECKING:
    from optunas.darts.choose import Ranked, discretize, ranked
    from optunas.darts.collapse import Report, collapse_report
    from optunas.darts.macro_supernet import MacroSuperNetwork
    from optunas.darts.perturbation import Perturbation, perturb
    from optunas.darts.record import EpochRecord, Search
    from optunas.darts.result import FinalNetwork, SearchResult, read_result, write_result
    from optunas.darts.searching import search
    from optunas.darts.spread import spread_over_costs
    from optunas.darts.supernet import SuperNetwork

__all__ = [
    "HALTS",
    "ORDERS",
    "SELECTIONS",
    "VARIANTS",
    "EpochRecord",
    "FinalNetwork",
    "MacroSuperNetwork",
    "Perturbation",
    "Ranked",
    "Report",
    "Search",
    "SearchResult",
    "SearchSettings",
    "SuperNetwork",
    "collapse_report",
    "discretize",
    "perturb",
    "ranked",
    "read_result",
    "search",
    "spread_over_costs",
    "write_result",
]

_LAZY = {
    "EpochRecord": "record",
    "FinalNetwork": "result",
    "MacroSuperNetwork": "macro_supernet",
    "Perturbation": "perturbation",
    "Ranked": "choose",
    "Report": "collapse",
    "Search": "record",
    "SearchResult": "result",
    "SuperNetwork": "supernet",
    "collapse_report": "collapse",
    "discretize": "choose",
    "perturb": "perturbation",
    "ranked": "choose",
    "read_result": "result",
    "search": "searching",
    "spread_over_costs": "spread",
    "write_result": "result",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
