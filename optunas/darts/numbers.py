"""Whole numbers and numbers among arguments and in files; what is not one gets a sentence."""

from __future__ import annotations

import math

from optunas.errors import InvalidSpecError

__all__ = ["check_whole", "is_number", "is_whole"]


def is_whole(value: object, least: int) -> bool:
    """Whether it is an ``int`` from ``least`` on; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: object) -> bool:
    """Whether it is a finite ``int`` or ``float``; True and False are none, nor is 10**400."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def check_whole(name: str, value: object, least: int, *, optional: bool = False) -> None:
    """Refuse what is no whole number from ``least`` on; None passes where it is ``optional``.

    Raises:
        InvalidSpecError: with the argument's name and value.
    """
    if is_whole(value, least) or (optional and value is None):
        return
    more = " or None" if optional else ""
    raise InvalidSpecError(f"{name} must be a whole number from {least} on{more}, got {value!r}.")
