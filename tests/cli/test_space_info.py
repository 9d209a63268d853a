"""``optunas space info``: what a person reads, what a program reads, and wrong input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command_line import Cli

HEADER = """\
import toy_task
from optunas import (
    DARTS, NB201, Budget, Choice, DenseCellSpace, Float, HyperSpace, Int, JointSpace, StudySpec
)
from optunas.space import When
"""

TOY = HEADER + "study = toy_task.spec({})\n"


def write(folder: Path, arguments: str) -> None:
    (folder / "asked.py").write_text(TOY.format(arguments))


def said(cli: Cli, *options: str) -> str:
    """What the report of ``asked.py`` says, its white space as single blanks."""
    done = cli("space", "info", "asked.py", "--sample", "50", *options)
    assert done.code == 0, done.err
    return " ".join(done.out.split())


CELLS = "space=NB201, training={'width': 4}, budget=Budget(trials=100)"


def test_info_counts_the_space_and_stores_nothing(cli: Cli, folder: Path) -> None:
    write(folder, CELLS)
    text = said(cli)
    assert "toy DenseCellSpace, 15,625 members" in text
    assert (
        "edge0-1 and 5 alike none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3" in text
    )
    assert "Networks, all 15,625 architectures" in text
    assert "100 trials for 30 options are 3.3 per option." in text
    assert "No warnings, 1 note" in text
    assert [p for p in os.listdir(folder) if p.endswith(".db")] == []


def test_info_as_json_holds_every_parameter(cli: Cli, folder: Path) -> None:
    write(folder, CELLS)
    body = json.loads(said(cli, "--json"))
    assert body["size"] == 15625
    assert len(body["parameters"]) == 6
    low, median, high = body["costs"]["params"]
    assert 0 < low <= median <= high
    assert [found["code"] for found in body["warnings"]] == ["disconnected"]


def test_info_shows_what_a_reader_looks_for(cli: Cli, folder: Path) -> None:
    write(
        folder,
        "space=JointSpace(cell=DenseCellSpace(('none', 'nor_conv_3x3'), 9), train=HyperSpace("
        "optimizer=Choice(('sgd', 'adam')), momentum=When(Float(.5, .9), optimizer='sgd'))),"
        "constraints={'params': 300}, training={'num_cells': 1}, task='optunas.tasks:digits'",
    )
    text = said(cli)
    assert "JointSpace, infinitely many members" in text
    assert "settings of its discrete parameters" in text
    assert "train.momentum 0.5 to 0.9 when train.optimizer is sgd" in text
    assert "params <= 300 0 % (95 % interval 0 % to" in text
    assert "warning few_operations There are two operations to choose from" in text
    assert "warning too_large The space is too large for its budget: 8 trials" in text
    assert (
        "to narrow cell: num_nodes=8 instead of 9: 256 times smaller, 0.1 trials per option" in text
    )
    assert "idle changes" in text


def test_names_and_values_are_no_markup(cli: Cli, folder: Path) -> None:
    write(
        folder, "space=HyperSpace({'[red]width': Choice(('[bold]', '[/x]')), 'width': Int(1, 2)})"
    )
    text = said(cli)
    assert "[red]width [bold], [/x]" in text


def test_long_lists_of_options_are_shortened(cli: Cli, folder: Path) -> None:
    write(folder, "space=HyperSpace(width=Choice(tuple(range(100, 200))))")
    assert "... 199 (100 options)" in said(cli)


@pytest.mark.parametrize("columns", [80, 160])
def test_the_report_fits_the_terminal(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    from rich.console import Console

    write(folder, "space=DARTS, training={'width': 4}")
    shown = Console(width=columns)
    monkeypatch.setattr("optunas.cli.space_table.console", lambda: shown)
    done = cli("space", "info", "asked.py", "--sample", "20")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= columns
    # Nothing is cut off: every word of the figures is there.
    text = " ".join(done.out.split())
    for words in ("normal.node2.op0 and 7 alike", "lowest 5 % median 95 % highest", "450 trials"):
        assert words in text


def test_seeds_and_samples(cli: Cli, folder: Path) -> None:
    write(folder, "space=HyperSpace(width=Int(1, 16))")
    first, again, other = (
        json.loads(said(cli, "--json", "--sample", "9", "--seed", seed)) for seed in ("1", "1", "2")
    )
    assert first == again
    assert first["sampled"] == 9
    assert first["costs_middle"] != other["costs_middle"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["asked.py", "--sample", "0"], "--sample"),
        (["asked.py", "--seed", "-1"], "--seed"),
        (["none.py"], "There is no study file 'none.py'"),
        (["empty.py"], "has no 'study'"),
        (["broken.py"], "cannot be made: ZeroDivisionError: no data today"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    cli: Cli, folder: Path, arguments: list[str], words: str
) -> None:
    write(folder, CELLS)
    (folder / "empty.py").write_text("x = 1\n")
    (folder / "broken.py").write_text(TOY.format("task=toy_task.broken_task"))
    done = cli("space", "info", *arguments)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
