"""``optunas darts search`` on data that is too small, and when its numbers become NaN."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from command_line import Cli

from optunas.darts import searching
from optunas.darts.result import read_result

FILE = """
from optunas import DenseCellSpace, StudySpec
from optunas.darts import SearchSettings

study = StudySpec(
    "breaks",
    DenseCellSpace({operations}, num_nodes=2),
    "optunas.tasks:digits",
    task_options={{"split": [{share}, 0.08, 0.1]}},
    objectives=("accuracy", "params"),
    training={{"epochs": 1, "num_cells": 1, "channels": 2, "batch_size": 32}},
    reference=False,
)
search = SearchSettings(epochs=2, batch_size=32, channels=2, num_cells=1)
"""
TWO = '["skip_connect", "nor_conv_1x1"]'


def write(folder: Path, operations: str = TWO, share: float = 0.08) -> None:
    (folder / "breaks.py").write_text(FILE.format(operations=operations, share=share))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"operations": '["nor_conv_1x1"]'}, "has only 'nor_conv_1x1'; give it at least two"),
        ({"share": 0.001}, "too few"),
    ],
)
def test_nothing_to_choose_and_nothing_to_split(
    cli: Cli, folder: Path, changed: dict[str, object], words: str
) -> None:
    write(folder, **changed)  # type: ignore[arg-type]
    done = cli("darts", "search", "breaks.py", "-o", "g.json")
    assert done.code == 2
    assert words in done.err
    assert not list(folder.glob("g.json*"))


def test_nan_stops_the_search_with_the_last_good_state(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder)
    steps = searching._Run._steps

    def poisoned(run: searching._Run, epoch: int) -> tuple[float, float]:
        losses = steps(run, epoch)
        return (math.nan, losses[1]) if epoch == 1 else losses

    with monkeypatch.context() as patched:
        patched.setattr(searching._Run, "_steps", poisoned)
        done = cli("darts", "search", "breaks.py", "-o", "g.json", "--restarts", "1")
    assert done.code == 2
    assert "broke down in epoch 1, the losses became nan (training)" in done.err
    assert "The state after epoch 0 is the last good one." in done.err
    assert [path.name for path in folder.glob("g.json*")] == ["g.json.checkpoint"]
    again = cli("darts", "search", "breaks.py", "-o", "g.json", "--restarts", "1")
    assert again.code == 0, again.err
    assert len(read_result(folder / "g.json").best.history) == 1
    assert "broke down in epoch 1" in again.out
