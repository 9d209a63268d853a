"""``optunas latency``: measure, repeat, calibrate, export-plan and show, without real timing."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Cli

from optunas.metrics.timing import many, onnx_runtime, subjects
from optunas.metrics.timing.result import Readings

STUDY = """
import toy_task
from optunas import NB201, Choice, HyperSpace, JointSpace, StudySpec
study = StudySpec(
    "cells",
    JointSpace(cell=NB201, train=HyperSpace(channels=Choice((2, 4)), lr=Choice((0.1, 0.2)))),
    task="toy_task:toy",
    objectives=("accuracy", "params"),
    training={"num_cells": 1},
)
"""

WHERE = ("--input-shape", "3x8x8", "--outputs", "5")
FEW = ("--networks", "12", "--held-out", "5", "--passes", "2")


class FakeSubject:
    clock, batch = "wall", 1

    def __init__(self, ms: float) -> None:
        self.ms = ms


@pytest.fixture
def cells(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of cells, on a machine where a network takes as long as it has parameters."""

    def prepare(network: Any, shape: tuple[int, ...], how: Any) -> FakeSubject:
        return FakeSubject(1e-4 * sum(p.numel() for p in network.parameters()) + 0.1 * shape[0])

    def measured(subject: FakeSubject, effort: Any) -> Readings:
        return Readings((subject.ms, subject.ms, 1.2 * subject.ms))

    monkeypatch.setattr(subjects, "prepare", prepare)
    monkeypatch.setattr(many, "prepare", prepare)
    monkeypatch.setattr(many, "_measured", measured)
    file = folder / "cells.py"
    file.write_text(STUDY)
    return file


def test_measure_prints_a_line_a_network_and_batch(cli: Cli, cells: Path) -> None:
    command = ("latency", "measure", "cells.py", *WHERE, "--networks", "3", "--passes", "2")
    code, out, err = cli(*command, "--batch", "1", "--batch", "4")
    assert (code, err) == (0, "")
    assert "cpu, 1 thread, float32, eager, clock wall; milliseconds a batch, 2 passes" in out
    assert sum(line.strip().startswith(("1 ", "2 ", "3 ")) for line in out.splitlines()) == 6 + 3
    body = json.loads(cli(*command, "--json").out)
    assert len(body["networks"]) == 3
    assert {"median_ms", "low_ms", "high_ms", "margin", "network"} <= set(body["networks"][0])


def test_calibrate_show_and_use(cli: Cli, cells: Path, folder: Path) -> None:
    from optunas.metrics.predicted import LatencyModel

    code, out, _ = cli("latency", "calibrate", "cells.py", "-o", "laptop.json", *WHERE, *FEW)
    assert code == 0
    assert "fitted to 12 networks" in out
    assert "on 5 held-out networks" in out
    assert all(words in out for words in ("this model", "sum of the table", "FLOPs alone"))
    assert out.rstrip().endswith("The model is in laptop.json.")
    assert [path.name for path in folder.glob("laptop*")] == ["laptop.json"]
    code, shown, err = cli("latency", "show", "laptop.json")
    assert (code, err) == (0, "")
    assert shown.splitlines()[:3] == out.splitlines()[:3]
    assert "channels 2 to 4, num_cells 1" in shown
    body = json.loads(cli("latency", "show", "laptop.json", "--json").out)
    assert body["fitted"] == 12
    assert body["held_out"]["model"]["rho"] > 0.8
    sys.path.insert(0, str(folder))
    from optunas.study import load_file

    space = load_file(cells).space
    model = LatencyModel.load("laptop.json")
    model.check(space, (3, 8, 8), 5, {"num_cells": 1})
    member = next(iter(space.enumerate(1)))
    assert model.predict(member, (3, 8, 8), 5, num_cells=1) > 0


