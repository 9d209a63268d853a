"""Measurements from elsewhere: a CSV with a row for each network."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from optunas.errors import DataError, InvalidArchitectureError, StorageError
from optunas.metrics.predicted.question import Question

__all__ = ["COLUMNS", "Rows", "plan_csv", "read_csv"]

COLUMNS = ("network", "use", "latency_ms", "architecture")
"""``network`` is the file's name, ``use`` is fit or held-out, ``architecture`` the space's JSON."""

USES = ("fit", "held-out")

SHORTEST_MS, LONGEST_MS = 1e-6, 1e9
"""A nanosecond and eleven days: what lies beyond is no time of a network."""

MOST_SAID = 10
"""Faults of a file that are told one by one."""


class Rows(NamedTuple):
    """Members with their milliseconds."""

    fit: list[tuple[Any, float]]
    held_out: list[tuple[Any, float]]


def plan_csv(rows: Sequence[tuple[str, str, str]]) -> str:
    """The table to fill in: (network, use, architecture) with an empty latency each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for network, use, architecture in rows:
        writer.writerow((network, use, "", architecture))
    return text.getvalue()


def read_csv(path: str | Path, question: Question, held_out: int = 50, seed: int = 0) -> Rows:
    """The measured networks of a file.

    Needed are the columns ``architecture`` (JSON of the space) and ``latency_ms``; other columns
    and the order do not matter. Columns are parted by commas, semicolons or tabs. Where there is no
    column ``use``, ``held_out`` rows are drawn to judge by, at most two of five, and codes of one
    network stay together.

    Raises:
        StorageError: when the file cannot be read.
        DataError: for missing columns, and for rows whose time is missing, no number, not positive,
            or whose network is of another space or there twice; all at once.
    """
    rows = _rows(path)
    found: list[tuple[Any, float, str]] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            member = question.space.from_json(row["architecture"] or "")
            question.space.validate(member)
        except InvalidArchitectureError as error:
            faults.append(f"line {number}: no architecture of this space: {_first(error)}")
            continue
        key = question.code(member)
        if key in seen:
            faults.append(f"line {number}: the network of line {seen[key]} again; keep one row")
            continue
        seen[key] = number
        ms, fault = _time(row["latency_ms"])
        use = (row.get("use") or "").strip().lower()
        if "use" in row and use not in USES:
            fault = fault or f"use must be fit or held-out, got {row['use']!r}"
        if fault:
            faults.append(f"line {number}: {fault}")
            continue
        found.append((member, ms, use))
    if faults:
        _refuse(path, faults)
    if rows and "use" not in rows[0][1]:
        found = _split(found, question, held_out, seed)
    return Rows(*([(m, ms) for m, ms, use in found if use == wanted] for wanted in USES))


def _rows(path: str | Path) -> list[tuple[int, dict[str, Any]]]:
    """The rows that are not blank, each with the number of its last line."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=separator, strict=True)
            reader.fieldnames = names = [name.strip() for name in reader.fieldnames or ()]
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise StorageError(f"Cannot read {str(path)!r}: {error.strerror or error}.") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{str(path)!r} is no CSV: {error}.") from None
    lacks = [name for name in ("architecture", "latency_ms") if name not in names]
    if lacks:
        raise DataError(
            f"{str(path)!r} lacks the column {' and '.join(lacks)}; its columns are "
            f"{', '.join(names) or 'none'}. 'optunas latency export-plan' writes such a file."
        )
    return [(line, row) for line, row in rows if any((row[name] or "").strip() for name in names)]


def _separator(header: str) -> str:
    """Spreadsheets write semicolons where the comma is the decimal point's."""
    return max(",;\t", key=header.count)


def _time(text: str | None) -> tuple[float, str]:
    """Milliseconds, and what is wrong with them."""
    given = (text or "").strip()
    if not given:
        return math.nan, "latency_ms is missing"
    try:
        ms = float(given if "_" not in given else "")  # Python's own 1_000 is no number elsewhere
    except ValueError:
        return math.nan, f"latency_ms must be a number such as 12.5, got {given!r}"
    if not ms > 0:
        return math.nan, f"latency_ms must be above 0, got {given!r}"
    if not SHORTEST_MS <= ms <= LONGEST_MS:
        return math.nan, f"latency_ms must be from {SHORTEST_MS:g} to {LONGEST_MS:g}, got {given!r}"
    return ms, ""


def _refuse(path: str | Path, faults: list[str]) -> None:
    said = faults[:MOST_SAID]
    if len(faults) > MOST_SAID:
        said.append(f"and {len(faults) - MOST_SAID} more lines")
    raise DataError(f"{str(path)!r} cannot be used:\n" + "\n".join(f"  {one}" for one in said))


def _split(
    found: list[tuple[Any, float, str]], question: Question, held_out: int, seed: int
) -> list[tuple[Any, float, str]]:
    """Draw rows to judge by; codes of one network stay together."""
    networks: dict[str, list[int]] = {}
    for at, (member, _, _) in enumerate(found):
        networks.setdefault(question.identity(member), []).append(at)
    groups = list(networks.values())
    count = min(held_out, 2 * len(found) // 5)
    held: set[int] = set()
    for which in np.random.default_rng(seed).permutation(len(groups)).tolist():
        if len(held) + len(groups[which]) <= count:
            held.update(groups[which])
    return [(m, ms, USES[at in held]) for at, (m, ms, _) in enumerate(found)]


def _first(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
