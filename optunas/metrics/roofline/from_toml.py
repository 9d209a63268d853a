"""A device of the user's own, from a TOML file."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError, nearest
from optunas.metrics.roofline.profile import Profile

__all__ = ["load_profile"]

_KEYS = tuple(field.name for field in fields(Profile) if field.name != "estimate")
_NEEDED = ("name", "bandwidth_gb_s", "tflops")


def load_profile(path: str | Path) -> Profile:
    """The profile in a TOML file::

        name = "my board"
        bandwidth_gb_s = 12.8     # of main memory
        overhead_us = 5.0         # of one kernel; left out it is 0
        fused = true              # norms and activations cost nothing; left out it is false
        source = "its data sheet"

        [tflops]                  # peak, dense; at least one type
        float32 = 0.048           # others: tf32, float16, bfloat16, int8, float64

    Raises:
        InvalidSpecError: for a file that cannot be read, and for keys and values that cannot be,
            all at once, one a line.
    """
    body = _read(Path(path))
    faults = [f"unknown key {key!r}{nearest(key, _KEYS)}" for key in body if key not in _KEYS]
    faults += [f"{key} is missing." for key in _NEEDED if key not in body]
    if not faults:
        try:
            return Profile(**body)
        except InvalidSpecError as error:
            faults = str(error).split("\n")
    raise InvalidSpecError("\n".join(f"{path}: {fault}" for fault in faults))


def _read(path: Path) -> dict[str, Any]:
    parser = _parser()
    try:
        with path.open("rb") as file:
            return parser.load(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidSpecError(f"Cannot read the profile {str(path)!r}: {reason}.") from None
    except ValueError as error:  # both a syntax error and bytes that are no text
        raise InvalidSpecError(f"The profile {str(path)!r} is no TOML file: {error}.") from None


def _parser() -> Any:
    for name in ("tomllib", "tomli"):  # in the standard library from Python 3.11 on
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise InvalidSpecError("To read TOML on Python 3.10, install the package tomli.")
