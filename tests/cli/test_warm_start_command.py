"""``optunas study run --warm-start``: an earlier study by name."""

from __future__ import annotations

from pathlib import Path

from command_line import Cli

STUDY = """
import toy_task
from optunas import Budget

study = toy_task.spec(
    {name!r}, task_options={{"epochs": {epochs}}}, sampler={sampler!r}, budget=Budget(trials=4)
)
"""


def test_the_earlier_front_is_trained_first(cli: Cli, folder: Path) -> None:
    for name, epochs, sampler in (
        ("earlier", 2, "unique_random"),
        ("new", 3, "cheap_aware"),
        ("plain", 3, "nsga2"),
    ):
        text = STUDY.format(name=name, epochs=epochs, sampler=sampler)
        (folder / f"{name}_study.py").write_text(text)
    assert cli("study", "run", "earlier_study.py").code == 0
    done = cli("study", "run", "new_study.py", "--trust", "toy_task", "--warm-start", "earlier")
    assert done.code == 0, done.err
    assert "of the front of earlier." in done.out
    done = cli("study", "run", "plain_study.py", "--trust", "toy_task", "--warm-start", "earlier")
    assert "the sampler nsga2 learns nothing else from it" in done.out
    wrong = cli("study", "run", "new", "--trust", "toy_task", "--warm-start", "earlir")
    assert wrong.code == 2
    assert "did you mean 'earlier'" in wrong.err
    wrong = cli(
        "study", "run", "new", "--trust", "toy_task", "--warm-start-storage", "sqlite:///other.db"
    )
    assert wrong.code == 2
    assert "give both" in wrong.err


def test_a_refused_start_leaves_no_study_behind(cli: Cli, folder: Path) -> None:
    text = STUDY.format(name="early", epochs=2, sampler="random")
    (folder / "early_study.py").write_text(text)
    (folder / "other_study.py").write_text(
        text.replace("'early', ", "'other', objectives=('accuracy',), ")
    )
    assert cli("study", "run", "early_study.py").code == 0
    for earlier, says in (("early", "must have the same ones"), ("erly", "did you mean 'early'")):
        wrong = cli("study", "run", "other_study.py", "--warm-start", earlier)
        assert wrong.code == 2
        assert says in wrong.err
    assert "other" not in cli("study", "list").out
