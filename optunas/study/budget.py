"""Budgets: what a study may use, what it has used, and why it stops.

What has been used is summed from the trials' own attributes, never counted in the study: counters
in a storage lose updates when several processes write them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

from optuna.trial import FrozenTrial, TrialState

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.objective import SPENT
from optunas.objective.resuming import RESUMED_EPOCHS
from optunas.pruning import curve
from optunas.pruning.lineage import RESUMES

__all__ = ["Budget", "Usage", "counts", "epochs_of", "outcomes", "seconds_of", "usage"]


@dataclass(frozen=True)
class Budget:
    """The limits of a study; None means no limit. The first limit reached ends the study.

    Attributes:
        trials: total of COMPLETE and PRUNED trials; failed and reused ones do not count, nor do
            promotions, which go on from one that counts already.
        epochs: total epochs trained over all trials, failed ones included.
        wall_seconds: seconds in which at least one trial ran, over all runs.
        device_hours: hours of training, summed over all trials (recorded hours for tables).
        patience_trials: end after so many counted trials without a new member of the front.
        patience_generations: the same in generations of a genetic sampler.
    """

    trials: int | None = 100
    epochs: int | None = None
    wall_seconds: float | None = None
    device_hours: float | None = None
    patience_trials: int | None = None
    patience_generations: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            whole = name not in ("wall_seconds", "device_hours")
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                kind = "a whole number" if whole else "a number"
                raise InvalidSpecError(f"The budget's {name} must be {kind}, got {value!r}.")
            if not value > 0 or math.isinf(value):
                raise InvalidSpecError(
                    f"The budget's {name} must be positive and finite, got {value!r}."
                )
        if all(getattr(self, name) is None for name in LIMITS):
            raise InvalidSpecError(
                f"A budget needs at least one limit of {', '.join(LIMITS)}; all are None."
            )

    @classmethod
    def from_dict(cls, body: dict[str, float | None]) -> Budget:
        """The budget whose ``asdict`` is ``body``; unknown limits raise ``UnknownNameError``."""
        known = [f.name for f in fields(cls)]
        for name in body:
            if name not in known:
                raise UnknownNameError("budget limit", name, known)
        return cls(**body)  # type: ignore[arg-type]

    def override(self, trials: int | None = None, wall_seconds: float | None = None) -> Budget:
        """This budget with the given limits replaced; None keeps a limit."""
        budget = self if trials is None else replace(self, trials=trials)
        return budget if wall_seconds is None else replace(budget, wall_seconds=wall_seconds)

    def reached(self, used: Usage) -> str | None:
        """The sentence that says which limit is reached, or None while the study may go on."""
        for name in LIMITS:
            limit, value = getattr(self, name), getattr(used, name)
            if limit is not None and value >= limit:
                return f"The budget of {_amount(name, limit)} is used."
        for name in ("patience_trials", "patience_generations"):
            limit, value = getattr(self, name), getattr(used, name)
            if limit is not None and value >= limit:
                return f"No better front for {limit} {name.removeprefix('patience_')}."
        return None

    def fraction_left(self, used: Usage) -> float:
        """Share of the scarcest limit that is left, in [0, 1]."""
        limits = [(getattr(self, n), getattr(used, n)) for n in LIMITS]
        return max(0.0, min(1 - value / limit for limit, value in limits if limit is not None))


LIMITS = ("trials", "epochs", "wall_seconds", "device_hours")


@dataclass(frozen=True)
class Usage:
    """What the trials of a study have used so far, RUNNING ones included."""

    trials: int = 0
    epochs: int = 0
    wall_seconds: float = 0.0
    device_hours: float = 0.0
    patience_trials: int = 0
    patience_generations: int = 0


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial counts against ``Budget.trials``: it trained, or does, for the first time."""
    return _trains(trial) and RESUMES not in trial.user_attrs


def _trains(trial: FrozenTrial) -> bool:
    charged = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    return trial.state in charged and not _UNTRAINED.keys() & trial.user_attrs.keys()


def _spent(trial: FrozenTrial) -> tuple[int, float, float]:
    epochs, seconds, when = json.loads(trial.user_attrs.get(SPENT, "[0, 0.0, 0.0]"))
    return epochs, seconds, when


