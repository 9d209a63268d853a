"""The objective: a trial in, its values out; the only place that prunes.

Works in any Optuna study, with or without the rest of optunas::

    task = optunas.tasks.digits()
    objective = Objective(optunas.NB201, task, ("accuracy", "params"), training={"epochs": 5})
    study = optuna.create_study(directions=objective.directions)
    study.optimize(objective, n_trials=20)
"""

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
from optunas.measures import ZERO_COST, Direction, Metric, metric
from optunas.metrics.proxies.of_task import TaskProxies
from optunas.nets.own_build import own_build
from optunas.pruning import CheapAwareMedianPruner, report, should_prune
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
        seed: of the training; a repeat of a candidate trains with the next one.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        score: ``"last"`` or ``"best"`` epoch gives the value.
        reuse: return stored expensive values for a candidate trained before.
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
        score: str = "last",
        reuse: bool = True,
        repeats: int = 1,
        on_epoch: Callable[[optuna.Trial, int, float], None] | None = None,
    ) -> None:
        self.space, self.task, self.seed, self.device = space, task, seed, device
        self.objectives = tuple(metric(m) if isinstance(m, str) else m for m in objectives)
        self.metrics = tuple(metric(m) if isinstance(m, str) else m for m in metrics)
        self.training, self.constraints = dict(training or {}), dict(constraints or {})
        self.score, self.reuse, self.repeats, self.on_epoch = score, reuse, repeats, on_epoch
        self._proxies = TaskProxies(task, seed, device)
        self.history: Sequence[FrozenTrial] | None = None
        """The study's trials, where the caller has just read them; None reads them anew."""
        names = [m.name for m in self.objectives]
        if task.score_name not in names:
            raise InvalidSpecError(
                f"The task {task.name!r} scores {task.score_name!r}, which is not among the "
                f"objectives {', '.join(names)}; add it, or give the task another score."
            )
        self._scored = names.index(task.score_name)
        wanted = dict.fromkeys((*self.objectives, *self.metrics))
        missing = set(self.constraints) - {m.name for m in wanted}
        others = [m for m in wanted if m.name != task.score_name]
        others += [metric(name) for name in sorted(missing)]
        gives = getattr(task, "gives", ())
        self._given = [m for m in others if m.name in gives and m.compute is None]
        """What comes with the task's scores, known only after training."""
        self._others = [m for m in others if m not in self._given]
        check_abilities(task, self._others, device, score)

    @property
    def directions(self) -> list[Direction]:
        """Optuna's directions, in the order of the objectives."""
        return [m.direction for m in self.objectives]

    def __call__(self, trial: optuna.Trial) -> tuple[float, ...]:
        """The trial's values, in the order of the objectives.

        Raises:
            optuna.TrialPruned: when the study's pruner ends the trial, or the candidate was pruned
                before.
            TrainingError: when the training broke down.
        """
        candidate = suggest(trial, self.space)
        digest = self.space.digest(candidate)
        trial.set_user_attr("architecture", self.space.to_json(candidate))
        trial.set_user_attr("digest", digest)
        if self.task.input_shape is not None and not self.space.is_connected(candidate):
            self._untrained(trial, "ruled_out", True)
            raise optuna.TrialPruned("Ruled out: the network's output does not see its input.")
        earlier = self._earlier(trial, digest)
        complete = [t for t in earlier if t.state == TrialState.COMPLETE]
        again = bool(earlier) and len(complete) != len(earlier)
        if again and not complete:
            self._mark_reused(trial, earlier[:1])
            raise optuna.TrialPruned(f"The same network was pruned in trial {earlier[0].number}.")
        architecture, settings = self._settings(candidate)
        subject = self.subject(architecture, settings, self.seed + len(complete))
        known = self.measure(architecture, settings, subject)
        unknown = [name for name, value in known.items() if math.isnan(value)]
        if unknown:
            raise TrainingError(f"The network's {', '.join(unknown)} is not a number.")
        for name, value in known.items():
            trial.set_user_attr(name, value)
        self._constrain(trial, known)
        if complete and len(complete) >= self.repeats:
            given = self._mark_reused(trial, complete)
            score = math.fsum(t.values[self._scored] for t in complete) / len(complete)
        else:
            score, given = self._train(trial, subject, settings, known, self.seed + len(complete))
        trial.set_user_attr(self.task.score_name, score)
        self._constrain(trial, {self.task.score_name: score})
        known |= {**given, self.task.score_name: score}
        return tuple(known[m.name] for m in self.objectives)

    def foresee(self, candidate: Any) -> dict[str, float]:
        """The metrics, by name, that need no network: recorded by the task, or in closed form."""
        architecture, settings = self._settings(candidate)
        recorded = getattr(self.task, "known", None)
        values = dict(recorded(architecture, settings)) if recorded else {}
        wanted = [m for m in self._others if m.name not in values]
        if getattr(self.task, "builds_cells", False) and own_build(self.space) is None:
            for m in wanted:
                if m.name in ("params", "flops"):
                    values[m.name] = self._closed_form(m.name, architecture, settings)
        return {m.name: float(values[m.name]) for m in self._others if m.name in values}

    def measure(
        self, architecture: Any, settings: Mapping[str, Any], subject: Any = None
    ) -> dict[str, float]:
        """Every metric that is known without training, by name, in the metric's unit.

        Args:
            architecture: a member of the space's architecture part; None without one.
            settings: of network and training.
            subject: the network when it is built already.
        """
        recorded = getattr(self.task, "known", None)
        values = dict(recorded(architecture, settings)) if recorded else {}
        wanted = [m for m in self._others if m.name not in values]
        # A task that builds networks its own way is asked for the network itself.
        stock = getattr(self.task, "builds_cells", False) and subject is architecture
        closed = {"params", "flops"} if stock else set()
        network = subject if subject is not architecture else None
        for m in wanted:
            if m.name in closed:
                values[m.name] = self._closed_form(m.name, architecture, settings)
                continue
            if network is None:
                network = self._proxies.built(architecture, settings, (m.name for m in wanted))
            values[m.name] = self._on_network(m, network)
        return {m.name: float(values[m.name]) for m in self._others}

    def rehearse(self, candidate: Any) -> None:
        """Build and measure one candidate, latency aside: what breaks here would break each trial.

        Raises:
            InvalidSpecError: with what an operation, a space's ``build`` or a metric raised.
        """
        architecture, settings = self._settings(candidate)
        others = self._others
        self._others = [m for m in others if not m.measured]
        try:
            subject = self.subject(architecture, settings, self.seed)
            # What is recorded is looked up by measure; for other tasks building is the check.
            built = getattr(self.task, "gives", ()) and not hasattr(self.task, "known")
            if subject is architecture and (getattr(self.task, "builds_cells", False) or built):
                self.task.build(architecture, settings)
            self.measure(architecture, settings, subject)
        except OptunasError:
            raise
        except Exception as error:
            raise InvalidSpecError(
                f"A random network of the space cannot be built and measured: "
                f"{type(error).__name__}: {error}."
            ) from error
        finally:
            self._others = others

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

    def _closed_form(self, name: str, architecture: Any, settings: Mapping[str, Any]) -> float:
        from optunas import metrics

        network = {k: settings[k] for k in self.task.network_keys if k in settings}
        count = metrics.params if name == "params" else metrics.flops
        return float(count(architecture, self.task.input_shape, self.task.num_outputs, **network))

    def _on_network(self, wanted: Metric, network: Any) -> float:
        from optunas import metrics

        shape = tuple(getattr(self.task, "network_shape", self.task.input_shape) or ())
        if wanted.compute is not None:
            return float(wanted.compute(network, shape))
        if wanted.name == "latency_ms":
            return metrics.latency_ms(network, (1, *shape), device=self.device)
        if wanted.name in ZERO_COST:
            return self._proxies.value(wanted.name, network)
        count = metrics.params if wanted.name == "params" else metrics.flops
        return float(count(network, shape))

    def _earlier(self, trial: optuna.Trial, digest: str) -> list[FrozenTrial]:
        """Finished trials that trained the same candidate, oldest first.

        A complete one without a metric that is wanted now is left out.
        """
        study = getattr(trial, "study", None)  # a FixedTrial has none
        if not self.reuse or study is None:
            return []
        trials = study.get_trials(deepcopy=False) if self.history is None else self.history
        return [
            t
            for t in trials
            if t.user_attrs.get("digest") == digest
            and t.state in (TrialState.COMPLETE, TrialState.PRUNED)
            and "reused_from" not in t.user_attrs
            and (t.state == TrialState.PRUNED or len(self._remembered([t])) == len(self._given))
        ]

    def _remembered(self, sources: Sequence[FrozenTrial]) -> dict[str, float]:
        """What came with the scores of earlier trials: the means of what all of them have."""
        return {
            m.name: math.fsum(t.user_attrs[m.name] for t in sources) / len(sources)
            for m in self._given
            if all(m.name in t.user_attrs for t in sources)
        }

    def _mark_reused(self, trial: optuna.Trial, sources: Sequence[FrozenTrial]) -> dict[str, float]:
        self._untrained(trial, "reused_from", sources[0].number)
        return self._note(trial, self._remembered(sources))

    def _note(self, trial: optuna.Trial, given: dict[str, float]) -> dict[str, float]:
        """Store what comes with a score, as far as it is known; return it."""
        for name, value in given.items():
            trial.set_user_attr(name, value)
        self._constrain(trial, given)
        return given

    def _untrained(self, trial: optuna.Trial, why: str, what: int | bool) -> None:
        trial.set_user_attr(why, what)
        trial.set_user_attr("epochs", 0)
        trial.set_user_attr("seconds", 0.0)

    def _train(
        self,
        trial: optuna.Trial,
        subject: Any,
        settings: Mapping[str, Any],
        known: Mapping[str, float],
        seed: int,
    ) -> tuple[float, dict[str, float]]:
        """The trial's score and what came with it."""
        cheap = {i: known[m.name] for i, m in enumerate(self.objectives) if m.cheap}
        epochs, seconds, best, last = 0, 0.0, None, math.nan
        planned = self.planned_epochs(settings)
        noted, noted_at = 0.0, time.time()
        given: dict[str, float] = {}
        try:
            for reading in self.task.scores(subject, settings, seed, self.device):
                step, value, cost = reading
                if math.isnan(value):
                    raise TrainingError(f"The score of epoch {step} is not a number.")
                given = self.given_by(reading)
                epochs, seconds, last = epochs + 1, seconds + cost, value
                better = best is None or (value > best) == self.objectives[self._scored].maximize
                best = value if better else best
                report(trial, value, step, cheap=cheap, objective=self._scored)
                if seconds - noted >= NOTED_EVERY_S or time.time() - noted_at >= NOTED_EVERY_S:
                    noted, noted_at = seconds, time.time()
                    trial.set_user_attr(SPENT, json.dumps([epochs, seconds, noted_at]))
                if self.on_epoch is not None:
                    self.on_epoch(trial, step, value)
                # A network trained to the end is paid for: its value is worth more than a verdict.
                if epochs != planned and should_prune(trial):
                    raise optuna.TrialPruned(self._why(trial.study.pruner, epochs, cheap))
        finally:
            trial.set_user_attr("epochs", epochs)
            trial.set_user_attr("seconds", seconds)
            self._note(trial, given)
        if best is None:
            raise TrainingError("The task trained no epoch.")
        return (best if self.score == "best" else last), given

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
        if not isinstance(pruner, CheapAwareMedianPruner):
            return f"{after}."
        return f"{after}: behind {'networks that cost no more' if cheap else 'the median'}."

    def _constrain(self, trial: optuna.Trial, values: Mapping[str, float]) -> None:
        for name in self.constraints.keys() & values.keys():
            trial.set_constraint(name, self.excess(name, values[name]))

    def excess(self, name: str, value: float) -> float:
        """By how much a constrained metric breaks its limit; 0 or less keeps it."""
        by_name = {m.name: m for m in (*self.objectives, *self._others, *self._given)}
        over = value - self.constraints[name]
        return -over if by_name[name].maximize else over
