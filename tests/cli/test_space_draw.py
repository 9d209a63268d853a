"""``optunas space draw``: what it writes, what it says, and that a mistake writes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from command_line import Cli, Result

CELLS = """
import toy_task
from optunas import NB201
study = toy_task.spec("cells", space=NB201)
"""
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|"
PARAMS = {
    "cell.edge0-1": "nor_conv_3x3",
    "cell.edge0-2": "none",
    "cell.edge1-2": "skip_connect",
    "cell.edge0-3": "avg_pool_3x3",
    "cell.edge1-3": "none",
    "cell.edge2-3": "none",
}
OWN = """
import dataclasses
import toy_task
from optunas import Choice, Int, Space


@dataclasses.dataclass(frozen=True)
class Tree:
    depth: int
    split: str


class Trees(Space):
    def parameters(self):
        return {"depth": Int(1, 9), "split": Choice(("2", "3", "many"))}

    def encode(self, tree):
        return {"depth": tree.depth, "split": tree.split}

    def decode(self, values):
        return Tree(**values)


study = toy_task.spec("trees", space=Trees())
"""
MIXED = """
import toy_task
from optunas import Cell, Choice, Float, Space


class Mixed(Space):
    def parameters(self):
        return {"operation": Choice(("skip_connect", "nor_conv_3x3")), "lr": Float(0.1, 1.0)}

    def encode(self, member):
        return dict(member)

    def decode(self, values):
        return tuple(values.items())

    def parts(self, member):
        values = dict(member)
        return Cell.from_str(f"|{values['operation']}~0|"), {"lr": values["lr"]}


