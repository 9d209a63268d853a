"""What scripts and notebooks hold: trials, the front as a table, what is used."""

from __future__ import annotations

import csv
import io
import json

import optuna
import pytest
import toy_task
from optuna.storages import InMemoryStorage

import optunas
from optunas import Budget, Choice, DenseCellSpace, HyperSpace, Int, JointSpace, StudyHandle
from optunas.study import Table

ROWS = [{"trial": 3, "a": 0.51239, "b": "x"}, {"trial": 10, "a": 12345.0, "b": None}]


@pytest.fixture
def table() -> Table:
    return Table(ROWS, ["trial", "a", "b"])


def test_a_table_is_a_sequence_of_rows(table: Table) -> None:
    assert len(table) == 2
    assert table[0] == ROWS[0]
    assert list(table) == ROWS
    assert table[-1]["trial"] == 10
    assert table.columns == ("trial", "a", "b")


def test_a_table_prints_in_columns(table: Table) -> None:
    assert str(table).splitlines() == ["trial  a       b", "3      0.5124  x", "10     12,345"]
    assert repr(table) == str(table)


def test_a_table_shows_itself_in_a_notebook(table: Table) -> None:
    table = Table([{"trial": 1, "a": "<b>"}], ["trial", "a"])
    assert table._repr_html_() == (
        "<table><thead><tr><th>trial</th><th>a</th></tr></thead>"
        "<tbody><tr><td>1</td><td>&lt;b&gt;</td></tr></tbody></table>"
    )


def test_a_table_as_text_for_other_programs(table: Table) -> None:
    assert json.loads(table.to_json()) == ROWS
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert rows == [
        {"trial": "3", "a": "0.51239", "b": "x"},
        {"trial": "10", "a": "12345.0", "b": ""},
    ]


def test_an_empty_table() -> None:
    empty = Table([], ["trial", "a"])
    assert str(empty) == "trial  a"
    assert json.loads(empty.to_json()) == []
    assert empty.to_csv() == "trial,a\n"


def run(handle: StudyHandle, *widths: int) -> StudyHandle:
    for width in widths:
        handle.study.enqueue_trial({"width": width, "mood": "fine"})
    return optunas.run(handle, progress=False, trust=["toy_task"])


def test_the_front_of_a_study() -> None:
    spec = toy_task.spec(budget=Budget(trials=3), metrics=("flops",))
    handle = run(optunas.create(spec, InMemoryStorage()), 4, 2, 4, 9)
    front = handle.front()
    assert [row["trial"] for row in front] == [3, 0, 1]
    assert [row["params"] for row in front] == [900, 400, 200]
    assert front.columns[:5] == ("trial", "accuracy", "params", "flops", "epochs")
    assert {row["width"] for row in front} == {9, 4, 2}
    assert all(row["architecture"] == "" for row in front)
    assert [t.number for t in handle.front_trials()] == [0, 1, 3]


def test_the_front_of_a_new_study_is_empty() -> None:
    handle = optunas.create(toy_task.spec(), InMemoryStorage())
    assert list(handle.front()) == []
    assert handle.front().columns[0] == "trial"
    assert handle.reference is None


def test_the_best_of_one_objective_that_is_minimised_comes_first() -> None:
    spec = toy_task.spec(objectives=("params", "accuracy"), budget=Budget(trials=3))
    handle = run(optunas.create(spec, InMemoryStorage()), 4, 2, 9)
    assert [row["params"] for row in handle.front()] == [200, 400, 900]


def test_a_row_shows_architecture_and_hyperparameters() -> None:
    space = JointSpace(
        cell=DenseCellSpace(("none", "skip_connect"), 3), train=HyperSpace(width=Choice((4,)))
    )
    spec = toy_task.spec(space=space, budget=Budget(trials=1))
    handle = run(optunas.create(spec, InMemoryStorage()))
    (row,) = handle.front()
    assert row["width"] == 4
    assert row["architecture"] == str(handle.candidate(handle.trials()[0])["cell"])
    assert row["architecture"].startswith("|")


def test_searched_settings_keep_clear_of_the_other_columns() -> None:
    space = HyperSpace(width=Int(1, 9), epochs=Choice((2,)))
    handle = optunas.create(toy_task.spec(space=space, budget=Budget(trials=1)), InMemoryStorage())
    front = optunas.run(handle, progress=False, trust=["toy_task"]).front()
    assert front.columns.count("epochs") == 1
    assert front[0]["epochs"] == front[0]["epochs (searched)"] == 2


def test_usage_and_outcomes_of_given_trials_are_those_of_the_study() -> None:
    handle = run(optunas.create(toy_task.spec(budget=Budget(trials=3)), InMemoryStorage()), 4, 4)
    trials = handle.trials()
    assert handle.usage(trials) == handle.usage()
    assert handle.outcomes(trials) == handle.outcomes()
    assert handle.outcomes()["reused"] == 1
    assert list(handle.outcomes()) == [
        *("complete", "pruned", "promoted", "reused", "ruled out", "failed", "running", "waiting")
    ]


def test_a_space_of_one_member_ends_the_search_in_reuse() -> None:
    space = HyperSpace(width=Int(3, 3), mood=Choice(("fine",)))
    spec = toy_task.spec(space=space, max_reused=3, sampler="nsga2")
    handle = optunas.run(spec, storage=InMemoryStorage(), progress=False)
    assert handle.usage().trials == 1
    assert handle.outcomes()["reused"] == 3


def test_a_trial_that_was_added_by_hand_has_a_candidate_too() -> None:
    handle = optunas.create(toy_task.spec(), InMemoryStorage())
    handle.study.add_trial(
        optuna.create_trial(
            params={"width": 7, "mood": "fine"},
            distributions=optunas.distributions(handle.spec.space),
            values=[0.8, 700.0],
        )
    )
    (trial,) = handle.trials()
    assert handle.candidate(trial) == {"width": 7, "mood": "fine"}
    assert [row["width"] for row in handle.front()] == [7]
