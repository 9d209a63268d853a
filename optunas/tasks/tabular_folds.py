"""Which rows of a table are for which fold, and which for the test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, InvalidSpecError
from optunas.tasks.split import split_indices
from optunas.tasks.tabular_data import Table
from optunas.tasks.tabular_models import KINDS

__all__ = ["fold_rows", "held_out"]

Array = NDArray[Any]


def held_out(table: Table, test: float, seed: int) -> tuple[Array, Array]:
    """Rows for the folds and rows for the test, stratified for classification.

    Args:
        table: whose own test rows, where it has some, are taken as they are.
        test: share of the rows, from 0 to below 1.
        seed: of the drawing.

    Raises:
        InvalidSpecError: for another share.
        DataError: when there are too few rows of a class.
    """
    n = len(table.y)
    number = isinstance(test, (int, float)) and not isinstance(test, bool)
    if not number or not 0 <= test < 1:
        raise InvalidSpecError(f"test is a share of the rows from 0 to below 1, got {test!r}.")
    if table.test_rows:
        return np.arange(n - table.test_rows), np.arange(n - table.test_rows, n)
    if not test:
        return np.arange(n), np.arange(0)
    rest, kept = split_indices(n, [1.0 - test, float(test)], seed, _labels(table), parts=2)
    return rest, kept


def fold_rows(table: Table, rest: Array, folds: int, seed: int) -> list[Array]:
    """Disjoint parts of ``rest``, each class in proportion.

    Raises:
        InvalidSpecError: for a number of folds that cannot be.
        DataError: when there are too few rows, or too few of a class.
    """
    if not isinstance(folds, int) or isinstance(folds, bool) or folds < 2:
        raise InvalidSpecError(f"folds must be a whole number from 2 on, got {folds!r}.")
    if len(rest) < 2 * folds:
        raise DataError(
            f"{table.name}: {len(rest)} rows beside the test part are too few for {folds} folds of "
            "at least 2 rows: give fewer folds or more rows."
        )
    if table.kind == KINDS[0]:
        counts = np.bincount(table.y[rest], minlength=len(table.classes))
        rare = int(counts.argmin())
        if counts[rare] < folds:
            raise DataError(
                f"{table.name}: class {table.classes[rare]!r} has {counts[rare]} rows beside the "
                f"test part, too few to have one in each of {folds} folds: give fewer folds, add "
                "rows of it or leave the class out."
            )
    sizes = [len(part) for part in np.array_split(rest, folds)]
    labels = _labels(table)
    rows = split_indices(len(rest), sizes, seed, None if labels is None else labels[rest])
    return [rest[part] for part in rows]


def _labels(table: Table) -> Array | None:
    return np.array(table.classes)[table.y] if table.classes else None
