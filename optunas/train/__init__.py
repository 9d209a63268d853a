"""Training a network: one generator that yields one validation score per epoch.

Knows nothing of trials, studies or tasks. The settings load no torch; the rest does when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optunas.train.settings import TrainSettings

if TYPE_CHECKING:
    from optunas.train.device import resolve_device
    from optunas.train.loop import Epoch, fit
    from optunas.train.random_state import seeded

__all__ = ["Epoch", "TrainSettings", "fit", "resolve_device", "seeded"]

_LAZY = {
    "Epoch": "loop",
    "fit": "loop",
    "resolve_device": "device",
    "seeded": "random_state",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
