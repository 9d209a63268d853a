"""The errors that optunas raises for a user's mistake.

Each message is one clear sentence (or one a line when several things are wrong at once): the
argument, its value, what is allowed, and the next step. The command line turns these, and only
these, into that sentence on standard error and exit code 2.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = [
    "DataError",
    "DeviceError",
    "InvalidArchitectureError",
    "InvalidSpaceError",
    "InvalidSpecError",
    "OptunasError",
    "StorageError",
    "StudyExistsError",
    "TaskError",
    "TrainingError",
    "UnknownNameError",
    "nearest",
    "without_password",
]


def without_password(text: str) -> str:
    """The text with the password of every URL in it hidden.

    >>> without_password("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    return re.sub(r"(://[^\s:/@']*):[^\s/@']+@", r"\1:***@", text)


class OptunasError(Exception):
    """Base of every error that a user can cause and mend; shows no URL's password."""

    def __str__(self) -> str:
        return without_password(super().__str__())


class UnknownNameError(OptunasError, ValueError):
    """A name (operation, sampler, pruner, metric, task, option) that optunas does not know."""

    def __init__(self, what: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"Unknown {what} {name!r}{nearest(str(name), known)}")
        self.what, self.name, self.known = what, name, known


class InvalidSpaceError(OptunasError, ValueError):
    """A search space that cannot exist: no operations, reversed ranges, colliding names."""


class InvalidArchitectureError(OptunasError, ValueError):
    """An architecture, or a parameter dictionary, that is not a member of its space."""


class InvalidSpecError(OptunasError, ValueError):
    """A study definition, budget or option that cannot work."""


class StudyExistsError(OptunasError):
    """A study of that name exists with another definition."""


class StorageError(OptunasError):
    """A storage that cannot be reached, read or understood."""


class TaskError(OptunasError):
    """A task that cannot be imported or built."""


class DataError(OptunasError, ValueError):
    """Data that cannot be trained on: missing, NaN, a single class, too few samples."""


class DeviceError(OptunasError):
    """A device that is not there."""


class TrainingError(OptunasError):
    """Training that broke down (a loss that is not finite): ends one trial, not the run."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of an "unknown name" sentence: the closest known name, then all of them.

    >>> nearest("nsga", ["nsga2", "tpe"])
    "; did you mean 'nsga2'? Known: nsga2, tpe."
    """
    known = sorted(known)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} Known: {', '.join(known)}." if known else hint
