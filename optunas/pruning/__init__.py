"""Pruning in studies of one or several objectives: ``report``, ``should_prune`` and pruners."""

from optunas.pruning.cheap_aware import CheapAwareMedianPruner
from optunas.pruning.curves import curve
from optunas.pruning.halving import ParetoHalvingPruner, ParetoHyperbandPruner
from optunas.pruning.reports import report, should_prune

__all__ = [
    "CheapAwareMedianPruner",
    "ParetoHalvingPruner",
    "ParetoHyperbandPruner",
    "curve",
    "report",
    "should_prune",
]
