"""The same space in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pytest

__all__ = ["digests_elsewhere", "resolve"]

_CODE = """
import json, sys
from importlib import import_module
from optunas.space import space_from_definition

def resolve(reference):
    module, _, name = reference.partition(":")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found

given = json.load(sys.stdin)
try:
    space = space_from_definition(given["definition"], resolve)
except ImportError as error:
    sys.exit(f"cannot import: {error}")
members = [space.from_json(text) for text in given["members"]]
print(json.dumps([[space.digest(a), space.structure_digest(a)] for a in members]))
"""


def resolve(reference: str) -> Any:
    """The object that ``"module:qualname"`` names."""
    module, _, name = reference.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def digests_elsewhere(
    definition: Mapping[str, Any], members: Sequence[str]
) -> list[tuple[str, str]]:
    """(digest, structure_digest) of each member in a new process with another hash seed.

    Skips the test when that process cannot import the space's code.

    Args:
        definition: of the space.
        members: as JSON.
    """
    paths = [path or os.getcwd() for path in sys.path]
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        input=json.dumps({"definition": definition, "members": list(members)}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if "cannot import" in done.stderr:
        pytest.skip(f"Another process {done.stderr.strip().splitlines()[-1]}")
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return [(one, other) for one, other in json.loads(done.stdout.splitlines()[-1])]
