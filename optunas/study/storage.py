"""Storages: Optuna's, with a SQLite that several processes can write quickly."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

from optunas.errors import StorageError

__all__ = ["DEFAULT_STORAGE", "open_storage", "sqlite_path", "storage_errors", "storage_url"]

DEFAULT_STORAGE = "sqlite:///optunas.db"

LINE = 1 << 16
"""Bytes at the end of a journal that are looked at."""

LOCK_TIMEOUT_S = 120
"""How long a write waits for another process's write."""


def storage_url(url: str | None) -> str:
    """The given URL, or ``OPTUNAS_STORAGE``, or a SQLite file in the current folder."""
    return url or os.environ.get("OPTUNAS_STORAGE") or DEFAULT_STORAGE


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL; None for another storage or an in-memory database."""
    if not url.startswith("sqlite:") or ":memory:" in url:
        return None
    return Path(url.partition(":///")[2].partition("?")[0])


def journal_path(url: str) -> Path | None:
    """The file of a journal: a path or ``journal:///path``."""
    if url.startswith("journal:///"):
        return Path(url.removeprefix("journal:///"))
    return Path(url) if "://" not in url else None


def open_storage(url: str | None = None, *, must_exist: bool = False) -> BaseStorage:
    """Open any of Optuna's storages.

    Args:
        url: an SQLAlchemy URL, ``redis://...``, ``journal:///path`` or a path (a journal file);
            None takes :func:`storage_url`'s default.
        must_exist: refuse to create a file, for commands that only read.

    Raises:
        StorageError: when it cannot be reached, is corrupted, or is not there.
    """
    url = storage_url(url)
    path = sqlite_path(url) or journal_path(url)
    if path is not None:
        _check_file(path, url, must_exist)
    with _opening(url):
        if url.startswith("redis"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                return JournalStorage(JournalRedisBackend(url))
        journal = journal_path(url)
        if journal is not None:
            _check_journal(journal, url)
            return JournalStorage(JournalFileBackend(str(journal)))
        if sqlite_path(url) is not None:
            return _sqlite(url)
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def _check_file(path: Path, url: str, must_exist: bool) -> None:
    if path.is_dir() or (must_exist and not path.exists()):
        raise StorageError(
            f"There is no study storage at {url!r}; create a study first with 'optunas study "
            "create FILE', or name the storage with --storage or OPTUNAS_STORAGE."
        )
    if not path.absolute().parent.is_dir():
        raise StorageError(f"The storage {url!r} lies in a folder that does not exist.")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StorageError(
            f"The storage {url!r} cannot be read and written; check its permissions."
        )


def _check_journal(path: Path, url: str) -> None:
    """Refuse what is no journal: Optuna notices only after it has written to it."""
    content = path.open("rb") if path.exists() else io.BytesIO()
    with content as file:
        first = file.readline()
        file.seek(max(0, file.seek(0, os.SEEK_END) - LINE))
        *_, last = file.read().splitlines(keepends=True) or [b""]
    database = path.suffix in (".db", ".sqlite", ".sqlite3") and "://" not in url
    if database or first.startswith(b"SQLite format 3"):
        raise StorageError(
            f"The storage {url!r} would be a journal file; for a SQLite database name it "
            f"'sqlite:///{path}'."
        )
    # A last line without an end is what a killed process leaves; Optuna reads over it.
    lines = [line for line in {first, last if last.endswith(b"\n") else first} if line]
    if not all(_is_log(line) for line in lines if len(line) < LINE):
        raise StorageError(
            f"The storage {url!r} is no journal file, or a damaged one; name another with "
            "--storage."
        )


def _is_log(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line)["op_code"], int)
    except (ValueError, KeyError, TypeError):
        return False


def _sqlite(url: str) -> RDBStorage:
    """SQLite with a write-ahead log: readers never wait, and a commit costs no full sync.

    With WAL, ``synchronous=NORMAL`` cannot corrupt the file; a power cut (not a killed process) may
    lose the last commits.
    """
    from sqlalchemy import event

    path = sqlite_path(url)
    if path is not None and path.exists() and path.stat().st_size:
        with closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT_S)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in found}
        if problem != "ok":
            raise StorageError(_corrupted(url, problem))
        if tables and "version_info" not in tables:
            raise StorageError(
                f"The storage {url!r} is a SQLite database of something else; name another file "
                "with --storage."
            )
    storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": LOCK_TIMEOUT_S}})
    event.listen(storage.engine, "connect", _tune)
    # Connections made while the storage opened do not have the settings yet.
    storage.engine.dispose()
    return storage


def _tune(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Turn a database's or server's errors into one sentence; other errors pass.

    Raises:
        StorageError: for what SQLAlchemy, SQLite or Redis raise.
    """
    import sqlalchemy.exc

    try:
        yield
    except (sqlite3.DatabaseError, sqlalchemy.exc.SQLAlchemyError, StorageInternalError) as error:
        raise _in_words(url, error) from error
    except Exception as error:
        if not type(error).__module__.startswith("redis."):
            raise
        raise StorageError(f"The storage {url!r} cannot be reached: {_first(error)}.") from error


@contextmanager
def _opening(url: str) -> Iterator[None]:
    """The same while a storage is opened, when any error comes from the storage."""
    try:
        with storage_errors(url):
            yield
    except (ImportError, OSError) as error:
        # Optuna's sentence does not say which driver is missing, its cause does.
        missing = getattr(error.__cause__, "name", None)
        if isinstance(error, ImportError) and missing:
            raise StorageError(
                f"The storage {url!r} needs the Python package {missing!r}; install it with "
                f"'pip install {missing}'."
            ) from error
        raise StorageError(f"The storage {url!r} cannot be reached: {_first(error)}.") from error
    except (RuntimeError, ValueError, KeyError, AssertionError) as error:
        raise StorageError(f"The storage {url!r} cannot be opened: {_first(error)}.") from error


def _in_words(url: str, error: Exception) -> StorageError:
    import sqlalchemy.exc

    if isinstance(error, sqlalchemy.exc.ArgumentError):
        return StorageError(
            f"{url!r} is not a storage; expected for instance 'sqlite:///optunas.db', "
            "'postgresql://user@host/db', 'redis://host' or 'journal:///file.log'."
        )
    source = error.__cause__ if isinstance(error.__cause__, Exception) else error
    source = getattr(error, "orig", None) or getattr(source, "orig", None) or source
    cause = _first(source)
    if any(word in cause for word in ("not a database", "malformed", "corrupt")):
        return StorageError(_corrupted(url, cause))
    return StorageError(f"The storage {url!r} cannot be used: {cause}.")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _corrupted(url: str, cause: str) -> str:
    return (
        f"The storage {url!r} is corrupted ({cause}); restore it from a copy, or name another file "
        "with --storage."
    )
