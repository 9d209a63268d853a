"""Promotions: pruned trials that are among the best by now go on, in new trials of their own.

Optuna cannot open a pruned trial again. A promotion is a trial with the same parameters, and with
the user attribute ``resumes_from``. It goes on from the checkpoint that was kept when the earlier
trial was pruned, and has that trial's curve before its own. Which trial is next follows from the
study's trials alone, so a killed process leaves nothing to mend.
"""

from __future__ import annotations

import io
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.objective.resuming import CHECKPOINT, Earlier
from optunas.pruning import ParetoHyperbandPruner, curve
from optunas.pruning.lineage import CHARGED, RESUMES
from optunas.pruning.view import as_pruners_see, begin_trial
from optunas.study.budget import Budget, Usage

__all__ = ["Promotions", "begin_promotion", "promotions_of"]

FILE, MIMETYPE = "checkpoint", "application/octet-stream"


def begin_promotion(
    study: optuna.Study, attrs: Mapping[str, Any] | None = None
) -> optuna.Trial | None:
    """Begin the trial that goes on from the next one to be promoted; None without any.

    Two processes without a lock may both begin one. The trial with the higher number is then
    dropped: it ends as FAIL, with the reason, and counts for nothing.

    Args:
        study: with a :class:`~optunas.pruning.ParetoHyperbandPruner`; any other promotes nothing.
        attrs: further user attributes of the trial.
    """
    if not isinstance(study.pruner, ParetoHyperbandPruner):
        return None
    while numbers := study.pruner.promotable(as_pruners_see(study)):
        trial = begin_trial(study, _template(study, numbers[0], attrs or {}))
        if (other := _begun_before(study, trial.number, numbers[0])) is None:
            _join_generation(trial)
            return trial
        _drop(study, trial, numbers[0], other)
    return None


