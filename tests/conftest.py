"""What all tests share: quiet Optuna, no outside settings, workers that find the tests' code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent

if "PYTEST_XDIST_WORKER" in os.environ:
    # A process a core: more threads than that get into each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests run beside other work: time says nothing here.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPTUNAS_STORAGE", "OPTUNAS_ARTIFACTS"):
        monkeypatch.delenv(name, raising=False)
    found = [str(TESTS.parent), str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in found if p))
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(verbosity)
    torch, threads = sys.modules.get("torch"), os.environ.get("OMP_NUM_THREADS", "")
    # A study that ran in this process leaves torch all cores.
    if threads.isdigit() and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(int(threads))
