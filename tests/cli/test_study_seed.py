"""``optunas study seed``."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from command_line import Cli
from searched import result

import optunas
from optunas import DARTS, NB201, DenseCellSpace
from optunas.darts.result import write_result

STUDY = """
from optunas import NB201, Budget, Float, HyperSpace, JointSpace, StudySpec

study = StudySpec(
    "cells",
    JointSpace(cell=NB201, train=HyperSpace(lr=Float(0.01, 1.0, log=True))),
    "optunas.tasks:digits",
    task_options={"split": [0.06, 0.05, 0.05]},
    objectives=("accuracy", "params"),
    training={"epochs": 1, "channels": 2, "num_cells": 1, "batch_size": 64},
    sampler_options={"population_size": 4},
    pruner="none",
    reference=False,
    budget=Budget(trials=10),
)
"""


@pytest.fixture
def seeded(cli: Cli, folder: Path) -> Cli:
    """A stored study, and a result of its space in g.json."""
    (folder / "cells_study.py").write_text(STUDY)
    assert cli("study", "create", "cells_study.py").code == 0
    write_result(result(NB201, (0, 1)), folder / "g.json")
    return cli


def trials() -> list[optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name="cells", storage="sqlite:///optunas.db")
    return study.get_trials()


def test_seeds_are_enqueued_marked_and_never_twice(seeded: Cli) -> None:
    done = seeded("study", "seed", "cells", "g.json", "--neighbours", "2")
    assert (done.code, done.err) == (0, "")
    assert "Enqueued 4 networks (source darts) in the study cells." in done.out
    assert "optunas study run cells" in done.out
    assert [t.state.name for t in trials()] == ["WAITING"] * 4
    assert {t.user_attrs["source"] for t in trials()} == {"darts"}
    again = seeded("study", "seed", "cells", "g.json", "--neighbours", "2")
    assert again.code == 0
    assert "Nothing to enqueue: of 4 networks, 4 are in the study cells already." in again.out
    more = seeded("study", "seed", "cells", "g.json", "--neighbours", "3")
    assert "Enqueued 1 network (source darts) in the study cells; 4 are in the study" in more.out
    assert len(trials()) == 5
    assert "Enqueued" in seeded("study", "seed", "cells", "g.json", "--spread", "4").out


def test_the_line_to_run_next_names_another_storage(
    seeded: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "sqlite:///other.db"
    assert seeded("study", "create", "cells_study.py", "--storage", other).code == 0
    again = f"optunas study run cells --storage {other}"
    monkeypatch.setenv("OPTUNAS_STORAGE", "sqlite:///third.db")
    done = seeded("study", "seed", "cells", "g.json", "--storage", other)
    assert again in done.out
    monkeypatch.setenv("OPTUNAS_STORAGE", other)
    done = seeded("study", "seed", "cells", "g.json", "--neighbours", "2")
    assert "optunas study run cells\n" in done.out


def test_more_seeds_than_the_budget_has_trials_say_so(seeded: Cli) -> None:
    done = seeded("study", "seed", "cells", "g.json", "--neighbours", "13")
    words = "Of the budget's 10 trials 10 are left for the 15 that wait; train them all: "
    assert f"{words}optunas study run cells --trials 15\n" in done.out


def test_seeds_for_a_study_whose_budget_is_used_say_that_they_wait(cli: Cli, folder: Path) -> None:
    text = STUDY.replace("Budget(trials=10)", "Budget(trials=None, epochs=1)")
    (folder / "cells_study.py").write_text(text)
    assert cli("study", "run", "cells_study.py").code == 0
    write_result(result(NB201, (0, 1)), folder / "g.json")
    done = cli("study", "seed", "cells", "g.json")
    assert "The budget of 1 epochs is used. They wait until the study's file has" in done.out


def test_seeds_that_break_a_limit_of_the_study_are_told(cli: Cli, folder: Path) -> None:
    free = result(NB201, (0, 1))
    sizes = [optunas.metrics.params(r.network(), (1, 8, 8), 10, 2, 1) for r in free.restarts]
    limit = f'reference=False, constraints={{"params": {min(sizes) - 1}}},'
    tight = STUDY.replace("reference=False,", limit)
    (folder / "cells_study.py").write_text(tight)
    assert cli("study", "create", "cells_study.py").code == 0
    write_result(free, folder / "g.json")
    done = cli("study", "seed", "cells", "g.json")
    assert (done.code, done.err) == (0, "")
    assert "Of the 2, 2 break a limit of the study and will be ruled out" in done.out


def test_show_tells_what_came_of_the_seeds(seeded: Cli) -> None:
    assert seeded("study", "seed", "cells", "g.json", "--neighbours", "1").code == 0
    assert "seeds       3 given (darts)" in seeded("study", "show", "cells").out
    assert seeded("study", "run", "cells").code == 0
    assert "3 given (darts); of" in seeded("study", "show", "cells").out
    seeds = json.loads(seeded("study", "show", "cells", "--json").out)["seeds"]
    assert seeds["enqueued"] == 3
    assert seeds["sources"] == ["darts"]
    assert 0 <= seeds["seeds"] + seeds["descendants"] <= seeds["front"]
    first = [t for t in trials() if t.user_attrs.get("source") == "darts"]
    assert [t.number for t in first] == [0, 1, 2]
    study = optuna.load_study(study_name="cells", storage="sqlite:///optunas.db")
    notes = study._storage.get_study_system_attrs(study._study_id)
    assert sum("Suggested by: darts" in str(note) for note in notes.values()) == 3


def test_a_study_without_seeds_says_nothing_of_them(seeded: Cli) -> None:
    assert "seeds" not in seeded("study", "show", "cells").out
    assert json.loads(seeded("study", "show", "cells", "--json").out)["seeds"] is None


def test_wrong_input_gets_a_sentence_and_nothing_is_enqueued(seeded: Cli, folder: Path) -> None:
    write_result(result(DARTS), folder / "darts.json")
    write_result(result(DenseCellSpace(num_nodes=3)), folder / "three.json")
    (folder / "newer.json").write_text(
        (folder / "g.json").read_text().replace('"version": 1', '"version": 2', 1)
    )
    for options, words in (
        (["darts.json"], "over another space than the study 'cells' has (kind: cell there"),
        (["three.json"], "num_nodes: 3 there, 4 here"),
        (["newer.json"], "of version 2, this optunas reads version 1"),
        (["missing.json"], "Cannot read 'missing.json'"),
        (["g.json", "--neighbours", "-1"], "neighbours must be a whole number from 0 on, got -1"),
        (["g.json", "--spread", "-1"], "spread must be a whole number from 0 on, got -1"),
        (["--proxy", "flops", "--spread", "3"], "--spread go with the file of a search"),
    ):
        done = seeded("study", "seed", "cells", *options)
        assert done.code == 2, options
        assert done.err.startswith("Error: ")
        assert words in done.err
        assert done.err.count("\n") == 1
    done = seeded("study", "seed", "cell", "g.json")
    assert done.code == 2
    assert "did you mean 'cells'" in done.err
    assert trials() == []


def test_a_study_without_cells_cannot_be_seeded(cli: Cli, study_file: Path, folder: Path) -> None:
    assert cli("study", "create", study_file.name).code == 0
    write_result(result(NB201), folder / "g.json")
    done = cli("study", "seed", "toy", "g.json", "--trust", "toy_task")
    assert done.code == 2
    assert "needs a CellSpace, a DenseCellSpace, or a MacroSpace" in done.err


def test_the_best_by_a_proxy_are_enqueued_and_marked(cli: Cli, folder: Path) -> None:
    (folder / "cells_study.py").write_text(
        "from optunas import NB201, StudySpec\n"
        'study = StudySpec("cells", NB201, "optunas.tasks:digits", objectives=("accuracy", '
        '"params"), training={"channels": 4, "num_cells": 1, "epochs": 1}, reference=False)\n'
    )
    assert cli("study", "create", "cells_study.py").code == 0
    done = cli("study", "seed", "cells", "--proxy", "synflow", "--of", "12", "--keep", "3")
    assert done.code == 0, done.err
    assert "Enqueued 3 networks (source best by synflow)" in done.out
    waiting = optunas.load("cells").trials()
    assert {trial.user_attrs["source"] for trial in waiting} == {"best by synflow"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "one of the two"),
        (("g.json", "--proxy", "synflow"), "one of the two"),
        (("--proxy", "sinflow"), "did you mean 'synflow'"),
        (("--proxy", "synflow", "--of", "2"), "keeps q of k candidates"),
    ],
)
def test_proxies_that_cannot_choose_are_refused(
    cli: Cli, study_file: Path, options: tuple[str, ...], says: str
) -> None:
    assert cli("study", "create", study_file.name).code == 0
    done = cli("study", "seed", "toy", *options, "--trust", "toy_task")
    assert done.code == 2
    assert says in done.err
