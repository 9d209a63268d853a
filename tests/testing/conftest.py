"""The user's pieces of the spaces' tests can be imported here too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "space"))
