"""Numbers of members as a person reads them, from a handful to thousands of digits."""

from __future__ import annotations

import math

__all__ = ["brief", "for_json", "large", "log10", "per_option", "scientific", "times"]

DIGITS = 4000
"""Longest integer that Python turns into text and back without a setting, rounded down."""

IN_FULL = 10**30
"""Numbers from here on are written with three digits and a power of ten."""


def log10(number: int | float) -> float | None:
    """The decimal logarithm of any positive integer; None for infinity and 0."""
    return None if number == math.inf or number == 0 else math.log10(number)


def large(number: int | float) -> str:
    """A whole number in full, with its magnitude from a trillion on; ``infinitely many``.

    >>> large(15625), large(7371**5), large(5**120), large(math.inf)
    ('15,625', '21,758,655,492,572,485,851 (2.18e+19)', '7.52e+83', 'infinitely many')
    """
    if number == math.inf:
        return "infinitely many"
    whole = int(number)
    if whole < 10**12:
        return f"{whole:,}"
    return f"{whole:,} ({scientific(whole)})" if whole < IN_FULL else scientific(whole)


def scientific(number: int | float) -> str:
    """Three digits and a power of ten, also beyond the largest float."""
    exponent = math.floor(math.log10(number))
    whole = int(number)
    # Six digits of an integer are exact, whatever its length.
    mantissa = whole // 10 ** (exponent - 5) / 10**5 if exponent > 15 else number / 10**exponent
    if round(mantissa, 2) >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    return f"{mantissa:.2f}e+{exponent:02d}"


def for_json(number: int | float) -> int | None:
    """A count for JSON; None for infinity and for more digits than its readers take."""
    if number == math.inf or (number and math.log10(number) > DIGITS):
        return None
    return int(number)


def brief(value: float) -> str:
    """A cost: whole from a thousand on, else with four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def per_option(trials: float) -> str:
    """Trials for each option: one decimal, two digits where that would be nothing.

    >>> per_option(1.72), per_option(0.3), per_option(20 / 2124)
    ('1.7', '0.3', '0.0094')
    """
    return f"{trials:.1f}" if trials >= 0.1 or trials == 0 else f"{trials:.2g}"


def times(factor: float) -> str:
    """A factor for a sentence: ``1.5``, ``240``, ``3.10e+09``."""
    if factor < 100:
        return f"{factor:.3g}"
    return f"{factor:,.0f}" if factor < 1e6 else scientific(factor)
