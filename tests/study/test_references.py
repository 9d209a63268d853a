"""Names become objects; code from a storage is imported only when it is trusted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import toy_task

import optunas
from optunas.errors import InvalidSpecError, TaskError
from optunas.study.references import load_file, make_importable, resolve, resolver


def test_optunas_own_tasks_need_no_trust() -> None:
    assert resolve("optunas.tasks:digits") is optunas.tasks.digits


@pytest.mark.parametrize("trust", [["toy_task"], ["*"], ["other", "toy_task"]])
def test_trusted_code_is_imported(trust: list[str]) -> None:
    assert resolve("toy_task:toy", trust) is toy_task.toy
    assert resolver(trust)("toy_task:ToyTask.scores") is toy_task.ToyTask.scores


def test_trusted_code_is_found_in_the_current_folder_and_takes_nothings_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A console script's path begins with the script's folder, not with the current one."""
    (tmp_path / "lies_in_this_folder.py").write_text("x = 1\n")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TaskError, match="add --trust"):
        resolve("lies_in_this_folder:x")
    assert str(tmp_path) not in sys.path
    assert resolve("lies_in_this_folder:x", ["lies_in_this_folder"]) == 1
    assert sys.path[-1] == str(tmp_path)


@pytest.mark.parametrize("reference", ["os:system", "subprocess:run", "optunas_evil:task"])
def test_untrusted_code_is_not_even_imported(reference: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"is code from outside optunas; .* add --trust"):
        resolve(reference, ["toy_task"])
    assert "optunas_evil" not in sys.modules


@pytest.mark.parametrize("reference", ["", "digits", "optunas.tasks:", ":digits"])
def test_a_reference_has_two_parts(reference: str) -> None:
    with pytest.raises(TaskError, match=r"Expected a reference 'package.module:function', got"):
        resolve(reference)


def test_a_module_that_breaks_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaks_at_import.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TaskError, match=r"Importing 'breaks_at_import' .* ZeroDivisionError"):
        resolve("breaks_at_import:task", ["*"])


def test_a_missing_attribute_gets_the_nearest() -> None:
    with pytest.raises(TaskError, match=r"has no 'digitz'; did you mean 'digits'"):
        resolve("optunas.tasks:digitz")


def test_a_folder_is_put_on_the_path_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    make_importable(tmp_path)
    make_importable(str(tmp_path))
    assert sys.path.count(str(tmp_path.resolve())) == 1


@pytest.fixture
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a study file change the path and the modules for one test only."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in set(sys.modules) & {"my_file"}:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("own_path")
def test_what_a_file_defines_can_be_stored_and_found_again(tmp_path: Path) -> None:
    file = tmp_path / "my_file.py"
    file.write_text(
        "import toy_task\n\n\ndef task():\n    return toy_task.toy()\n\n\n"
        "study = toy_task.spec('mine', task=task)\n"
    )
    spec = load_file(file)
    assert spec.task == "my_file:task"
    assert resolve("my_file:task", ["my_file"])().name == "toy"
    del sys.modules["my_file"]


@pytest.mark.usefixtures("own_path")
def test_a_broken_file_leaves_no_module_behind(tmp_path: Path) -> None:
    file = tmp_path / "my_file.py"
    file.write_text("x = 1\nraise ValueError('two\\nlines')\n")
    with pytest.raises(InvalidSpecError, match=r"is broken in line 2: ValueError: two"):
        load_file(file)
    assert "my_file" not in sys.modules


@pytest.mark.usefixtures("own_path")
def test_a_file_may_not_take_the_place_of_a_module(tmp_path: Path) -> None:
    file = tmp_path / "json.py"
    file.write_text("import toy_task\nstudy = toy_task.spec()\n")
    before = sys.modules["json"]
    with pytest.raises(InvalidSpecError, match="has the name of the module 'json'; rename it"):
        load_file(file)
    assert sys.modules["json"] is before


@pytest.mark.usefixtures("own_path")
def test_a_file_may_be_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "my_file.py"
    for seed in (1, 2):
        file.write_text(f"import toy_task\nstudy = toy_task.spec(seed={seed})  {'#' * seed}\n")
        assert load_file(file).seed == seed
    del sys.modules["my_file"]


@pytest.mark.usefixtures("own_path")
def test_an_error_in_a_file_keeps_its_own_sentence(tmp_path: Path) -> None:
    file = tmp_path / "my_file.py"
    file.write_text("import toy_task\nstudy = toy_task.spec(score='mean')\n")
    with pytest.raises(InvalidSpecError, match="score must be 'last' or 'best', got 'mean'"):
        load_file(file)
