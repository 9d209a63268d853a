"""Every command does what its help says."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import optuna
import pytest
import toy_task
from command_line import Cli

import optunas

TRUST = ("--trust", "toy_task")


def trials(name: str = "toy", url: str = "sqlite:///optunas.db") -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=url).get_trials(deepcopy=False)


def test_create_stores_a_study_and_says_how_to_run_it(cli: Cli, study_file: Path) -> None:
    done = cli("study", "create", study_file.name)
    assert done.code == 0, done.err
    assert "Study toy created in sqlite:///optunas.db." in done.out
    assert done.out.strip().endswith("optunas study run toy")
    assert trials() == []


def test_create_again_says_that_it_is_there(cli: Cli, study_file: Path) -> None:
    cli("study", "run", study_file.name, "--trials", "2")
    done = cli("study", "create", study_file.name)
    assert done.code == 0
    assert "Study toy is there, with 2 trials" in done.out


def test_create_overrides_name_seed_and_trials(cli: Cli, study_file: Path) -> None:
    options = ("--name", "other", "--seed", "5", "--trials", "3", "--storage", "sqlite:///x.db")
    done = cli("study", "create", study_file.name, *options)
    assert done.out.strip().endswith("optunas study run other --storage sqlite:///x.db")
    spec = optunas.load("other", "sqlite:///x.db", trust=["toy_task"]).spec
    assert (spec.seed, spec.budget.trials) == (5, 3)


def test_run_creates_runs_and_shows_the_front(cli: Cli, study_file: Path) -> None:
    done = cli("study", "run", study_file.name)
    assert done.code == 0, done.err
    assert "8 complete" in done.out
    assert "Pareto front" in done.out
    assert "0% left (8 of 8 trials)" in done.out
    assert "front of" in done.err  # progress goes to standard error


def test_run_goes_on_by_name_and_by_file(cli: Cli, study_file: Path) -> None:
    cli("study", "run", study_file.name, "--trials", "2")
    cli("study", "run", study_file.name, "--trials", "3")
    assert sum("reused_from" not in t.user_attrs for t in trials()) == 3
    done = cli("study", "run", "toy", "--trials", "5", *TRUST)
    assert done.code == 0, done.err
    assert sum("reused_from" not in t.user_attrs for t in trials()) == 5


def test_run_with_a_timeout_begins_no_trial_after_it(cli: Cli, folder: Path) -> None:
    (folder / "slow.py").write_text(
        "import toy_task\nstudy = toy_task.spec(task_options={'epoch_s': 0.1})\n"
    )
    done = cli("study", "run", "slow.py", "--timeout", "0.2")
    assert done.code == 0, done.err
    assert len(trials()) < 8
    assert "The time given is over." in done.err


def test_dry_run_estimates_and_stores_nothing(cli: Cli, folder: Path) -> None:
    file = folder / "three.py"
    file.write_text("import toy_task\nstudy = toy_task.spec(training={'epochs': 3})\n")
    done = cli("study", "run", "three.py", "--dry-run", "--trials", "40")
    assert done.code == 0, done.err
    assert done.out.startswith("40 trials, an epoch of 0.50 s and 0.00 s of measuring each")
    assert "at most 1.0 minutes" in done.out  # 40 trials of 3 epochs of half a second
    assert [p.name for p in folder.iterdir() if p.name != "__pycache__"] == ["three.py"]


def test_dry_run_of_a_stored_study_counts_what_is_left(cli: Cli, study_file: Path) -> None:
    cli("study", "run", study_file.name, "--trials", "3")
    done = cli("study", "run", "toy", "--dry-run", *TRUST)
    assert done.out.startswith("5 trials, ")
    assert len(trials()) == 3


def test_list_shows_every_study(cli: Cli, study_file: Path) -> None:
    cli("study", "run", study_file.name, "--trials", "2")
    cli("study", "create", study_file.name, "--name", "second")
    optuna.create_study(study_name="bare", storage="sqlite:///optunas.db")
    done = cli("study", "list")
    assert done.code == 0, done.err
    for word in ("toy", "second", "bare", "(not made by optunas)", "toys", "accuracy, params"):
        assert word in done.out
    rows = {row["name"]: row for row in json.loads(cli("study", "list", "--json").out)}
    assert rows["toy"]["trials"] == 2
    assert rows["toy"]["budget_left"] == pytest.approx(0.75)
    assert rows["toy"]["objectives"] == ["accuracy", "params"]
    assert rows["bare"] == {"name": "bare", "trials": 0, "optunas": False}


def test_list_needs_no_trust(cli: Cli, study_file: Path) -> None:
    cli("study", "create", study_file.name)
    assert cli("study", "list").code == 0


def test_show_tells_definition_budget_reasons_and_front(cli: Cli, folder: Path) -> None:
    (folder / "moody.py").write_text(
        "import toy_task\nstudy = toy_task.spec(pruner='threshold',\n"
        "    pruner_options={'lower': 0.45}, constraints={'params': 1500})\n"
    )
    cli("study", "run", "moody.py")
    done = cli("study", "show", "toy", *TRUST)
    assert done.code == 0, done.err
    assert "accuracy (maximize), params (minimize)" in done.out
    assert "params <= 1,500" in done.out
    assert "Pruned after 1 epoch by ThresholdPruner." in done.out
    body = json.loads(cli("study", "show", "toy", "--json", *TRUST).out)
    assert set(body) >= {"name", "spec", "used", "budget_left", "outcomes", "reasons", "front"}
    assert body["used"]["epochs"] == sum(t.user_attrs.get("epochs", 0) for t in trials())
    assert sum(body["reasons"].values()) == sum(
        t.state.name in ("PRUNED", "FAIL") for t in trials()
    )


def test_show_tells_the_best_of_one_objective(cli: Cli, folder: Path) -> None:
    (folder / "single.py").write_text(
        "import toy_task\nfrom optunas import Budget\n"
        "study = toy_task.spec(objectives=('accuracy',), sampler='tpe', pruner='median',\n"
        "    budget=Budget(trials=12))\n"
    )
    cli("study", "run", "single.py")
    done = cli("study", "show", "toy", *TRUST)
    assert done.code == 0, done.err
    body = json.loads(cli("study", "show", "toy", "--json", *TRUST).out)
    best = max((t for t in trials() if t.values), key=lambda t: t.values[0])
    assert f"Best accuracy: {best.values[0]:.4g} (trial {best.number})" in done.out
    assert body["best"]["value"] == best.values[0]
    assert body["best"]["params"] == best.params
    assert sum(body["importances"].values()) == pytest.approx(1)
    assert "Pareto" not in done.out


def test_a_front_too_wide_for_a_table_shows_settings_with_the_networks(
    cli: Cli, folder: Path
) -> None:
    names = [f"{'long_' * 6}{i}" for i in range(6)]
    (folder / "wide.py").write_text(
        "import toy_task\nfrom optunas import Budget, Choice, HyperSpace, Int\n"
        "class Task(toy_task.ToyTask):\n"
        "    def check(self, hyperparameters): pass\n"
        "def task(): return Task(2, 0.0, None, 0.0)\n"
        "study = toy_task.spec(task=task, budget=Budget(trials=2),\n"
        "    space=HyperSpace({'width': Int(4, 5), **{n: Choice((True, False)) for n in "
        f"{names!r}}}}}))\n"
    )
    done = cli("study", "run", "wide.py")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    (head,) = (line.split() for line in lines if line.split()[:1] == ["trial"])
    assert head == ["trial", "accuracy", "params", "epochs"]
    rows = json.loads(cli("study", "front", "toy", "--json", *TRUST, "--trust", "wide").out)
    for row in rows:
        (line,) = (x for x in lines if x.strip().startswith(f"{row['trial']}  width"))
        assert f"width {row['width']}, " in line
        assert all(f"{name} {row[name]}" in line for name in names)


def test_front_is_one_table_in_three_forms(cli: Cli, study_file: Path) -> None:
    cli("study", "run", study_file.name)
    shown = cli("study", "front", "toy", *TRUST)
    assert "Pareto front" in shown.out
    rows = json.loads(cli("study", "front", "toy", "--json", *TRUST).out)
    table = list(csv.DictReader(io.StringIO(cli("study", "front", "toy", "--csv", *TRUST).out)))
    assert [row["trial"] for row in rows] == [int(row["trial"]) for row in table]
    assert [row["accuracy"] for row in rows] == sorted(
        (row["accuracy"] for row in rows), reverse=True
    )
    assert [float(row["accuracy"]) for row in table] == [row["accuracy"] for row in rows]
    front = optunas.load("toy", trust=["toy_task"]).front()
    assert list(front) == rows


def test_delete_asks_first(cli: Cli, study_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("study", "run", study_file.name, "--trials", "1")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    done = cli("study", "delete", "toy")
    assert done.code == 1
    assert "Delete toy with its 1 trials?" in done.out + done.err
    assert len(trials()) == 1
    done = cli("study", "delete", "toy", "--yes")
    assert done.code == 0
    assert "Study toy deleted." in done.out
    assert optunas.study.names() == []


def test_delete_removes_the_drawings(cli: Cli, folder: Path) -> None:
    (folder / "cells.py").write_text(
        "import toy_task\nfrom optunas import Choice, DenseCellSpace, HyperSpace, Int, JointSpace\n"
        "space = JointSpace(cell=DenseCellSpace(('none', 'skip_connect'), 3),\n"
        "    train=HyperSpace(width=Int(1, 16)))\n"
        "study = toy_task.spec(space=space)\n"
    )
    cli("study", "run", "cells.py", "--trials", "2")
    artifacts = folder / "optunas-artifacts"
    assert any(artifacts.iterdir())
    cli("study", "delete", "toy", "--yes")
    assert not artifacts.exists() or not any(artifacts.iterdir())


def test_the_storage_comes_from_the_environment(
    cli: Cli, study_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTUNAS_STORAGE", "journal:///studies.log")
    done = cli("study", "create", study_file.name)
    assert "in journal:///studies.log" in done.out
    assert done.out.strip().endswith("optunas study run toy")
    assert (folder / "studies.log").exists()
    assert not (folder / "optunas.db").exists()
    assert "toy" in cli("study", "list").out


def test_space_info_counts_the_space(cli: Cli, folder: Path) -> None:
    (folder / "cells.py").write_text(
        "from optunas import NB201, StudySpec\n"
        "study = StudySpec('cells', NB201, 'optunas.tasks:digits')\n"
    )
    done = cli("space", "info", "cells.py", "--sample", "20")
    assert done.code == 0, done.err
    assert "15,625" in done.out
    assert "edge0-1" in done.out
    body = json.loads(cli("space", "info", "cells.py", "--sample", "20", "--json").out)
    assert body["size"] == 15625
    low, median, high = body["costs"]["params"]
    assert 0 < low <= median <= high
    assert [p for p in os.listdir(folder) if p.endswith(".db")] == []


def test_help_of_every_command(cli: Cli) -> None:
    for command in ([], ["study"], ["study", "run"], ["study", "front"], ["space", "info"]):
        done = cli(*command, "--help")
        assert done.code == 0
        assert "Usage" in done.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"optunas {optunas.__version__}\n"


def test_a_study_of_the_running_folder_may_use_modules_beside_it(cli: Cli, folder: Path) -> None:
    (folder / "beside_it.py").write_text(
        "import toy_task\n\n\ndef mine():\n    return toy_task.toy()\n"
    )
    (folder / "here.py").write_text(
        "import beside_it, toy_task\nstudy = toy_task.spec('here', task=beside_it.mine)\n"
    )
    done = cli("study", "run", "here.py", "--trials", "2")
    assert done.code == 0, done.err
    assert toy_task.spec().name == "toy"
    assert sum("reused_from" not in t.user_attrs for t in trials("here")) == 2


def test_dashboard_serves_the_storage_on_loopback(
    cli: Cli, study_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("study", "create", study_file.name)
    served = []

    def serve(storage: object, artifacts: Path, host: str, port: int) -> None:
        served.append((type(storage).__name__, Path(artifacts), host, port))

    monkeypatch.setattr("optunas.inspection.serve", serve)
    assert cli("dashboard").code == 0
    assert cli("dashboard", "--port", "9", "--host", "::1", "--artifacts", "art").code == 0
    first, second = served
    assert first[1:] == (Path("optunas-artifacts"), "127.0.0.1", 8080)
    assert second[1:] == (Path("art"), "::1", 9)