study = toy_task.spec("mixed", space=Mixed())
"""


@pytest.fixture
def cells(folder: Path) -> str:
    (folder / "cells_study.py").write_text(CELLS)
    return "cells_study.py"


def words(svg: str | Path) -> list[str]:
    text = svg.read_text() if isinstance(svg, Path) else svg
    return [e.text or "" for e in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


def refused(result: Result, *words: str) -> None:
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.startswith("Error: ")
    for word in words:
        assert word in result.err


def test_parameters_as_json_as_a_file_and_one_by_one_draw_the_same(
    cli: Cli, folder: Path, cells: str
) -> None:
    result = cli("space", "draw", cells, "--params", json.dumps(PARAMS))
    assert result.code == 0, result
    assert "Drew the given parameters of cells's space: cells.svg" in result.out
    drawn = (folder / "cells.svg").read_text()
    assert {"conv 3×3", "skip", "avg 3×3", "cells"} <= set(words(drawn))
    (folder / "params.json").write_text(json.dumps(PARAMS))
    assert cli("space", "draw", cells, "--params", "@params.json", "-o", "b.svg").code == 0
    single = [part for name, value in PARAMS.items() for part in ("--params", f"{name}={value}")]
    assert cli("space", "draw", cells, *single, "-o", "c.svg").code == 0
    assert (folder / "b.svg").read_text() == (folder / "c.svg").read_text() == drawn


def test_a_trial_s_architecture_is_drawn(cli: Cli, folder: Path, cells: str) -> None:
    from optunas import NB201, Cell

    text = NB201.to_json(Cell.from_str(CELL))
    result = cli("space", "draw", cells, "--architecture", text, "--title", "Trial 7")
    assert result.code == 0, result
    assert "the given architecture" in result.out
    assert {"Trial 7", "conv 3×3", "skip", "avg 3×3"} <= set(words(folder / "cells.svg"))
    (folder / "trial.json").write_text(text)
    cli("space", "draw", cells, "--architecture", "@trial.json", "--title", "", "-o", "n.svg")
    assert "Trial 7" not in words(folder / "n.svg")


def test_without_a_member_one_is_drawn_at_random_by_the_seed(
    cli: Cli, folder: Path, cells: str
) -> None:
    result = cli("space", "draw", cells)
    assert "a random member (seed 0)" in result.out
    first = (folder / "cells.svg").read_text()
    again = cli("space", "draw", cells, "--seed", "0")
    assert "in place of the file that was there" in again.out
    assert (folder / "cells.svg").read_text() == first
    assert "seed 5" in cli("space", "draw", cells, "--seed", "5").out
    assert (folder / "cells.svg").read_text() != first
    assert there(folder) == {"cells_study.py", "cells.svg"}


def test_a_png_is_written_by_its_suffix(cli: Cli, folder: Path, cells: str) -> None:
    assert cli("space", "draw", cells, "--output", "pictures.v1.PNG").code == 0
    data = (folder / "pictures.v1.PNG").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert there(folder) == {"cells_study.py", "pictures.v1.PNG"}


def test_hyperparameters_alone_are_a_table(cli: Cli, folder: Path, study_file: Path) -> None:
    result = cli("space", "draw", study_file.name, "--params", "width=16", "--params", "mood=fine")
    assert result.code == 0, result
    assert {"width", "16", "mood", "fine"} <= set(words(folder / "toy.svg"))


def test_an_own_space_is_a_table_of_its_parameters(cli: Cli, folder: Path) -> None:
    (folder / "tree_study.py").write_text(OWN)
    # "2" is an option, the number 2 is not; 07 is no JSON.
    result = cli("space", "draw", "tree_study.py", "--params", "depth=7", "--params", "split=2")
    assert result.code == 0, result
    assert {"depth", "7", "split", "2"} <= set(words(folder / "trees.svg"))


def test_the_network_of_an_own_space_is_drawn(cli: Cli, folder: Path) -> None:
    (folder / "mixed_study.py").write_text(MIXED)
    result = cli("space", "draw", "mixed_study.py", "--params", '{"operation": "skip_connect"}',
                 "--params", "lr=0.5")  # fmt: skip
    assert result.code == 0, result
    assert {"skip", "input", "output", "0.5"} <= set(words(folder / "mixed.svg"))


def test_all_problems_of_the_parameters_are_listed_at_once(
    cli: Cli, folder: Path, cells: str
) -> None:
    wrong = {**PARAMS, "cell.edge0-1": "nor_conv_9x9", "cell.edge9-9": "none"}
    del wrong["cell.edge2-3"]
    result = cli("space", "draw", cells, "--params", json.dumps(wrong))
    refused(result, "'cell.edge0-1' is 'nor_conv_9x9'", "'cell.edge9-9'", "'cell.edge2-3' is miss")
    assert len(result.err.strip().splitlines()) == 3
    assert there(folder) == {"cells_study.py"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--params", "{"], "is no JSON"),
        (["--params", "edge"], "expected a JSON object, @file.json or name=value, got 'edge'"),
        (["--params", "=3"], "name=value, got '=3'"),
        (["--params", "a=1", "--params", "a=2"], "parameter 'a' is given twice"),
        (["--params", "@no.json"], "cannot read 'no.json': No such file"),
        (["--params", "@cells_study.py"], "is no JSON"),
        (["--params", ""], "name=value, got ''"),
        (["--architecture", "{}"], "Expected the JSON of a cell"),
        (["--architecture", "@no.json"], "--architecture: cannot read 'no.json'"),
        (["--architecture", "{}", "--params", "a=1"], "got --params and --architecture"),
        (["--params", "a=1", "--seed", "3"], "got --params and --seed"),
        (["--output", "cells.jpg"], "ends in .svg or .png, got 'cells.jpg'"),
        (["--output", "cells"], "ends in .svg or .png, got 'cells'"),
        (["--output", "no/such/cells.svg"], "There is no folder"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(
    cli: Cli, folder: Path, cells: str, options: list[str], message: str
) -> None:
    kept = folder / "cells.svg"
    kept.write_text("mine")
    result = cli("space", "draw", cells, *options)
    refused(result, message)
    assert len(result.err.strip().splitlines()) == 1
    assert kept.read_text() == "mine"
    assert there(folder) == {"cells_study.py", "cells.svg"}


def test_several_mistakes_in_writing_are_told_together(cli: Cli, folder: Path, cells: str) -> None:
    result = cli("space", "draw", cells, "--params", "a", "--params", "[1]", "--params", "{]")
    refused(result, "got 'a'", "got '[1]'", "'{]' is no JSON")
    assert len(result.err.strip().splitlines()) == 3


def test_a_folder_is_not_replaced(cli: Cli, folder: Path, cells: str) -> None:
    (folder / "cells.svg").mkdir()
    refused(cli("space", "draw", cells), "is there and is no file")
    assert there(folder) == {"cells_study.py", "cells.svg"}


def test_what_cannot_be_written_leaves_no_file_behind(
    cli: Cli, folder: Path, cells: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    refused(cli("space", "draw", cells), "Cannot write 'cells.svg': No space left on device.")
    assert there(folder) == {"cells_study.py"}


def test_a_missing_study_file(cli: Cli, folder: Path) -> None:
    refused(cli("space", "draw", "no_such.py"), "There is no study file 'no_such.py'")


def test_drawing_loads_no_torch(folder: Path, cells: str) -> None:
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        f"sys.argv = ['optunas', 'space', 'draw', {cells!r}, '-o', 'a.png']\n"
        "from optunas.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=folder)
    assert (folder / "a.png").stat().st_size > 1000
