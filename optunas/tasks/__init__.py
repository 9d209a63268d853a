"""Data, loss and score behind one protocol; the factories here are what studies name.

``"optunas.tasks:digits"`` is such a name; a user's own task is any object of the protocol
:class:`Task`, made by an importable function. Importing this room loads no torch, calling a
factory does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.tasks.hpo_grid import HpoTableTask, hpo_table, hpo_table_space
from optunas.tasks.images import digits, fashion_mnist
from optunas.tasks.nas_bench import NasBench201Task, nas_bench_201
from optunas.tasks.npz import arrays
from optunas.tasks.protocol import Score, Task
from optunas.tasks.streams import loaders
from optunas.tasks.tabular_models import tabular_space
from optunas.tasks.tabular_task import TabularModel, TabularTask, tabular

if TYPE_CHECKING:
    from optunas.tasks.in_memory import InMemoryTask, Part
    from optunas.tasks.network_task import NetworkTask

__all__ = [
    "HpoTableTask",
    "InMemoryTask",
    "NasBench201Task",
    "NetworkTask",
    "Part",
    "Score",
    "TabularModel",
    "TabularTask",
    "Task",
    "arrays",
    "digits",
    "fashion_mnist",
    "hpo_table",
    "hpo_table_space",
    "loaders",
    "nas_bench_201",
    "tabular",
    "tabular_space",
]

_TORCH = {"InMemoryTask": "in_memory", "NetworkTask": "network_task", "Part": "in_memory"}


def __getattr__(name: str) -> Any:
    if name not in _TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_TORCH[name]}"), name)
