"""``optunas proxy``: ranks against training, goes on where it stopped, refuses clearly."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command_line import Cli

from optunas.errors import TrainingError
from optunas.tasks.in_memory import InMemoryTask

FILE = """\
from optunas import Budget, Choice, DenseCellSpace, Float, HyperSpace, JointSpace, StudySpec
study = StudySpec(
    name="asked",
    space={space},
    task="optunas.tasks:digits",
    task_options={{"split": [0.1, 0.08, 0.1]}},
    objectives=("accuracy", "params"),
    training={{"channels": 2, "num_cells": 1, "epochs": 1}},
    sampler="random",
    budget=Budget(trials=4),
    reference=False,
    constraints={constraints},
)
"""
CELLS = "DenseCellSpace(('none', 'skip_connect', 'nor_conv_1x1'), 3)"


@pytest.fixture
def asked(folder: Path) -> Path:
    file = folder / "asked.py"
    file.write_text(FILE.format(space=CELLS, constraints={}))
    return file


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


RANK = ("proxy", "rank", "asked.py", "--sample", "4", "--proxies", "synflow,az_nas")


def test_rank_prints_flops_beside_what_was_asked_for(cli: Cli, asked: Path, folder: Path) -> None:
    done = cli(*RANK)
    assert done.code == 0, done.err
    words = " ".join(done.out.split())
    for word in ("asked 4 networks", "Kendall tau", "Spearman", "params", "flops", "synflow"):
        assert word in words
    assert "az_nas" in words
    assert "Seconds per network:" in words
    found = rows(folder / "proxy_rank.csv")
    assert len({row["digest"] for row in found}) == 4
    assert all(0 <= float(row["score"]) <= 1 for row in found)
    assert {"params", "flops", "synflow", "expressivity"} <= set(found[0])


def test_rank_goes_on_where_it_was_stopped(
    cli: Cli, asked: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = InMemoryTask.scores
    left = [2]

    def tired(self: InMemoryTask, *arguments: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return trained(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(InMemoryTask, "scores", tired)
    stopped = cli(*RANK, "-o", "own.csv")
    assert stopped.code == 130
    assert "every finished network is in own.csv" in stopped.err
    first = rows(folder / "own.csv")
    assert len(first) == 2
    left[0] = 2  # enough for the other two alone
    done = cli(*RANK, "-o", "own.csv", "--json")
    assert done.code == 0, done.err
    assert rows(folder / "own.csv")[:2] == first
    body = json.loads(done.out)
    assert body["networks"] == 4
    assert [one["name"] for one in body["agreement"]][:2] == ["params", "flops"]
    # another proxy trains nothing anew
    more = cli("proxy", "rank", "asked.py", "--sample", "4", "--proxies", "snip", "-o", "own.csv")
    assert more.code == 0, more.err
    assert "snip" in more.out
    kept = [row["score"] for row in rows(folder / "own.csv")]
    assert kept[:2] == [row["score"] for row in first]


def test_rank_is_the_same_in_two_runs(cli: Cli, asked: Path, folder: Path) -> None:
    bodies = []
    for name in ("a.csv", "b.csv"):
        done = cli(*RANK, "-o", name, "--json")
        body = json.loads(done.out)
        bodies.append({k: v for k, v in body.items() if "seconds" not in k})
    assert bodies[0] == bodies[1]


def test_rank_of_a_stored_study_trains_nothing(
    cli: Cli, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("study", "run", "asked.py", "--trials", "8").code == 0

    def refuse(self: InMemoryTask, *arguments: object) -> object:
        raise AssertionError("trained")

    monkeypatch.setattr(InMemoryTask, "scores", refuse)
    done = cli("proxy", "rank", "--study", "asked", "--proxies", "naswot", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["networks"] >= 3
    assert json.loads(done.out)["train_seconds"] is None


def test_networks_that_fail_to_train_are_left_out(
    cli: Cli, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = InMemoryTask.scores
    count = [0]

    def sometimes(self: InMemoryTask, *arguments: object) -> object:
        count[0] += 1
        if count[0] == 2:
            raise TrainingError("The training loss became nan in epoch 0.")
        return trained(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(InMemoryTask, "scores", sometimes)
    done = cli(*RANK)
    assert done.code == 0, done.err
    assert "1 networks failed to train and are left out." in done.out


def test_constraints_known_before_training_hold_for_the_sample(
    cli: Cli, folder: Path, asked: Path
) -> None:
    asked.write_text(FILE.format(space=CELLS, constraints={"params": 2100}))
    done = cli(*RANK)
    assert done.code == 0, done.err
    assert all(float(row["params"]) <= 2100 for row in rows(folder / "proxy_rank.csv"))


def test_what_no_proxy_sees_is_said(cli: Cli, asked: Path) -> None:
    joint = f"JointSpace(cell={CELLS}, train=HyperSpace(lr=Float(0.01, 0.1)))"
    asked.write_text(FILE.format(space=joint, constraints={}))
    done = cli(*RANK)
    assert done.code == 0, done.err
    assert "lr vary too, which no proxy sees" in done.out


def test_score_lists_networks_without_training(
    cli: Cli, asked: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(InMemoryTask, "scores", None)
    arguments = ("proxy", "score", "asked.py", "--sample", "3", "--proxies", "snip,zen")
    done = cli(*arguments)
    assert done.code == 0, done.err
    assert "Best first by zen" in done.out
    assert done.out.count("|nor_conv") + done.out.count("|skip") + done.out.count("|none") >= 3
    body = json.loads(cli(*arguments, "--json").out)
    assert len(body) == 3
    assert {"network", "params", "flops", "snip", "zen", "seconds"} == set(body[0])
    header, *lines = cli(*arguments, "--csv").out.splitlines()
    assert header == "network,params,flops,snip,zen,seconds"
    assert len(lines) == 3
    assert not list(folder.glob("*.csv"))


REFUSED = {
    "no file": (("rank",), ["Give a study file", "--study NAME"]),
    "both": (("rank", "asked.py", "--study", "asked"), ["one of the two"]),
    "proxy": (
        ("rank", "asked.py", "--proxies", "synflo"),
        ["Unknown proxy 'synflo'; did you mean 'synflow'?"],
    ),
    "no proxies": (("rank", "asked.py", "--proxies", ","), ["Name at least one proxy"]),
    "device": (("rank", "asked.py", "--device", "tpu"), ["There is no device 'tpu' here"]),
    "output": (("rank", "asked.py", "-o", "no/such/file.csv"), ["must be a file in a folder"]),
    "other file": (("rank", "asked.py", "-o", "asked.py"), ["is not a file that", "--output"]),
    "csv and json": (("score", "asked.py", "--csv", "--json"), ["--csv or --json, not both"]),
    "missing study": (("rank", "--study", "gone"), ["There is no"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(cli: Cli, asked: Path, case: str) -> None:
    arguments, words = REFUSED[case]
    before = asked.read_text()
    done = cli("proxy", *arguments)
    assert done.code == 2, done
    assert done.out == ""
    for word in words:
        assert word in done.err
    assert asked.read_text() == before


def test_a_file_of_another_run_is_left_alone(cli: Cli, asked: Path, folder: Path) -> None:
    assert cli(*RANK).code == 0
    before = (folder / "proxy_rank.csv").read_text()
    done = cli(*RANK, "--seed", "5")
    assert done.code == 2
    assert "another study, schedule, seed or batch size" in done.err
    assert (folder / "proxy_rank.csv").read_text() == before


def test_a_space_without_networks_is_refused(cli: Cli, asked: Path) -> None:
    asked.write_text(
        "from optunas import *\nfrom optunas.tasks import tabular_space\n"
        "study = StudySpec(name='asked', space=tabular_space(),"
        " task='optunas.tasks:tabular', task_options={'data': 'iris'}, objectives=('accuracy',))\n"
    )
    done = cli("proxy", "score", "asked.py")
    assert done.code == 2
    assert "holds hyperparameters alone" in done.err
