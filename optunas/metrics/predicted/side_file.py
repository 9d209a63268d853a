"""What a calibration has measured so far: a line a block, so that a stop loses at most one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from optunas.errors import InvalidSpecError, StorageError

__all__ = ["SideFile"]


class SideFile:
    """Lines of JSON in ``path``; the first says which calibration they are of.

    Attributes:
        lines: what was there already, without the first.

    Raises:
        InvalidSpecError: when the file is of another calibration.
        StorageError: when it cannot be read or written.
    """

    def __init__(self, path: Path, what: Mapping[str, Any]) -> None:
        self.path = path
        text = json.dumps(what, sort_keys=True)
        self.run = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.lines = self._read()
        self._file: TextIO | None = None
        self._added = 0

    def __enter__(self) -> SideFile:
        fresh = not self.path.exists()
        try:
            self._file = self.path.open("a", encoding="utf-8")
            if not fresh:
                self._mend()
        except OSError as error:
            raise StorageError(
                f"Cannot write {str(self.path)!r}: {error.strerror or error}."
            ) from None
        if fresh or not self.path.stat().st_size:
            self.add({"run": self.run})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        if error is not None and not self.lines and not self._added:
            self.path.unlink(missing_ok=True)

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line and put it on the disk.

        Raises:
            StorageError: when it cannot be written.
        """
        assert self._file is not None
        self._added += "run" not in line
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"Cannot write {str(self.path)!r}: {error.strerror or error}."
            ) from None

    def remove(self) -> None:
        """The calibration is whole: the lines are not needed any more."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.path.unlink(missing_ok=True)

    def _mend(self) -> None:
        """End a line that was cut off in the middle, so that the next one stands alone."""
        assert self._file is not None
        with self.path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                self._file.write("\n")

    def _read(self) -> list[dict[str, Any]]:
        try:
            rows = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise StorageError(f"Cannot read {str(self.path)!r}: {reason}.") from None
        lines = [line for line in map(_parsed, rows) if line is not None]
        if not rows:
            return []
        if not lines or lines[0].get("run") != self.run:
            raise InvalidSpecError(
                f"{str(self.path)!r} holds the measurements of another calibration (other "
                "networks, settings or device); give another --output, or --no-resume to drop them."
            )
        return lines[1:]


def _parsed(row: str) -> dict[str, Any] | None:
    """A line's object; None for one that was cut off."""
    try:
        line = json.loads(row)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
