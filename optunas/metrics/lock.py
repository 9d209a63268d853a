"""One measurement at a time on a machine, whatever the number of processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # no POSIX locks on this system
    fcntl = None  # type: ignore[assignment]

__all__ = ["machine_lock"]


@contextmanager
def machine_lock(name: str = "measuring", directory: Path | None = None) -> Iterator[None]:
    """Hold the machine-wide lock ``name``; waits while another process or thread holds it.

    A file lock in the temporary directory, so it ends with its process, a killed one's too. Not
    reentrant: a nested use of one name waits for itself. Where the system has no POSIX file locks
    (Windows) it holds nothing.
    """
    if fcntl is None:
        yield
        return
    handle = _open(Path(directory or tempfile.gettempdir()) / f"optunas-{name}.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # the lock goes with the descriptor


def _open(path: Path) -> int:
    """A descriptor of the lock file; read-only, since another user may have created it."""
    for _ in range(2):
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            try:
                return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            except FileExistsError:
                continue  # another process was faster
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
