"""Studies that choose a model for a table, from a file to the front; torch has no part in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch_guard
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from processes import PATIENCE_S
from sklearn.naive_bayes import GaussianNB

import optunas
from optunas import Budget, Choice, Float, HyperSpace, Int, StudySpec, When
from optunas.errors import DeviceError, InvalidSpecError, TaskError, UnknownNameError
from optunas.space import group
from optunas.study.estimate import estimate
from optunas.study.life import make_objective
from optunas.tasks import tabular_space

QUICK = tabular_space(("linear", "knn", "svm"))

SPEC = StudySpec(
    "tables",
    QUICK,
    "optunas.tasks:tabular",
    task_options={"data": "wine", "folds": 4},
    # Times differ from run to run; what is left must not.
    objectives=("accuracy", "model_bytes"),
    metrics=("f1",),
    sampler_options={"population_size": 3},
    pruner="percentile",
    pruner_options={"percentile": 75.0, "n_startup_trials": 2},
    budget=Budget(trials=10),
    seed=5,
)

UNPRUNED: dict[str, Any] = {"pruner": "none", "pruner_options": {}}


def naive(settings: Any) -> Any:
    """An own model."""
    return GaussianNB(var_smoothing=settings["smoothing"])


def run(spec: StudySpec, **options: Any) -> optunas.StudyHandle:
    return optunas.run(spec, storage=InMemoryStorage(), progress=False, **options)


def outcome(handle: optunas.StudyHandle) -> list[Any]:
    keys = ("digest", "accuracy", "model_bytes", "f1", "epochs", "reused_from", "optunas:curve")
    return [
        (t.number, t.state, t.params, t.values, [t.user_attrs.get(key) for key in keys])
        for t in handle.trials()
    ]


def test_a_resumed_study_is_equal_to_an_uninterrupted_one(sqlite: str) -> None:
    other = sqlite.replace("studies.db", "parts.db")
    whole = optunas.run(SPEC, storage=sqlite, progress=False)
    for trials in (4, 10):
        optunas.run(SPEC, storage=other, trials=trials, progress=False)
    assert outcome(optunas.load("tables", other)) == outcome(whole)
    states = {t.state for t in whole.trials()}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}
    assert whole.usage().epochs == sum(t.user_attrs["epochs"] for t in whole.trials())


def test_every_value_reaches_the_front_and_a_baseline_stands_beside_it() -> None:
    aims = ("accuracy", "fit_seconds", "model_bytes")
    handle = run(replace(SPEC, objectives=aims, metrics=("predict_ms",), **UNPRUNED))
    front = handle.front()
    assert {*aims, "predict_ms", "model", "epochs"} <= set(front.columns)
    for row in front:
        assert 0 < row["accuracy"] <= 1
        assert row["fit_seconds"] > 0
        assert row["predict_ms"] > 0
        assert row["model_bytes"] > 500
        assert row["model"] in ("linear", "knn", "svm")
    baseline = handle.reference
    assert baseline is not None
    assert baseline["name"] == "logistic regression, defaults, standardised"
    assert baseline["epochs"] == 4
    assert baseline["accuracy"] > 0.9
    assert {"fit_seconds", "model_bytes", "predict_ms"} <= baseline.keys()
    assert handle.usage().trials == 10


def test_a_front_of_several_models_is_printed_whole() -> None:
    from rich.console import Console

    from optunas.cli.render import print_front

    handle = run(replace(SPEC, objectives=("accuracy", "predict_ms"), **UNPRUNED))
    console = Console(width=160, record=True, file=io.StringIO())
    print_front(handle, console)
    text = console.export_text()
    assert "…" not in text
    for row in handle.front():
        for name in handle.candidate(handle.trials()[row["trial"]]):
            assert name in text
            assert str(row[name])[:4] in text


def test_no_baseline_when_none_is_asked_for() -> None:
    assert run(replace(SPEC, reference=False), trials=1).reference is None


def test_a_candidate_holds_its_own_models_hyperparameters_alone() -> None:
    handle = run(replace(SPEC, **UNPRUNED))
    for trial in handle.trials():
        candidate = handle.candidate(trial)
        models = {name.partition(".")[0] for name in candidate if name.endswith((".C", "kernel"))}
        assert models <= {candidate["model"]}
        assert ("select.share" in candidate) == (candidate["reduce"] == "select")


def test_a_hand_made_space_with_conditions() -> None:
    table = group(
        "model",
        {
            "svm": {
                "kernel": Choice(("rbf", "poly")),
                "degree": When(Int(2, 3), kernel="poly"),
            },
            "knn": {"n_neighbors": Int(1, 9)},
        },
    )
    handle = run(
        replace(SPEC, space=HyperSpace(table), training={"scaler": "standard", "svm.C": 3.0}),
        trials=6,
    )
    assert len(handle.trials(TrialState.FAIL)) == 0
    assert max(t.values[0] for t in handle.trials(TrialState.COMPLETE)) > 0.9


def test_an_own_model_needs_trust_when_it_comes_from_a_storage(sqlite: str) -> None:
    spec = replace(
        SPEC,
        space=tabular_space({"naive": {"smoothing": Float(1e-9, 1.0, log=True)}, "linear": None}),
        task_options={"data": "wine", "models": {"naive": "test_tabular_study:naive"}},
    )
    handle = optunas.run(spec, storage=sqlite, trials=4, progress=False)
    assert "naive" in {t.params["model"] for t in handle.trials(TrialState.COMPLETE)}
    with pytest.raises(
        TaskError, match=r"code from outside optunas; .* --trust test_tabular_study"
    ):
        optunas.run("tables", storage=sqlite, trials=5, progress=False)
    optunas.run("tables", storage=sqlite, trials=5, trust=["test_tabular_study"], progress=False)
    assert handle.usage().trials == 5


def test_a_regression_with_trees() -> None:
    spec = replace(
        SPEC,
        space=tabular_space(["forest"], kind="regression"),
        task_options={"data": "diabetes", "folds": 3},
        objectives=("r2", "model_bytes"),
        metrics=("mae",),
    )
    handle = run(spec, trials=3)
    assert set(handle.spec.space.parameters()) == {
        *("model", "forest.n_estimators", "forest.max_features", "forest.min_samples_leaf")
    }
    assert all(30 < t.user_attrs["mae"] < 70 for t in handle.trials(TrialState.COMPLETE))


def test_a_dry_run_knows_the_folds() -> None:
    found = estimate(SPEC, make_objective(SPEC), SPEC.budget)
    assert found.trials == 10
    assert 0 < found.epoch_s < 5
    assert found.minutes == pytest.approx(10 * (found.setup_s + 4 * found.epoch_s) / 60)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"objectives": ("accuracy", "params")}, InvalidSpecError, "cannot give params as well"),
        ({"objectives": ("f1",)}, InvalidSpecError, "scores 'accuracy', which is not among"),
        ({"score": "best"}, InvalidSpecError, "score='best' is for epochs; .* are folds"),
        ({"training": {"epochs": 3}}, UnknownNameError, "hyperparameter .* 'epochs'"),
        ({"training": {"impute": "max"}}, InvalidSpecError, "impute is 'max', but"),
        ({"space": HyperSpace({"svm.C": Float(1, 2)})}, InvalidSpecError, "'model' is missing"),
        ({"space": HyperSpace(model=Choice(("svm", "svn")))}, InvalidSpecError, "model is 'svn'"),
        (
            # A value that only a rarely chosen model would have met.
            {"space": HyperSpace(group("model", {"knn": {}, "svm": {"C": Float(-1.0, 1.0)}}))},
            InvalidSpecError,
            r"svm.C is -1\.0, but it must be a number",
        ),
        ({"task_options": {"data": "wines"}}, InvalidSpecError, "did you mean 'wine'"),
        ({"task_options": {"fold": 3}}, TaskError, "unexpected keyword argument 'fold'"),
    ],
)
def test_what_cannot_work_is_refused_at_creation(
    changes: dict[str, Any], error: type[Exception], says: str, sqlite: str
) -> None:
    with pytest.raises(error, match=says):
        optunas.create(replace(SPEC, **changes), sqlite)
    assert not Path(sqlite.removeprefix("sqlite:///")).exists()


def test_another_device_is_refused_at_creation(sqlite: str) -> None:
    with pytest.raises(DeviceError, match="'wine' runs on cpu, got device 'cuda'"):
        optunas.create(SPEC, sqlite, device="cuda")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"models": ["svn"]}, UnknownNameError, "model 'svn'; did you mean 'svm'"),
        ({"models": []}, optunas.errors.InvalidSpaceError, "models is empty"),
        ({"models": "svm"}, optunas.errors.InvalidSpaceError, "a list of names, got 'svm'"),
        ({"models": {"pca": {}}}, optunas.errors.InvalidSpaceError, "other than impute"),
        ({"kind": "ranking"}, UnknownNameError, "kind of task 'ranking'"),
    ],
)
def test_spaces_that_cannot_be(
    arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        tabular_space(**arguments)


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("missing", [False, True])
def test_the_ready_space_holds_what_the_task_takes(kind: str, missing: bool) -> None:
    space = tabular_space(kind=kind, missing=missing)
    data = {"classification": "wine", "regression": "diabetes"}[kind]
    task = optunas.tasks.tabular(data)
    assert ("impute" in space.parameters()) == missing
    spec = replace(
        SPEC,
        space=space,
        task_options={"data": data},
        objectives=(task.score_name, "model_bytes"),
        metrics=(),
    )
    make_objective(spec)  # tries every parameter at both ends
    assert StudySpec.from_json(spec.to_json(), lambda _: None) == spec


STUDY = """
from optunas import Budget, StudySpec
from optunas.tasks import tabular_space

