"""Writes a run down trial by trial, so that it goes on where it was killed.

A run's file holds lines of JSON: what run it is, one line for each finished trial, and at last why
it ended. It is called ``seed-0.part`` until that last line is written and ``seed-0.jsonl`` from
then on, so a run counts once or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.compare.adapter import set_study_notes, study_notes
from optunas.compare.clock import Clocked
from optunas.errors import StorageError
from optunas.study.budget import counts, epochs_of, outcome, seconds_of

try:
    import fcntl
except ImportError:  # no POSIX locks on this system
    fcntl = None  # type: ignore[assignment]

__all__ = ["Recorder", "read_run", "revive"]

_UNTRAINED = {"reused", "ruled out"}


class Recorder:
    """A context manager that appends each told trial to a run's file.

    Args:
        path: of the finished file, ``.jsonl``.
        head: what run it is; a file of another run is refused.
        study: in this process's memory.
        on_trial: called with the number of trials that count, after each.

    Attributes:
        rows: what an earlier, killed run had finished.
        sampler: whose seconds are noted; None for none.
    """

    def __init__(
        self,
        path: Path,
        head: Mapping[str, Any],
        study: optuna.Study,
        on_trial: Callable[[int], None] | None = None,
    ) -> None:
        self.path, self.part = path, path.with_suffix(".part")
        self._head, self._study, self._on_trial = dict(head), study, on_trial
        self._notes: dict[str, Any] = study_notes(study)
        self.rows: list[dict[str, Any]] = []
        self.sampler: Clocked | None = None
        self._file: IO[bytes] | None = None
        self._counted = 0

    def __enter__(self) -> Recorder:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.part.open("a+b")
        if fcntl is not None:
            # A worker that lost its parent may be about to end; its last line comes first.
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.seek(0)
        whole = self._file.read()
        lines = whole.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            # What a killed process was writing.
            self._file.truncate(len(whole) - len(lines.pop()))
        if lines:
            head, *self.rows = _parsed(self.part, lines)
            _check_head(self.part, head, self._head)
            self.rows = [row for row in self.rows if "end" not in row]
        else:
            self._write(self._head)
        self._counted = sum(row["counted"] for row in self.rows)
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        """Begin anew: for a sampler whose state is not in the trials."""
        assert self._file is not None
        self._file.truncate(0)
        self.rows, self._counted = [], 0
        self._write(self._head)

    def restore(self, distributions: Mapping[str, BaseDistribution]) -> None:
        """Give the study what an earlier, killed run had finished.

        Args:
            distributions: of the whole space.
        """
        for row in self.rows:
            self._study.add_trial(revive(row, distributions))
            set_study_notes(self._study, row["notes"])
        self._notes = study_notes(self._study)

    def finish(self, reason: str) -> None:
        """Write why the run ended; from now on it is a finished one."""
        assert self._file is not None
        self._write({"end": reason})
        os.fsync(self._file.fileno())
        os.replace(self.part, self.path)

    def trial_ending(self, trial: optuna.Trial) -> None:
        """Nothing: a trial is written when it has ended."""

    def trial_finished(self, trial: FrozenTrial) -> None:
        """Append the trial."""
        notes = study_notes(self._study)
        changed = {k: v for k, v in notes.items() if self._notes.get(k) != v}
        self._notes = notes
        row = {**_row(trial, self.sampler.take() if self.sampler else 0.0), "notes": changed}
        self._write(row)
        self._counted += row["counted"]
        if self._on_trial is not None:
            self._on_trial(self._counted)

    def study_updated(self, overview: Callable[[], Any], *, final: bool = False) -> None:
        """Nothing: a run has no notes."""

    def _write(self, body: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(body).encode() + b"\n")
        self._file.flush()


def _row(trial: FrozenTrial, suggest_s: float) -> dict[str, Any]:
    complete = trial.state == TrialState.COMPLETE
    code = trial.user_attrs.get("architecture") or json.dumps(trial.params, sort_keys=True)
    times = (trial.datetime_start, trial.datetime_complete)
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values if complete else None,
        "feasible": complete and all(v <= 0.0 for v in trial.constraints.values()),
        "counted": counts(trial),
        "untrained": bool(_UNTRAINED.intersection(outcome(trial))),
        "epochs": epochs_of(trial),
        "seconds": seconds_of(trial),
        "suggest_s": round(suggest_s, 6),
        "code": hashlib.sha256(code.encode()).hexdigest()[:12],
        "params": trial.params,
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
        "intermediate": list(trial.intermediate_values.items()),
        "times": [None if t is None else t.isoformat() for t in times],
    }


def revive(row: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """The finished trial that a line was written from.

    Args:
        row: the line.
        distributions: of the whole space.
    """
    params = row["params"]
    trial = create_trial(
        state=TrialState[row["state"]],
        values=row["values"],
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs=row["user_attrs"],
        system_attrs=row["system_attrs"],
        intermediate_values={int(step): value for step, value in row["intermediate"]},
    )
    start, end = (None if t is None else datetime.fromisoformat(t) for t in row["times"])
    trial.datetime_start, trial.datetime_complete = start, end
    return trial


def read_run(path: Path, head: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Why a finished run ended, and its trials.

    Raises:
        StorageError: when the file is damaged, or another run's.
    """
    lines = _parsed(path, path.read_bytes().splitlines(keepends=True))
    if len(lines) < 2 or "end" not in lines[-1]:
        raise _damaged(path, "its last line is missing")
    _check_head(path, lines[0], head)
    return lines[-1]["end"], lines[1:-1]


_KEYS = ("state", "values", "feasible", "counted", "untrained", "epochs", "seconds", "code")


def _parsed(path: Path, lines: list[bytes]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            raise _damaged(path, f"line {number} is no JSON") from None
        trial = isinstance(row, dict) and all(key in row for key in _KEYS)
        known = isinstance(row, dict) and ("end" in row or (number == 1 and "key" in row))
        if not trial and not known:
            raise _damaged(path, f"line {number} is no trial")
        rows.append(row)
    return rows


def _check_head(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differ = [name for name in ("key", "seed") if found.get(name) != wanted[name]]
    if differ:
        raise _damaged(path, f"it is the file of another run, its {' and '.join(differ)} differ")


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"The results file '{path}' is damaged ({why}); delete it, and that run is done again."
    )
