"""Promotions: pruned trials that go on in new ones, what they cost, and what must not go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from promoting import EPOCHS, ResumableToy, check, plain, promotions, recorded, resumable, run, spec

import optunas
from optunas import Budget, HyperSpace, Int
from optunas.errors import InvalidSpecError
from optunas.inspection import artifact_dir
from optunas.objective.resuming import CHECKPOINT
from optunas.pruning import ParetoHalvingPruner, curve
from optunas.pruning.lineage import RESUMES
from optunas.pruning.view import as_pruners_see
from optunas.study.promotions import Promotions, begin_promotion
from optunas.tasks.resuming import begin, can_resume

# What a promotion costs


@pytest.mark.parametrize("task", ["resumable", "recorded"])
def test_a_promotion_is_charged_the_epochs_that_it_adds(task: str, tmp_path: Path) -> None:
    log = tmp_path / "epochs.log"
    handle = run(spec(task=task, task_options={"log": str(log)}))
    check(handle)
    used, outcomes = handle.usage(), handle.outcomes()
    assert used.trials == 20
    assert outcomes["promoted"] == len(promotions(handle))
    assert len(handle.trials()) == 20 + outcomes["promoted"]
    assert used.device_hours == pytest.approx(0.5 * used.epochs / 3600)
    if task == "resumable":
        assert len(log.read_text().splitlines()) == used.epochs
    # Nothing is left to promote, and nothing is kept for what cannot be.
    assert begin_promotion(handle.study) is None


def test_an_epoch_budget_ends_promotions_too() -> None:
    whole = run(spec()).usage().epochs
    handle = run(spec(budget=Budget(trials=20, epochs=whole - 12)))
    assert whole - 12 <= handle.usage().epochs <= whole - 12 + EPOCHS


def test_running_promotions_are_charged_what_they_added() -> None:
    handle = run(spec(budget=Budget(trials=4)), trials=4)
    study = handle.study
    number = next(t.number for t in handle.trials() if t.state == TrialState.PRUNED)
    attrs = {RESUMES: number, "resumed_epochs": 1}
    before = handle.usage()
    trial = optuna.trial.create_trial(
        state=TrialState.RUNNING, params={}, distributions={}, user_attrs=attrs
    )
    study.add_trial(trial)
    live = optuna.Trial(study, study.trials[-1]._trial_id)
    for step in range(3):
        optunas.report(live, 0.1, step, cheap={1: 1.0})
    used = handle.usage()
    assert (used.trials, used.epochs) == (before.trials, before.epochs + 2)


def test_a_task_that_cannot_resume_trains_from_the_beginning_and_says_so() -> None:
    handle = run(spec(task="plain"))
    check(handle, resumes=False)
    said = promotions(handle)[0].user_attrs["checkpoint_lost"]
    assert said.startswith("Trained from the beginning: the checkpoint of trial ")
    assert "trainings of this task cannot be kept" in said


# Checkpoints


def checkpoints(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


def noted(handle: optunas.StudyHandle) -> dict[str, int]:
    """Artifact -> trial, of all checkpoints that were ever kept."""
    return {
        json.loads(t.user_attrs[CHECKPOINT])["artifact"]: t.number
        for t in handle.trials()
        if CHECKPOINT in t.user_attrs
    }


def test_checkpoints_that_nothing_goes_on_from_are_removed(sqlite: str) -> None:
    handle = run(spec(), sqlite)
    check(handle)
    held = noted(handle)
    assert len(held) > 10
    assert checkpoints(artifact_dir(sqlite)) & held.keys() == set()
    optunas.study.delete(handle.name, sqlite)
    assert checkpoints(artifact_dir(sqlite)) == set()


@pytest.mark.slow
def test_checkpoints_are_artifacts_that_go_with_the_study(sqlite: str) -> None:
    handle = run(spec(budget=Budget(trials=None, wall_seconds=1e6, device_hours=0.02)), sqlite)
    folder = artifact_dir(sqlite)
    kept = checkpoints(folder) & noted(handle).keys()
    assert kept  # any of them may be promoted when the study goes on
    optunas.study.delete(handle.name, sqlite)
    assert checkpoints(folder) == set()


@pytest.mark.slow
def test_a_lost_checkpoint_is_paid_again_and_told(sqlite: str) -> None:
    run(spec(), sqlite, trials=7)
    folder = artifact_dir(sqlite)
    for file in folder.iterdir():
        file.unlink()
    handle = run(spec(), sqlite)
    lost = [t for t in promotions(handle) if "checkpoint_lost" in t.user_attrs]
    assert lost
    for trial in lost:
        assert "it is no longer in" in trial.user_attrs["checkpoint_lost"]
        assert trial.user_attrs["epochs"] == len(curve(trial))
    assert handle.usage().trials == 20


@pytest.mark.slow
def test_a_damaged_checkpoint_is_lost(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = recorded()
    state = begin(task, None, {"width": 3, "mood": "fine"}).state()
    assert json.loads(state or b"") == {"steps": 0}
    handle = run(spec(task="recorded", budget=Budget(trials=None, epochs=18)), sqlite)
    for name in noted(handle):
        (artifact_dir(sqlite) / name).write_bytes(b"\x00 half a file")
    handle = run(spec(task="recorded"), sqlite)
    lost = [t.user_attrs.get("checkpoint_lost", "") for t in promotions(handle)]
    assert any("it is no count of recorded steps" in sentence for sentence in lost)


def test_a_folder_that_cannot_be_written_costs_the_checkpoint_alone(
    sqlite: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("OPTUNAS_ARTIFACTS", str(tmp_path / "file"))
    handle = run(spec(), sqlite)
    assert handle.usage().trials == 20
    check(handle, resumes=False)
    assert "it could not be written" in promotions(handle)[0].user_attrs["checkpoint_lost"]


# Workers, kills, restarts


@pytest.mark.slow
def test_a_study_that_stops_and_goes_on_promotes_as_one_that_does_not(sqlite: str) -> None:
    whole = run(spec(sampler="random"))
    for trials in (3, 6, 11, 20):
        broken = run(spec(sampler="random"), sqlite, trials=trials)
    widths = [{t.params["width"] for t in h.trials(TrialState.COMPLETE)} for h in (whole, broken)]
    assert widths[0] & widths[1]
    assert {t.params["width"] for t in whole.trials()} == {
        t.params["width"] for t in broken.trials()
    }
    check(broken)


def stopped_before_a_promotion(sqlite: str) -> optunas.StudyHandle:
    """A study whose next trial would be a promotion."""
    for epochs in range(12, 80):
        handle = run(spec(budget=Budget(trials=None, epochs=epochs)), sqlite)
        pruner = handle.study.pruner
        assert isinstance(pruner, ParetoHalvingPruner)
        if pruner.promotable(as_pruners_see(handle.study)):
            return handle
    raise AssertionError("nothing was ever promoted")


def test_a_promotion_whose_worker_dies_is_promoted_again(sqlite: str) -> None:
    handle = stopped_before_a_promotion(sqlite)
    dead = begin_promotion(handle.study, {"optunas:worker": json.dumps(["elsewhere", 1, ""])})
    assert dead is not None
    number = dead.user_attrs[RESUMES]
    from optunas.study.recover import abandon

    abandon(handle.study, handle.trials()[dead.number], "Lost: killed.", charge=True)
    assert not handle.trials(TrialState.WAITING)
    again = begin_promotion(handle.study)
    assert again is not None
    assert again.user_attrs[RESUMES] == number


@pytest.mark.slow
def test_a_promotion_that_came_second_is_dropped(sqlite: str) -> None:
    """What another machine does between this one's look and its trial."""
    handle = stopped_before_a_promotion(sqlite)
    study, pruner = handle.study, handle.study.pruner
    first = begin_promotion(study)
    assert first is not None
    number = first.user_attrs[RESUMES]
    seen = [[number], []]
    study.pruner = type(pruner)()
    study.pruner.promotable = lambda study: seen.pop(0)  # type: ignore[method-assign, attr-defined]
    assert begin_promotion(study) is None
    dropped = study.trials[-1]
    assert dropped.state == TrialState.FAIL
    assert dropped.user_attrs["failure"] == (
        f"Trial {first.number} goes on from trial {number} already."
    )
    study.pruner = pruner
    assert handle.usage().trials == sum(RESUMES not in t.user_attrs for t in study.trials)


