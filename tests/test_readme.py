"""What the README shows works: its commands, its Python, the files that it names."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from optunas.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TRIALS = 2
"""In place of the README's numbers of trials."""
EPOCHS = re.compile(r"(\"epochs\": |\bepochs=)\d+")
"""Where a study file says how long it trains or searches."""


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """The arguments of each ``$ optunas ...`` line."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert all(line.startswith("$ optunas ") for line in lines)
    return [shlex.split(line, comments=True)[2:] for line in lines]


def set_up_commands() -> list[str]:
    """The lines that make a fresh machine ready."""
    return [line for block in blocks("bash") for line in block.splitlines()]


def project() -> dict[str, Any]:
    """The ``[project]`` table of pyproject.toml."""
    tomllib = pytest.importorskip("tomllib")
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the studies alone, of one epoch, where the default storage is made."""
    shutil.copytree(ROOT / "studies", tmp_path / "studies")
    for file in (tmp_path / "studies").glob("*.py"):
        file.write_text(EPOCHS.sub(r"\g<1>1", file.read_text()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "200")
    yield
    sys.modules.pop("digits_cells", None)


def shortened(arguments: list[str]) -> list[str]:
    """The same command with few trials, or one search, where it trains; in this process."""
    if arguments[:2] == ["darts", "search"]:
        return [*arguments, "--restarts", "1"]
    if arguments[:2] == ["latency", "calibrate"]:
        return [*arguments, "--networks", "10", "--held-out", "5", "--passes", "1"]
    arguments = replaced(arguments, ONE_PROCESS)
    for words, numbers in SHORTER.items():
        if " ".join(arguments).startswith(words):
            return replaced(arguments, numbers)
    if arguments[:2] != ["study", "run"]:
        return arguments
    if "--trials" in arguments:
        at = arguments.index("--trials")
        arguments = arguments[:at] + arguments[at + 2 :]
    return [*arguments, "--trials", str(TRIALS)]


SHORTER = {
    "compare": {"--seeds": "2", "--budget": "6trials"},
    "proxy rank": {"--sample": "4"},
    "study seed digits-cells": {"--of": "6", "--keep": "2"},
}
"""Commands that would take minutes: what they get in place of the README's numbers."""
ONE_PROCESS = {"--workers": "1", "--processes": "1"}
"""Each further process loads torch again; that several share the work is tested on small tasks."""


def replaced(arguments: list[str], numbers: dict[str, str]) -> list[str]:
    """The arguments with other values of some options."""
    values = [*arguments]
    for option, value in numbers.items():
        if option in values:
            values[values.index(option) + 1] = value
    return values


@pytest.mark.slow
def test_commands_run_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    # The dashboard would serve until Ctrl-C.
    monkeypatch.setattr("optunas.inspection.serve", lambda *a, **k: served.append((a, k)))
    outputs = {}
    for arguments in commands():
        result = CliRunner().invoke(app, shortened(arguments))
        assert result.exit_code == 0, f"{arguments}: {result.output} {result.exception!r}"
        outputs[" ".join(arguments)] = result.output
    assert len(served) == 1
    assert "Pareto front" in outputs["study show digits-cells"]
    assert outputs["study front two --csv"].startswith("trial,accuracy,latency_ms,params")
    assert f'"trials": {TRIALS}' in outputs["study show two --json"]


def test_the_readme_starts_with_creating_a_study() -> None:
    assert commands()[0][:2] == ["study", "create"]
    assert README.index("$ optunas study create") < README.index("\n## ")


def test_two_set_up_commands_need_nothing_else() -> None:
    run, test = set_up_commands()
    set_up = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt "
    for command in (run, test):
        assert command.startswith(set_up)
    assert run.endswith(" . && .venv/bin/optunas study run studies/digits_cells.py")
    assert test.endswith(" -e '.[dev]' && .venv/bin/python -m pytest -n auto --dist loadfile")
    assert "optunas" in project()["scripts"]
    assert "optunas[bench,onnx,test]" in project()["optional-dependencies"]["dev"]


def test_constraints_pin_every_dependency() -> None:
    extras = project()["optional-dependencies"]
    wanted = [*project()["dependencies"], *extras["test"], *extras["dev"]]
    names = {re.split(r"[\[<>=~!; ]", requirement)[0] for requirement in wanted} - {"optunas"}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert names <= {name.lower().replace("_", "-") for name in pins}
    assert all(re.fullmatch(r"[\w.]+", version) for version in pins.values())


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.split("\n", 1)[0][:40])
def test_python_runs(code: str, tmp_path: Path) -> None:
    """Each block alone, as a module that a reader would make of it."""
    module = tmp_path / "readme_block.py"
    few = re.sub(r"\b(n_trials|trials)=\d+", rf"\1={TRIALS}", code)
    module.write_text("my_training_loop = lambda network: [0.5, 0.75]\n\n" + few)
    sys.path.insert(0, str(tmp_path))
    try:
        __import__("readme_block")
    finally:
        sys.modules.pop("readme_block", None)


def test_every_file_that_is_named_is_there() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    mentioned = re.findall(r"\b(?:studies|examples|tests)/[\w/]+\.\w+", README)
    assert linked
    for name in {*linked, *mentioned}:
        assert (ROOT / name).exists(), name


def test_every_example_is_linked() -> None:
    for path in sorted((ROOT / "examples").glob("*.py")):
        assert f"(examples/{path.name})" in README
