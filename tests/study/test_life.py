"""Create, load, run and resume on every storage; a name is one definition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
import toy_task
from optuna.pruners import PercentilePruner
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState

import optunas
from optunas import NB201, Budget, Choice, Float, HyperSpace, Int, JointSpace, Space, When
from optunas.errors import (
    InvalidArchitectureError,
    InvalidSpecError,
    StorageError,
    StudyExistsError,
    TaskError,
    UnknownNameError,
)

TRUST = ["toy_task"]


def run(handle: Any, **options: Any) -> Any:
    return optunas.run(handle, progress=False, trust=TRUST, **options)


def test_create_run_load_and_resume(storage: str | BaseStorage, unique: str) -> None:
    handle = optunas.create(toy_task.spec(unique, sampler="nsga2"), storage)
    run(handle, trials=3)
    assert handle.outcomes()["complete"] == 3
    again = optunas.load(unique, storage, trust=TRUST)
    before = [(t.number, t.params, t.values, t.user_attrs) for t in again.trials()]
    run(again, trials=8)
    after = [(t.number, t.params, t.values, t.user_attrs) for t in again.trials()]
    assert after[: len(before)] == before
    assert again.usage().trials == 8
    assert again.usage().epochs == sum(t.user_attrs["epochs"] for t in again.trials())
    optunas.delete(unique, storage)
    assert unique not in optunas.study.names(storage)


def test_a_finished_study_runs_no_further_trial(sqlite: str) -> None:
    handle = run(optunas.create(toy_task.spec(budget=Budget(trials=2)), sqlite))
    count = len(handle.trials())
    run(handle)
    assert len(handle.trials()) == count
    assert handle.usage().trials == 2


def test_everything_of_the_definition_is_restored(sqlite: str) -> None:
    spec = toy_task.spec(
        objectives=("accuracy", toy_task.WEIGHT),
        sampler="nsga2",
        sampler_options={"mutation_prob": 0.25},
        pruner="percentile",
        pruner_options={"percentile": 40.0, "n_startup_trials": 3},
        constraints={"params": 900.0},
        budget=Budget(trials=100, epochs=77),
        seed=11,
    )
    optunas.create(spec, sqlite)
    handle = optunas.load("toy", sqlite, trust=TRUST)
    assert handle.spec.to_dict() == spec.to_dict()
    assert str(handle.study.sampler) == str(optunas.create(spec, sqlite).study.sampler)
    inner = handle.study.sampler.inner  # type: ignore[attr-defined]
    assert isinstance(inner, NSGAIISampler)
    assert inner.population_size == 20
    pruner = handle.study.pruner
    assert isinstance(pruner, PercentilePruner)
    assert (pruner._percentile, pruner._n_startup_trials) == (40.0, 3)
    assert [d.name for d in handle.study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert handle.study.metric_names == ["accuracy", "weight"]


def test_tpe_is_restored_as_tpe(sqlite: str) -> None:
    optunas.create(toy_task.spec(sampler="tpe"), sqlite)
    handle = optunas.load("toy", sqlite, trust=TRUST)
    assert isinstance(handle.study.sampler.inner, TPESampler)  # type: ignore[attr-defined]


def test_the_population_stays_as_planned_when_the_budget_grows(sqlite: str) -> None:
    optunas.create(toy_task.spec(sampler="nsga2", budget=Budget(trials=40)), sqlite)
    grown = optunas.create(toy_task.spec(sampler="nsga2", budget=Budget(trials=400)), sqlite)
    loaded = optunas.load("toy", sqlite, trust=TRUST)
    for handle in (grown, loaded):
        inner = handle.study.sampler.inner  # type: ignore[attr-defined]
        assert inner.population_size == 8
    assert loaded.spec.budget.trials == 400


DIFFERENT: list[tuple[dict[str, Any], str]] = [
    ({"seed": 5}, "seed: stored 0, now 5"),
    ({"sampler": "tpe"}, "sampler: stored 'random', now 'tpe'"),
    ({"training": {"slope": 2}}, "training.slope: stored null, now 2"),
    ({"objectives": ("accuracy", "flops")}, "objectives: stored .*params.*, now .*flops"),
    (
        {"space": HyperSpace(width=Int(1, 9), mood=Choice(("fine",)))},
        "space.parameters.width.high: stored 16, now 9",
    ),
]


@pytest.mark.parametrize(("changes", "message"), DIFFERENT)
def test_a_taken_name_is_refused_and_says_what_differs(
    sqlite: str, changes: dict[str, Any], message: str
) -> None:
    handle = optunas.create(toy_task.spec(), sqlite)
    handle.study.enqueue_trial({"width": 3, "mood": "fine"})
    stored = optunas.load("toy", sqlite, trust=TRUST)
    with pytest.raises(StudyExistsError, match=f"'toy' with another definition.*{message}"):
        optunas.create(toy_task.spec(**changes), sqlite)
    after = optunas.load("toy", sqlite, trust=TRUST)
    assert after.spec.to_json() == stored.spec.to_json()
    assert optunas.study.names(sqlite) == ["toy"]
    assert len(after.trials()) == 1


def test_budget_and_description_may_change(sqlite: str) -> None:
    run(optunas.create(toy_task.spec(budget=Budget(trials=2)), sqlite))
    changed = toy_task.spec(budget=Budget(trials=4, epochs=500), description="now with words")
    handle = optunas.create(changed, sqlite)
    assert optunas.load("toy", sqlite, trust=TRUST).spec.to_dict() == changed.to_dict()
    run(handle)
    assert handle.usage().trials == 4


def test_a_study_of_bare_optuna_keeps_its_name(sqlite: str) -> None:
    study = optuna.create_study(study_name="toy", storage=sqlite, directions=["minimize"])
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(StudyExistsError, match=r"'toy' that optunas did not make exists"):
        optunas.create(toy_task.spec(), sqlite)
    with pytest.raises(StorageError, match=r"'toy' in .* was not made by optunas"):
        optunas.load("toy", sqlite)
    assert study.user_attrs == {}


def test_a_creation_that_was_killed_half_way_is_finished(sqlite: str) -> None:
    optuna.create_study(study_name="toy", storage=sqlite, directions=["maximize", "minimize"])
    handle = run(optunas.create(toy_task.spec(), sqlite), trials=1)
    assert handle.usage().trials == 1
    assert optunas.load("toy", sqlite, trust=TRUST).spec.to_dict() == toy_task.spec().to_dict()


def test_an_empty_study_with_other_directions_is_not_taken_over(sqlite: str) -> None:
    optuna.create_study(study_name="toy", storage=sqlite, directions=["minimize"])
    with pytest.raises(StudyExistsError, match=r"'toy'"):
        optunas.create(toy_task.spec(), sqlite)


def test_loading_what_is_not_there_names_the_nearest(sqlite: str) -> None:
    optunas.create(toy_task.spec("digits-cells"), sqlite)
    with pytest.raises(StorageError, match=r"no study 'digit-cells' .*did you mean 'digits-cells'"):
        optunas.load("digit-cells", sqlite)
    with pytest.raises(StorageError, match=r"no study 'x'"):
        optunas.delete("x", sqlite)


def test_a_missing_file_is_not_created_by_reading(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no.db", f"journal:///{tmp_path}/no.log"):
        with pytest.raises(StorageError, match=r"no study storage at .*create a study first"):
            optunas.load("toy", url)
    assert list(tmp_path.iterdir()) == []


def test_untrusted_code_of_a_stored_study_is_refused(sqlite: str) -> None:
    optunas.create(toy_task.spec(), sqlite)
    with pytest.raises(TaskError, match=r"'toy_task:toy' is code from outside optunas; .*--trust"):
        optunas.run("toy", storage=sqlite, progress=False)
    own = toy_task.spec("own", objectives=("accuracy", toy_task.WEIGHT))
    optunas.create(own, sqlite)
    with pytest.raises(TaskError, match=r"'toy_task:weight' is code from outside optunas"):
        optunas.load("own", sqlite)


def test_a_loaded_handle_is_trusted_as_far_as_it_was_loaded(sqlite: str) -> None:
    created = optunas.create(toy_task.spec(), sqlite)
    handle = optunas.load("toy", sqlite)
    with pytest.raises(TaskError, match=r"'toy_task:toy' is code from outside optunas; .*--trust"):
        optunas.run(handle, progress=False, trials=1)
    assert handle.trials() == []
    assert len(optunas.run(handle, progress=False, trials=1, trust=TRUST).trials()) == 1
    trusted = optunas.load("toy", sqlite, trust=TRUST)
    assert len(optunas.run(trusted, progress=False, trials=2).trials()) == 2
    # Whoever gave the definition has the code already.
    assert len(optunas.run(created, progress=False, trials=3).trials()) == 3


def real(space: Space) -> dict[str, Any]:
    """A study of networks that are really trained."""
    return {"space": space, "task": "optunas.tasks:digits"}


UNWORKABLE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"sampler": "nsga_2"}, UnknownNameError, "sampler 'nsga_2'; did you mean 'nsga2'"),
    ({"pruner": "medain"}, UnknownNameError, "pruner 'medain'; did you mean 'median'"),
    ({"sampler_options": {"sed": 1}}, UnknownNameError, "option of the sampler 'random': 'sed'"),
    ({"pruner_options": {"x": 1}}, UnknownNameError, "option of the pruner 'none': 'x'"),
    (
        {"pruner": "percentile", "pruner_options": {"percentile": 900}},
        InvalidSpecError,
        "The pruner 'percentile' refuses",
    ),
    (
        {"sampler": "nsga2", "sampler_options": {"population_size": 1}},
        InvalidSpecError,
        "The sampler 'nsga2': population_size must be",
    ),
    ({"sampler": "cmaes"}, InvalidSpecError, "'cmaes' knows one objective, this study has 2"),
    (
        {"budget": Budget(patience_generations=2)},
        InvalidSpecError,
        "patience_generations needs a genetic sampler .* got 'random'",
    ),
    ({"task": "toy_taks:toy"}, TaskError, "Cannot import 'toy_taks' for 'toy_taks:toy'"),
    ({"task": "toy_task:toi"}, TaskError, "'toy_task' has no 'toi'; did you mean 'toy'"),
    ({"task": "toy_task"}, TaskError, "Expected a reference 'package.module:function'"),
    ({"task": "toy_task:not_a_task"}, TaskError, "returns is not a task: it has no score_name"),
    ({"task": "toy_task:broken_task"}, TaskError, "cannot be made: ZeroDivisionError: no data"),
    ({"task_options": {"epoch": 3}}, TaskError, "unexpected keyword argument 'epoch'"),
    ({"training": {"epoch": 3}}, UnknownNameError, "hyperparameter 'epoch'; did you mean 'epochs'"),
    (
        real(HyperSpace(lr=Float(0.01, 0.1))),
        InvalidSpecError,
        "holds hyperparameters alone, and the task 'digits' trains an architecture",
    ),
    (
        real(JointSpace(cell=NB201, train=HyperSpace(optimizer=Choice(("sgd", "adma"))))),
        UnknownNameError,
        "optimizer 'adma'; did you mean 'adam'",
    ),
    (
        real(JointSpace(cell=NB201, train=HyperSpace(channels=Int(0, 9)))),
        InvalidSpecError,
        "channels must be a whole number above 0, got 0",
    ),
    (
        real(JointSpace(cell=NB201, train=HyperSpace(label_smoothing=Float(0.0, 1.0)))),
        InvalidSpecError,
        "label_smoothing must be .* got 1.0",
    ),
    ({"objectives": ("params",)}, InvalidSpecError, "scores 'accuracy', which is not among the ob"),
    ({"objectives": ("accuracy", "f1")}, InvalidSpecError, "cannot give f1 as well"),
]


@pytest.mark.parametrize(("changes", "error", "message"), UNWORKABLE)
def test_what_cannot_work_writes_nothing(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optunas.create(toy_task.spec(**changes), f"sqlite:///{tmp_path}/studies.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("storage", [InMemoryStorage(), "sqlite:///:memory:"])
def test_several_workers_need_a_shared_storage(storage: str | BaseStorage) -> None:
    handle = optunas.create(toy_task.spec(), storage)
    with pytest.raises(
        InvalidSpecError, match=r"2 workers need a storage that processes can share"
    ):
        run(handle, workers=2)
    assert handle.trials() == []


@pytest.mark.parametrize("option", ["trials", "timeout", "workers"])
def test_numbers_must_be_positive(option: str, sqlite: str) -> None:
    handle = optunas.create(toy_task.spec(), sqlite)
    for value in (0, -1):
        with pytest.raises(InvalidSpecError, match=f"{option} must be positive, got {value}"):
            run(handle, **{option: value})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("trials", "5", "trials must be positive, got '5'"),
        ("workers", 1.5, "workers must be a whole number, got 1.5"),
        ("workers", True, "workers must be positive, got True"),
    ],
)
def test_numbers_must_be_numbers(option: str, value: Any, message: str, sqlite: str) -> None:
    handle = optunas.create(toy_task.spec(), sqlite)
    with pytest.raises(InvalidSpecError, match=message):
        run(handle, **{option: value})


def test_seeds_run_first_and_once(sqlite: str) -> None:
    handle = optunas.create(toy_task.spec(), sqlite)
    space = handle.spec.space
    members = [space.decode({"width": w, "mood": "fine"}) for w in (3, 7, 3)]
    assert optunas.seed(handle, members) == 2
    assert optunas.seed(handle, members[:1]) == 0
    run(handle, trials=3)
    first = handle.trials()[:2]
    assert [t.params["width"] for t in first] == [3, 7]
    assert [t.user_attrs["source"] for t in first] == ["seed", "seed"]
    assert all("source" not in t.user_attrs for t in handle.trials()[2:])
    assert all(row["source"] in ("", "seed") for row in handle.front())


def test_one_wrong_seed_and_nothing_is_enqueued(sqlite: str) -> None:
    handle = optunas.create(toy_task.spec(), sqlite)
    good = handle.spec.space.decode({"width": 3, "mood": "fine"})
    bad = {"width": 99, "mood": "fine"}
    with pytest.raises(InvalidArchitectureError, match=r"99"):
        optunas.seed(handle, [good, bad])
    assert handle.trials() == []


def test_a_script_gives_a_definition_a_file_or_a_name(tmp_path: Path, sqlite: str) -> None:
    file = tmp_path / "my_study.py"
    file.write_text("import toy_task\nstudy = toy_task.spec('from-file')\n")
    assert optunas.run(file, storage=sqlite, trials=1, progress=False).usage().trials == 1
    assert optunas.run(str(file), storage=sqlite, trials=2, progress=False).usage().trials == 2
    definition = toy_task.spec("from-definition")
    assert optunas.run(definition, storage=sqlite, trials=1, progress=False).usage().trials == 1
    named = optunas.run("from-file", storage=sqlite, trials=3, progress=False, trust=TRUST)
    assert named.usage().trials == 3


def test_the_storage_comes_from_the_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    optunas.create(toy_task.spec())
    assert (tmp_path / "optunas.db").is_file()
    monkeypatch.setenv("OPTUNAS_STORAGE", f"sqlite:///{tmp_path}/other.db")
    handle = optunas.create(toy_task.spec())
    assert handle.url.endswith("other.db")
    assert (tmp_path / "other.db").is_file()


def test_the_sqlite_file_is_in_wal_mode_and_readable_by_bare_optuna(sqlite: str) -> None:
    import sqlite3

    run(optunas.create(toy_task.spec(), sqlite), trials=1)
    connection = sqlite3.connect(sqlite.removeprefix("sqlite:///"))
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert mode == "wal"
    study = optuna.load_study(study_name="toy", storage=sqlite)
    assert all(t.state == TrialState.COMPLETE for t in study.trials)
    assert {"accuracy", "params", "digest", "architecture", "epochs", "seconds"} <= set(
        study.trials[0].user_attrs
    )


def test_a_parameter_that_rarely_counts_is_tried_at_both_ends_too(sqlite: str) -> None:
    space = HyperSpace(
        width=Int(1, 16),
        mood=Choice(("fine", "fine too")),
        epochs=When(Choice((1, "many")), mood="fine too"),
    )
    spec = toy_task.spec(space=space, task="test_life:careful")
    with pytest.raises(InvalidSpecError, match="epochs must be a number, got 'many'"):
        optunas.create(spec, sqlite)
    assert not Path(sqlite.removeprefix("sqlite:///")).exists()


class Careful(toy_task.ToyTask):
    """The toy task with a look at its epochs."""

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        super().check(hyperparameters)
        if isinstance(hyperparameters.get("epochs", 1), str):
            raise InvalidSpecError(f"epochs must be a number, got {hyperparameters['epochs']!r}.")


def careful() -> Careful:
    """Its factory."""
    return Careful(3, 0.0, None, 0.0)
