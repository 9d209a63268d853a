"""A ``.csv`` file as columns: numbers with NaN where a cell is empty, or texts."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, UnknownNameError

__all__ = ["MISSING", "column_of", "read_csv"]

MISSING = ("", "?", "na", "n/a", "nan", "null")
"""Cells that hold nothing, in any case of letters."""

_DELIMITERS = (",", ";", "\t")

Columns = dict[str, NDArray[Any]]
Lines = NDArray[np.int64]


def read_csv(path: str | Path, leave_out: Collection[str], texts: Collection[str]) -> Columns:
    """The columns of a file with a header, by name, in order.

    Args:
        path: of the file: UTF-8, cells separated by commas, semicolons or tabs, as the header is.
        leave_out: columns that are not read.
        texts: columns of texts, though they may look like numbers.

    Returns:
        Columns (N,) of float64, or of objects: texts, "" where a cell is missing.

    Raises:
        DataError: when the file is not of that form; naming line and column.
        UnknownNameError: for a column that there is not.
    """
    header, rows, lines = _cells(path)
    for name in (*leave_out, *texts):
        if name not in header:
            raise UnknownNameError(f"column of {str(path)!r}", name, header)
    columns = zip(*rows, strict=True)
    return {
        name: column_of(name, [c.strip() for c in cells], lines, name in texts)
        for name, cells in zip(header, columns, strict=True)
        if name not in leave_out
    }


def column_of(name: str, cells: Sequence[str], lines: Lines, text: bool) -> NDArray[Any]:
    """One column's cells as numbers, or as texts when there are (mostly) no numbers.

    Raises:
        DataError: for a few texts among many numbers, infinite numbers, and numbers with commas.
    """
    missing = [cell.lower() in MISSING for cell in cells]
    if not text:
        numbers = [_number(c) if not m else math.nan for c, m in zip(cells, missing, strict=True)]
        wrong = [i for i, number in enumerate(numbers) if number is None]
        right = len(cells) - len(wrong) - sum(missing)
        if not wrong:
            return np.array(numbers, dtype=np.float64)
        with_commas = [i for i in wrong if _number(cells[i].replace(",", "")) is not None]
        if len(with_commas) > (len(cells) - sum(missing)) / 2:
            raise DataError(
                f"Column {name!r} writes its numbers with commas, {cells[with_commas[0]]!r} in "
                f"line {lines[with_commas[0]]} for instance: write a decimal point and no "
                "separator of thousands; a column of names goes into the option categorical."
            )
        if len(wrong) <= right:
            raise DataError(
                f"Column {name!r} has {right} numbers and {len(wrong)} cells that are none, "
                f"{cells[wrong[0]]!r} in line {lines[wrong[0]]} for instance: mend them or leave "
                "them empty; a column of names goes into the option categorical."
            )
    return np.array(["" if m else c for c, m in zip(cells, missing, strict=True)], dtype=object)


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)  # Python's own 1_000 is no number in a table
    except ValueError:
        return None


def _cells(path: str | Path) -> tuple[list[str], list[list[str]], Lines]:
    """The header, the rows that are not blank, and their line numbers."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            found = [(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"Cannot read {str(path)!r} as a table ({error}): it must be UTF-8 text, a header and "
            "then a row a line, cells separated by commas, semicolons or tabs."
        ) from None
    if len(found) < 2:
        raise DataError(f"{str(path)!r} has no rows below a header: there is nothing to learn.")
    header = [cell.strip() for cell in found[0][1]]
    _check_header(path, header)
    for line, row in found[1:]:
        if len(row) != len(header):
            raise DataError(
                f"Line {line} of {str(path)!r} has {len(row)} cells, the header has "
                f"{len(header)}: mend the line."
            )
    return header, [row for _, row in found[1:]], np.array([line for line, _ in found[1:]])


def _check_header(path: str | Path, header: list[str]) -> None:
    if all(_number(name) is not None for name in header):
        raise DataError(
            f"The first line of {str(path)!r} holds numbers ({', '.join(header[:4])}): put a "
            "header with the columns' names there."
        )
    for at, name in enumerate(header):
        if not name:
            raise DataError(
                f"Column {at + 1} of {str(path)!r} has no name: name it, or leave the column out "
                "(pandas writes its index so; use index=False)."
            )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{str(path)!r} has several columns named {twice[0]!r}: rename them.")
