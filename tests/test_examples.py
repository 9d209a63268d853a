"""Every example runs, small, on real data, in a folder of its own."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from optuna.trial import TrialState

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
TRIALS = 3
EPOCHS = re.compile(r"(\"epochs\": |\bepochs(?:: int = |=))\d+")
MAX_LINES = 60


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def path(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An example, with an empty current folder; modules and search path as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield request.param
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {p.stem for p in EXAMPLES} | {"example"}:
            del sys.modules[name]


def load(path: Path) -> ModuleType:
    """The example as a module, its ``main`` not called."""
    spec = importlib.util.spec_from_file_location("example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example"] = module
    spec.loader.exec_module(module)
    return module


def trials_of(result: Any) -> list[Any]:
    """The trials of what an example returns: an Optuna study, or our handle of one."""
    return list(getattr(result, "study", result).trials)


def test_the_examples_are_numbered_without_a_gap() -> None:
    assert [int(p.stem[:2]) for p in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))


def test_example_runs(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "example.py"
    short.write_text(EPOCHS.sub(r"\g<1>2", path.read_text()))
    result = load(short).main(n_trials=TRIALS)
    trials = trials_of(result)
    assert len(trials) == TRIALS
    assert {t.state for t in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert any(t.state == TrialState.COMPLETE for t in trials)


def test_example_is_short_typed_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert 'if __name__ == "__main__":' in text
    module = load(path)
    assert inspect.getdoc(module)
    signature = inspect.signature(module.main)
    assert list(signature.parameters) == ["n_trials"]
    assert isinstance(signature.parameters["n_trials"].default, int)
    assert signature.return_annotation is not inspect.Signature.empty
    defined = [f for _, f in inspect.getmembers(module, inspect.isfunction)]
    for function in (f for f in defined if f.__module__ == "example"):
        missing = [p for p in inspect.signature(function).parameters.values() if not p.annotation]
        assert not missing, function.__name__
