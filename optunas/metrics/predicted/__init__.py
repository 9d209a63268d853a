"""Latency predicted: calibrated on measured networks of a space, used without torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas.metrics.predicted.agreement import Agreement, Report
from optunas.metrics.predicted.fingerprint import Fingerprint, fingerprint
from optunas.metrics.predicted.model import LatencyModel, OtherDeviceWarning
from optunas.metrics.predicted.prices import Prices
from optunas.metrics.predicted.question import Question
from optunas.metrics.predicted.terms import Counted, Term, terms_of

if TYPE_CHECKING:
    from optunas.metrics.predicted.calibrating import Calibration, calibrate
    from optunas.metrics.predicted.fitting import fit_model
    from optunas.metrics.predicted.sampling import choose_networks

__all__ = [
    "Agreement",
    "Calibration",
    "Counted",
    "Fingerprint",
    "LatencyModel",
    "OtherDeviceWarning",
    "Prices",
    "Question",
    "Report",
    "Term",
    "calibrate",
    "choose_networks",
    "fingerprint",
    "fit_model",
    "terms_of",
]

_HOME = {
    "Calibration": "calibrating",
    "calibrate": "calibrating",
    "choose_networks": "sampling",
    "fit_model": "fitting",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
