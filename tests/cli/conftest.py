"""The command line, run in this process as its console script runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import Cli, Result

from optunas.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, wide enough for every table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """``cli("study", "list")`` runs a command; a traceback fails the test."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["optunas", *arguments])
        monkeypatch.setattr(sys, "path", list(sys.path))
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Result(code, said.out, said.err)

    return run


@pytest.fixture
def study_file(folder: Path) -> Path:
    """A study of the toy task."""
    file = folder / "toy_study.py"
    file.write_text("import toy_task\nstudy = toy_task.spec(description='toys')\n")
    return file
