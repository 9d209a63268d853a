"""The state of a training between two epochs, as bytes.

Tensors and plain values alone, so that reading it runs no code, whoever wrote it.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch

from optunas.errors import TrainingError

__all__ = ["pack", "unpack"]

VERSION = 1


def pack(state: dict[str, Any]) -> bytes:
    """``state`` (tensors, numbers, strings, None, lists and dicts of them) as bytes."""
    file = io.BytesIO()
    torch.save({"version": VERSION, **state}, file)
    return file.getvalue()


def unpack(body: bytes) -> dict[str, Any]:
    """What :func:`pack` was given; all tensors on the CPU.

    Raises:
        TrainingError: for anything else, or a state of another version.
    """
    try:
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        version = state.pop("version")
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        raise TrainingError(f"The stored training cannot be read: {_first(error)}") from error
    except (TypeError, AttributeError):
        raise TrainingError("The stored training cannot be read: it holds no training.") from None
    if version != VERSION:
        raise TrainingError(
            f"The stored training has version {version}; this optunas goes on with {VERSION}."
        )
    return dict(state)


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
