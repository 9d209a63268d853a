"""``optunas darts`` on macro networks, and its other rules of choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli

from optunas import Macro, metrics
from optunas.darts.result import read_result

FILE = """
from optunas import Float, HyperSpace, JointSpace, MacroSpace, StudySpec
from optunas.darts import SearchSettings

layers = MacroSpace(
    depth=2, operations=("conv", "identity"), filters=(4,), skips=False, dense_depth=0
)
study = StudySpec(
    "small-macro",
    JointSpace(net=layers, train=HyperSpace(lr=Float(0.01, 1.0, log=True))),
    "optunas.tasks:digits",
    task_options={"split": [0.08, 0.08, 0.1]},
    objectives=("accuracy", "params"),
    training={"epochs": 1, "batch_size": 32},
    reference=False,
    seed=4,
)
search = SearchSettings(epochs=1, batch_size=32)
"""


@pytest.fixture
def file(folder: Path) -> str:
    (folder / "small_macro.py").write_text(FILE)
    return "small_macro.py"


def test_layers_are_searched_shown_and_seed_a_study(cli: Cli, file: str, folder: Path) -> None:
    done = cli(
        *("darts", "search", file, "-o", "g.json", "--max-params", "300", "--halt", "skips"),
        *("--selection", "perturbation", "--beta-decay", "1", "--alpha-lr", "0.01"),
        *("--restarts", "1"),
    )
    assert done.code == 0, done.err
    found = read_result(folder / "g.json")
    assert isinstance(found.architecture, Macro)
    assert metrics.params(found.architecture, (1, 8, 8), 10) == found.best.costs["params"] <= 300
    assert found.selection == "perturbation"
    given = {name: found.settings[name] for name in ("halt", "beta_decay", "alpha_lr")}
    assert given == {"halt": "skips", "beta_decay": 1, "alpha_lr": 0.01}
    for words in ("chosen by perturbation", "In the first layer there is no identity", "conv_3x3"):
        assert words in done.out
    assert "channels," not in done.out
    shown = cli("darts", "show", "g.json", "--svg", "a.svg", "--shares", "b.svg")
    assert shown.code == 0, shown.err
    assert all((folder / name).read_text().startswith("<svg") for name in ("a.svg", "b.svg"))
    assert cli("study", "create", file).code == 0
    seeded = cli("study", "seed", "small-macro", "g.json", "--neighbours", "2")
    assert seeded.code == 0, seeded.err
    assert "Enqueued 3 networks" in seeded.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--channels", "4", "--num-cells", "2"), "leave --channels and --num-cells out"),
        (("--variant", "pc_darts"), "Choose darts, gdas or drnas"),
        (("--max-params", "20"), "the smallest possible value is 94"),
        (("--selection", "best"), "Unknown selection 'best'"),
        (("--halt", "never"), "Unknown halt 'never'"),
        (("--alpha-lr", "0"), "alpha_lr must be a number above 0"),
        (("--beta-decay", "-1"), "beta_decay must be a number of at least 0"),
    ],
)
def test_what_cannot_be_is_said_at_once(
    cli: Cli, file: str, options: tuple[str, ...], words: str
) -> None:
    done = cli("darts", "search", file, *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_space_without_a_fixed_skeleton_is_told_what_is_free(
    cli: Cli, file: str, folder: Path
) -> None:
    (folder / "small_macro.py").write_text(FILE.replace("depth=2", "depth=(1, 2)"))
    done = cli("darts", "search", file)
    assert done.code == 2
    assert "the depth, 1 to 2 (give one, depth=2)" in done.err