def test_a_stopped_calibration_goes_on(
    cli: Cli, cells: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, real = [], many._measured

    def stopping(subject: Any, effort: Any) -> Readings:
        calls.append(subject)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return real(subject, effort)

    monkeypatch.setattr(many, "_measured", stopping)
    command = ("latency", "calibrate", "cells.py", "-o", "laptop.json", *WHERE, *FEW, "--no-table")
    code, _, err = cli(*command)
    assert code == 130
    assert "every finished block is in laptop.json.partial" in err
    assert not (folder / "laptop.json").exists()
    other = cli(*command, "--batch", "2")
    assert other.code == 2
    assert "holds the measurements of another calibration" in other.err
    assert cli(*command).code == 0
    assert len(calls) == 20 + 34 - 19
    assert not (folder / "laptop.json.partial").exists()


def test_no_resume_begins_anew(cli: Cli, cells: Path, folder: Path) -> None:
    (folder / "laptop.json.partial").write_text('{"run": "other"}\n')
    command = ("latency", "calibrate", "cells.py", "-o", "laptop.json", *WHERE, *FEW, "--no-table")
    assert cli(*command).code == 2
    assert cli(*command, "--no-resume").code == 0


def test_a_plan_goes_to_a_phone_and_back(
    cli: Cli, cells: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "require_onnx", lambda *names: None)
    monkeypatch.setattr(onnx_runtime, "onnx_bytes", lambda network, x, dtype: b"onnx")
    plan = ("latency", "export-plan", "cells.py", "-o", "plan", *WHERE)
    code, out, _ = cli(*plan, "--networks", "12", "--held-out", "5")
    assert code == 0
    assert "calibrate cells.py --from plan/measurements.csv -o device.json" in out
    assert len(list((folder / "plan").glob("*.onnx"))) == 17
    _, out, _ = cli(*plan[:4], "two", *WHERE, "--networks", "10", "--held-out", "0", "--batch", "8")
    assert f"two/measurements.csv -o device.json --batch 8 {' '.join(WHERE)}" in out
    again = ("latency", "calibrate", "cells.py", *WHERE, "--from", "plan/measurements.csv")
    empty = cli(*again, "-o", "phone.json")
    assert empty.code == 2
    assert "latency_ms is missing" in empty.err
    assert not (folder / "phone.json").exists()
    path = folder / "plan" / "measurements.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["latency_ms"] = str(5 + row["architecture"].count("conv_3x3"))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    code, out, _ = cli(*again, "-o", "phone.json", "--name", "pixel")
    assert code == 0
    assert out.startswith("pixel (measured elsewhere, batch 1)")


def test_repeat_compares_processes(cli: Cli, cells: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optunas.cli import latency_work

    asked = []

    class Ended:
        returncode, stderr = 0, ""

        def __init__(self, number: int) -> None:
            ms = [1.0, 2.0, 3.0 + number]
            self.stdout = json.dumps({"networks": [{"median_ms": one} for one in ms]})

    def run(command: list[str], **settings: Any) -> Ended:
        asked.append(command)
        return Ended(len(asked))

    monkeypatch.setattr(latency_work.subprocess, "run", run)
    command = ("latency", "repeat", "cells.py", "--processes", "3", "--networks", "3", *WHERE)
    code, out, _ = cli(*command)
    assert code == 0
    assert "3 networks in 3 fresh processes" in out
    assert "median 1.000, lowest 1.000" in out
    assert len(asked) == 3
    assert asked[0][1:6] == ["-m", "optunas", "latency", "measure", "cells.py"]
    assert "--input-shape" in asked[0]
    body = json.loads(cli(*command, "--json").out)
    assert body["p90_over_p10"]["median"] == 1.0
    assert body["p90_over_p10"]["highest"] > 1.0

    def fails(command: list[str], **settings: Any) -> Any:
        ended = Ended(0)
        ended.returncode, ended.stderr = 2, "warned\nError: The device is not there.\n"
        return ended

    monkeypatch.setattr(latency_work.subprocess, "run", fails)
    code, _, err = cli(*command)
    assert (code, err) == (2, "Error: The device is not there.\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--device", "toaster"), "The device 'toaster' is not there; this machine has cpu"),
        (("--device", "cuda:9"), "The device 'cuda:9' is not there"),
        (("--backend", "onnx"), "Unknown back end 'onnx'; did you mean 'onnxruntime'?"),
        (("--dtype", "int8"), "Unknown number type (dtype) 'int8'"),
        (("--threads", "0"), "threads must be a positive integer, got 0"),
        (("--clock", "processor", "--threads", "2"), "clock='processor' is the time of one thread"),
        (("--networks", "5"), "at least 10 measured networks, got 5"),
        (("--held-out", "2"), "at least 5 held-out networks (or none), got 2"),
        (("--passes", "0"), "--passes must be a positive integer, got 0"),
        (("--within", "2"), "within must be a fraction between 0 and 1, got 2.0"),
        (("--batch", "0"), "A positive number is needed for batch, got 0"),
        (("--seed", "-1"), "--seed must be a whole number from 0 on, got -1"),
        (("--output", "missing/laptop.json"), "must be a file in a folder that exists"),
        (("--output", "."), "must be a file in a folder that exists"),
        (("--input-shape", "3x8"), "must be channels x height x width, such as 3x32x32, got '3x8'"),
        (("--input-shape", "threex8x8"), "got 'threex8x8'"),
        (("--outputs", "0"), "--outputs must be a positive integer, got 0"),
        (("--from", "missing.csv"), "Cannot read 'missing.csv': No such file"),
    ],
)
def test_wrong_options_are_one_sentence(
    options: tuple[str, ...], said: str, cli: Cli, cells: Path, folder: Path
) -> None:
    command = ("latency", "calibrate", "cells.py", "-o", "laptop.json", *WHERE, *FEW)
    code, _, err = cli(*command, *options)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["__pycache__", "cells.py"] or (
        [path.name for path in folder.iterdir() if path.suffix != ".pyc"] == ["cells.py"]
    )


