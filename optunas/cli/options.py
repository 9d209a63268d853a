"""Options that several commands share, and what opens a study for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.errors import without_password

if TYPE_CHECKING:
    from optunas.study import StudyHandle

__all__ = ["AsJson", "Storage", "Trust", "guarded", "opened", "storage_flag"]

Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        envvar="OPTUNAS_STORAGE",
        help="Any Optuna storage: an SQLAlchemy URL, redis://, or a journal file. "
        "Default: sqlite:///optunas.db.",
        show_default=False,
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option("--trust", help="Package whose code the stored study may use; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def guarded(storage: str | None) -> Iterator[None]:
    """Storage errors as one sentence; Optuna's own chatter off."""
    import optuna

    from optunas.study.storage import storage_errors, storage_url

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with storage_errors(storage_url(storage)):
        yield


@contextmanager
def opened(name: str, storage: str | None, trust: list[str] | None) -> Iterator[StudyHandle]:
    """A stored study, to read."""
    from optunas.study import load

    with guarded(storage):
        yield load(name, storage, trust=trust or ())


def storage_flag(storage: str | None) -> str:
    """What a command line that is shown needs to find the same storage again; without password."""
    if storage is None or storage == os.environ.get("OPTUNAS_STORAGE"):
        return ""
    return f" --storage {without_password(storage)}"
