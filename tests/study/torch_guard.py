"""For tests in processes of their own: any import of torch fails, with a word that can be found."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

WORD = "TORCH-WAS-IMPORTED"


class _Guard(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "torch":
            sys.stderr.write(f"{WORD}: {name}\n")
            raise ImportError(f"{WORD}: {name}")


def install(folder: Path) -> str:
    """Write a ``sitecustomize`` into ``folder``: with it first in PYTHONPATH, the guard stands."""
    here = Path(__file__).parent
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(here)!r})\n"
        "import torch_guard\nsys.meta_path.insert(0, torch_guard._Guard())\n"
        f"sys.path.remove({str(here)!r})\n"
    )
    return str(folder)
