"""What Optuna and optuna-dashboard keep private and inspection needs, here and nowhere else.

Written for Optuna 5.0 and optuna-dashboard 0.21; ``tests/inspection/test_adapter.py`` pins every
name and format below. The reasons for going around the public way:

- notes: ``optuna_dashboard.save_note`` takes a live ``Trial``; making one of a finished trial
  calls the sampler's ``before_trial``, and each call reads all notes of the study twice.
- artifacts: ``optuna.artifacts.upload_artifact`` copies a file from disk and cannot write to a
  finished trial; the dashboard also reads its own older place, which can always be written.
- constraints: the dashboard reads the list ``constraints`` of Optuna 4, ``Trial.set_constraint``
  of Optuna 5 writes ``constraints:<name>``. Its card of best trials ignores both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

__all__ = [
    "NOTE_LENGTH",
    "artifact_ids",
    "artifact_path",
    "attach",
    "best_trials_keep_constraints",
    "broken_limits",
    "detach",
    "mirror_constraints",
    "named_constraints",
    "open_for_dashboard",
    "save_trial_note",
    "trial_link",
    "uploaded",
    "why_ended",
]

NOTE_LENGTH = 2045
"""Characters of a note that fit one attribute."""

_CONSTRAINTS = "constraints"
_ARTIFACTS = "artifacts:"


def save_trial_note(study: optuna.Study, trial: FrozenTrial, note: str) -> None:
    """Save a finished trial's note, cut to :data:`NOTE_LENGTH`: two writes, no read."""
    prefix = f"dashboard:{trial._trial_id}:note_"
    _set(study, prefix + "str:0", note[:NOTE_LENGTH])
    _set(study, prefix + "ver", 1)  # last: without it the dashboard shows no note


def mirror_constraints(trial: optuna.Trial) -> None:
    """Write a running trial's named constraints once more, where the dashboard looks for them.

    Optuna then reads each constraint twice, under its name and under its position. Feasibility
    stays as it is, and every sum of violations doubles for all trials alike, so rankings stay too.
    """
    constraints = trial.constraints
    if not constraints or any(name.isdecimal() for name in constraints):
        return  # a name that is a number would collide with a position
    trial.storage.set_trial_system_attr(trial._trial_id, _CONSTRAINTS, list(constraints.values()))


def named_constraints(trial: FrozenTrial) -> dict[str, float]:
    """A trial's constraints without the mirrored ones; positive values are broken."""
    constraints = trial.constraints
    named = {name: value for name, value in constraints.items() if not name.isdecimal()}
    return named or constraints


def broken_limits(trial: FrozenTrial) -> list[str]:
    """The names of the constraints that a trial breaks."""
    return [name for name, value in named_constraints(trial).items() if value > 0]


def why_ended(trial: FrozenTrial) -> str:
    """Why a trial was pruned or failed, the same words for trials with the same reason; or empty.

    What ruled a network out is told with its value in the trial, and without it where trials are
    counted.
    """
    attrs, broken = trial.user_attrs, broken_limits(trial)
    if "ruled_out" in attrs and broken:
        return f"Ruled out before training by the limit on {' and '.join(broken)}."
    return str(attrs.get("failure") or attrs.get("reason") or "")


def attach(
    study: optuna.Study,
    trial: optuna.Trial | FrozenTrial | None,
    artifact_id: str,
    filename: str,
    mimetype: str,
) -> None:
    """Make a stored file an artifact of a trial, running or finished, or of the study."""
    body = {"artifact_id": artifact_id, "filename": filename, "mimetype": mimetype}
    meta = json.dumps({**body, "encoding": None})
    if trial is None:
        _set(study, _ARTIFACTS + artifact_id, meta)
    elif isinstance(trial, FrozenTrial):
        _set(study, f"dashboard:{_ARTIFACTS}{trial._trial_id}:{artifact_id}", meta)
    else:
        study._storage.set_trial_system_attr(trial._trial_id, _ARTIFACTS + artifact_id, meta)


