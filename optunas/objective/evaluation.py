"""From a trial to its values: suggested, looked up, measured, trained."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from optunas.codec import suggest
from optunas.errors import InvalidSpecError, OptunasError, TrainingError
from optunas.measures import Direction, Metric, metric
from optunas.nets.own_build import own_build
from optunas.objective.afterwards import Afterwards, Readings, measured_afterwards
from optunas.objective.beforehand import Beforehand, LatencySource
from optunas.objective.earlier import earlier_trials, mark_untrained, remembered
from optunas.objective.limits import Limits
from optunas.objective.resuming import Checkpoints, Earlier, start
from optunas.pruning import (
    CheapAwareMedianPruner,
    ParetoHyperbandPruner,
    report,
    should_prune,
)
from optunas.space import Space
from optunas.tasks.abilities import check_abilities

if TYPE_CHECKING:
    from optunas.tasks import Task

__all__ = ["SPENT", "Objective"]

SPENT = "optunas:spent"
"""User attribute ``[epochs, seconds, unix time]`` as JSON, for when the process is killed.

Rewritten once a second: the curve counts the epochs meanwhile.
"""

NOTED_EVERY_S = 1.0


class Objective:
    """Suggests a candidate, looks it up, measures it, trains it, and returns its values.

    Args:
        space: what is searched.
        task: data, loss and score.
        objectives: metrics by name or own ones; the task's score is exactly one of them.
        metrics: further metrics to record.
        training: settings of network and training that are not searched.
        constraints: limits by metric: upper where it is minimised, lower where it is maximised.
            What breaks one that is known before training is not trained.
        seed: of the training; a repeat of a candidate trains with the next one.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        latency: tells ``latency_ms`` without a network, in place of a measurement.
        score: ``"last"`` or ``"best"`` epoch gives the value.
        reuse: return stored expensive values for a candidate trained before: one whose network is
            the same. Without it only the same code again, where the task's scores are looked up.
        repeats: trainings per candidate before its mean is reused.
        on_epoch: called after each report with (trial, step, score); may raise to end the trial.

    Raises:
        InvalidSpecError: when the objectives do not hold the task's score, or a metric cannot be
            had from this task.
        UnknownNameError: for an unknown metric or setting, with the nearest name.
        DeviceError: when the task cannot run on the device.
    """

    def __init__(
        self,
        space: Space,
        task: Task,
        objectives: Sequence[str | Metric] = ("accuracy", "latency_ms", "params"),
        metrics: Sequence[str | Metric] = (),
        *,
        training: Mapping[str, Any] | None = None,
        constraints: Mapping[str, float] | None = None,
        seed: int = 0,
        device: str = "cpu",
        latency: LatencySource | None = None,
        score: str = "last",
        reuse: bool = True,
        repeats: int = 1,
        on_epoch: Callable[[optuna.Trial, int, float], None] | None = None,
    ) -> None:
        self.space, self.task, self.seed, self.device = space, task, seed, device
        self.objectives = tuple(metric(m) if isinstance(m, str) else m for m in objectives)
        self.metrics = tuple(metric(m) if isinstance(m, str) else m for m in metrics)
        self.training = dict(training or {})
        self.score, self.reuse, self.repeats, self.on_epoch = score, reuse, repeats, on_epoch
        self.history: Sequence[FrozenTrial] | None = None
        """The study's trials, where the caller has just read them; None reads them anew."""
        self.checkpoints: Checkpoints | None = None
        """Where pruned trainings can go on from, in a study that promotes them."""
        names = [m.name for m in self.objectives]
        if task.score_name not in names:
            raise InvalidSpecError(
                f"The task {task.name!r} scores {task.score_name!r}, which is not among the "
                f"objectives {', '.join(names)}; add it, or give the task another score."
            )
        self._scored = names.index(task.score_name)
        wanted = dict.fromkeys((*self.objectives, *self.metrics))
        missing = set(constraints or {}) - {m.name for m in wanted}
        others = [m for m in wanted if m.name != task.score_name]
        others += [metric(name) for name in sorted(missing)]
        gives = getattr(task, "gives", ())
        self._given = [m for m in others if m.name in gives and m.compute is None]
        """What comes with the task's scores, known only after training."""
        after = measured_afterwards(task, others)
        self._afterwards = Afterwards(task, after, device)
        self._bought = [*self._given, *after]
        """What only training tells: with its scores, or measured on the trained network."""
        others = [m for m in others if m not in self._bought]
        check_abilities(task, others, device, score)
        self._beforehand = Beforehand(
            space, task, others, seed=seed, device=device, latency=latency
        )
        everything = (*self.objectives, *others, *self._bought)
        self.constraints = Limits(constraints or {}, everything)
        """By metric; those on metrics that are known before training keep a trial from it."""

    @property
    def directions(self) -> list[Direction]:
        """Optuna's directions, in the order of the objectives."""
        return [m.direction for m in self.objectives]

    def __call__(self, trial: optuna.Trial) -> tuple[float, ...]:
        """The trial's values, in the order of the objectives.

        Raises:
            optuna.TrialPruned: when the study's pruner ends the trial, the candidate was pruned
                before, or what is known of it before training breaks a limit.
            TrainingError: when the training broke down.
        """
        candidate = suggest(trial, self.space)
        digest, written = self.space.digest(candidate), self.space.to_json(candidate)
        trial.set_user_attr("architecture", written)
        trial.set_user_attr("digest", digest)
        if self.task.input_shape is not None and not self.space.is_connected(candidate):
            mark_untrained(trial, "ruled_out", True)
            raise optuna.TrialPruned("Ruled out: the network's output does not see its input.")
        if self.constraints:
            self._rule_out(trial, self.foresee(candidate))
        resumed = None if self.checkpoints is None else self.checkpoints.find(trial)
        earlier, complete = ([], []) if resumed else self._earlier(trial, digest, written)
        if earlier and not complete:
            self._mark_reused(trial, earlier[:1])
            raise optuna.TrialPruned(f"The same network was pruned in trial {earlier[0].number}.")
        architecture, settings = self._settings(candidate)
        seed = self.seed + len(complete)
        if resumed is not None and resumed.seed is not None:
            seed = resumed.seed
        subject = self.subject(architecture, settings, seed)
        known = self.measure(architecture, settings, subject)
        unknown = [name for name, value in known.items() if math.isnan(value)]
        if unknown:
            raise TrainingError(f"The network's {', '.join(unknown)} is not a number.")
        self._rule_out(trial, known)
        self._note(trial, known)
        if complete and len(complete) >= self.repeats:
            given = self._mark_reused(trial, complete)
            score = math.fsum(t.values[self._scored] for t in complete) / len(complete)
        else:
            score, given = self._train(trial, subject, settings, known, seed, resumed)
        self._note(trial, {self.task.score_name: score})
        known |= {**given, self.task.score_name: score}
        return tuple(known[m.name] for m in self.objectives)

    def foresee(self, candidate: Any) -> dict[str, float]:
        """The metrics, by name, that need no network: recorded by the task, or in closed form."""
        return self._beforehand.foresee(*self._settings(candidate))

    def measure(
        self, architecture: Any, settings: Mapping[str, Any], subject: Any = None
    ) -> dict[str, float]:
        """Every metric that is known without training; see :meth:`Beforehand.measure`."""
        return self._beforehand.measure(architecture, settings, subject)

    def rehearse(self, candidate: Any) -> None:
        """Build and measure one candidate, latency aside: what breaks here would break each trial.

        Raises:
            InvalidSpecError: with what an operation, a space's ``build`` or a metric raised.
        """
        architecture, settings = self._settings(candidate)
        steady = [m for m in self._beforehand.metrics if not m.measured]
        try:
            subject = self.subject(architecture, settings, self.seed)
            # What is recorded is looked up by measure; for other tasks building is the check.
            built = getattr(self.task, "gives", ()) and not hasattr(self.task, "known")
            if subject is architecture and (getattr(self.task, "builds_cells", False) or built):
                self.task.build(architecture, settings)
            self._beforehand.measure(architecture, settings, subject, steady)
        except OptunasError:
            raise
        except Exception as error:
            raise InvalidSpecError(
                f"A random network of the space cannot be built and measured: "
                f"{type(error).__name__}: {error}."
            ) from error

    def planned_epochs(self, settings: Mapping[str, Any]) -> int | None:
        """Epochs of a whole training, None when the task does not say."""
        planned = settings.get("epochs", getattr(self.task, "default_epochs", None))
        return None if planned is None else int(planned)

    def sample_check(self, candidate: Any) -> None:
        """Check that a candidate is one that the task understands, training nothing.

        Raises:
            UnknownNameError: for a setting that neither network nor training has.
            InvalidSpecError: for a value that one of them cannot have, or no architecture where
                the task needs one.
        """
        architecture, settings = self._settings(candidate)
        self.task.check(settings)
        twice = sorted(set(self.training) & set(self.space.hyperparameter_names()))
        if twice:
            raise InvalidSpecError(
                f"{', '.join(twice)} is searched by the space and fixed in training; keep one."
            )
        own = own_build(self.space) is not None or not getattr(self.task, "builds_cells", False)
        if architecture is None and not own:
            raise InvalidSpecError(
                f"The space holds hyperparameters alone, and the task {self.task.name!r} trains an "
                "architecture: search both with JointSpace(cell=NB201, train=HyperSpace(...))."
            )

    def _settings(self, candidate: Any) -> tuple[Any, dict[str, Any]]:
        architecture, searched = self.space.parts(candidate)
        return architecture, {**self.training, **searched}

    def subject(self, architecture: Any, settings: Mapping[str, Any], seed: int) -> Any:
        """What the task trains: the architecture, or the network of a space that builds its own."""
        build = own_build(self.space)
        if build is None:
            return architecture
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return build(architecture, self.task.input_shape, self.task.num_outputs, settings)

    def _earlier(
        self, trial: optuna.Trial, digest: str, written: str
    ) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
        """Earlier trials of the same candidate; those of them that are complete."""
        study = getattr(trial, "study", None)  # a FixedTrial has none
        by_code = getattr(self.task, "deterministic", False)
        if study is None or not (self.reuse or by_code):
            return [], []
        trials = study.get_trials(deepcopy=False) if self.history is None else self.history
        same = ("digest", digest) if self.reuse else ("architecture", written)
        found = earlier_trials(trials, *same, self._bought)
        return found, [t for t in found if t.state == TrialState.COMPLETE]

    def _mark_reused(self, trial: optuna.Trial, sources: Sequence[FrozenTrial]) -> dict[str, float]:
        mark_untrained(trial, "reused_from", sources[0].number)
        given = remembered(sources, self._bought)
        self._note(trial, given)
        return given

    def _note(self, trial: optuna.Trial, values: Mapping[str, float]) -> None:
        """Store values that have become known, and by how much they break their limits."""
        for name, value in values.items():
            trial.set_user_attr(name, value)
        self.constraints.note(trial, values)

    def _rule_out(self, trial: optuna.Trial, known: Mapping[str, float]) -> None:
        """End the trial where what is known before training breaks a limit."""
        broken = self.constraints.broken(known)
        if broken:
            self._note(trial, known)
            mark_untrained(trial, "ruled_out", True)
            raise optuna.TrialPruned(f"Ruled out before training: {broken}.")

    def _train(
        self,
        trial: optuna.Trial,
        subject: Any,
        settings: Mapping[str, Any],
        known: Mapping[str, float],
        seed: int,
        resumed: Earlier | None = None,
    ) -> tuple[float, dict[str, float]]:
        """The trial's score and what came with it."""
        cheap = {i: known[m.name] for i, m in enumerate(self.objectives) if m.cheap}
        epochs, seconds, best, last = 0, 0.0, None, math.nan
        planned = self.planned_epochs(settings)
        noted, noted_at = 0.0, time.time()
        given: dict[str, float] = {}
        try:
            training, behind = start(
                trial, self.task, subject, settings, seed, self.device, resumed, self._scored, cheap
            )
            best = self._better(behind)
            readings = Readings(training)
            for reading in readings:
                step, value, cost = reading
                if math.isnan(value):
                    raise TrainingError(f"The score of epoch {step} is not a number.")
                given = self.given_by(reading)
                epochs, seconds, last = epochs + 1, seconds + cost, value
                best = self._better([value] if best is None else [best, value])
                report(trial, value, step, cheap=cheap, objective=self._scored)
                if seconds - noted >= NOTED_EVERY_S or time.time() - noted_at >= NOTED_EVERY_S:
                    noted, noted_at = seconds, time.time()
                    trial.set_user_attr(SPENT, json.dumps([epochs, seconds, noted_at]))
                if self.on_epoch is not None:
                    self.on_epoch(trial, step, value)
                # A network trained to the end is paid for: its value is worth more than a verdict.
                trained = len(behind) + epochs
                if trained != planned and should_prune(trial):
                    if self.checkpoints is not None:
                        self.checkpoints.keep(trial, training.state(), seed)
                    raise optuna.TrialPruned(self._why(trial.study.pruner, trained, cheap))
            if epochs:
                given = {**given, **self._afterwards.measure(readings.network)}
        finally:
            trial.set_user_attr("epochs", epochs)
            trial.set_user_attr("seconds", seconds)
            self._note(trial, given)
        if best is None or not epochs:
            raise TrainingError("The task trained no epoch.")
        return (best if self.score == "best" else last), given

    def _better(self, scores: Sequence[float]) -> float | None:
        """The best of several scores; None of none."""
        pick = max if self.objectives[self._scored].maximize else min
        return pick(scores, default=None)

    def given_by(self, reading: Any) -> dict[str, float]:
        """The metrics that came with a score and are wanted.

        Raises:
            TrainingError: when the task did not give one of them, or no finite number.
        """
        metrics = getattr(reading, "metrics", {})
        lacks = [m.name for m in self._given if not math.isfinite(metrics.get(m.name, math.nan))]
        if lacks:
            raise TrainingError(
                f"The task {self.task.name!r} gave no finite number for {', '.join(lacks)} with "
                f"its score of step {reading[0]}."
            )
        return {m.name: float(metrics[m.name]) for m in self._given}

    def _why(self, pruner: BasePruner, epochs: int, cheap: Mapping[int, float]) -> str:
        """The sentence that is stored as a pruned trial's reason."""
        step = getattr(self.task, "step_name", "epoch")
        after = f"Pruned after {epochs} {step}{'' if epochs == 1 else 's'}"
        after += f" by {type(pruner).__name__}"
        if isinstance(pruner, ParetoHyperbandPruner):
            return f"{after}: not among the first 1/{pruner.ladder.eta} that came so far."
        if not isinstance(pruner, CheapAwareMedianPruner):
            return f"{after}."
        return f"{after}: behind {'networks that cost no more' if cheap else 'the median'}."
