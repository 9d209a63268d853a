"""How a broken promise is told: which verb, on which member, and how to get that member again."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

__all__ = ["BrokenPromise", "Sampled", "promise", "require"]

LONGEST = 600
"""Characters of a member's repr that a message shows."""


class BrokenPromise(AssertionError):
    """A space does not do what every space does."""


@dataclass(frozen=True)
class Sampled:
    """A member with where it came from.

    Attributes:
        value: the member.
        rng: the generator that it was drawn with, for what comes next.
        seed: of the suite.
        number: of the sample.
    """

    value: Any
    rng: np.random.Generator
    seed: int
    number: int

    def __str__(self) -> str:
        return (
            f"{shown(self.value)}\n  which is "
            f"space.sample(numpy.random.default_rng([{self.seed}, {self.number}]))"
        )


def shown(value: Any) -> str:
    """The value's repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def require(condition: bool, fault: str) -> None:
    """Raise :class:`BrokenPromise` with ``fault`` unless ``condition`` holds."""
    __tracebackhide__ = True
    if not condition:
        raise BrokenPromise(fault)


class promise:
    """Name the verb and the members in whatever goes wrong inside ``with promise(...):``.

    Every error becomes a :class:`BrokenPromise` with that error as its cause.

    Args:
        verb: starts the sentence that tells what it does wrong.
        members: what it was asked of.
    """

    def __init__(self, verb: str, *members: object) -> None:
        self.verb, self.members = verb, members

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if isinstance(error, BrokenPromise):
            raise BrokenPromise(_told(f"{self.verb} {error}", self.members)) from error.__cause__
        if isinstance(error, Exception):  # not a skipped test, nor Ctrl-C
            fault = f"{self.verb} raised {type(error).__name__}: {error}"
            raise BrokenPromise(_told(fault, self.members)) from error


def _told(fault: str, members: tuple[object, ...]) -> str:
    return "\n".join([fault, *(f"on {member}" for member in members)])
