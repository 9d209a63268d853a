"""Whether a budget suits a space, and which sampler suits both.

The measure is the number of trials for each option of the parameters: an option that no trial has
tried is one that no sampler can judge. It transfers what was measured on NAS-Bench-201 (6
parameters with 5 options each) to spaces of another shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from optunas.space import Space
from optunas.study.space_report.narrow import Narrowing, narrowings, options
from optunas.study.space_report.numbers import for_json, per_option
from optunas.study.spec import StudySpec

__all__ = ["Fit", "fit"]

RECORD = {
    50: {"tpe": 0.80, "nsga2": 0.68, "random": 0.62},
    100: {"tpe": 0.88, "nsga2": 0.79, "random": 0.73},
    200: {"tpe": 0.93, "nsga2": 0.92, "random": 0.83},
    500: {"nsga2": 0.97, "random": 0.89},
    1000: {"nsga2": 0.98, "random": 0.94},
}
"""Networks tried -> share of the true front's hypervolume: three objectives on NAS-Bench-201,
medians over 3 to 10 seeds, NSGA-II with a population of 20, TPE multivariate."""

RECORD_OPTIONS = 30
"""Options of that space: 6 parameters with 5 each."""

TOO_FEW = 1.0
"""Trials per option below which a space is far too large. There (20 to 30 networks on
NAS-Bench-201) a predictor's rank correlation with the accuracy was .35, at 3.3 it was .66."""

ENOUGH = 3.0
"""Trials per option from which a budget fits."""

NOTHING_TO_LEARN = "Many options are tried once or never, so a sampler has little to go by."

TPE_UP_TO = 200
"""Trials up to which TPE was ahead with several objectives; then NSGA-II is level, and TPE's own
time, which grows with the trials, was 36 times NSGA-II's at 1,000 trials and three objectives."""

LEVEL = 0.02
"""Difference of hypervolume that seeds make."""

STARTUP = 10
"""Trials that TPE draws at random before it learns."""

RAW_PER_TRIAL = 10
"""Codes that exhaustive samplers may visit for each trial that counts: the rest is reused, and a
study ends after ten times its budget of these."""