study = StudySpec(
    "no-torch", tabular_space(), "optunas.tasks:tabular", {"data": "iris", "folds": 3},
    objectives=("accuracy", "fit_seconds", "model_bytes"), metrics=("predict_ms",),
    budget=Budget(trials=6),
)
"""


COMMANDS = """
import sys
from optunas.cli import main

for line in sys.argv[1].split(";"):
    sys.argv = ["optunas", *line.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, line
assert "sklearn" in sys.modules
assert "torch" not in sys.modules
"""


def guarded(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process that cannot import torch; the same for its workers."""
    (folder / "guard").mkdir(exist_ok=True)
    guard = torch_guard.install(folder / "guard")
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((guard, os.environ["PYTHONPATH"]))},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


def test_the_guard_keeps_torch_out(tmp_path: Path) -> None:
    done = guarded(tmp_path, "import torch.nn")
    assert done.returncode == 1
    assert torch_guard.WORD in done.stderr


@pytest.mark.parametrize(
    "commands",
    [
        "study create no_torch.py;study run no-torch;study show no-torch;"
        "study front no-torch --json",
        pytest.param(
            "study run no_torch.py --dry-run;study run no_torch.py --workers 2;"
            "study front no-torch --json",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["one process", "workers"],
)
def test_the_command_line_needs_no_torch(commands: str, tmp_path: Path) -> None:
    (tmp_path / "no_torch.py").write_text(STUDY)
    done = guarded(tmp_path, COMMANDS, commands)
    assert done.returncode == 0, done.stderr
    assert torch_guard.WORD not in done.stderr, done.stderr
    rows = json.loads(done.stdout[done.stdout.rindex("[\n") :])
    assert rows
    assert all(row["fit_seconds"] > 0 and row["model_bytes"] > 0 for row in rows)
