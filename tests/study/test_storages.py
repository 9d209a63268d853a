"""Where studies lie: URLs, paths, and errors as sentences."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy.exc
import toy_task
from optuna.exceptions import StorageInternalError
from optuna.storages import JournalStorage, RDBStorage

import optunas
from optunas.errors import StorageError
from optunas.study.storage import (
    DEFAULT_STORAGE,
    journal_path,
    open_storage,
    sqlite_path,
    storage_errors,
    storage_url,
)


def test_the_url_is_given_or_from_the_environment_or_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert storage_url(None) == DEFAULT_STORAGE == "sqlite:///optunas.db"
    monkeypatch.setenv("OPTUNAS_STORAGE", "redis://host")
    assert storage_url(None) == "redis://host"
    assert storage_url("sqlite:///x.db") == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("url", "sqlite", "journal"),
    [
        ("sqlite:///a/b.db", Path("a/b.db"), None),
        ("sqlite:////a/b.db", Path("/a/b.db"), None),
        ("sqlite:///b.db?timeout=5", Path("b.db"), None),
        ("sqlite:///:memory:", None, None),
        ("journal:///a/b.log", None, Path("a/b.log")),
        ("journal:////a/b.log", None, Path("/a/b.log")),
        ("a/b.log", None, Path("a/b.log")),
        ("postgresql://user@host/db", None, None),
        ("redis://host", None, None),
    ],
)
def test_files_behind_urls(url: str, sqlite: Path | None, journal: Path | None) -> None:
    assert sqlite_path(url) == sqlite
    assert journal_path(url) == journal


def test_each_kind_is_opened_as_itself(tmp_path: Path) -> None:
    assert isinstance(open_storage(f"sqlite:///{tmp_path}/a.db"), RDBStorage)
    assert isinstance(open_storage(f"journal:///{tmp_path}/a.log"), JournalStorage)
    assert isinstance(open_storage(str(tmp_path / "b.log")), JournalStorage)
    assert isinstance(open_storage("sqlite:///:memory:"), RDBStorage)


def test_a_path_and_its_url_are_one_journal(tmp_path: Path) -> None:
    optunas.create(toy_task.spec(), str(tmp_path / "a.log"))
    assert optunas.study.names(f"journal:///{tmp_path}/a.log") == ["toy"]


def test_a_journal_that_was_cut_off_by_a_kill_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    optunas.run(toy_task.spec(), storage=str(file), trials=2, progress=False)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert optunas.study.names(str(file)) == ["toy"]
    assert file.read_bytes() == whole[:-20]


def test_sqlite_writes_without_waiting_for_the_disk(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/a.db")
    assert isinstance(storage, RDBStorage)
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL
    storage.engine.dispose()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    handle = optunas.create(toy_task.spec(), f"sqlite:///{tmp_path}/a.db")
    assert handle.trials() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permissions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch(mode=0o000)
    with pytest.raises(StorageError, match=r"cannot be read and written; check its permissions"):
        open_storage(f"sqlite:///{tmp_path}/a.db")


def test_a_folder_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"There is no study storage at"):
        open_storage(f"sqlite:///{tmp_path}")


CAUSES: list[tuple[Exception, str]] = [
    (sqlite3.OperationalError("disk I/O error"), "cannot be used: disk I/O error"),
    (sqlite3.DatabaseError("file is not a database"), "is corrupted .file is not a database"),
    (
        sqlalchemy.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("is locked")),
        "cannot be used: is locked",
    ),
    (
        sqlalchemy.exc.DatabaseError("SELECT 1", {}, Exception("disk image is malformed")),
        "is corrupted .*malformed.*restore it from a copy",
    ),
    (sqlalchemy.exc.ArgumentError("what"), "is not a storage; expected for instance 'sqlite:///"),
    (sqlalchemy.exc.NoSuchModuleError("no plugin"), "is not a storage; expected"),
]


@pytest.mark.parametrize(("error", "sentence"), CAUSES)
def test_errors_of_a_database_are_one_sentence(error: Exception, sentence: str) -> None:
    with pytest.raises(StorageError, match=sentence) as caught, storage_errors("sqlite:///x.db"):
        raise error
    assert "sqlite:///x.db" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_optunas_wrapping_of_an_error_is_looked_through() -> None:
    cause = sqlalchemy.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("disk is full"))
    wrapped = StorageInternalError("An exception is raised during the commit.")
    wrapped.__cause__ = cause
    with (
        pytest.raises(StorageError, match=r"cannot be used: disk is full"),
        storage_errors("sqlite:///x.db"),
    ):
        raise wrapped


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), ValueError("x"), OSError("no data"), KeyError("x")]
)
def test_other_errors_are_not_the_storages(error: Exception) -> None:
    with (
        pytest.raises(type(error), match=str(error.args[0])),
        storage_errors("sqlite:///x.db"),
    ):
        raise error


def test_a_database_of_another_version_of_optuna_is_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    optuna.create_study(storage=url)
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
    connection.execute("UPDATE version_info SET schema_version = 1, library_version = '0.9.0'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=r"cannot be opened: .*version"):
        open_storage(url)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg2", "psycopg"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(StorageError, match=r"needs the Python package 'psycopg2'; install it"):
        open_storage("postgresql+psycopg2://user@127.0.0.1:1/db")
