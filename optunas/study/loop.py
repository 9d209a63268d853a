"""One process's share of a run: ask, evaluate, record, until the budget is used."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from optunas.errors import TrainingError
from optunas.objective import Objective
from optunas.study.budget import LIMITS, Budget
from optunas.study.coverage import Coverage
from optunas.study.handle import StudyHandle
from optunas.study.promotions import Promotions
from optunas.study.recover import WORKER, abandon, identity, reclaim
from optunas.study.storage import journal_path, sqlite_path

if TYPE_CHECKING:
    from optunas.inspection import Overview

__all__ = ["MAX_FAILURES", "Loop", "Watcher"]

MAX_FAILURES = 5
"""So many failures in a row mean that the study, not the candidate, is broken."""


MIN_REUSED = 200
"""So many reused or ruled out trials are waited for in small budgets too: a measured limit may rule
out nine of ten networks, and each takes milliseconds."""


class Watcher(Protocol):
    """What is told of every trial: the inspector, which writes notes, or a recorder."""

    def trial_ending(self, trial: optuna.Trial) -> None:
        """The trial is about to be told, with whatever outcome."""

    def trial_finished(self, trial: FrozenTrial) -> None:
        """The trial has been told."""

    def study_updated(self, overview: Callable[[], Overview], *, final: bool = False) -> object:
        """A trial was told, or the run has ended; the overview is made when it is called for."""


@dataclass
class Loop:
    """Runs trials of a study in this process.

    Attributes:
        handle: the study.
        objective: trial -> values.
        budget: the study's, or the one that the command line gives in its place.
        inspector: is told of every trial, and writes notes and drawings; None for none.
        deadline: ``time.monotonic()`` after which no trial begins.
        promotions: of pruned trials, asked for before the sampler; None where nothing is promoted.
    """

    handle: StudyHandle
    objective: Objective
    budget: Budget
    inspector: Watcher | None = None
    deadline: float | None = None
    promotions: Promotions | None = None
    failures: int = field(default=0, init=False)
    at_hand: optuna.Trial | None = field(default=None, init=False)

    def run(self) -> str:
        """Run trials until something ends it; return the sentence that says what.

        Raises:
            TrainingError: after :data:`MAX_FAILURES` failures in a row.
            KeyboardInterrupt: on Ctrl-C, after the trial at hand is marked and enqueued again.
        """
        try:
            while True:
                with self.lock():
                    reason = self._finished()
                    self.at_hand = self._promotion()
                    if self.at_hand is None:
                        if reason is not None:
                            return reason
                        self.at_hand = self.handle.study.ask()
                        self.at_hand.set_user_attr(WORKER, identity())
                with suppress(UpdateFinishedTrialError):
                    # Raised when another machine took this one for dead: it has marked the trial
                    # and enqueued it again, and what is trained here comes too late.
                    self._evaluate(self.at_hand)
        except KeyboardInterrupt:
            self._let_go()
            raise

    def lock(self) -> AbstractContextManager[object]:
        """Held while trials are counted, begun and reclaimed, by one process of the machine."""
        from optunas.metrics.lock import machine_lock

        url, path = self.handle.url, self._file
        where = str(path.resolve()) if path else url
        digest = hashlib.sha256(f"{where} {self.handle.name}".encode()).hexdigest()[:16]
        return machine_lock(f"study-{digest}") if url else nullcontext()

    @property
    def _file(self) -> Path | None:
        """The storage's file; None for a server, which other machines can reach, and for memory."""
        url = self.handle.url
        return sqlite_path(url) or journal_path(url) if url else None

    def reclaim(self, trials: Sequence[FrozenTrial] | None = None) -> list[int]:
        """Mark and enqueue again what dead workers left; call it under :meth:`lock`."""
        return reclaim(self.handle.study, trials, local=self._file is not None)

    def _finished(self) -> str | None:
        # Read once for all questions: with a database, reading costs more than answering.
        trials = self.handle.trials()
        if self.reclaim(trials):
            trials = self.handle.trials()
        self.objective.history = trials
        if self._is_late():
            return "The time given is over."
        reason = self.budget.reached(self.handle.usage(trials))
        if reason is not None:
            return reason
        if getattr(self.handle.study.sampler, "exhausted", False):
            return "The sampler has suggested the whole space."
        reason = self._coverage.reached(trials)
        if reason is not None:
            return reason
        outcomes, limit = self.handle.outcomes(trials), self._max_reused()
        free = outcomes["reused"] + outcomes["ruled out"]
        if free >= limit:
            return (
                f"The sampler suggested {free} networks that were trained before or ruled out, the "
                "limit (max_reused): the space or the sampler has little new to offer."
            )
        return None

    @cached_property
    def _coverage(self) -> Coverage:
        spec, knowledge = self.handle.spec, self.handle.knowledge
        feasible = knowledge.feasible if spec.constraints and knowledge is not None else None
        return Coverage(spec, feasible, getattr(self.objective.task, "deterministic", False))

    def _promotion(self) -> optuna.Trial | None:
        """A pruned trial that goes on, where the study promotes and there is one to promote."""
        if self.promotions is None or self._is_late():
            return None
        used, planned = self.handle.usage(), self.handle.spec.budget
        return self.promotions.begin(self.budget, planned, used, {WORKER: identity()})

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def overview(self) -> Overview:
        """What the study's note tells beyond its trials."""
        from optunas.inspection import Overview

        spec, used = self.handle.spec, self.handle.usage()
        limits = {name: (getattr(used, name), getattr(self.budget, name)) for name in LIMITS}
        return Overview(
            objectives=spec.objective_metrics,
            metrics=spec.all_metrics[len(spec.objectives) :],
            question=spec.description,
            front=self.handle.front_trials(),
            limits=spec.constraints,
            budget={n.replace("_", " "): pair for n, pair in limits.items() if pair[1] is not None},
            reference=self.handle.reference,
        )

    def _max_reused(self) -> int:
        return self.handle.spec.max_reused or max(MIN_REUSED, 10 * (self.budget.trials or 100))

    def _evaluate(self, trial: optuna.Trial) -> None:
        state, values = TrialState.FAIL, None
        try:
            values = self.objective(trial)
            state = TrialState.COMPLETE
        except optuna.TrialPruned as pruned:
            state = TrialState.PRUNED
            trial.set_user_attr("reason", str(pruned))
        except Exception as error:
            trial.set_user_attr("failure", failure(error))
            if not isinstance(error, TrainingError):
                trial.set_user_attr("traceback", traceback.format_exc()[-2000:])
        self._tell(trial, state, values)

    def _let_go(self) -> None:
        """Mark the trial at hand, when it has not ended yet, and enqueue it again."""
        for frozen in self.handle.trials(TrialState.RUNNING):
            if self.at_hand is not None and frozen.number == self.at_hand.number:
                abandon(self.handle.study, frozen, "Interrupted by the user.", charge=False)

    def _tell(
        self, trial: optuna.Trial, state: TrialState, values: tuple[float, ...] | None
    ) -> None:
        try:
            if self.inspector is not None:
                self.inspector.trial_ending(trial)
        finally:
            # Also on Ctrl-C: what is trained is not thrown away for a drawing.
            told = self.handle.study.tell(trial, values, state=state, skip_if_finished=True)
        if self.inspector is not None:
            self.inspector.trial_finished(told)
            self.inspector.study_updated(self.overview)
        self.failures = self.failures + 1 if state == TrialState.FAIL else 0
        if self.failures >= MAX_FAILURES:
            raise TrainingError(
                f"The last {self.failures} trials failed, the run ends; trial {told.number} said: "
                f"{told.user_attrs['failure']}"
            )


def failure(error: Exception) -> str:
    """The sentence that is stored as a trial's ``failure``."""
    text = str(error)
    memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if memory or "not enough memory" in text or "out of memory" in text:
        return f"Out of memory: {text.splitlines()[0] if text else 'the allocation failed'}"
    return text if isinstance(error, TrainingError) else f"{type(error).__name__}: {text}"