def epochs_of(trial: FrozenTrial) -> int:
    """Epochs that a trial has trained so far; a promotion's are those that it added."""
    if "epochs" in trial.user_attrs:
        return int(trial.user_attrs["epochs"])
    before = int(trial.user_attrs.get(RESUMED_EPOCHS, 0))
    return max(_spent(trial)[0], len(curve(trial)) - before, 0)


def seconds_of(trial: FrozenTrial) -> float:
    """Seconds of training that a trial has cost so far (recorded seconds for tables)."""
    if "seconds" in trial.user_attrs:
        return float(trial.user_attrs["seconds"])
    return _spent(trial)[1]


def last_sign_of_life(trial: FrozenTrial) -> float:
    """Unix time of the trial's last epoch, or of its start."""
    start = trial.datetime_start
    return max(_spent(trial)[2], start.timestamp() if start else 0.0)


def usage(
    trials: Sequence[FrozenTrial], joined: Sequence[int] = (), generation_key: str = ""
) -> Usage:
    """Sum what ``trials`` have used.

    Args:
        trials: all trials of the study, in any state.
        joined: numbers of the trials that joined the front when they finished.
        generation_key: system attribute that holds a genetic sampler's generation.
    """
    used = Usage(
        trials=sum(counts(t) for t in trials),
        epochs=sum(epochs_of(t) for t in trials),
        wall_seconds=_wall(trials),
        device_hours=sum(seconds_of(t) for t in trials) / 3600,
    )
    return with_patience(used, trials, joined, generation_key)


def with_patience(
    used: Usage, trials: Sequence[FrozenTrial], joined: Sequence[int], generation_key: str
) -> Usage:
    """``used`` with what passed since the last trial of ``joined``; see :func:`usage`."""
    since = max(joined, default=-1)
    later = [t for t in trials if t.number > since and t.state.is_finished() and counts(t)]
    generations = {
        t.system_attrs[generation_key] for t in later if generation_key in t.system_attrs
    }
    born = next((t.system_attrs.get(generation_key) for t in trials if t.number == since), None)
    # The newest generation is still filling: it counts once a later one has begun.
    passed = max(0, len(generations - {born}) - 1)
    return replace(used, patience_trials=len(later), patience_generations=passed)


def outcome(trial: FrozenTrial) -> list[str]:
    """The words of :data:`OUTCOMES` under which a trial is shown."""
    words = [word for attr, word in _UNTRAINED.items() if attr in trial.user_attrs]
    if _trains(trial) or trial.state in (TrialState.FAIL, TrialState.WAITING):
        words.append(_STATES[trial.state])
    if _trains(trial) and RESUMES in trial.user_attrs:
        words.append("promoted")
    return words


def outcomes(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """How many trials ended how, or have not: word of :data:`OUTCOMES` -> number."""
    found = [word for trial in trials for word in outcome(trial)]
    return {word: found.count(word) for word in OUTCOMES}


_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
_UNTRAINED = {"reused_from": "reused", "ruled_out": "ruled out"}

OUTCOMES = (
    "complete",
    "pruned",
    "promoted",
    "reused",
    "ruled out",
    "failed",
    "running",
    "waiting",
)
"""The words for how trials end, in the order in which they are shown; a promoted one has two."""


def _wall(trials: Sequence[FrozenTrial]) -> float:
    """Length of the union of the trials' time spans: parallel trials count once."""
    spans = sorted(span(t) for t in trials if t.datetime_start)
    total, reach = 0.0, -math.inf
    for start, end in spans:
        total += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return total


def span(trial: FrozenTrial) -> tuple[float, float]:
    """Unix times of a trial's start and end; a running one ends now."""
    assert trial.datetime_start is not None
    return trial.datetime_start.timestamp(), _end(trial)


def _end(trial: FrozenTrial) -> float:
    if "lost" in trial.user_attrs or trial.datetime_complete is None:
        # A trial whose worker died is marked later, perhaps days later: that time was not used.
        running = trial.state == TrialState.RUNNING and "lost" not in trial.user_attrs
        return time.time() if running else last_sign_of_life(trial)
    return trial.datetime_complete.timestamp()


def _amount(name: str, limit: float) -> str:
    words = {"wall_seconds": "seconds", "device_hours": "device hours"}
    return f"{limit:g} {words.get(name, name)}"
