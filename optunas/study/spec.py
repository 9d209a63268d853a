"""The definition of a study: frozen data that is stored with it and read back on every load."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from optunas.errors import InvalidSpecError, StorageError
from optunas.measures import METRICS, Metric, metric
from optunas.space import Space, space_from_definition
from optunas.space.references import reference_to
from optunas.study.budget import Budget
from optunas.study.latency import MEASURED, read_latency
from optunas.study.references import task_reference

__all__ = ["StudySpec"]

VERSION = 1
"""Version of the stored definition."""

Resolve = Callable[[str], Any]


@dataclass(frozen=True)
class StudySpec:
    """One question: which network, on which data, by which measures, at what cost.

    Attributes:
        name: of the study; letters, digits, ``-``, ``_`` and ``.``.
        space: what is searched, an architecture space or a ``JointSpace`` with hyperparameters.
        task: data, loss and score: a reference ``"module:factory"`` or an importable factory.
        task_options: arguments of the task's factory.
        objectives: names of metrics, or a user's own ``Metric``; the task's score is among them.
            Trials hold one value for each, in this order.
        metrics: further metrics to record with each trial.
        training: settings of the network (``channels``, ``num_cells``) and of the training
            (``epochs``, ``lr``, ...) that are not searched.
        sampler: by name, ``nsga2``, ``tpe``, ``gp``, ``random``, ...
        sampler_options: arguments of the sampler.
        pruner: by name, ``cheap_aware_median``, ``median``, ``hyperband``, ``none``, ...
        pruner_options: arguments of the pruner.
        constraints: limits by metric: an upper limit for a metric that is minimised, a lower one
            for a metric that is maximised. What breaks one that is known before training is not
            trained and does not count against the budget.
        latency: where ``latency_ms`` comes from: ``"measured"`` on each network before it is
            trained; a file of ``optunas latency calibrate``; or a profile of a device at hand only
            on paper, by name or as a TOML file: an estimate. A file's content is stored. What is
            not measured is known without a network.
        budget: when the study ends.
        seed: of suggestions and trainings.
        score: ``"last"``, the value of a trial is its last epoch's score, or ``"best"``.
        reuse: a candidate that was trained before returns the stored values.
        repeats: trainings per candidate, with different seeds, before values are reused (their
            mean): for noisy objectives.
        max_reused: end after so many reused or ruled out trials; None is ten times the
            budget's trials, and at least 200.
        reference: train a small hand-made network on the same task, to stand beside the front.
        description: one line for tables and notes.
    """

    name: str
    space: Space
    task: str | Callable[..., Any]
    task_options: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[str | Metric, ...] = ("accuracy", "latency_ms", "params")
    metrics: tuple[str | Metric, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    sampler: str = "nsga2"
    sampler_options: Mapping[str, Any] = field(default_factory=dict)
    pruner: str = "cheap_aware_median"
    pruner_options: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
    latency: str | Mapping[str, Any] = MEASURED
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    score: str = "last"
    reuse: bool = True
    repeats: int = 1
    max_reused: int | None = None
    reference: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.task, str):
            object.__setattr__(self, "task", task_reference(self.task))
        for name in ("objectives", "metrics"):
            given = getattr(self, name)
            if isinstance(given, (str, Metric)):
                raise InvalidSpecError(f"StudySpec.{name} must be a tuple, got {given!r}.")
            object.__setattr__(self, name, tuple(_metric(m) for m in given))
        for name in MAPPINGS:
            given = getattr(self, name)
            if not isinstance(given, Mapping):
                raise InvalidSpecError(f"StudySpec.{name} must be a mapping, got {given!r}.")
            # A plain copy, as it will come back from JSON (tuples as lists).
            object.__setattr__(self, name, _plain(name, given))
        object.__setattr__(self, "latency", read_latency(self.latency))
        self._check()

    def _check(self) -> None:
        problems = []
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", self.name if isinstance(self.name, str) else ""):
            problems.append(
                f"name must consist of letters, digits, '-', '_' and '.', got {self.name!r}"
            )
        if not isinstance(self.space, Space):
            problems.append(f"space must be a Space, got {self.space!r}")
        if not isinstance(self.budget, Budget):
            problems.append(f"budget must be a Budget, got {self.budget!r}")
        names = [m.name for m in self.objectives]  # type: ignore[union-attr]
        if not names:
            problems.append("objectives must not be empty")
        if len(set(names)) < len(names):
            problems.append(f"objectives must be distinct, got {names}")
        for name, limit in self.constraints.items():
            if isinstance(limit, bool) or not isinstance(limit, (int, float)):
                problems.append(f"constraints[{name!r}] must be a number, got {limit!r}")
            elif not math.isfinite(limit):
                problems.append(f"constraints[{name!r}] must be a finite number, got {limit!r}")
            elif name not in {m.name for m in self.all_metrics} | set(METRICS):
                metric(name)  # Raises with the nearest known name.
        if self.score not in ("last", "best"):
            problems.append(f"score must be 'last' or 'best', got {self.score!r}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            problems.append(f"seed must be a whole number from 0 on, got {self.seed!r}")
        for name in ("repeats", "max_reused"):
            value = getattr(self, name)
            absent = value is None and name == "max_reused"
            if not absent and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                problems.append(f"{name} must be a positive whole number, got {value!r}")
        for kind, what, plain in KINDS:
            for name in plain:
                if not isinstance(getattr(self, name), kind):
                    problems.append(f"{name} must be {what}, got {getattr(self, name)!r}")
        if problems:
            raise InvalidSpecError("StudySpec: " + "; ".join(problems) + ".")

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """Objectives, further metrics and constrained ones, each once, in this order."""
        named = {m.name: m for m in (*self.objectives, *self.metrics)}  # type: ignore[union-attr]
        extra = {n: METRICS[n] for n in self.constraints if n not in named and n in METRICS}
        return tuple({**named, **extra}.values())  # type: ignore[arg-type]

    @property
    def objective_metrics(self) -> tuple[Metric, ...]:
        """The objectives as metrics."""
        return self.objectives  # type: ignore[return-value]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; own operations, spaces and metrics become references."""
        body: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        body["space"] = self.space.definition()
        body["budget"] = asdict(self.budget)
        body["objectives"] = [_describe(m) for m in self.objective_metrics]
        body["metrics"] = [_describe(m) for m in self.metrics]  # type: ignore[arg-type]
        return {"version": VERSION, **body}

    def to_json(self) -> str:
        """JSON text that :meth:`from_json` reads back to an equal definition."""
        # Not sorted: the order of the parameters is part of a space.
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str, resolve: Resolve) -> StudySpec:
        """Read what :meth:`to_json` wrote.

        Args:
            text: the JSON.
            resolve: turns a reference ``"module:name"`` into the object; decides what to trust.

        Raises:
            StorageError: for another version, or text that is no definition.
        """
        try:
            body = json.loads(text)
            version = body.pop("version")
        except (TypeError, ValueError, KeyError, AttributeError):
            raise StorageError(f"Expected a study definition, got {text[:80]!r}.") from None
        if version != VERSION:
            raise StorageError(
                f"The study was stored in version {version} of the definition, this optunas reads "
                f"version {VERSION}; use the optunas that made it."
            )
        try:
            body["space"] = space_from_definition(body["space"], resolve)
            body["budget"] = Budget.from_dict(body["budget"])
            for name in ("objectives", "metrics"):
                body[name] = tuple(_revive(m, resolve) for m in body[name])
            return cls(**body)
        except (KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"The stored study definition is damaged: {type(error).__name__}: {error}."
            ) from error

    def differences(self, other: StudySpec) -> list[str]:
        """What ``other`` has different, one line each; empty for an equal definition."""
        return differences(self.to_dict(), other.to_dict())


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The fields in which two stored definitions differ, one line each."""
    lines = []
    for key in sorted(mine.keys() | theirs.keys()):
        a, b = mine.get(key), theirs.get(key)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            lines += [f"{key}.{line}" for line in differences(a, b)]
        else:
            lines.append(f"{key}: stored {_short(a)}, now {_short(b)}")
    return lines


KINDS: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (str, "a name", ("sampler", "pruner")),
    (str, "a text", ("description",)),
    (bool, "True or False", ("reuse", "reference")),
)
"""What is stored as it is: the type, in words, of which fields."""

MAPPINGS = ("task_options", "training", "sampler_options", "pruner_options", "constraints")


def _plain(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(given)))
    except (TypeError, ValueError):
        raise InvalidSpecError(
            f"StudySpec.{name} must hold numbers, strings, booleans, None and lists of them, "
            f"got {dict(given)!r}."
        ) from None


def _metric(given: str | Metric) -> Metric:
    if not isinstance(given, Metric):
        return metric(given)
    if given.compute is None and METRICS.get(given.name) != given:
        raise InvalidSpecError(
            f"The metric {given.name!r} needs compute=, a function of a network."
        )
    return given


def _describe(given: Metric) -> str | dict[str, Any]:
    if given.compute is None:
        return given.name
    keys = ("name", "direction", "unit", "cheap", "measured")
    return {key: getattr(given, key) for key in keys} | {
        "compute": reference_to(given.compute, f"The metric {given.name!r}")
    }


def _revive(body: str | dict[str, Any], resolve: Resolve) -> Metric:
    if isinstance(body, str):
        return metric(body)
    return Metric(**{**body, "compute": resolve(body["compute"])})


def _short(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
