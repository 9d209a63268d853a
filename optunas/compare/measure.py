"""How good a run is after how much cost: the hypervolume of its front, or its best value.

Inside a comparison larger is always better: an objective that is minimised counts with its sign
turned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optunas.compare.amount import Amount
from optunas.compare.trajectory import Trajectory
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.measures import Metric
from optunas.pareto import hypervolume, nondominated, reference_point
from optunas.study import StudySpec

__all__ = ["Measure", "Question", "Target", "measure"]

Floats = NDArray[np.float64]

SHARE = 0.95
"""The target without another: this share of the best known."""


@dataclass(frozen=True)
class Target:
    """What a run is to reach.

    Attributes:
        share: of the best known; None for a value.
        value: of the only objective, in its unit; None for a share.
    """

    share: float | None = None
    value: float | None = None

    def __str__(self) -> str:
        return f"{self.share:.4g}" if self.share is not None else f"{self.value:.6g}"


@dataclass(frozen=True)
class Question:
    """What a comparison measures.

    Attributes:
        objectives: of all contestants.
        budget: of each run.
        targets: whose costs are measured.
        log: names of the objectives that count on a logarithmic scale.
        reference: values of objectives where volumes begin, in their units.
        significance: level of the tests.
    """

    objectives: tuple[Metric, ...]
    budget: Amount
    targets: tuple[Target, ...] = (Target(SHARE),)
    log: frozenset[str] = frozenset()
    reference: tuple[tuple[str, float], ...] = ()
    significance: float = 0.05

    @classmethod
    def of(
        cls,
        spec: StudySpec,
        budget: Amount,
        targets: Sequence[str | float] = (),
        log: Collection[str] = (),
        reference: Mapping[str, float] | None = None,
        significance: float = 0.05,
    ) -> Question:
        """Read and check what the caller gave.

        Raises:
            InvalidSpecError: for a target, reference or level that cannot be.
            UnknownNameError: for a name that is no objective.
        """
        metrics = spec.objective_metrics
        names = [m.name for m in metrics]
        for name in (*log, *(reference or {})):
            if name not in names:
                raise UnknownNameError("objective", name, names)
        if len(names) == 1 and (log or reference):
            raise InvalidSpecError(
                "A logarithmic scale and a reference are for hypervolumes; these studies have one "
                f"objective, {names[0]}."
            )
        bad = {k: v for k, v in (reference or {}).items() if not _number(v)}
        if bad:
            raise InvalidSpecError(f"A reference is a finite number, got {bad}.")
        if not _number(significance) or not 0 < significance < 0.5:
            raise InvalidSpecError(f"significance must be between 0 and .5, got {significance!r}.")
        below = [k for k, v in (reference or {}).items() if k in log and v <= 0]
        if below:
            raise InvalidSpecError(
                f"The reference of {below[0]} must be positive on a logarithmic scale."
            )
        given = [targets] if isinstance(targets, (str, float, int)) else targets
        read = tuple(_target(one, len(names)) for one in given) or (Target(SHARE),)
        pairs = tuple((k, float(v)) for k, v in (reference or {}).items())
        return cls(metrics, budget, read, frozenset(log), pairs, float(significance))

    @property
    def single(self) -> bool:
        """Whether there is one objective, whose best value is the measure."""
        return len(self.objectives) == 1

    @property
    def turned(self) -> bool:
        """Whether smaller values of the only objective are better."""
        return self.single and not self.objectives[0].maximize

    @property
    def name(self) -> str:
        """The measure in words."""
        if not self.single:
            return "share of the best known hypervolume"
        unit = f" ({self.objectives[0].unit})" if self.objectives[0].unit else ""
        return f"best {self.objectives[0].name}{unit}"

    def shown(self, quality: ArrayLike) -> Floats:
        """Qualities as values that a person knows: with the objective's own sign."""
        values = np.asarray(quality, dtype=float)
        return -values if self.turned else values


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


def _target(given: str | float, objectives: int) -> Target:
    text = str(given).strip()
    share = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = np.nan
    if share and 0 < number <= 100:
        return Target(share=number / 100)
    if objectives == 1 and not share and np.isfinite(number):
        return Target(value=number)
    also = " or, with one objective, a value such as 0.915" if objectives == 1 else ""
    raise InvalidSpecError(f"A target is a share such as 95%{also}, got {given!r}.")


@dataclass(frozen=True)
class Measure:
    """The qualities of all runs on one scale.

    Attributes:
        question: what is measured.
        qualities: [contestant][run] -> quality after each finished trial, (trials,); larger is
            better.
        start: quality before the first trial.
        best: the best known quality: 1 for hypervolumes, else the best value.
        typical: quality of a typical random network (median of random search); the zero of shares.
        reference: where volumes begin, in the objectives' units; () for one objective.
        front: number of points of the best known front; 0 for one objective.
        from_task: whether the best known comes from the task and not from the runs.
    """

    question: Question
    qualities: tuple[tuple[Floats, ...], ...]
    start: float
    best: float
    typical: float
    reference: tuple[float, ...] = ()
    front: int = 0
    from_task: bool = False

    def quality_of(self, target: Target) -> float:
        """The quality at which a target is reached."""
        if target.value is not None:
            return -target.value if self.question.turned else target.value
        assert target.share is not None
        return self.typical + target.share * (self.best - self.typical)

    def at(self, costs: Floats, qualities: Floats, spent: ArrayLike) -> Floats:
        """Qualities of a run when so much is spent: of the trials that had ended by then.

        Args:
            costs: (trials,), not falling.
            qualities: (trials,).
            spent: any shape.
        """
        padded = np.concatenate([[self.start], qualities])
        # A sum of hours may miss its budget by a last bit.
        enough = np.asarray(spent, dtype=float) * (1 + 1e-12)
        return padded[np.searchsorted(costs, enough, side="right")]


