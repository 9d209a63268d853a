"""The arguments of an elastic space: one for all stages or one a stage, checked all at once."""

from __future__ import annotations

import itertools
import math
import numbers
import operator
from collections.abc import Callable, Sequence
from typing import Any

from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space.subnet import ACTIVATIONS

__all__ = ["OptionReader", "Options"]

Options = tuple[Any, ...]
"""The ascending values that one parameter can have."""


class OptionReader:
    """Reads the arguments and collects what is wrong with them; :meth:`finish` raises it.

    An argument that is wrong is read as something harmless.
    """

    def __init__(self, space: str) -> None:
        self.space = space
        self._faults: list[str] = []
        self._unknown: list[UnknownNameError] = []

    def finish(self) -> None:
        """Raise for all that was wrong.

        Raises:
            UnknownNameError: when that is one unknown activation.
            InvalidSpaceError: for anything else, one sentence a line.
        """
        if len(self._unknown) == 1 and not self._faults:
            raise self._unknown[0]
        lines = [f"{self.space}: {fault}" for fault in self._faults]
        lines += [str(error) for error in self._unknown]
        if lines:
            raise InvalidSpaceError("\n".join(lines))

    def widths(self, value: object) -> tuple[Options, ...]:
        """One entry a stage, each a width or several to choose from."""
        entries = _listed(value)
        if not entries:
            self._faults.append(
                "widths has one entry a stage, a width or a tuple of widths to choose from, "
                f"such as (24, (32, 40)); got {value!r}."
            )
            return ((1,),)
        return tuple(
            self._options("widths", _several(entry), number)
            for number, entry in enumerate(entries, start=1)
        )

    def options(self, name: str, value: object, stages: int) -> tuple[Options, ...]:
        """Options for all stages, or one tuple of options a stage."""
        entries = _several(value)
        if not any(_listed(entry) is not None for entry in entries):
            return (self._options(name, entries),) * stages
        self._check_length(name, entries, stages)
        return tuple(
            self._options(name, _several(entry), number)
            for number, entry in enumerate(entries, start=1)
        )

    def _options(self, name: str, values: tuple[Any, ...], stage: int | None = None) -> Options:
        what = name if stage is None else f"{name}, stage {stage}"
        found = [_ALLOWED[name][1](value) for value in values]
        read = [number for number in found if number is not None]
        if not read or len(read) < len(found):
            wanted = _ALLOWED[name][0]
            self._faults.append(f"{what}: the options are {wanted}, at least one; got {values!r}.")
            return (1,)
        if any(first >= second for first, second in itertools.pairwise(read)):
            hint = f"write {tuple(sorted(set(read)))!r}"
            if stage is None:
                hint += f", or for one entry a stage {tuple((number,) for number in read)!r}"
            self._faults.append(
                f"{what}: the options must ascend without repeats, got {values!r}; {hint}."
            )
            return (1,)
        return tuple(read)

    def strides(self, value: object, stages: int) -> tuple[int, ...]:
        """One stride a stage; None is 1 for the first and 2 for the others."""
        if value is None:
            return (1, *[2] * (stages - 1))
        entries = _listed(value)
        if entries is None:
            self._faults.append(f"strides has one entry a stage, or is None; got {value!r}.")
            return (1,) * stages
        self._check_length("strides", entries, stages)
        return tuple(
            self.stride(f"strides, stage {number}:", entry)
            for number, entry in enumerate(entries, start=1)
        )

    def stride(self, what: str, value: object) -> int:
        """1 or 2."""
        number = _integer(value)
        if number not in (1, 2):
            self._faults.append(f"{what} must be 1 or 2, got {value!r}.")
            return 1
        return number

    def activations(self, value: object, stages: int) -> tuple[str, ...]:
        """One name, or one a stage."""
        entries = self._per_stage("activation", value, stages)
        unknown = [name for name in entries if not isinstance(name, str) or name not in ACTIVATIONS]
        named = {repr(name): name for name in unknown}  # a name for all stages is wrong once
        self._unknown += [UnknownNameError("activation", n, ACTIVATIONS) for n in named.values()]
        return entries

    def flags(self, name: str, value: object, stages: int) -> tuple[bool, ...]:
        """True or False, or one a stage."""
        entries = self._per_stage(name, value, stages)
        if not all(isinstance(entry, bool) for entry in entries):
            self._faults.append(f"{name} is True or False, or one of them a stage; got {value!r}.")
        return entries

    def count(self, what: str, value: object, low: int) -> int:
        """An integer from ``low`` on."""
        number = _integer(value)
        if number is None or number < low:
            wanted = "a positive integer" if low else "an integer from 0 on (0 leaves it out)"
            self._faults.append(f"{what} must be {wanted}, got {value!r}.")
            return 1
        return number

    def _per_stage(self, name: str, value: object, stages: int) -> tuple[Any, ...]:
        entries = _listed(value)
        if entries is None:
            return (value,) * stages
        self._check_length(name, entries, stages)
        return entries

    def _check_length(self, name: str, entries: tuple[Any, ...], stages: int) -> None:
        if len(entries) != stages:
            self._faults.append(
                f"{name} has {len(entries)} entries for {stages} stages (widths has one a stage); "
                "give one for each."
            )


def _listed(value: object) -> tuple[Any, ...] | None:
    """The entries of a list, tuple or range; None for a single value, strings included."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(value)
    return None


def _several(value: object) -> tuple[Any, ...]:
    """The entries, a single value as one."""
    entries = _listed(value)
    return (value,) if entries is None else entries


def _integer(value: object) -> int | None:
    """``value`` as an int, NumPy's too; None for anything else, True and 2.0 included."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _positive(value: object) -> int | None:
    number = _integer(value)
    return number if number is not None and number > 0 else None


def _depth(value: object) -> int | None:
    number = _positive(value)  # the parameters of each block are written down
    return number if number is not None and number <= 200 else None


def _odd(value: object) -> int | None:
    number = _positive(value)
    return number if number is not None and number % 2 else None


def _expansion(value: object) -> float | None:
    """A number from 1 on, as an int where it is whole; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    number = float(value)
    if not 1 <= number < math.inf:
        return None
    return int(number) if number.is_integer() else number


_ALLOWED: dict[str, tuple[str, Callable[[object], float | None]]] = {
    "widths": ("positive integers", _positive),
    "depths": ("positive integers, up to 200", _depth),
    "kernels": ("odd positive integers", _odd),
    "expansions": ("numbers from 1 on", _expansion),
}
