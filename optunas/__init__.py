"""optunas: neural architecture and hyperparameter search on Optuna.

Names are resolved when they are first used, so that ``import optunas`` costs next to nothing and
loads neither torch nor Optuna.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Budget": "study",
    "Cell": "space",
    "CellSpace": "space",
    "CheapAwareMedianPruner": "pruning",
    "Choice": "space",
    "DARTS": "space",
    "DenseCellSpace": "space",
    "ElasticSpace": "space",
    "Float": "space",
    "Genotype": "space",
    "HyperSpace": "space",
    "Int": "space",
    "JointSpace": "space",
    "Macro": "space",
    "MacroSpace": "space",
    "Metric": "measures",
    "NB201": "space",
    "OFA_MOBILENET_V3": "space",
    "Objective": "objective",
    "Operation": "space",
    "OptunasError": "errors",
    "ParetoHalvingPruner": "pruning",
    "ParetoHyperbandPruner": "pruning",
    "Space": "space",
    "Stack": "space",
    "StackSpace": "space",
    "StudyHandle": "study",
    "StudySpec": "study",
    "Subnet": "space",
    "When": "space",
    "build": "nets.build",
    "create": "study",
    "delete": "study",
    "distributions": "codec",
    "from_params": "codec",
    "group": "space",
    "load": "study",
    "predict": "study",
    "report": "pruning",
    "run": "study",
    "seed": "study",
    "should_prune": "pruning",
    "suggest": "codec",
    "suggest_cell": "codec",
    "suggest_genotype": "codec",
    "suggest_macro": "codec",
    "suggest_subnet": "codec",
    "to_params": "codec",
    "training_space": "space",
    "warm_start": "study",
}
"""Public name -> the room that defines it."""

_ROOMS = (
    "codec",
    "compare",
    "darts",
    "draw",
    "errors",
    "inspection",
    "measures",
    "metrics",
    "nets",
    "pareto",
    "pruning",
    "samplers",
    "space",
    "study",
    "tasks",
    "train",
)

__all__ = ["__version__", *sorted(_HOME), *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _ROOMS:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from optunas.codec import (
        distributions,
        from_params,
        suggest,
        suggest_cell,
        suggest_genotype,
        suggest_macro,
        suggest_subnet,
        to_params,
    )
    from optunas.errors import OptunasError
    from optunas.measures import Metric
    from optunas.nets.build import build
    from optunas.objective import Objective
    from optunas.pruning import (
        CheapAwareMedianPruner,
        ParetoHalvingPruner,
        ParetoHyperbandPruner,
        report,
        should_prune,
    )
    from optunas.space import (
        DARTS,
        NB201,
        OFA_MOBILENET_V3,
        Cell,
        CellSpace,
        Choice,
        DenseCellSpace,
        ElasticSpace,
        Float,
        Genotype,
        HyperSpace,
        Int,
        JointSpace,
        Macro,
        MacroSpace,
        Operation,
        Space,
        Stack,
        StackSpace,
        Subnet,
        When,
        group,
        training_space,
    )
    from optunas.study import (
        Budget,
        StudyHandle,
        StudySpec,
        create,
        delete,
        load,
        predict,
        run,
        seed,
        warm_start,
    )