def test_a_task_without_networks_asks_for_their_shape(cli: Cli, cells: Path) -> None:
    code, _, err = cli("latency", "calibrate", "cells.py", "-o", "laptop.json")
    assert code == 2
    assert "does not say what its networks take and give; say it with --input-shape" in err


def test_a_network_that_does_not_run(
    cli: Cli, cells: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optunas.errors import InvalidSpecError

    def broken(*given: Any) -> Any:
        raise InvalidSpecError("The network cannot take an input of shape (1, 3, 8, 8).")

    monkeypatch.setattr(subjects, "prepare", broken)
    command = ("latency", "calibrate", "cells.py", "-o", "laptop.json", *WHERE, *FEW)
    code, _, err = cli(*command)
    assert (code, "cannot take an input" in err) == (2, True)
    assert not (folder / "laptop.json").exists()


def test_files_that_are_no_models(cli: Cli, folder: Path) -> None:
    (folder / "broken.json").write_text("{")
    for name, said in (
        ("broken.json", "is not a latency model: it is no JSON"),
        ("missing.json", "Cannot read 'missing.json': No such file"),
    ):
        code, _, err = cli("latency", "show", name)
        assert code == 2
        assert said in err


def test_the_extra_that_is_missing(
    cli: Cli, cells: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    code, _, err = cli("latency", "export-plan", "cells.py", "-o", "plan", *WHERE)
    assert code == 2
    assert "install the extra: pip install 'optunas[onnx]'" in err
    assert not (folder / "plan").exists()


def test_a_model_gets_the_name_that_studies_know_it_by(cli: Cli, cells: Path, folder: Path) -> None:
    code, _, err = cli("latency", "calibrate", "cells.py", "-o", "laptop.txt", *WHERE)
    assert code == 2
    assert "--output must end in .json" in err
    assert not list(folder.glob("laptop*"))
