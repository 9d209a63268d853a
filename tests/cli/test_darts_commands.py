"""``optunas darts``: a search, its file, its pictures, and every wrong input."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli
from searched import restart, result

from optunas import DARTS, NB201, DenseCellSpace, metrics
from optunas.cli.darts_report import architecture_svg, print_result, shares_picture
from optunas.darts.result import SearchResult, read_result, write_result
from optunas.errors import OptunasError

FILE = """
from optunas import Choice, DenseCellSpace, Float, HyperSpace, JointSpace, StudySpec
from optunas.darts import SearchSettings

cells = DenseCellSpace(["none", "skip_connect", "nor_conv_1x1"], num_nodes=3)
train = HyperSpace(lr=Float(0.01, 1.0, log=True), channels=Choice((2, 3)))
study = StudySpec(
    "small",
    JointSpace(cell=cells, train=train),
    "optunas.tasks:digits",
    task_options={"split": [0.08, 0.08, 0.1]},
    objectives=("accuracy", "params"),
    training={"epochs": 1, "num_cells": 1, "batch_size": 32},
    reference=False,
    seed=4,
)
search = SearchSettings(epochs=2, batch_size=32, channels=2, num_cells=1)
"""


@pytest.fixture
def file(folder: Path) -> str:
    (folder / "small_darts.py").write_text(FILE)
    return "small_darts.py"


def test_a_search_writes_its_file_and_leaves_nothing_else(
    cli: Cli, file: str, folder: Path
) -> None:
    done = cli("darts", "search", file, "-o", "g.json", "--restarts", "1")
    assert done.code == 0, done.err
    assert sorted(path.name for path in folder.glob("g.json*")) == ["g.json"]
    found = read_result(folder / "g.json")
    assert found.study == "small"
    assert found.best.seed == 4
    assert found.network.arguments() == {
        "input_shape": (1, 8, 8),
        "num_outputs": 10,
        "channels": 3,
        "num_cells": 1,
    }
    assert found.settings["epochs"] == len(found.best.history) == 2
    assert found.task["reference"] == "optunas.tasks:digits"
    assert found.best.costs["params"] == metrics.params(found.architecture, (1, 8, 8), 10, 3, 1)
    for words in ("channels 3 (the largest that is searched)", "Mean weight", "2 epochs, 6 steps"):
        assert words in done.out
    assert "optunas study seed small g.json" in done.out
    assert found.best.judged["words"][0] in done.out
    assert "epoch 2/2" in done.err


def test_three_searches_are_the_default_and_the_best_by_validation_is_kept(
    cli: Cli, file: str, folder: Path
) -> None:
    done = cli("darts", "search", file, "-o", "g.json", "--epochs", "1")
    assert done.code == 0, done.err
    found = read_result(folder / "g.json")
    assert [one.seed for one in found.restarts] == [4, 5, 6]
    assert found.best.validation == max(one.validation for one in found.restarts)
    assert cli("darts", "search", file, "-o", "one.json", "--validation-epochs", "0").code == 0
    assert len(read_result(folder / "one.json").restarts) == 1


def test_options_win_over_the_files_settings(cli: Cli, file: str, folder: Path) -> None:
    numbers = {"epochs": 1, "batch-size": 16, "channels": 4, "num-cells": 2, "seed": 9, "order": 2}
    options = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    options.append("--checkpointing")
    assert cli("darts", "search", file, "--restarts", "1", *options).code == 0
    found = read_result(folder / "genotype.json")
    assert found.best.seed == 9
    assert {k: found.settings[k] for k in ("epochs", "batch_size", "channels", "num_cells")} == {
        "epochs": 1,
        "batch_size": 16,
        "channels": 4,
        "num_cells": 2,
    }
    assert (found.settings["order"], found.network.channels) == (2, 3)
    assert found.settings["checkpointing"] is True


def test_without_settings_the_supernet_is_the_final_network(
    cli: Cli, file: str, folder: Path
) -> None:
    text = FILE.replace("search = Search", "other = Search")
    (folder / "small_darts.py").write_text(text)
    assert cli("darts", "search", file, "--epochs", "1").code == 0
    found = read_result(folder / "genotype.json")
    assert (found.settings["channels"], found.settings["num_cells"]) == (3, 1)


def test_the_limits_are_on_the_final_network(cli: Cli, file: str, folder: Path) -> None:
    done = cli("darts", "search", file, "--max-params", "2900", "--max-flops", "40000")
    assert done.code == 0, done.err
    found = read_result(folder / "genotype.json")
    assert found.limits == {"params": 2900, "flops": 40000}
    assert metrics.params(found.architecture, (1, 8, 8), 10, 3, 1) <= 2900
    assert metrics.flops(found.architecture, (1, 8, 8), 10, 3, 1) <= 40000
    assert "limits      params <= 2,900, flops <= 40,000" in done.out


def test_equal_seeds_give_equal_genotypes(cli: Cli, file: str, folder: Path) -> None:
    for name in ("a.json", "b.json"):
        assert cli("darts", "search", file, "-o", name).code == 0
    first, second = (read_result(folder / name) for name in ("a.json", "b.json"))
    assert first.best.alphas == second.best.alphas
    assert first.architecture == second.architecture


def test_restarts_are_compared_by_their_networks(cli: Cli, file: str, folder: Path) -> None:
    done = cli("darts", "search", file, "--restarts", "2")
    assert done.code == 0, done.err
    found = read_result(folder / "genotype.json")
    assert [row.seed for row in found.restarts] == [4, 5]
    assert all(row.validation_epochs == 1 for row in found.restarts)
    assert found.best.validation == max(row.validation or 0 for row in found.restarts)
    for words in ("Restarts", "to choose between 2 restarts", "trained from scratch for 1 epochs"):
        assert words in done.out
    assert "restart 2 (seed 5) is done, validation" in done.err


def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on(
    cli: Cli, file: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optunas.cli.darts_report import Shown

    assert cli("darts", "search", file, "-o", "whole.json").code == 0
    before = Shown.epoch

    def interrupted(self: Shown, restart: int, record: Any) -> bool | None:
        if record.epoch == 1:
            raise KeyboardInterrupt
        return before(self, restart, record)

    with monkeypatch.context() as patch:
        patch.setattr(Shown, "epoch", interrupted)
        done = cli("darts", "search", file, "-o", "g.json")
    assert done.code == 130
    assert "Go on with the same command" in done.err
    assert sorted(path.name for path in folder.glob("g.json*")) == ["g.json.checkpoint"]
    done = cli("darts", "search", file, "-o", "g.json")
    assert done.code == 0, done.err
    assert "Going on from the checkpoint" in done.err
    again, whole = (read_result(folder / name) for name in ("g.json", "whole.json"))
    assert again.best.alphas == whole.best.alphas
    assert [path.name for path in folder.glob("g.json*")] == ["g.json"]


def test_no_resume_begins_anew(cli: Cli, file: str, folder: Path) -> None:
    (folder / "genotype.json.checkpoint").write_bytes(b"half a file")
    done = cli("darts", "search", file)
    assert done.code == 2
    assert "genotype.json.checkpoint" in done.err
    done = cli("darts", "search", file, "--no-resume")
    assert done.code == 0, done.err
    assert "Going on" not in done.err


def test_a_killed_search_goes_on_to_the_same_result(cli: Cli, file: str, folder: Path) -> None:
    command = ["darts", "search", file, "--epochs", "12"]
    assert cli(*command, "-o", "whole.json").code == 0
    checkpoint = folder / "g.json.checkpoint"
    started = [sys.executable, "-m", "optunas", *command, "-o", "g.json"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(started, **silent) as process:
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.005)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "g.json").exists()
    done = cli(*command, "-o", "g.json")
    assert done.code == 0, done.err
    assert "Going on from the checkpoint" in done.err
    again, whole = (read_result(folder / name) for name in ("g.json", "whole.json"))
    assert again.best.alphas == whole.best.alphas


def wrong(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--variant", "dart"], "Unknown variant 'dart'; did you mean 'darts'?"),
        (["--order", "3"], "order must be 1 or 2, got 3"),
        (["--epochs", "-1"], "epochs must be a whole number from 1 on, got -1"),
        (["--batch-size", "0"], "batch_size must be a whole number from"),
        (["--restarts", "0"], "--restarts must be a whole number from 1 on, got 0"),
        (["--seed", "-1"], "--seed must be a whole number from 0 on, got -1"),
        (
            ["--restarts", "2", "--validation-epochs", "0"],
            "takes --validation-epochs of at least 1",
        ),
        (["--max-params", "-5"], "The limit of params must be a number above 0, got -5"),
        (
            ["--max-params", "5"],
            "No architecture keeps params <= 5: the smallest possible value is",
        ),
        (["--max-flops", "nan"], "The limit of flops must be a number above 0, got nan"),
        (["-o", "nowhere/g.json"], "There is no folder 'nowhere'"),
        (["-o", "."], "is there and is no file"),
        (["-o", "small_darts.py"], "'small_darts.py' is the study file itself"),
        (["--device", "gpu"], "gpu"),
    ],
)
def test_wrong_options_get_a_sentence(
    cli: Cli, file: str, folder: Path, options: list[str], words: str
) -> None:
    done = cli("darts", "search", file, *options)
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert words in done.err
    assert not list(folder.glob("genotype.json*"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            wrong("cell=cells, ", ""),
            "alone or in a JointSpace; this study searches a JointSpace of HyperSpace.",
        ),
        (wrong('["none", "skip_connect", "nor_conv_1x1"]', '["nor_conv_1x1"]'), "at least two"),
        (wrong('"optunas.tasks:digits"', '"optunas.tasks:digit"'), "digits"),
        (wrong("[0.08, 0.08, 0.1]", "[0.001, 0.08, 0.1]"), "train"),
        (
            wrong("SearchSettings(epochs=2,", "dict(epochs=2,"),
            "must be a SearchSettings(...), got a dict",
        ),
        ("study = 3", "must define study = StudySpec(...)"),
    ],
)
def test_wrong_files_get_a_sentence(
    cli: Cli, file: str, folder: Path, text: str, words: str
) -> None:
    (folder / file).write_text(text)
    done = cli("darts", "search", file)
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert words in done.err


def test_a_task_without_networks_is_refused(cli: Cli, folder: Path) -> None:
    (folder / "toys.py").write_text(
        "import toy_task, optunas\nstudy = toy_task.spec(space=optunas.NB201)"
    )
    done = cli("darts", "search", "toys.py")
    assert done.code == 2
    assert "trains a network; the task 'toy'" in done.err


@pytest.mark.parametrize("space", [NB201, DARTS, DenseCellSpace(num_nodes=3)], ids=repr)
def test_show_prints_and_draws(cli: Cli, folder: Path, space: Any) -> None:
    rows = (
        restart(space, 0, validation=0.5, validation_epochs=2),
        restart(space, 1, validation=0.7),
    )
    made = result(space, restarts=rows, kept=1, limits={"params": 5000.0})
    write_result(made, folder / "g.json")
    done = cli("darts", "show", "g.json", "--svg", "cell.svg", "--shares", "shares.png")
    assert done.code == 0, done.err
    for words in ("by-hand", "limits      params <= 5,000", "Restarts", str(made.architecture)):
        assert words in done.out
    assert (folder / "cell.svg").read_text().startswith("<svg")
    assert (folder / "shares.png").read_bytes().startswith(b"\x89PNG")
    body = json.loads(cli("darts", "show", "g.json", "--json").out)
    assert body["kind"] == "darts"
    assert body == json.loads((folder / "g.json").read_text())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["missing.json"], "Cannot read 'missing.json'"),
        (["cut.json"], "is no JSON, or it is cut off"),
        (["other.json"], "of the kind 'cell'"),
        (["g.json", "--svg", "cell.pdf"], "ends in .svg or .png, got 'cell.pdf'"),
        (["g.json", "--shares", "nowhere/s.svg"], "There is no folder 'nowhere'"),
    ],
)
def test_what_cannot_be_shown_gets_a_sentence(
    cli: Cli, folder: Path, options: list[str], words: str
) -> None:
    write_result(result(NB201), folder / "g.json")
    (folder / "cut.json").write_text((folder / "g.json").read_text()[:200])
    (folder / "other.json").write_text(result(NB201).architecture.to_json())
    done = cli("darts", "show", *options)
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert words in done.err
    assert done.out == ""


GONE = "removed"


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and first entry in nested data."""
    inside = body.items() if isinstance(body, dict) else enumerate(body[:1])
    found = []
    for key, value in inside:
        found.append((*path, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*path, key))
    return found


def edited(body: Any, path: tuple[Any, ...], value: object) -> Any:
    made = copy.deepcopy(body)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


@pytest.mark.parametrize("value", [GONE, None, "x", -1, 0, math.nan, [], {}], ids=repr)
def test_a_file_edited_by_hand_is_shown_or_refused(value: object) -> None:
    space = DenseCellSpace(["none", "skip_connect"], 2)
    judged = {"words": ["One."], "remedy": "None."}
    rows = (restart(space, 0, 1, judged=judged), restart(space, 1, 1, validation=0.5))
    body = json.loads(json.dumps(result(space, restarts=rows, limits={"params": 9e9}).to_dict()))
    shown = 0
    for path in places(body):
        with contextlib.suppress(OptunasError), contextlib.redirect_stdout(io.StringIO()):
            found = SearchResult.from_dict(edited(body, path, value))
            print_result(found)
            architecture_svg(found)
            shares_picture(found)
            shown += 1
    assert 0 < shown < len(places(body))
