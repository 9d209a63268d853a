"""Errors say what the user did, and nothing that others must not read."""

from __future__ import annotations

import pytest

from optunas.errors import StorageError, UnknownNameError, without_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'postgresql+psycopg2://me:s3:cr3t@host:5432/db'", None),
        ("redis://:secret@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("sqlite:///optunas.db", "sqlite:///optunas.db"),
        ("postgresql://me@host/db at 10:30", "postgresql://me@host/db at 10:30"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str | None) -> None:
    hidden = without_password(text)
    assert "cr3t" not in hidden
    assert "secret" not in hidden
    assert shown is None or hidden == shown
    assert str(StorageError(text)) == hidden


def test_an_unknown_name_brings_the_nearest() -> None:
    error = UnknownNameError("sampler", "tpee", ["tpe", "nsga2"])
    assert str(error) == "Unknown sampler 'tpee'; did you mean 'tpe'? Known: nsga2, tpe."
