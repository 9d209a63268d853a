"""Bad input gets one clear sentence, exit code 2, and nothing is written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from command_line import Cli, Result

HEADER = "import toy_task\nfrom optunas import *\n"


def refused(result: Result, *words: str) -> None:
    """One sentence on standard error that holds the words, and exit code 2."""
    assert result.code == 2, result
    assert result.out == ""
    (line,) = result.err.strip().splitlines()
    assert line.startswith("Error: ")
    assert line.endswith((".", "?"))
    for word in words:
        assert word in line


@pytest.fixture
def written(folder: Path) -> Callable[[], set[str]]:
    """Names of files that are there and were not when the test began writing its own."""

    def names() -> set[str]:
        return {p.name for p in folder.iterdir()} - {"__pycache__"}

    return names


BROKEN_FILES = {
    "no study": ("x = 1\n", ["has no 'study'", "study = StudySpec(...)"]),
    "another study": ("study = 3\n", ["has a 'study' of type int", "study = StudySpec(...)"]),
    "syntax": ("study = (\n", ["is broken in line 1", "SyntaxError"]),
    "exception": ("x = 1\ny = x / 0\n", ["is broken in line 2", "ZeroDivisionError"]),
    "import": ("import no_such_module\n", ["is broken in line 1", "no_such_module"]),
    "exit": ("raise SystemExit(3)\n", ["is broken in line 1", "SystemExit"]),
    "operation": (
        "study = toy_task.spec(space=DenseCellSpace(('none', 'skip_conect'), 3))\n",
        ["Unknown operation 'skip_conect'; did you mean 'skip_connect'?"],
    ),
    "no operations": ("study = toy_task.spec(space=DenseCellSpace(()))\n", ["operation"]),
    "no operations, two inputs": ("study = toy_task.spec(space=CellSpace([]))\n", ["operation"]),
    "sampler": (
        "study = toy_task.spec(sampler='nsga-2')\n",
        ["Unknown sampler 'nsga-2'; did you mean 'nsga2'?"],
    ),
    "pruner": (
        "study = toy_task.spec(pruner='cheap_median')\n",
        ["Unknown pruner 'cheap_median'; did you mean 'cheap_aware_median'?"],
    ),
    "metric": (
        "study = toy_task.spec(objectives=('acuracy', 'params'))\n",
        ["Unknown metric 'acuracy'; did you mean 'accuracy'?"],
    ),
    "setting": (
        "study = toy_task.spec(training={'epoch': 3})\n",
        ["Unknown hyperparameter 'epoch'; did you mean 'epochs'?"],
    ),
    "task": (
        "study = toy_task.spec(task='optunas.tasks:digit')\n",
        ["has no 'digit'; did you mean 'digits'?"],
    ),
    "task module": (
        "study = toy_task.spec(task='optunas.task:digits')\n",
        ["Cannot import 'optunas.task'"],
    ),
    "no such task": ("study = toy_task.spec(task='my.tasks:mine')\n", ["Cannot import 'my.tasks'"]),
    "task reference": ("study = toy_task.spec(task='digits')\n", ["'package.module:function'"]),
    "broken task": (
        "study = toy_task.spec(task=toy_task.broken_task)\n",
        ["cannot be made: ZeroDivisionError: no data today"],
    ),
    "zero trials": ("study = toy_task.spec(budget=Budget(trials=0))\n", ["trials must be posit"]),
    "negative epochs": ("study = toy_task.spec(budget=Budget(epochs=-1))\n", ["epochs must be po"]),
    "no budget": ("study = toy_task.spec(budget=Budget(trials=None))\n", ["at least one limit"]),
    "name": ("study = toy_task.spec('my study')\n", ["name must consist of letters", "'my study'"]),
    "local task": (
        "study = toy_task.spec(task=lambda: toy_task.toy())\n",
        ["is a lambda or a local definition and cannot be stored"],
    ),
    "own operation": (
        "study = toy_task.spec(space=DenseCellSpace((Operation('mine', lambda c, d, s: None),"
        " 'none')))\n",
        ["lambda", "cannot be stored"],
    ),
}


@pytest.mark.parametrize("command", ["create", "run"])
@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_study_file_that_cannot_work(
    cli: Cli, folder: Path, written: Callable[[], set[str]], command: str, case: str
) -> None:
    text, words = BROKEN_FILES[case]
    (folder / "bad_study.py").write_text((HEADER if "toy_task" in text else "") + text)
    refused(cli("study", command, "bad_study.py"), *words)
    assert written() == {"bad_study.py"}


@pytest.mark.parametrize("command", [("study", "create"), ("study", "run"), ("space", "info")])
def test_a_missing_study_file(
    cli: Cli, written: Callable[[], set[str]], command: list[str]
) -> None:
    refused(cli(*command, "no_such.py"), "There is no study file 'no_such.py'")
    assert written() == set()


def test_a_file_that_is_no_python(cli: Cli, folder: Path, written: Callable[[], set[str]]) -> None:
    (folder / "study.txt").write_text("hello")
    refused(cli("study", "create", "study.txt"), "is not a Python file")
    assert written() == {"study.txt"}


def test_a_folder_in_place_of_a_file(cli: Cli, folder: Path) -> None:
    (folder / "studies.py").mkdir()
    refused(cli("study", "create", "studies.py"), "There is no study file 'studies.py'")


def test_a_name_that_exists_with_another_definition(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    before = optuna.load_study(study_name="toy", storage="sqlite:///optunas.db").user_attrs
    study_file.write_text("import toy_task\nstudy = toy_task.spec(sampler='tpe', seed=3)\n")
    for command in ("create", "run"):
        refused(
            cli("study", command, study_file.name),
            "'toy' with another definition exists",
            "sampler: stored 'random', now 'tpe'",
            "seed: stored 0, now 3",
            "--name",
        )
    study = optuna.load_study(study_name="toy", storage="sqlite:///optunas.db")
    assert study.user_attrs == before
    assert study.trials == []
    assert optuna.get_all_study_names("sqlite:///optunas.db") == ["toy"]


@pytest.mark.parametrize("command", ["run", "show", "front", "delete"])
def test_a_name_that_is_not_there(cli: Cli, study_file: Path, command: str) -> None:
    cli("study", "create", study_file.name)
    options = ["--yes"] if command == "delete" else []
    refused(cli("study", command, "tay", *options), "no study 'tay'", "did you mean 'toy'?")


@pytest.mark.parametrize(
    "command",
    [("study", c, "toy") for c in ("run", "show", "front", "delete")]
    + [("study", "list"), ("dashboard",)],
)
def test_no_storage_yet(
    cli: Cli, written: Callable[[], set[str]], command: tuple[str, ...]
) -> None:
    refused(cli(*command), "no study storage at 'sqlite:///optunas.db'", "create a study first")
    assert written() == set()


UNREACHABLE = {
    "postgresql://127.0.0.1:1/x": "postgresql://127.0.0.1:1/x",
    "mysql://127.0.0.1:1/x": "mysql://127.0.0.1:1/x",
    "redis://127.0.0.1:1": "redis://127.0.0.1:1",
    "sqlite:///no/such/folder/x.db": "lies in a folder that does not exist",
    "journal:///no/such/folder/x.log": "lies in a folder that does not exist",
    "oracel://x": "oracel://x",
    "postgresql://[::1": "postgresql://[::1",
    "ftp://a/b": "ftp://a/b",
}


@pytest.mark.parametrize("url", UNREACHABLE)
def test_an_unreachable_storage(cli: Cli, study_file: Path, folder: Path, url: str) -> None:
    for command in ("create", "run"):
        refused(cli("study", command, study_file.name, "--storage", url), UNREACHABLE[url])
    refused(cli("study", "list", "--storage", url), url)
    assert not (folder / "optunas.db").exists()


def test_a_storage_in_a_place_that_cannot_be_written(cli: Cli, study_file: Path) -> None:
    place = Path("/proc/optunas.db") if os.geteuid() == 0 else Path("/optunas.db")
    refused(cli("study", "create", study_file.name, "--storage", f"sqlite:///{place}"), str(place))
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(cli: Cli, study_file: Path, folder: Path) -> None:
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    refused(cli("study", "create", study_file.name, "--storage", f"sqlite:///{locked}/x.db"))
    assert list(locked.iterdir()) == []


def a_real_database(cli: Cli, study_file: Path) -> bytearray:
    """The bytes of one, alone: what this process has open of it lies elsewhere."""
    cli("study", "run", study_file.name, "--trials", "4", "--storage", "sqlite:///whole.db")
    connection = sqlite3.connect("whole.db")
    connection.execute("VACUUM INTO 'copy.db'")
    connection.close()
    return bytearray(Path("copy.db").read_bytes())


def garbage(cli: Cli, study_file: Path) -> bytes:
    return b"this is no database at all\n" * 400


def garbled_header(cli: Cli, study_file: Path) -> bytes:
    content = a_real_database(cli, study_file)
    content[:64] = b"\xff" * 64
    return bytes(content)


def truncated(cli: Cli, study_file: Path) -> bytes:
    content = a_real_database(cli, study_file)
    return bytes(content[: len(content) // 2])


def garbled_middle(cli: Cli, study_file: Path) -> bytes:
    content = a_real_database(cli, study_file)
    start = 4096 * 2
    content[start : len(content) - 4096] = b"\xab" * (len(content) - 4096 - start)
    return bytes(content)


@pytest.mark.parametrize("damage", [garbage, garbled_header, truncated, garbled_middle])
def test_a_corrupted_sqlite_file(
    cli: Cli, study_file: Path, damage: Callable[[Cli, Path], bytes]
) -> None:
    content = damage(cli, study_file)
    database = Path("optunas.db")
    database.write_bytes(content)
    commands = (
        ["study", "create", study_file.name],
        ["study", "run", study_file.name],
        ["study", "list"],
        ["study", "show", "toy"],
        ["study", "delete", "toy", "--yes"],
        ["dashboard"],
    )
    for command in commands:
        refused(cli(*command), "'sqlite:///optunas.db' is corrupted", "restore it from a copy")
        assert database.read_bytes() == content


def test_a_sqlite_file_of_something_else(cli: Cli, study_file: Path) -> None:
    connection = sqlite3.connect("optunas.db")
    connection.execute("CREATE TABLE studies (name TEXT)")
    connection.commit()
    connection.close()
    before = Path("optunas.db").read_bytes()
    for command in (["create", study_file.name], ["list"]):
        refused(cli("study", *command), "'sqlite:///optunas.db' is a SQLite database of something")
    assert Path("optunas.db").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"\x00\xff\xfe binary", b"not json\n", b"{}\n", b'{"op_code": 99}\n']
)
def test_a_file_that_is_no_journal(cli: Cli, study_file: Path, content: bytes) -> None:
    Path("studies.log").write_bytes(content)
    for url in ("journal:///studies.log", "studies.log"):
        done = cli("study", "create", study_file.name, "--storage", url)
        refused(done, "is no journal file" if b"99" not in content else "cannot be opened")
    assert Path("studies.log").read_bytes() == content


def test_a_database_given_as_a_path(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    refused(cli("study", "list", "--storage", "optunas.db"), "name it 'sqlite:///optunas.db'")
    refused(cli("study", "create", study_file.name, "--storage", "new.db"), "sqlite:///new.db")
    assert not Path("new.db").exists()


def arrays_study(folder: Path, x: np.ndarray, y: np.ndarray) -> str:
    np.savez(folder / "data.npz", x=x, y=y)
    (folder / "arrays_study.py").write_text(
        "from optunas import NB201, StudySpec\n"
        "study = StudySpec('arrays', NB201, 'optunas.tasks:arrays',\n"
        "    task_options={'path': 'data.npz'})\n"
    )
    return "arrays_study.py"


def images(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8, 8))


def test_data_with_nan(cli: Cli, folder: Path) -> None:
    x = images()
    x[3, 2, 2] = np.nan
    file = arrays_study(folder, x, np.arange(60) % 3)
    refused(cli("study", "create", file), "x", "NaN")
    assert not (folder / "optunas.db").exists()


def test_labels_with_nan(cli: Cli, folder: Path) -> None:
    y = (np.arange(60) % 3).astype(float)
    y[5] = np.nan
    refused(cli("study", "create", arrays_study(folder, images(), y)), "y", "NaN")
    assert not (folder / "optunas.db").exists()


def test_data_with_a_single_class(cli: Cli, folder: Path) -> None:
    file = arrays_study(folder, images(), np.zeros(60, dtype=int))
    refused(cli("study", "run", file), "class")
    assert not (folder / "optunas.db").exists()


def test_data_that_is_not_there(cli: Cli, folder: Path) -> None:
    file = arrays_study(folder, images(), np.arange(60) % 3)
    (folder / "data.npz").unlink()
    refused(cli("study", "create", file), "There is no file 'data.npz'")


@pytest.mark.parametrize("value", ["0", "-3"])
@pytest.mark.parametrize("option", ["--trials", "--timeout", "--workers"])
def test_numbers_that_must_be_positive(
    cli: Cli, study_file: Path, folder: Path, option: str, value: str
) -> None:
    result = cli("study", "run", study_file.name, option, value)
    refused(result, f"{option.removeprefix('--')} must be positive, got {value}")
    assert not (folder / "optunas.db").exists()


def test_zero_trials_at_creation(cli: Cli, study_file: Path, folder: Path) -> None:
    refused(cli("study", "create", study_file.name, "--trials", "0"), "trials must be positive")
    assert not (folder / "optunas.db").exists()


@pytest.mark.parametrize("device", ["cuda:7", "tpu", "cuda0", ""])
def test_a_device_that_is_not_there(cli: Cli, study_file: Path, folder: Path, device: str) -> None:
    for command in ("create", "run"):
        result = cli("study", command, study_file.name, "--device", device)
        refused(result, f"no device {device!r} here; there is cpu")
    assert not (folder / "optunas.db").exists()


def test_another_seed_for_a_stored_study(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    result = cli("study", "run", "toy", "--seed", "9", "--trust", "toy_task")
    refused(result, "stored with its name and seed 0", "with the study file")


def test_two_forms_of_a_front_at_once(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    refused(cli("study", "front", "toy", "--csv", "--json"), "--csv or --json, not both")


@pytest.mark.parametrize("command", ["run", "show", "front"])
def test_code_that_is_not_trusted(cli: Cli, folder: Path, command: str) -> None:
    (folder / "own.py").write_text(
        "import toy_task\nstudy = toy_task.spec('own', objectives=('accuracy', toy_task.WEIGHT))\n"
    )
    cli("study", "create", "own.py")
    refused(cli("study", command, "own"), "'toy_task:weight' is code from outside", "--trust")


def test_a_study_of_bare_optuna(cli: Cli, folder: Path) -> None:
    optuna.create_study(study_name="bare", storage="sqlite:///optunas.db")
    for command in ("run", "show", "front"):
        refused(cli("study", command, "bare"), "'bare'", "was not made by optunas")


def test_a_wrong_option_is_explained_by_the_command_line(cli: Cli, study_file: Path) -> None:
    for arguments in (["--trails", "3"], ["--trials", "many"], ["extra"]):
        result = cli("study", "run", study_file.name, *arguments)
        assert result.code == 2
        assert "Traceback" not in result.err
        assert arguments[-1] in result.err or arguments[0] in result.err


def test_a_study_of_which_every_trial_fails(cli: Cli, folder: Path) -> None:
    (folder / "broken.py").write_text(
        "import toy_task\nfrom optunas import Choice, HyperSpace, Int\n"
        "space = HyperSpace(width=Int(1, 16), mood=Choice(('breaks',)))\n"
        "study = toy_task.spec(space=space)\n"
    )
    result = cli("study", "run", "broken.py")
    assert result.code == 2
    assert "Error: The last 5 trials failed, the run ends; trial 4 said: KeyError" in result.err
    assert "Traceback" not in result.err
    study = optuna.load_study(study_name="toy", storage="sqlite:///optunas.db")
    assert [t.state.name for t in study.trials] == ["FAIL"] * 5


def test_a_stored_task_that_is_not_trusted_is_not_run(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    refused(cli("study", "run", "toy"), "'toy_task:toy' is code from outside", "--trust toy_task")
    refused(cli("study", "run", "toy", "--dry-run"), "is code from outside", "--trust toy_task")
    study = optuna.load_study(study_name="toy", storage="sqlite:///optunas.db")
    assert study.trials == []
    assert cli("study", "run", "toy", "--trials", "1", "--trust", "toy_task").code == 0
