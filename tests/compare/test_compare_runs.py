"""Runs: paired, on equal budgets, the same whether they were killed or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from fast_table import spec

from optunas import Choice, HyperSpace, create, seed
from optunas.compare import Comparison, compare
from optunas.compare.recorder import Recorder
from optunas.errors import InvalidSpecError, StorageError, TaskError, TrainingError


def trials(folder: Path) -> dict[str, list[Any]]:
    """What the runs in a folder trained: file -> parameters and values."""
    found = {}
    for path in sorted(folder.glob("runs/*/seed-*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()[1:-1]]
        name = f"{path.parent.name}/{path.name}"
        found[name] = [(r["number"], r["state"], r["params"], r["values"]) for r in rows]
    return found


def done(folder: Path, samplers: list[str], seeds: int = 2, **changes: Any) -> Comparison:
    """A small comparison."""
    study = spec(**{"pruner": "median", "task_options": {"epochs": 3}} | changes)
    return compare(study, samplers, seeds, "24trials", output=folder, progress=False)


def test_run_k_of_all_contestants_has_the_same_seed(tmp_path: Path) -> None:
    found = compare(
        spec(), ["tpe"], seeds=3, budget=6, first_seed=7, output=tmp_path, progress=False
    )
    assert [[run.seed for run in row] for row in found.runs] == [[7, 8, 9]] * 2
    tpe, random = (list(trials(tmp_path).values())[i : i + 3] for i in (3, 0))
    # Before it has learned anything TPE draws at random: the same networks, trained the same way.
    assert tpe == random
    assert random[0] != random[1]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2:population_size=6", "qmc"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    whole = done(tmp_path / "whole", [sampler], 1)
    told, stops = Recorder.trial_finished, [3, 8, 1, 20]

    def stop(self: Recorder, trial: optuna.trial.FrozenTrial) -> None:
        told(self, trial)
        if stops:
            stops[0] -= 1
            if not stops[0]:
                stops.pop(0)
                raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "trial_finished", stop)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            done(tmp_path / "parts", [sampler], 1)
    parts = done(tmp_path / "parts", [sampler], 1)
    assert trials(tmp_path / "parts") == trials(tmp_path / "whole")
    np.testing.assert_array_equal(parts.finals, whole.finals)
    assert not list((tmp_path / "parts").rglob("*.part"))


def test_processes_do_the_same_runs_as_one(tmp_path: Path) -> None:
    done(tmp_path / "one", ["nsga2"])
    study = spec(pruner="median", task_options={"epochs": 3})
    compare(study, ["nsga2"], 2, "24trials", processes=2, output=tmp_path / "two", progress=False)
    assert trials(tmp_path / "one") == trials(tmp_path / "two")


CODE = """
import sys
sys.path.insert(0, {tests!r})
from fast_table import spec
from optunas.compare import compare
study = spec(task_options={options!r}, reuse=False)
compare(study, ["nsga2"], 2, "30trials", processes=2, output={out!r}, progress=False)
"""


@pytest.mark.slow
def test_killed_processes_leave_nothing_behind_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    tests, options = str(Path(__file__).parent.parent), {"sleep": 0.02, "log": str(log)}
    code = CODE.format(tests=tests, options=options, out=str(out))
    killed = subprocess.Popen([sys.executable, "-c", code])
    try:
        for _ in range(2400):
            if log.exists() and len(log.read_text().splitlines()) >= 25:
                break
            assert killed.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    workers = {int(line.split()[0]) for line in log.read_text().splitlines()}
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)
    trained = len(log.read_text().splitlines())
    assert trained < 120
    study = spec(task_options=options, reuse=False)
    compare(study, ["nsga2"], 2, "30trials", output=out, progress=False)
    rows = trials(out)
    assert sum(map(len, rows.values())) == 4 * 30
    assert all([row[0] for row in one] == list(range(30)) for one in rows.values())
    # At most the two trials at hand were trained again.
    assert len(log.read_text().splitlines()) <= 4 * 30 + 2


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_runs_that_are_there_are_not_done_again(tmp_path: Path) -> None:
    options = {"log": str(tmp_path / "log")}

    def lines() -> int:
        return len((tmp_path / "log").read_text().splitlines())

    study = spec(task_options=options)
    compare(study, ["tpe"], 1, 5, output=tmp_path / "out", progress=False)
    assert lines() == 10
    more = compare(study, ["tpe", "qmc"], 2, 5, output=tmp_path / "out", progress=False)
    assert lines() == 30
    assert more.count == 2
    compare(study, ["tpe", "qmc"], 2, 5, output=tmp_path / "out", progress=False)
    assert lines() == 30
    # Another budget makes other runs.
    compare(study, ["tpe"], 1, 6, output=tmp_path / "out", progress=False)
    assert lines() == 42


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = compare(spec(), ["tpe"], 2, 5, progress=False)
    assert found.finals.shape == (2, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("budget", "axis"), [("50epochs", "epochs"), ("0.1h", "seconds")])
def test_what_ends_after_the_budget_does_not_count(budget: str, axis: str) -> None:
    study = spec(task_options={"epochs": 7, "seconds": 13.0}, objectives=("accuracy",))
    found = compare(study, ["tpe"], 2, budget, progress=False)
    limit = found.question.budget.limit
    for row, finals in zip(found.runs, found.finals, strict=True):
        for run, final in zip(row, finals, strict=True):
            within = run.values[run.costs[axis] <= limit]
            assert run.costs[axis][-1] > limit
            assert final == np.nanmax(within)


def test_a_run_that_has_nothing_more_to_try_ends_early_and_says_so() -> None:
    small = spec(
        space=HyperSpace(
            width=Choice((4, 8)),
            depth=Choice((1, 2)),
            kind=Choice(("plain", "skip")),
            slope=Choice((0.1,)),
        ),
        reuse=True,
    )
    found = compare(small, ["brute_force"], 2, 12, progress=False)
    assert [run.spent for run in found.runs[0]] == [False, False]
    assert found.table[found.order.index(0)]["ended_early"] == 2
    from optunas.compare.words import notes

    assert any("brute_force ended 2 of 2 runs before" in line for line in notes(found))


def test_seeds_of_a_stored_study_come_first_in_every_run(tmp_path: Path) -> None:
    handle = create(spec(sampler="nsga2"), f"sqlite:///{tmp_path}/a.db")
    given = {"width": 32, "depth": 8, "kind": "skip", "slope": 0.1}
    assert seed(handle, [given], "darts") == 1
    found = compare(handle, ["nsga2", "tpe"], 2, 6, output=tmp_path / "out", progress=False)
    assert all(rows[0][2] == given for rows in trials(tmp_path / "out").values())
    assert all(len(rows) == 6 for rows in trials(tmp_path / "out").values())
    assert found.contestants[0].entry.seeds == ((given, "darts"),)


def test_a_sampler_from_elsewhere_takes_part() -> None:
    found = compare(spec(), ["fast_table:own_sampler", "qmc"], 2, 6, progress=False)
    assert found.labels == ["own_sampler", "qmc", "random"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("no_sampler", "must return an Optuna sampler"), ("no_such", "has no 'no_such'")],
)
def test_what_is_no_sampler_is_refused_before_anything_runs(
    tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises((InvalidSpecError, TaskError), match=words):
        compare(spec(), [f"fast_table:{name}"], 1, 5, output=tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_study_whose_trials_all_fail_ends_the_comparison(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"tpe, seed 0: The last 5 trials failed"):
        compare(spec(task_options={"fails": True}), ["tpe"], 1, 9, output=tmp_path, progress=False)


@pytest.mark.slow
def test_a_worker_that_keeps_dying_ends_the_comparison(tmp_path: Path) -> None:
    study = spec(
        space=HyperSpace(width=Choice((1, 2)), depth=Choice((1, 2)), kind=Choice(("plain",)),
                         slope=Choice((0.1,))),
        task_options={"die_at": 1},
        reuse=False,
    )  # fmt: skip
    with pytest.raises(TrainingError, match=r"died 3 times \(exit code 9\)"):
        compare(study, ["tpe"], 1, 30, processes=2, output=tmp_path, progress=False)


def damage(path: Path, how: str) -> None:
    """Spoil a run's file."""
    lines = path.read_text().splitlines(keepends=True)
    if how == "no JSON":
        lines[2] = lines[2][:40] + "\n"
    elif how == "no trial":
        lines[2] = '{"a": 1}\n'
    elif how == "no end":
        lines.pop()
    elif how == "another run":
        lines[0] = lines[0].replace('"seed": 0', '"seed": 5')
    elif how == "values":
        lines[1] = lines[1].replace('"values": [', '"values": ["x", ')
    path.write_text("".join(lines) if how != "empty" else "")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no JSON", "line 3 is no JSON"),
        ("no trial", "line 3 is no trial"),
        ("no end", "its last line is missing"),
        ("another run", "file of another run, its seed differ"),
        ("values", "ValueError"),
        ("empty", "its last line is missing"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, how: str, words: str) -> None:
    compare(spec(), ["tpe"], 1, 5, output=tmp_path, progress=False)
    path = next(tmp_path.glob("runs/tpe-*/seed-0.jsonl"))
    damage(path, how)
    with pytest.raises(StorageError, match=rf"seed-0.jsonl' is damaged \(.*{words}"):
        compare(spec(), ["tpe"], 1, 5, output=tmp_path, progress=False)
    path.unlink()
    assert compare(spec(), ["tpe"], 1, 5, output=tmp_path, progress=False).count == 1