TWO = """
import sys
import optuna, optunas
from optuna.trial import TrialState
from optunas.pruning import ParetoHalvingPruner
from optunas.study.promotions import begin_promotion
study = optuna.load_study(
    study_name="race", storage=sys.argv[1], pruner=ParetoHalvingPruner(1, 2),
    sampler=optuna.samplers.RandomSampler())
print("ready", flush=True)
sys.stdin.readline()
while (trial := begin_promotion(study)) is not None:
    for step in range(3):
        optunas.report(trial, 0.5, step, cheap={1: float(trial.user_attrs["resumes_from"])})
    study.tell(trial, (0.5, 1.0))
"""


def test_two_processes_without_a_lock_never_promote_a_trial_twice(sqlite: str) -> None:
    study = optuna.create_study(
        study_name="race", storage=sqlite, directions=["maximize", "minimize"]
    )
    from optunas.pruning.curves import Curve, cheap_json

    for number in range(24):
        pruned = optuna.trial.create_trial(
            state=TrialState.PRUNED,
            user_attrs={
                "optunas:curve": Curve(0, number, {0: 0.5 + number / 100}).to_json(),
                "optunas:cheap": cheap_json({1: float(number)}),
            },
        )
        study.add_trial(pruned)
    command = [sys.executable, "-c", TWO, sqlite]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.communicate("go\n", timeout=60)
        assert process.returncode == 0
    promoted = [t for t in study.trials if RESUMES in t.user_attrs]
    kept = [t.user_attrs[RESUMES] for t in promoted if t.state == TrialState.COMPLETE]
    assert len(kept) == len(set(kept)) == 12
    dropped = [t for t in promoted if t.state == TrialState.FAIL]
    assert all("goes on from trial" in t.user_attrs["failure"] for t in dropped)
    assert len(promoted) == len(kept) + len(dropped)


