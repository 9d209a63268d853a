"""The folder of a comparison: a file for each run, a lock while it runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optunas.compare.contestants import Contestant, folder_name
from optunas.compare.recorder import read_run
from optunas.compare.trajectory import Trajectory
from optunas.errors import StorageError

try:
    import fcntl
except ImportError:  # no POSIX locks on this system
    fcntl = None  # type: ignore[assignment]

__all__ = ["Store", "write_whole"]

RUNS = "runs"


@dataclass(frozen=True)
class Store:
    """The runs of a comparison as files; those that are there are not done again.

    Attributes:
        folder: of the comparison.
        keys: of the contestants, see :meth:`Contestant.key`.
    """

    folder: Path
    keys: tuple[str, ...]

    def path(self, contestant: Contestant, key: str, seed: int) -> Path:
        """Where a run is stored."""
        name = f"{folder_name(contestant.label)}-{key[:8]}"
        return self.folder / RUNS / name / f"seed-{seed}.jsonl"

    def read(self, contestant: Contestant, key: str, seed: int) -> Trajectory | None:
        """A finished run; None when it is not there.

        Raises:
            StorageError: when its file is damaged.
        """
        path = self.path(contestant, key, seed)
        if not path.exists():
            return None
        reason, rows = read_run(path, {"key": key, "seed": seed})
        objectives = len(contestant.spec.objectives)
        try:
            return Trajectory.of(seed, reason, rows, objectives)
        except (TypeError, ValueError, KeyError) as error:
            raise StorageError(
                f"The results file '{path}' is damaged ({type(error).__name__}: {error}); delete "
                "it, and that run is done again."
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep other comparisons out of it.

        Raises:
            StorageError: when it cannot be written, or another process is writing there.
        """
        try:
            (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
            lock = (self.folder / RUNS / ".lock").open("a")
        except OSError as error:
            raise StorageError(
                f"The comparison cannot write to '{self.folder}' ({error.strerror}); name another "
                "folder with --output."
            ) from error
        with lock:
            if fcntl is not None:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise StorageError(
                        f"Another comparison is writing to '{self.folder}'; wait for it, or name "
                        "another folder with --output."
                    ) from None
            yield


def write_whole(path: Path, content: str | bytes | dict[str, Any]) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        StorageError: when it cannot be written.
    """
    if isinstance(content, dict):
        content = json.dumps(content, indent=2) + "\n"
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        os.replace(beside, path)
    except OSError as error:
        raise StorageError(
            f"The report cannot be written to '{path}' ({error.strerror}); name another folder."
        ) from error