def test_a_torn_last_line_is_what_a_killed_process_leaves(tmp_path: Path) -> None:
    compare(spec(), ["tpe"], 1, 9, output=tmp_path, progress=False)
    before = trials(tmp_path)
    path = next(tmp_path.glob("runs/tpe-*/seed-0.jsonl"))
    part = path.with_suffix(".part")
    part.write_text("".join(path.read_text().splitlines(keepends=True)[:6]) + '{"numb')
    path.unlink()
    compare(spec(), ["tpe"], 1, 9, output=tmp_path, progress=False)
    assert trials(tmp_path) == before
    assert not part.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StorageError, match=r"The comparison cannot write to '.*file'"):
        compare(spec(), ["tpe"], 1, 5, output=tmp_path / "file", progress=False)


def test_two_comparisons_do_not_write_to_one_folder(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="Another comparison is writing to"):
            compare(spec(), ["tpe"], 1, 5, output=tmp_path, progress=False)


def test_wrong_numbers_are_all_named() -> None:
    with pytest.raises(InvalidSpecError, match=r"seeds must be .* got 0\.\nprocesses must be"):
        compare(spec(), ["tpe"], 0, 5, processes=0)


def test_studies_of_other_data_are_refused() -> None:
    others = [spec("a"), spec("b", task_options={"data": "other"})]
    with pytest.raises(InvalidSpecError, match="different tasks or data"):
        compare(others, ["tpe"], 1, 5)
