"""Files that are whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from optunas.errors import InvalidSpecError, StorageError

__all__ = ["check_target", "read_json", "write_whole"]


def check_target(path: str | Path) -> Path:
    """A file that can be written.

    Raises:
        InvalidSpecError: when its folder is missing, or it is a folder.
        StorageError: when its folder cannot be written to.
    """
    target = Path(path)
    if target.is_dir() or not target.parent.is_dir():
        raise InvalidSpecError(
            f"The output {str(path)!r} must be a file in a folder that exists, such as laptop.json."
        )
    if not os.access(target.parent, os.W_OK):
        raise StorageError(f"Cannot write {str(path)!r}: no permission for its folder.")
    return target


def write_whole(path: Path, data: str | bytes) -> None:
    """Write beside the target, then rename: whoever reads it finds the old or the new one whole.

    Raises:
        StorageError: when it cannot be written; nothing is left then.
    """
    raw = data.encode() if isinstance(data, str) else data
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        StorageError: when the file cannot be read or is none.
    """
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"Cannot read {str(path)!r}: {error.strerror or error}.") from None
    except ValueError:
        raise StorageError(f"{str(path)!r} is not {what}: it is no JSON.") from None
    if not isinstance(body, dict):
        raise StorageError(f"{str(path)!r} is not {what}: its JSON is no object.")
    return body