def measure(
    question: Question,
    runs: Sequence[Sequence[Trajectory]],
    random: Sequence[int],
    known: ArrayLike | None = None,
) -> Measure:
    """Put all runs on one scale.

    Args:
        question: what is measured.
        runs: [contestant][run].
        random: indices of the contestants that search at random.
        known: the task's true front, (points, objectives) in the objectives' units; None takes the
            best that any run has found.

    Raises:
        InvalidSpecError: when no run has a value, or a value cannot be on a logarithmic scale.
    """
    found = np.concatenate([run.values for row in runs for run in row])
    found = found[np.isfinite(found).all(axis=1)]
    if not len(found):
        raise InvalidSpecError(
            "No run has a network with a value that counts: every trial was pruned, failed or "
            "broke a constraint."
        )
    best = found if known is None else np.array(known, dtype=float).reshape(-1, found.shape[1])
    if question.single:
        return _single(question, runs, random, found, best, known is not None)
    return _several(question, runs, found, best, known is not None)


def _single(
    question: Question,
    runs: Sequence[Sequence[Trajectory]],
    random: Sequence[int],
    found: Floats,
    best: Floats,
    from_task: bool,
) -> Measure:
    sign = -1.0 if question.turned else 1.0
    start = float((sign * found).min())

    def quality(run: Trajectory) -> Floats:
        values = sign * run.values[:, 0]
        return np.maximum.accumulate(np.where(np.isfinite(values), values, start))

    drawn = np.concatenate([run.values[:, 0] for i in random for run in runs[i]] or [found[:, 0]])
    drawn = drawn[np.isfinite(drawn)]
    typical = float(np.median(sign * drawn)) if len(drawn) else start
    return Measure(
        question,
        tuple(tuple(quality(run) for run in row) for row in runs),
        start=start,
        best=float((sign * best).max()),
        typical=typical,
        from_task=from_task,
    )


def _several(
    question: Question,
    runs: Sequence[Sequence[Trajectory]],
    found: Floats,
    best: Floats,
    from_task: bool,
) -> Measure:
    directions = [m.direction for m in question.objectives]
    logs = np.array([m.name in question.log for m in question.objectives])
    _check_positive(question, logs, np.concatenate([found, best]))
    found, best = _scaled(found, logs), _scaled(best, logs)
    worst = reference_point(found, directions)
    given = dict(question.reference)
    for i, m in enumerate(question.objectives):
        if m.name in given:
            worst[i] = np.log10(given[m.name]) if logs[i] else given[m.name]
    front = best[nondominated(best, directions)]
    whole = hypervolume(front, directions, worst)
    if whole <= 0:
        raise InvalidSpecError(
            "No network is better than the reference in every objective, so there is no volume to "
            f"measure; give a worse reference than {_words(question, worst, logs)}."
        )
    scale = 1.0 / whole
    return Measure(
        question,
        tuple(
            tuple(_volumes(_scaled(run.values, logs), directions, worst) * scale for run in row)
            for row in runs
        ),
        start=0.0,
        best=1.0,
        typical=0.0,
        reference=tuple(_unscaled(worst, logs).tolist()),
        front=len(np.unique(front, axis=0)),
        from_task=from_task,
    )


def _volumes(values: Floats, directions: Sequence[str], worst: Floats) -> Floats:
    """Hypervolume of the points up to each one, (trials,)."""
    sign = np.array([1.0 if d == "maximize" else -1.0 for d in directions])
    gains = (values - worst) * sign  # a point adds volume when all are positive
    front = np.empty((0, len(sign)))
    volumes, volume = np.zeros(len(values)), 0.0
    for i, gain in enumerate(gains):
        counts = np.isfinite(gain).all() and (gain > 0).all()
        # By a new point that another is at least as good as, nothing changes.
        if counts and not (front >= gain).all(axis=1).any():
            front = np.vstack([front[~(front <= gain).all(axis=1)], gain])
            volume = hypervolume(front, ["maximize"] * len(sign), np.zeros(len(sign)))
        volumes[i] = volume
    return volumes


def _scaled(values: Floats, logs: NDArray[np.bool_]) -> Floats:
    scaled = values.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled[:, logs] = np.log10(scaled[:, logs])
    return scaled


def _unscaled(point: Floats, logs: NDArray[np.bool_]) -> Floats:
    shown = point.copy()
    shown[logs] = 10.0 ** shown[logs]
    return shown


def _check_positive(question: Question, logs: NDArray[np.bool_], values: Floats) -> None:
    for i, m in enumerate(question.objectives):
        if logs[i] and (values[:, i] <= 0).any():
            raise InvalidSpecError(
                f"{m.name} has the value {values[:, i].min():g}, which a logarithmic scale cannot "
                "show; leave it out of --log."
            )


def _words(question: Question, worst: Floats, logs: NDArray[np.bool_]) -> str:
    shown = _unscaled(worst, logs)
    return ", ".join(f"{m.name} {v:.4g}" for m, v in zip(question.objectives, shown, strict=True))