@pytest.mark.slow
def test_workers_share_promotions(sqlite: str) -> None:
    handle = run(spec(), sqlite, workers=2, trust=["promoting", "toy_task"])
    assert handle.usage().trials == 20
    check(handle)


# Samplers, seams, wrong input


def test_promoted_trials_join_a_genetic_samplers_population() -> None:
    handle = run(spec(sampler="nsga2", sampler_options={"population_size": 4}))
    done = [t for t in promotions(handle) if t.state == TrialState.COMPLETE]
    assert done
    assert all("NSGAIISampler:generation" in t.system_attrs for t in done)


def test_checkpoints_without_a_storage_live_in_the_process() -> None:
    handle = run(spec())
    assert Promotions(handle.study, None).clear() == 0


def test_what_can_resume() -> None:
    class Replaced(ResumableToy):
        """``scores`` is new, ``training`` is the old one: not to be believed."""

        def scores(self, *arguments: Any, **options: Any) -> Any:
            return super().scores(*arguments, **options)

    assert can_resume(resumable())
    assert can_resume(recorded())
    assert not can_resume(plain())
    assert not can_resume(Replaced(3, 0.0, None, 0.0))
    from optunas.tasks import nas_bench_201

    assert not hasattr(nas_bench_201, "training")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pruner_options": {"eta": 1}}, "eta must be a whole number of at least 2, got 1"),
        ({"pruner_options": {"min_epochs": 9}}, "min_epochs=9 is not below the 9 epochs"),
        ({"pruner_options": {"min_epochs": 0}}, "min_epochs must be a whole number of at least 1"),
        (
            {"pruner": "mo_hyperband", "pruner_options": {"brackets": -2}},
            "brackets must be a whole number of at least 1, got -2",
        ),
        (
            {"pruner": "mo_hyperband", "pruner_options": {"brackets": 5}},
            "brackets=5 are too many for 9 epochs",
        ),
        ({"task_options": {"epochs": 1}}, "a trial has a single step here"),
    ],
)
def test_what_cannot_be_pruned_so_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpecError, match=message):
        optunas.study.create(spec(**changes), InMemoryStorage())


def test_searched_epochs_must_go_beyond_the_first_rung() -> None:
    space = HyperSpace(width=Int(1, 9), epochs=Int(2, 6))
    options = {"min_epochs": 5}
    optunas.study.create(spec(space=space, pruner_options=options), InMemoryStorage())
    with pytest.raises(InvalidSpecError, match="min_epochs=6 is not below the 6 epochs"):
        optunas.study.create(
            spec("other", space=space, pruner_options={"min_epochs": 6}), InMemoryStorage()
        )
