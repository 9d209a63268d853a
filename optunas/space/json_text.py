"""The JSON of architectures: one check of kind and version for all of them."""

from __future__ import annotations

import json
from typing import Any

from optunas.errors import InvalidArchitectureError

__all__ = ["load_json"]


def load_json(text: str, kind: str) -> dict[str, Any]:
    """The object in JSON ``text`` when it is of this kind, version 1.

    Raises:
        InvalidArchitectureError: when it is anything else.
    """
    try:
        body = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or body.get("kind") != kind:
        got = body.get("kind") if isinstance(body, dict) else None
        what = f"that of a {got}" if isinstance(got, str) else repr(str(text)[:80])
        raise InvalidArchitectureError(f"Expected the JSON of a {kind}, got {what}.")
    if body.get("version") != 1:
        raise InvalidArchitectureError(
            f"This {kind} was written in version {body.get('version')!r} of its JSON, "
            "this optunas reads version 1."
        )
    return body
