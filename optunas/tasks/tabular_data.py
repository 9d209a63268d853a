"""Tables to learn from: what scikit-learn ships, ``.csv`` and ``.npz`` files, all checked."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError, UnknownNameError, nearest
from optunas.tasks.tabular_csv import Columns, read_csv
from optunas.tasks.tabular_models import KINDS

__all__ = ["SHIPPED", "Table", "load_table"]

SHIPPED = {
    "breast_cancer": "classification",
    "diabetes": "regression",
    "digits": "classification",
    "iris": "classification",
    "wine": "classification",
}
"""Data that scikit-learn brings along, and what is to be learnt."""

MOST_CLASSES = 20
"""A target of so many different whole numbers at most is taken for classes."""

LARGEST = 1e18
"""Squared it is still a number of single precision, which trees and others compute in."""

_ARRAYS = ("x", "y", "x_test", "y_test")

Array = NDArray[Any]


@dataclass(frozen=True)
class Table:
    """Rows and their targets.

    Attributes:
        name: for tables and notes.
        kind: ``classification`` or ``regression``.
        columns: the features' names.
        x: (N, F) float64 with NaN for missing numbers; objects when a column has texts.
        y: (N,) class numbers from 0, or float64.
        texts: index of each column of texts -> the different ones, sorted ("" is missing).
        classes: the label of each class; empty for regression.
        test_rows: how many rows at the end the file itself keeps for the test.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    x: Array
    y: Array
    texts: Mapping[int, tuple[str, ...]]
    classes: tuple[Any, ...]
    test_rows: int = 0

    @property
    def numeric(self) -> tuple[int, ...]:
        """Indices of the columns of numbers."""
        return tuple(i for i in range(len(self.columns)) if i not in self.texts)

    @property
    def missing(self) -> bool:
        """Whether numbers are missing."""
        return any(np.isnan(self.x[:, i].astype(np.float64)).any() for i in self.numeric)

    def fingerprint(self) -> str:
        """A hash of everything."""
        digest = hashlib.sha256(f"{self.kind} {self.columns} {self.classes!r}".encode())
        body = self.x.tobytes() if not self.texts else repr(self.x.tolist()).encode()
        digest.update(f"{self.x.shape} {self.test_rows} ".encode())
        digest.update(body + np.ascontiguousarray(self.y).tobytes())
        return digest.hexdigest()[:16]