class Promotions:
    """Begins promotions and keeps their checkpoints, as artifacts of the pruned trials.

    Args:
        study: with a :class:`~optunas.pruning.ParetoHyperbandPruner`.
        folder: of the artifacts; None keeps checkpoints in this process, for as long as it lives.
    """

    def __init__(self, study: optuna.Study, folder: str | Path | None) -> None:
        self.study, self.folder = study, None if folder is None else Path(folder)
        self._store = None if self.folder is None else FileSystemArtifactStore(self.folder)
        self._own: dict[str, bytes] = {}
        self._removed: set[int] = set()

    def begin(
        self, budget: Budget, planned: Budget, used: Usage, attrs: Mapping[str, Any]
    ) -> optuna.Trial | None:
        """Remove the checkpoints that are over, then begin the next promotion.

        It is no further trial of the budget's, and better fronts are what it is for; the other
        limits end promotions too. See :func:`begin_promotion`.

        Args:
            budget: of this run.
            planned: the study's own; what may be promoted until its end is kept.
            used: so far.
            attrs: further user attributes of the trial.
        """
        self.clear(max(self._trials_left(one, used) for one in (budget, planned)))
        paid = replace(used, trials=0, patience_trials=0, patience_generations=0)
        return begin_promotion(self.study, attrs) if budget.reached(paid) is None else None

    def find(self, trial: optuna.Trial) -> Earlier | None:
        """What a promotion goes on from; None for any other trial."""
        number = trial.user_attrs.get(RESUMES)
        if number is None:
            return None
        before = _by_number(self.study)[number]
        noted = json.loads(before.user_attrs.get(CHECKPOINT, "{}"))
        state, lost = None, "trainings of this task cannot be kept"
        if "failure" in noted or not noted:
            lost = noted.get("failure", "none was kept")
        if "artifact" in noted:
            try:
                state = self._read(noted["artifact"])
            except (ArtifactNotFound, OSError, KeyError):
                lost = f"it is no longer in {self._place}"
        return Earlier(number, noted.get("seed"), state, curve(before), "" if state else lost)

    def keep(self, trial: optuna.Trial, state: bytes | None, seed: int) -> None:
        """Keep the state of a trial that is about to be pruned; None notes the seed alone.

        A state that cannot be written is left out: the promotion then trains from the beginning.
        """
        noted: dict[str, Any] = {"seed": seed}
        if state is not None:
            try:
                noted["artifact"] = self._write(trial, state)
            except OSError as error:
                noted["failure"] = f"it could not be written: {error}"
        trial.set_user_attr(CHECKPOINT, json.dumps(noted))

    def clear(self, trials_left: float = math.inf) -> int:
        """Remove the checkpoints that nothing can go on from any more; how many there were.

        Args:
            trials_left: new trials that the budget still has room for.
        """
        trials = self.study.get_trials(deepcopy=False)
        held = [t for t in trials if CHECKPOINT in t.user_attrs and t.number not in self._removed]
        held = [t for t in held if t.state.is_finished()]
        if not held:
            return 0
        over = set(self._pruner.hopeless(as_pruners_see(self.study), trials_left))
        over |= {t.user_attrs[RESUMES] for t in trials if _settled(t)}
        gone = [t for t in held if t.number in over or t.state != TrialState.PRUNED]
        return sum(self._remove(t) for t in gone)

    @property
    def _pruner(self) -> ParetoHyperbandPruner:
        assert isinstance(self.study.pruner, ParetoHyperbandPruner)
        return self.study.pruner

    def _trials_left(self, budget: Budget, used: Usage) -> float:
        """New trials that the budget has room for, at the least that one costs."""
        left = math.inf
        if budget.trials is not None:
            left = max(0, budget.trials - used.trials)
        if budget.epochs is not None:
            epochs = max(0, budget.epochs - used.epochs)
            left = min(left, -(-epochs // self._pruner.ladder.min_epochs))
        return left

    def _write(self, trial: optuna.Trial, state: bytes) -> str:
        from optunas.inspection import adapter

        artifact_id = str(uuid.uuid4())
        if self._store is None:
            self._own[artifact_id] = state
            return artifact_id
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        frozen = _by_number(self.study)[trial.number]
        # Noted first: a file that nothing knows of would stay for ever.
        adapter.attach(self.study, frozen, artifact_id, FILE, MIMETYPE)
        self._store.write(artifact_id, io.BytesIO(state))
        return artifact_id

    def _read(self, artifact_id: str) -> bytes:
        if self._store is None:
            return self._own[artifact_id]
        with self._store.open_reader(artifact_id) as file:
            return file.read()

    def _remove(self, trial: FrozenTrial) -> bool:
        from optunas.inspection import adapter

        self._removed.add(trial.number)
        artifact_id = json.loads(trial.user_attrs[CHECKPOINT]).get("artifact")
        if artifact_id is None:
            return False
        if self._store is None:
            return self._own.pop(artifact_id, None) is not None
        try:
            self._store.remove(artifact_id)
        except (ArtifactNotFound, OSError):
            return False
        adapter.detach(self.study, trial, artifact_id)
        return True

    @property
    def _place(self) -> str:
        return "this process" if self.folder is None else f"{str(self.folder)!r}"


def promotions_of(study: optuna.Study, url: str) -> Promotions | None:
    """The promotions of a study whose storage has this URL; None where its pruner has none."""
    from optunas.inspection import artifact_dir

    if not isinstance(study.pruner, ParetoHyperbandPruner):
        return None
    return Promotions(study, artifact_dir(url) if url else None)


def _template(study: optuna.Study, number: int, attrs: Mapping[str, Any]) -> FrozenTrial:
    before = _by_number(study)[number]
    kept = {name: before.user_attrs[name] for name in ("source",) if name in before.user_attrs}
    return create_trial(
        state=TrialState.RUNNING,
        params=before.params,
        distributions=before.distributions,
        user_attrs={**kept, **attrs, RESUMES: number},
    )


def _begun_before(study: optuna.Study, number: int, resumed: int) -> int | None:
    """Number of another promotion of the same trial that was there first."""
    others: Sequence[FrozenTrial] = study.get_trials(deepcopy=False)[:number]
    for other in others:
        if other.user_attrs.get(RESUMES) == resumed and other.state != TrialState.FAIL:
            return other.number
    return None


def _drop(study: optuna.Study, trial: optuna.Trial, resumed: int, other: int) -> None:
    trial.set_user_attr("failure", f"Trial {other} goes on from trial {resumed} already.")
    for name, value in (("epochs", 0), ("seconds", 0.0), ("lost", True), (CHARGED, False)):
        trial.set_user_attr(name, value)
    study.tell(trial, state=TrialState.FAIL)


def _join_generation(trial: optuna.Trial) -> None:
    """Let a genetic sampler count the trial in its present generation.

    Its strategies do so while they suggest, and a trial that has its parameters asks for nothing.
    """
    trials = trial.study.get_trials(deepcopy=False)
    if any(key.endswith(":generation") for t in trials for key in t.system_attrs):
        _ = trial.relative_params


def _settled(trial: FrozenTrial) -> bool:
    """Whether a promotion needs its earlier trial's checkpoint no more."""
    ended = trial.state.is_finished() and RESUMES in trial.user_attrs
    return ended and not (trial.state == TrialState.FAIL and "lost" in trial.user_attrs)


def _by_number(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False)
