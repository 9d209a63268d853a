"""The files that ``optunas darts`` writes: where they may stand, and drawings."""

from __future__ import annotations

import os
from pathlib import Path

from optunas.errors import InvalidSpecError, StorageError

__all__ = ["check_output", "draw_into", "picture", "target_of"]


def target_of(output: str) -> Path:
    """The file to write.

    Raises:
        InvalidSpecError: for a folder that is not there, and what is no file.
    """
    target = Path(output)
    if not target.parent.is_dir():
        raise InvalidSpecError(f"There is no folder {str(target.parent)!r} for {str(target)!r}.")
    if target.exists() and not target.is_file():
        raise InvalidSpecError(f"{str(target)!r} is there and is no file; give another --output.")
    return target


def check_output(target: Path, file: str) -> None:
    """Refuse a file that would be lost, and a folder that nothing can be written into.

    Raises:
        InvalidSpecError: for the study file itself; what is there otherwise is replaced.
        StorageError: for a folder without leave to write.
    """
    if target.exists() and Path(file).exists() and target.samefile(file):
        raise InvalidSpecError(
            f"--output {str(target)!r} is the study file itself; name another file."
        )
    if not os.access(target.parent, os.W_OK):
        raise StorageError(
            f"The folder {str(target.parent)!r} cannot be written into; give another --output."
        )


def picture(name: str) -> Path:
    """The file to draw into.

    Raises:
        InvalidSpecError: as :func:`target_of`, and for another ending than .svg and .png.
    """
    target = target_of(name)
    if target.suffix.lower() not in (".svg", ".png"):
        raise InvalidSpecError(f"A drawing's file ends in .svg or .png, got {name!r}.")
    return target


def draw_into(svg: str, target: Path) -> None:
    """Write a drawing, as PNG where the file's name says so.

    Raises:
        StorageError: when the file cannot be written.
    """
    from optunas.draw import svg_to_png

    data = svg_to_png(svg) if target.suffix.lower() == ".png" else svg.encode()
    try:
        target.write_bytes(data)
    except OSError as error:
        raise StorageError(f"Cannot write {str(target)!r}: {error.strerror or error}.") from None