def detach(study: optuna.Study, trial: FrozenTrial, artifact_id: str) -> None:
    """Take an artifact away from the trial that :func:`attach` gave it to as a finished one."""
    _set(study, f"dashboard:{_ARTIFACTS}{trial._trial_id}:{artifact_id}", json.dumps(None))


def uploaded(trial: FrozenTrial) -> dict[str, str]:
    """File name -> artifact id of what was uploaded while the trial ran."""
    metas = _metas(trial.system_attrs, _ARTIFACTS)
    return {meta["filename"]: meta["artifact_id"] for meta in metas}


def artifact_ids(study: optuna.Study) -> list[str]:
    """Ids of all artifacts of a study and of its trials, wherever they are noted."""
    attrs = study._storage.get_study_system_attrs(study._study_id)
    metas = _metas(attrs, _ARTIFACTS) + _metas(attrs, "dashboard:" + _ARTIFACTS)
    for trial in study.get_trials(deepcopy=False):
        metas += _metas(trial.system_attrs, _ARTIFACTS)
    return [meta["artifact_id"] for meta in metas]


def artifact_path(study: optuna.Study, artifact_id: str, trial: Any = None) -> str:
    """The dashboard's address of an artifact of the study, or of a live or finished trial."""
    owner = "" if trial is None else f"{trial._trial_id}/"
    return f"/artifacts/{study._study_id}/{owner}{artifact_id}"


def trial_link(study: optuna.Study, number: int) -> str:
    """The dashboard's address of a trial's page."""
    return f"/dashboard/studies/{study._study_id}/trials?numbers={number}"


@contextmanager
def best_trials_keep_constraints(storage: BaseStorage) -> Iterator[None]:
    """While this lasts, dashboards of this process leave infeasible trials out of the best.

    Where no trial is feasible, none is shown as the best.
    """
    from optuna_dashboard import _app

    front, best = _app.get_pareto_front_trials, storage.get_best_trial
    told = _app.serialize_study_detail

    def feasible_front(
        trials: Sequence[FrozenTrial], directions: Sequence[optuna.study.StudyDirection]
    ) -> list[FrozenTrial]:
        return front([trial for trial in trials if _feasible(trial)], directions)

    def feasible_best(study_id: int) -> FrozenTrial:
        trials = storage.get_all_trials(study_id, deepcopy=False, states=(TrialState.COMPLETE,))
        kept = [t for t in trials if _feasible(t) and t.value is not None]
        if len(kept) in (0, len(trials)):
            return best(study_id)
        maximize = storage.get_study_directions(study_id)[0] == optuna.study.StudyDirection.MAXIMIZE
        pick = max if maximize else min
        return pick(kept, key=lambda t: t.value or 0.0)

    def feasible_detail(study: Any, best_trials: Sequence[FrozenTrial], *rest: Any) -> Any:
        return told(study, [trial for trial in best_trials if _feasible(trial)], *rest)

    _app.get_pareto_front_trials = feasible_front
    _app.serialize_study_detail = feasible_detail
    storage.get_best_trial = feasible_best  # type: ignore[method-assign]
    try:
        yield
    finally:
        _app.get_pareto_front_trials = front
        _app.serialize_study_detail = told
        del storage.get_best_trial


def open_for_dashboard(storage: str | BaseStorage) -> BaseStorage:
    """The storage that optuna-dashboard opens for a URL, or the one given."""
    from optuna_dashboard._storage_url import get_storage

    return get_storage(storage)


def _feasible(trial: FrozenTrial) -> bool:
    return all(value <= 0.0 for value in trial.constraints.values())


def _metas(attrs: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Artifacts among attributes; a deleted one is the JSON of None."""
    found = [json.loads(value) for key, value in attrs.items() if key.startswith(prefix)]
    return [meta for meta in found if meta is not None]


def _set(study: optuna.Study, key: str, value: Any) -> None:
    study._storage.set_study_system_attr(study._study_id, key, value)
