"""What the inspector writes, read back through the dashboard's own application."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import optuna
import pytest
from dashboard_client import Dashboard
from optuna.trial import FrozenTrial, TrialState

from optunas.inspection import Inspector, Overview, adapter
from optunas.inspection.inspector import read_architecture
from optunas.inspection.pictures import LearningCurves, front_picture, score_of
from optunas.measures import Metric, metric
from optunas.pruning import report
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Block, Stage, Subnet

CELL = Cell.from_str("|nor_conv_3x3~0|+|none~0|skip_connect~1|")
OBJECTIVES = (metric("accuracy"), metric("latency_ms"), metric("params"))
VALUES = (0.9, 1.5, 73_306.0)


def make_study(url: str | None = None) -> optuna.Study:
    directions = [m.direction for m in OBJECTIVES]
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(storage=url, directions=directions, sampler=sampler)


def begin(study: optuna.Study, values: tuple[float, ...] = VALUES, epochs: int = 3) -> Any:
    trial = study.ask()
    trial.set_user_attr("architecture", CELL.to_json())
    for objective, value in zip(OBJECTIVES, values, strict=True):
        trial.set_user_attr(objective.name, value)
    trial.set_user_attr("epochs", epochs)
    trial.set_user_attr("seconds", 4.25)
    for step in range(epochs):
        report(trial, values[0] * (step + 1) / epochs, step, cheap={1: values[1], 2: values[2]})
    return trial


def note_of(study: optuna.Study, trial: FrozenTrial) -> str:
    shown = Dashboard(study._storage).study(study._study_id)["trials"]
    return str(shown[trial.number]["note"]["body"])


@pytest.mark.parametrize("before", [True, False], ids=["told in two steps", "after the fact"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_trials_page_has_its_drawing_curve_and_metrics(
    before: bool, kind: str, tmp_path: Path
) -> None:
    study = make_study(None if kind == "memory" else f"sqlite:///{tmp_path}/a.db")
    inspector = Inspector(study, tmp_path / "artifacts", objectives=OBJECTIVES)
    trial = begin(study)
    trial.set_constraint("params", 3306.0)
    if before:
        inspector.trial_ending(trial)
    told = study.tell(trial, VALUES)
    inspector.trial_finished(told)

    dashboard = Dashboard(study._storage, tmp_path / "artifacts")
    (shown,) = dashboard.study(study._study_id)["trials"]
    assert sorted(a["filename"] for a in shown["artifacts"]) == ["cell.svg", "learning-curve.svg"]
    assert shown["constraints"] == ([3306.0] if before else [])
    note = shown["note"]["body"]
    assert "**Complete** (3 epochs, 4.25 s). It breaks the constraint on params." in note
    assert str(CELL) in note
    table = [line.replace("\u00a0", "").split(" | ") for line in note.splitlines() if "|" in line]
    assert ["| latency\\_ms", "1.5", "ms", "lower", " |"] in table
    assert ["| params", "73,306", "", "lower", "broken by 3,306 |"] in table
    for caption in ("The cell", "The learning curve"):
        address = note.split(f"![{caption}](")[1].split(")")[0]
        status, kind_of_file, body = dashboard.get(address)
        assert status.startswith("200")
        assert kind_of_file == "image/svg+xml"
        assert b"Trial 0" in body


def test_one_write_each_for_note_version_drawing_and_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    inspector = Inspector(study, tmp_path, objectives=OBJECTIVES)
    trial, writes = begin(study), []
    for name in ("set_study_system_attr", "set_trial_system_attr"):
        plain = getattr(study._storage, name)
        monkeypatch.setattr(
            study._storage, name, lambda *a, _f=plain: (writes.append(a[1]), _f(*a))[1]
        )
    inspector.trial_ending(trial)
    assert len(writes) == 2
    told = study.tell(trial, VALUES)
    inspector.trial_finished(told)
    assert len(writes) == 4


@pytest.mark.parametrize(
    ("state", "attrs", "words"),
    [
        (TrialState.PRUNED, {"reason": "Pruned after epoch 2."}, "**Pruned** (3 epochs, 4.25 s, "),
        (TrialState.PRUNED, {}, "last score 0.9)."),
        (TrialState.PRUNED, {"reused_from": 4}, "the same network as trial 4, pruned again, not"),
        (TrialState.COMPLETE, {"reused_from": 4}, "the same network as trial 4, with its score"),
        (TrialState.FAIL, {"failure": "Out of memory: 2 *GiB*"}, "Out of memory: 2 \\*GiB\\*"),
        (TrialState.FAIL, {}, "no reason is recorded"),
        (TrialState.COMPLETE, {"source": "darts"}, "Suggested by: darts."),
    ],
)
def test_a_note_says_how_the_trial_ended(
    state: TrialState, attrs: dict[str, Any], words: str
) -> None:
    study = make_study()
    trial = begin(study)
    for key, value in attrs.items():
        trial.set_user_attr(key, value)
    told = study.tell(trial, VALUES if state == TrialState.COMPLETE else None, state=state)
    Inspector(study, objectives=OBJECTIVES).trial_finished(told)
    assert words in note_of(study, told)


def test_a_long_architecture_is_cut_to_one_attribute() -> None:
    study = make_study()
    told = study.tell(begin(study), VALUES)
    Inspector(study).trial_finished(told, architecture="conv " * 1000)
    note = note_of(study, told)
    assert 1900 < len(note) <= adapter.NOTE_LENGTH
    assert note.endswith("…\n```")


def test_the_studys_page_has_front_budget_and_curves(tmp_path: Path) -> None:
    study = make_study()
    inspector = Inspector(study, tmp_path, objectives=OBJECTIVES, metrics=(metric("flops"),))
    for values in (VALUES, (0.95, 3.0, 1e6), (0.8, 9.0, 2e6)):
        inspector(study, study.tell(begin(study, values), values))
    pruned, failed, reused = begin(study), begin(study), begin(study)
    pruned.set_user_attr("reason", "Pruned after epoch 2.")
    failed.set_user_attr("failure", "Out of memory")
    reused.set_user_attr("reused_from", 0)
    study.tell(pruned, state=TrialState.PRUNED)
    study.tell(failed, state=TrialState.FAIL)
    study.tell(reused, VALUES)
    overview = Overview(
        OBJECTIVES,
        (metric("flops"),),
        question="Which cell?",
        limits={"params": 1.5e6, "accuracy": 0.5},
        budget={"trials": (4, 10), "epochs": (15, 12)},
        reference={"name": "small ResNet", "accuracy": 0.93, "latency_ms": 2.0, "params": 1e5},
    )
    assert inspector.study_updated(overview, final=True)

    dashboard = Dashboard(study._storage, tmp_path)
    shown = dashboard.study(study._study_id)
    assert shown["objective_names"] == ["accuracy", "latency_ms", "params"]
    note = shown["note"]["body"].replace("\u00a0", "")
    assert note.startswith("Which cell?")
    assert "latency\\_ms (ms, lower is better)" in note
    assert "params ≤ 1,500,000 · accuracy ≥ 0.5 (kept so far)" in note
    assert "trials 60% (4 of 10 used) · epochs 0% (15 of 12 used)" in note
    assert "3 complete · 1 pruned · 1 reused · 1 failed" in note
    assert "| [1](/dashboard/studies/0/trials?numbers=1) | 0.95 | 3 | 1,000,000 |" in note
    assert "| reference | 0.93 | 2 | 100,000 |" in note
    assert "- 1 × Pruned after epoch 2." in note
    assert "- 1 × Out of memory" in note
    front = note.split("![The front](")[1].split(")")[0]
    status, kind, body = dashboard.get(front)
    assert (status[:3], kind) == ("200", "image/svg+xml")
    assert b"small ResNet" in body
    (figure,) = shown["plotly_graph_objects"]
    drawn = json.loads(figure["graph_object"])
    names = [trace["name"] for trace in drawn["data"]]
    assert names == ["pruned", "complete", "front, trial 0", "front, trial 1", "front, trial 5"]
    assert drawn["layout"]["yaxis"]["title"]["text"] == "accuracy"


def test_the_studys_note_is_written_when_due_and_only_when_it_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = make_study()
    inspector = Inspector(study, objectives=OBJECTIVES, every=1000.0)
    asked, saved = [], []
    monkeypatch.setattr("optuna_dashboard.save_note", lambda s, note: saved.append(note))

    def overview() -> Overview:
        asked.append(1)
        return Overview(OBJECTIVES)

    assert inspector.study_updated(overview)
    assert not inspector.study_updated(overview)
    assert len(asked) == len(saved) == 1
    assert inspector.study_updated(overview, final=True)
    assert (len(asked), len(saved)) == (2, 1)
    study.tell(begin(study), VALUES)
    assert inspector.study_updated(overview, final=True)
    assert len(saved) == 2


def test_an_unwritable_folder_is_said_once_and_the_notes_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    study = make_study()
    inspector = Inspector(study, tmp_path / "file" / "artifacts", objectives=OBJECTIVES)
    with caplog.at_level(logging.WARNING, "optunas.inspection"):
        for _ in range(2):
            trial = begin(study)
            inspector.trial_ending(trial)
            told = study.tell(trial, VALUES)
            inspector.trial_finished(told)
            inspector.study_updated(final=True)
    (record,) = caplog.records
    assert "could not be written, the study goes on without" in record.getMessage()
    assert "OPTUNAS_ARTIFACTS" in record.getMessage()
    assert "**Complete**" in note_of(study, told)
    note = Dashboard(study._storage).study(study._study_id)["note"]["body"]
    assert "### Pareto front" in note
    assert "![" not in note


def test_a_storage_that_fails_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study = make_study()
    inspector = Inspector(study, tmp_path, objectives=OBJECTIVES)
    told = study.tell(begin(study), VALUES)

    def broken(*args: Any) -> None:
        raise optuna.exceptions.StorageInternalError("database is locked")

    monkeypatch.setattr(study._storage, "set_study_system_attr", broken)
    with caplog.at_level(logging.WARNING, "optunas.inspection"):
        inspector.trial_finished(told)
        inspector.study_updated(final=True)
    assert caplog.text.count("database is locked") == len(caplog.records) == 3


def test_one_objective_and_no_names_work_too(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize")
    trial = study.ask()
    for step in range(3):
        trial.report(step / 10, step)
    inspector = Inspector(study, tmp_path)
    inspector(study, study.tell(trial, 0.2))
    shown = Dashboard(study._storage).study(study._study_id)
    assert shown["plotly_graph_objects"] == []  # the dashboard draws these curves itself
    assert "**Objectives:** value (higher is better)" in shown["note"]["body"]
    assert "0.2" in shown["trials"][0]["note"]["body"]
    assert [a["filename"] for a in shown["trials"][0]["artifacts"]] == ["learning-curve.svg"]


def test_an_empty_study_has_a_note(tmp_path: Path) -> None:
    study = make_study()
    assert Inspector(study, tmp_path, objectives=OBJECTIVES).study_updated()
    note = Dashboard(study._storage).study(study._study_id)["note"]["body"]
    assert "**Trials:** none yet" in note
    assert "No network is trained yet." in note


def test_names_of_objectives_are_set_but_not_replaced() -> None:
    study = make_study()
    Inspector(study, objectives=OBJECTIVES)
    assert study.metric_names == ["accuracy", "latency_ms", "params"]
    Inspector(study, objectives=[Metric("other", m.direction) for m in OBJECTIVES])
    assert study.metric_names == ["accuracy", "latency_ms", "params"]
    assert Inspector(study).objectives == OBJECTIVES


def test_architectures_are_found_in_attributes() -> None:
    two = Cell((Edge(0, 2, "sep_conv_3x3"), Edge(1, 2, "skip_connect")), 2)
    both = Genotype(two, two)
    joint = {"kind": "joint", "version": 1, "parts": {"train": {"kind": "hyper"}, "cell": None}}
    joint["parts"]["cell"] = json.loads(CELL.to_json())  # type: ignore[index]
    assert read_architecture({"architecture": CELL.to_json()}) == CELL
    assert read_architecture({"architecture": both.to_json()}) == both
    assert read_architecture({"architecture": json.dumps(joint)}) == CELL
    for text in ("", "[]", "{}", '{"kind": "own"}', '{"kind": "cell", "version": 9}'):
        assert read_architecture({"architecture": text}) is None
    assert read_architecture({}) is None


def test_the_figure_of_a_large_study_stays_small() -> None:
    study = make_study()
    trials = []
    for i in range(150):
        values = (0.5 + i / 1000, 1.0 + i, 100.0 * i)
        trials.append(study.tell(begin(study, values, epochs=100), values))
    figure = LearningCurves(trials, trials[:30], score_of(OBJECTIVES))
    assert len(figure.to_json()) < 60_000
    named = [t for t in figure.traces if t["name"].startswith("front")]
    assert len(named) == 8
    assert all(trace["x"][-1] == 99 for trace in named)


def test_a_picture_of_the_front_needs_something_to_set_the_score_against() -> None:
    assert front_picture(Overview((metric("accuracy"),)), []) is None
    assert front_picture(Overview((metric("accuracy"),), (metric("params"),)), []) is not None


def test_a_genotype_is_told_in_two_lines_and_summed_up_in_the_fronts_table() -> None:
    normal = Cell((Edge(0, 2, "sep_conv_3x3"), Edge(1, 2, "sep_conv_3x3")), 2)
    reduce = Cell((Edge(0, 2, "max_pool_3x3"), Edge(1, 2, "skip_connect")), 2)
    study = make_study()
    trial = begin(study)
    trial.set_user_attr("architecture", Genotype(normal, reduce).to_json())
    told = study.tell(trial, VALUES)
    Inspector(study)(study, told)
    assert f"```\nnormal {normal}\nreduce {reduce}\n```" in note_of(study, told)
    note = Dashboard(study._storage).study(study._study_id)["note"]["body"]
    assert "normal: 2 sep 3×3; reduction: 1 max 3×3, 1 skip" in note


LONG = Macro(tuple(Layer("conv", 64, 3, 1, "relu", "batch") for _ in range(9)), (Dense(10),))
NETWORKS = {
    "a macro network": (Macro((Layer("max_pool", None, 2, 2),), (Dense(64),)), "dense 64"),
    "a long macro network": (LONG, "9 conv 3×3, 1 dense"),
    "a subnet": (Subnet(16, (Stage(24, (Block(3, 4.0), Block(5, 6.0))),)), "k3e4 k5e6"),
    "a long subnet": (Subnet(16, (Stage(24, (Block(3, 4.0),) * 40),)), "…"),
    "a stack": (Stack((CELL,) * 4, (16, 32), (1,)), "4 cells: 4 conv 3×3"),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_networks_of_every_space_are_drawn_and_told(case: str, tmp_path: Path) -> None:
    network, words = NETWORKS[case]
    study = make_study()
    trial = begin(study)
    joint = {"kind": "joint", "version": 1, "parts": {"net": json.loads(network.to_json())}}
    trial.set_user_attr("architecture", json.dumps(joint))
    inspector = Inspector(study, tmp_path)
    inspector.trial_ending(trial)
    inspector(study, study.tell(trial, VALUES))
    shown = Dashboard(study._storage).study(study._study_id)["trials"][0]
    names = {artifact["filename"] for artifact in shown["artifacts"]}
    assert names == {"network.svg", "learning-curve.svg"}
    assert str(network) in shown["note"]["body"]
    assert "The network" in shown["note"]["body"]
    assert words in Dashboard(study._storage).study(study._study_id)["note"]["body"]


def constrained_note(kept: bool) -> str:
    """The note of a study with a trial ruled out, two that training found out, and one that is."""
    study = make_study()
    ruled_out = begin(study)
    ruled_out.set_user_attr("ruled_out", True)
    ruled_out.set_constraint("latency_ms", 0.2)
    study.tell(ruled_out, state=TrialState.PRUNED)
    for over in (0.05, 0.01, *([-0.1] if kept else [])):
        trial = begin(study)
        trial.set_constraint("accuracy_noise", over)
        trial.set_constraint("latency_ms", -0.5)
        study.tell(trial, VALUES)
    again = begin(study)
    again.set_user_attr("reused_from", 1)
    again.set_constraint("accuracy_noise", 0.05)
    study.tell(again, VALUES)
    limits = {"latency_ms": 1.0, "accuracy_noise": 0.9}
    overview = Overview(OBJECTIVES, (metric("accuracy_noise"),), limits=limits)
    Inspector(study, objectives=OBJECTIVES).study_updated(overview)
    found: str = Dashboard(study._storage).study(study._study_id)["note"]["body"]
    return found.replace("\u00a0", "")


def test_the_studys_note_tells_limits_that_training_was_needed_for_from_others() -> None:
    note = constrained_note(kept=True)
    assert (
        "**Constraints:** latency\\_ms ≤ 1 · accuracy\\_noise ≥ 0.9; "
        "1 trial was ruled out before training (latency\\_ms 1); "
        "2 trained networks break one and are not on the front (accuracy\\_noise 2; the mark "
    ) in note
    assert "### Pareto front: 1 of 3 networks" in note
    assert "keeps every constraint" not in note


def test_where_no_trained_network_keeps_the_limits_the_nearest_is_named() -> None:
    note = constrained_note(kept=False)
    assert "### Pareto front: 0 of 2 networks" in note
    assert (
        "No trained network keeps every constraint; trial 2 is the nearest: it breaks "
        "accuracy\\_noise by 0.01."
    ) in note


def test_markdown_in_a_users_text_stays_text() -> None:
    study = make_study()
    trial = begin(study)
    trial.set_user_attr("failure", "a ~b~ |c| <d> _e_ #f [g](h)\nsecond line")
    told = study.tell(trial, state=TrialState.FAIL)
    Inspector(study).trial_finished(told)
    escaped = "a \\~b\\~ \\|c\\| \\<d\\> \\_e\\_ \\#f \\[g\\](h) second line"
    assert escaped in note_of(study, told)


def test_a_reused_trial_is_drawn_only_on_the_front() -> None:
    study = make_study()
    told = []
    for values in (VALUES, (0.9, 1.0, 50_000.0), (0.8, 9.0, 90_000.0)):
        trial = begin(study, values)
        if told:
            trial.set_user_attr("reused_from", 0)
        told.append(study.tell(trial, values))
    picture = front_picture(Overview(OBJECTIVES, front=[told[1]]), told)
    assert picture is not None
    assert "front (1)" in picture
    assert "dominated (1)" in picture
    assert ">#1<" in picture
