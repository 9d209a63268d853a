"""A search's state on disk: written whole or not at all, read only by the search it belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from optunas.errors import InvalidSpecError

__all__ = ["read_checkpoint", "write_checkpoint"]

VERSION = 1


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state beside ``path``, then put it in its place.

    Raises:
        InvalidSpecError: when it cannot be written there.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        torch.save({"version": VERSION, **state}, beside)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        raise InvalidSpecError(
            f"The checkpoint {str(path)!r} cannot be written ({error}); name a file in a directory "
            "that is there and has room."
        ) from error


def read_checkpoint(path: Path, identity: Mapping[str, Any]) -> dict[str, Any]:
    """The state in ``path``.

    Args:
        path: of the file.
        identity: what the search shares with those that it can go on from.

    Raises:
        InvalidSpecError: when it cannot be read, or is of another search.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        theirs, version = dict(state["identity"]), state["version"]
    except Exception as error:
        raise InvalidSpecError(
            f"The checkpoint {str(path)!r} cannot be read ({type(error).__name__}); delete it "
            "to begin anew."
        ) from error
    if version != VERSION:
        raise InvalidSpecError(
            f"The checkpoint {str(path)!r} was written by another version of optunas (format "
            f"{version}, this one reads {VERSION}); delete it to begin anew."
        )
    different = _different(theirs, dict(identity))
    if different:
        raise InvalidSpecError(
            f"The checkpoint {str(path)!r} is of another search, its {', '.join(different)} "
            "differ; delete it, name another file, or begin anew (--no-resume)."
        )
    return state


def _different(theirs: dict[str, Any], mine: dict[str, Any]) -> list[str]:
    """The names of what is not equal; of the settings, which ones."""
    found = []
    for name, value in mine.items():
        other = theirs.get(name)
        if other == value:
            continue
        if isinstance(value, dict) and isinstance(other, dict) and name == "settings":
            found += [key for key, own in value.items() if other.get(key) != own]
        else:
            found.append(name)
    return found