@dataclass(frozen=True)
class Fit:
    """A budget beside a space.

    Attributes:
        trials: of the budget, or those that its epochs pay for; None when only time limits it.
        distinct: candidates that differ, at most.
        options: of all parameters.
        verdict: ``exhaustible`` (every candidate can be tried), ``fits``, ``large`` (the sampler
            has little to learn from), ``too_large``, or ``unknown`` without a number of trials.
        given: the study's sampler.
        recommended: the one that fits.
        sampler_fits: whether the study's is about as good as that; None where nothing is known.
        reason: why that one.
        narrowings: the three most effective.
    """

    trials: int | None
    distinct: int | float
    options: int
    verdict: str
    given: str
    recommended: str
    sampler_fits: bool | None
    reason: str
    narrowings: tuple[Narrowing, ...]

    @property
    def per_option(self) -> float | None:
        """Trials for each option."""
        return None if self.trials is None or not self.options else self.trials / self.options

    @property
    def trials_that_fit(self) -> int:
        """The smallest budget that fits: three trials an option, or every candidate."""
        return int(min(self.distinct, math.ceil(ENOUGH * self.options)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        per_option = self.per_option
        return {
            "trials": self.trials,
            "distinct": for_json(self.distinct),
            "options": self.options,
            "trials_per_option": per_option,
            "trials_that_fit": self.trials_that_fit,
            "verdict": self.verdict,
            "text": self.text(),
            "sampler": {
                "given": self.given,
                "recommended": self.recommended,
                "fits": self.sampler_fits,
                "reason": self.reason,
            },
            "narrowings": [
                n.to_dict()
                | {
                    "trials_per_option": self.trials / n.options
                    if self.trials and n.options
                    else None
                }
                for n in self.narrowings
            ],
        }

    def text(self) -> str:
        """The verdict in a sentence or two."""
        why = {
            "fits": f" That is enough to learn from ({ENOUGH:g} or more).",
            "large": f" A sampler learns something; the budget fits from {self._enough}.",
            "too_large": f" {NOTHING_TO_LEARN} The budget fits from {self._enough}.",
        }
        return self.ratio() + why.get(self.verdict, "")

    @property
    def _enough(self) -> str:
        return f"{ENOUGH:g} on, {self.trials_that_fit:,} trials"

    def ratio(self) -> str:
        """Trials beside candidates or options, in one sentence."""
        if self.trials is None:
            return (
                "The budget limits time, not trials: 'optunas study run FILE --dry-run' says how "
                f"many it pays for; {self.trials_that_fit:,} would fit this space."
            )
        many = f"{self.trials:,} trial{'' if self.trials == 1 else 's'}"
        if self.verdict == "exhaustible":
            if self.distinct == 0:
                return "There is no candidate that can learn."
            if self.distinct == 1:
                return "There is a single candidate."
            return f"{many} are enough for all {int(self.distinct):,} different candidates."
        each = self.trials / max(1, self.options)
        return f"{many} for {self.options:,} options are {per_option(each)} per option."


def fit(spec: StudySpec, distinct: int | float, planned_epochs: int | None) -> Fit:
    """Compare a study's budget and sampler with its space.

    Args:
        spec: the study.
        distinct: candidates of the space that differ, or an upper bound.
        planned_epochs: of one training, where the task says.
    """
    space, trials = spec.space, _trials(spec, planned_epochs)
    total = options(space)
    verdict = _verdict(trials, distinct, total)
    recommended, reason = _recommend(spec, trials, verdict, space, total)
    return Fit(
        trials=trials,
        distinct=distinct,
        options=total,
        verdict=verdict,
        given=spec.sampler,
        recommended=recommended,
        sampler_fits=_suits(spec.sampler, recommended, trials, total, len(spec.objectives)),
        reason=reason,
        narrowings=tuple(narrowings(space)[:3]),
    )


def _trials(spec: StudySpec, planned_epochs: int | None) -> int | None:
    """The trials that the budget's trials and epochs allow, without pruning."""
    limits = [spec.budget.trials]
    if spec.budget.epochs is not None and planned_epochs:
        limits.append(max(1, spec.budget.epochs // planned_epochs))
    return min((limit for limit in limits if limit is not None), default=None)


def _verdict(trials: int | None, distinct: int | float, total: int) -> str:
    if trials is None:
        return "unknown"
    if trials >= distinct:
        return "exhaustible"
    each = trials / max(1, total)
    return "too_large" if each < TOO_FEW else "large" if each < ENOUGH else "fits"


def _recommend(
    spec: StudySpec, trials: int | None, verdict: str, space: Space, total: int
) -> tuple[str, str]:
    """The sampler that fits, and why."""
    several = len(spec.objectives) > 1
    if verdict == "exhaustible" and _codes(space) <= (1 + RAW_PER_TRIAL) * (trials or 0):
        return "brute_force", "it tries each candidate once and then ends."
    if trials is not None and trials <= STARTUP:
        return "tpe", (
            f"though its first {STARTUP} trials are random: with so few, every sampler is a "
            "random one."
        )
    if not several:
        return "tpe", (
            "on NAS-Bench-201 it found the best of 15,625 cells after 104 networks (mean over "
            "seeds); NSGA-II found it in half of the runs of 1,000, random search in 7 % of them."
        )
    if trials is not None and trials > TPE_UP_TO:
        return "nsga2", (
            f"from {TPE_UP_TO} trials on it is level with tpe, whose own time was 36 times as long "
            "at 1,000 trials and three objectives."
        )
    return "tpe", _measured(trials, total)


def _measured(trials: int | None, total: int) -> str:
    row = _record(trials, total)
    found = RECORD[row]
    shares = ", ".join(f"{100 * share:.0f} % with {name}" for name, share in found.items())
    return (
        f"on NAS-Bench-201 with three objectives {row} networks ({row / RECORD_OPTIONS:.1f} per "
        f"option) reached {shares} (of the true front's hypervolume)."
    )


def _record(trials: int | None, total: int) -> int:
    """The row of RECORD with as many trials per option, or the nearest below where TPE stands."""
    scaled = (trials or 0) / max(1, total) * RECORD_OPTIONS
    rows = [n for n in RECORD if "tpe" in RECORD[n]]
    return max((n for n in rows if n <= scaled), default=min(rows))


def _codes(space: Space) -> int | float:
    """Settings of all parameters, as exhaustive samplers walk them: conditions do not cut them."""
    sizes = [parameter.size for parameter in space.parameters().values()]
    return math.inf if math.inf in sizes else math.prod(int(size) for size in sizes)


def _suits(
    given: str, recommended: str, trials: int | None, total: int, objectives: int
) -> bool | None:
    """Whether the study's own sampler is about as good as the recommended one; None: unknown."""
    if given == recommended:
        return True
    if recommended == "brute_force":
        return given == "grid"
    if given in ("grid", "brute_force"):
        return False
    if trials is not None and trials <= STARTUP:
        return True
    if given == "gp" and objectives > 1 and trials is not None and trials > TPE_UP_TO:
        return False
    if objectives == 1:
        return False if given in ("random", "nsga2", "nsga3") else None
    scores = RECORD[_record(trials, total)]
    if given not in scores:
        return None
    return scores[given] >= scores[recommended] - LEVEL
