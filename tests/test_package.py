"""The package itself: what it exports, what importing it costs, and what it must not load."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import optunas

ROOT = Path(optunas.__file__).parent

LIGHT = (
    "optunas",
    "optunas.errors",
    "optunas.space",
    "optunas.measures",
    "optunas.codec",
    "optunas.draw",
    "optunas.pareto",
    "optunas.pruning",
    "optunas.samplers",
    "optunas.metrics",
    "optunas.metrics.closed_form",
    "optunas.nets",
    "optunas.nets.skeleton",
    "optunas.tasks",
    "optunas.train",
    "optunas.objective",
    "optunas.inspection",
    "optunas.study",
    "optunas.compare",
    "optunas.cli",
)
"""Modules that load no torch."""


def loaded_after(code: str, *arguments: str) -> set[str]:
    """Top-level packages in a new process after it ran ``code``."""
    tail = (
        "\nimport json, sys\nprint(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *arguments], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_optunas_loads_neither_torch_nor_optuna() -> None:
    assert not {"torch", "optuna", "numpy", "sklearn", "typer"} & loaded_after("import optunas")


def test_rooms_that_need_no_torch_load_none() -> None:
    code = "\n".join(f"import {name}" for name in LIGHT)
    assert "torch" not in loaded_after(code)


def test_help_loads_neither_torch_nor_optuna() -> None:
    code = """
import sys
from optunas.cli import main
for arguments in ([], ["--help"], ["study", "--help"], ["study", "run", "--help"], ["--version"]):
    sys.argv = ["optunas", *arguments]
    try:
        main()
    except SystemExit:
        pass
"""
    loaded = loaded_after(code)
    assert "typer" in loaded
    assert not {"torch", "optuna", "sklearn", "scipy"} & loaded


def test_names_are_those_that_are_promised() -> None:
    for name in optunas.__all__:
        assert getattr(optunas, name) is not None, name
    assert set(optunas.__all__) <= set(dir(optunas))
    assert len(set(optunas.__all__)) == len(optunas.__all__)


THINGS = (
    *("create", "run", "load", "delete", "seed", "suggest", "suggest_cell", "suggest_genotype"),
    *("to_params", "from_params", "distributions", "build", "report", "should_prune", "Budget"),
    *("StudySpec", "Objective", "Metric", "Operation", "OptunasError", "CheapAwareMedianPruner"),
)


@pytest.mark.parametrize("name", THINGS)
def test_a_name_is_the_thing_and_not_a_module(name: str) -> None:
    thing = getattr(optunas, name)
    assert callable(thing)
    assert thing.__name__ == name
    assert thing.__doc__


def test_no_room_has_the_name_of_a_public_function() -> None:
    rooms = {p.stem for p in ROOT.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    functions = {n for n in optunas.__all__ if callable(getattr(optunas, n))}
    assert not rooms & functions


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'optunas' has no attribute 'optimise'"):
        _ = optunas.optimise


def test_every_room_exports_what_it_names() -> None:
    for name in LIGHT:
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            assert hasattr(module, exported), f"{name}.{exported}"


def test_the_version_is_the_packages() -> None:
    try:
        assert version("optunas") == optunas.__version__
    except PackageNotFoundError:
        pyproject = (ROOT.parent / "pyproject.toml").read_text()
        assert f'version = "{optunas.__version__}"' in pyproject


def test_python_dash_m_is_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "optunas", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"optunas {optunas.__version__}\n"


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "py.typed").exists()