def load_table(
    data: str,
    kind: str | None = None,
    target: str | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
) -> Table:
    """The table of a shipped set's name or a file's path; see ``optunas.tasks.tabular``.

    Raises:
        DataError: when the file is missing, damaged, or not fit to learn from.
        InvalidSpecError, UnknownNameError: for arguments that cannot be.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind of task", kind, KINDS)
    for option, names in (("categorical", categorical), ("drop", drop)):
        if isinstance(names, str):
            raise InvalidSpecError(f"{option} is a list of columns' names, got {names!r}.")
    ending = Path(data).suffix.lower()
    if data not in SHIPPED and ending not in (".csv", ".npz"):
        raise InvalidSpecError(
            f"data is the path of a .csv or .npz file or the name of a data set that scikit-learn "
            f"ships, got {data!r}{nearest(data, SHIPPED)}"
        )
    if ending == ".csv":
        columns, y = _from_csv(data, target, categorical, drop)
        return _table(Path(data).stem, columns, y, kind, target or "y")
    if target is not None:
        raise InvalidSpecError(
            f"target={target!r} names the column of a .csv file; {data!r} has its own target."
        )
    held_out = 0
    if data in SHIPPED:
        name, kind = data, kind or SHIPPED[data]
        x, y, names = _shipped(data)
    else:
        name = Path(data).stem
        x, y, held_out = _from_npz(data)
        names = [f"x{i}" for i in range(x.shape[1])]
    columns = {n: x[:, i].astype(np.float64) for i, n in enumerate(names)}
    for column in (*categorical, *drop):
        if column not in columns:
            raise UnknownNameError(f"column of {data!r}", column, columns)
    columns = {
        n: _as_texts(c) if n in categorical else c for n, c in columns.items() if n not in drop
    }
    return _table(name, columns, y, kind, "y", held_out)


def _shipped(name: str) -> tuple[Array, Array, list[str]]:
    from sklearn import datasets

    found: Any = getattr(datasets, f"load_{name}")()
    return found.data, found.target, [str(n) for n in found.feature_names]


def _from_csv(
    path: str, target: str | None, categorical: Collection[str], drop: Collection[str]
) -> tuple[Columns, Array]:
    if not Path(path).is_file():
        raise DataError(f"There is no file {path!r}: name a .csv file with a header.")
    columns = read_csv(path, drop, categorical)
    if target is None or target not in columns:
        what = "target must name the column to predict" if target is None else f"no {target!r}"
        raise DataError(f"{path!r}: {what}{nearest(str(target or ''), columns)}")
    y = columns.pop(target)
    return columns, y


def _from_npz(path: str) -> tuple[Array, Array, int]:
    if not Path(path).is_file():
        raise DataError(f"There is no file {path!r}: name an .npz file that holds x and y.")
    try:
        with open(path, "rb") as opened:
            file: Any = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")
            strange = [n for n in file if n not in _ARRAYS and n.lower().startswith(("x", "y"))]
            found = {n: np.asarray(file[n]) for n in _ARRAYS if n in file}
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"Cannot read {path!r} as an .npz file of plain arrays ({error}): write it with "
            "numpy.savez(path, x=x, y=y)."
        ) from None
    if strange:
        raise UnknownNameError(f"array in {path!r}", strange[0], _ARRAYS)
    pairs = [("x", "y")] + [("x_test", "y_test")] * ("x_test" in found or "y_test" in found)
    lacks = [name for pair in pairs for name in pair if name not in found]
    if lacks:
        raise DataError(
            f"{path!r} has no {' and '.join(lacks)}: write it with numpy.savez(path, x=x, y=y)."
        )
    parts = [_pair(found[x], found[y], x, y) for x, y in pairs]
    if len({x.shape[1] for x, _ in parts}) > 1:
        raise DataError(f"{path!r}: x and x_test have different numbers of columns.")
    x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    return x, y, len(parts[1][1]) if len(parts) > 1 else 0


def _pair(x: Array, y: Array, x_name: str, y_name: str) -> tuple[Array, Array]:
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "buif":
        raise DataError(
            f"{x_name} has shape {x.shape} and dtype {x.dtype}; a table is (rows, columns) of "
            "numbers: reshape it, or write a .csv file for texts."
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (len(x),) or y.dtype.kind not in "buifUS":
        raise DataError(
            f"{y_name} has shape {y.shape} and dtype {y.dtype}; it needs one number or label for "
            f"each of the {len(x)} rows of {x_name}."
        )
    return x, y


def _as_texts(column: Array) -> Array:
    return np.array(["" if np.isnan(v) else f"{v:g}" for v in column], dtype=object)


def _table(
    name: str, columns: Columns, y: Array, kind: str | None, target: str, test_rows: int = 0
) -> Table:
    if not columns:
        raise DataError(f"{name}: there is no column beside the target {target!r} to learn from.")
    texts = {}
    for at, (column, values) in enumerate(columns.items()):
        _sound(name, column, values)
        if values.dtype == object:
            texts[at] = tuple(sorted(set(values)))
    x = np.empty((len(y), len(columns)), dtype=object if texts else np.float64)
    for at, values in enumerate(columns.values()):
        x[:, at] = values
    kind = kind or _kind_of(y)
    targets, classes = _labels(name, target, y) if kind == KINDS[0] else _numbers(name, target, y)
    return Table(name, kind, tuple(columns), x, targets, texts, classes, test_rows)


def _sound(name: str, column: str, values: Array) -> None:
    """Refuse a column that nothing can be learnt from, or that would break every model."""
    if values.dtype == object:
        different = len(set(values))
        if different > MOST_CLASSES and different > len(values) / 2:
            raise DataError(
                f"{name}: column {column!r} has {different} different texts in {len(values)} rows, "
                "like a name or a number of each row: leave it out with the option drop."
            )
        return
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise DataError(
            f"{name}: column {column!r} has infinite values (first in row {row + 1}): remove or "
            "fill them."
        )
    if np.nanmax(np.abs(values), initial=0.0) > LARGEST:
        raise DataError(
            f"{name}: column {column!r} has values beyond {LARGEST:g}, which no model can square: "
            "give it another unit or remove them."
        )
    if np.isnan(values).all():
        raise DataError(f"{name}: column {column!r} is empty: leave it out with the option drop.")


def _kind_of(y: Array) -> str:
    if y.dtype.kind not in "iuf":
        return "classification"
    known = y[np.isfinite(y)]
    different = np.unique(known)
    few = len(different) <= min(MOST_CLASSES, max(2, len(y) // 4))
    return "classification" if few and (known == np.round(known)).all() else "regression"


def _complete(name: str, target: str, y: Array) -> None:
    gone = np.flatnonzero([v == "" for v in y] if y.dtype.kind in "OUS" else ~np.isfinite(y))
    if len(gone):
        raise DataError(
            f"{name}: the target {target!r} is missing or infinite in {len(gone)} rows (first in "
            f"row {gone[0] + 1}): remove those rows."
        )


def _labels(name: str, target: str, y: Array) -> tuple[Array, tuple[Any, ...]]:
    if y.dtype.kind == "b":
        y = y.astype(np.int64)
    _complete(name, target, y)
    if y.dtype.kind == "f":
        broken = y[y != np.round(y)]
        if len(broken):
            raise DataError(
                f"{name}: the target {target!r} has labels that are no whole numbers, "
                f"{broken[0]:g} for instance; to predict numbers use kind='regression'."
            )
        y = y.astype(np.int64)
    classes, numbers = np.unique(y.astype(str) if y.dtype == object else y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"{name}: all {len(y)} rows have the same label ({classes[0]}): there is nothing to "
            "learn; classification needs at least two classes."
        )
    return numbers.astype(np.int64), tuple(classes.tolist())


def _numbers(name: str, target: str, y: Array) -> tuple[Array, tuple[Any, ...]]:
    if y.dtype.kind not in "buif":
        raise DataError(
            f"{name}: the target {target!r} has texts, {y[0]!r} for instance; regression needs "
            "numbers: use kind='classification'."
        )
    y = y.astype(np.float64)
    _complete(name, target, y)
    if np.abs(y).max() > LARGEST:
        raise DataError(
            f"{name}: the target {target!r} has values beyond {LARGEST:g}, which no model can "
            "square: give it another unit or remove them."
        )
    if (y == y[0]).all():
        raise DataError(
            f"{name}: the target {target!r} is {y[0]:g} in all {len(y)} rows: there is nothing to "
            "learn."
        )
    return y, ()
