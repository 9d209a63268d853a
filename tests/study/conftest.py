"""Storages that the tests of studies run on."""

from __future__ import annotations

import gc
import os
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.storages import BaseStorage, InMemoryStorage


def server(kind: str) -> str:
    """The URL of a server that the caller of the tests offers; skips without one."""
    variable = f"OPTUNAS_TEST_{kind.upper()}"
    url = os.environ.get(variable)
    if not url:
        pytest.skip(f"no {kind} server: name one in {variable}")
    return url


@pytest.fixture
def unique() -> str:
    """A name that no other run of the tests has used on a shared server."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """A new SQLite file."""
    return f"sqlite:///{tmp_path}/studies.db"


@pytest.fixture(params=["memory", "sqlite", "journal", "postgresql", "redis"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | BaseStorage]:
    """Every storage."""
    if request.param == "memory":
        yield InMemoryStorage()
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/studies.db"
    elif request.param == "journal":
        yield f"journal:///{tmp_path}/studies.log"
    else:
        yield server("postgres" if request.param == "postgresql" else "redis")
    with warnings.catch_warnings():
        # Optuna leaves its connections to the garbage collector, and some drivers complain.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
