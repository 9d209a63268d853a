"""Whether a budget suits a space.

The measure is the number of trials for each option of the parameters: an option that no trial has
tried is one that no sampler can judge. It transfers what was measured on NAS-Bench-201 (6
parameters with 5 options each) to spaces of another shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from optunas.study.space_report.advice import Advice, advise
from optunas.study.space_report.narrow import Narrowing, narrowings, options
from optunas.study.space_report.numbers import for_json, per_option
from optunas.study.spec import StudySpec

__all__ = ["Fit", "fit"]

TOO_FEW = 1.0
"""Trials per option below which a space is far too large. There (20 to 30 networks on
NAS-Bench-201) a predictor's rank correlation with the accuracy was .35, at 3.3 it was .66."""

ENOUGH = 3.0
"""Trials per option from which a budget fits."""

NOTHING_TO_LEARN = "Many options are tried once or never, so a sampler has little to go by."


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
        advice: which one suits it.
        narrowings: the three most effective.
    """

    trials: int | None
    distinct: int | float
    options: int
    verdict: str
    given: str
    advice: Advice
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
                "recommended": self.advice.recommended,
                "fits": self.advice.fits,
                "reason": self.advice.reason,
                "source": self.advice.source,
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


def fit(spec: StudySpec, distinct: int | float, planned_epochs: int | None, known: int = 0) -> Fit:
    """Compare a study's budget and sampler with its space.

    Args:
        spec: the study.
        distinct: candidates of the space that differ, or an upper bound.
        planned_epochs: of one training, where the task says.
        known: objectives whose values are known before training.
    """
    space, trials = spec.space, _trials(spec, planned_epochs)
    total = options(space)
    verdict = _verdict(trials, distinct, total)
    return Fit(
        trials=trials,
        distinct=distinct,
        options=total,
        verdict=verdict,
        given=spec.sampler,
        advice=advise(spec, trials, verdict == "exhaustible", total, known),
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
