"""Which sampler suits a study, by what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from optunas.samplers import OWN
from optunas.space import Space
from optunas.study.space_report.measured import (
    BEST,
    BLIND,
    FRONT,
    FRONT_NETWORKS,
    ONE_KNOWN,
    OPTIONS,
    front_row,
)
from optunas.study.spec import StudySpec

__all__ = ["Advice", "advise"]

STARTUP = 10
"""Trials before samplers that predict begin to: 8 of cheap_aware, 10 of tpe and surrogate."""

RAW_PER_TRIAL = 10
"""Codes that exhaustive samplers may visit for each trial that counts: the rest is reused, and a
study ends after ten times its budget of these."""

LEVEL = 0.02
"""Difference of hypervolume that seeds make."""

LEVEL_NETWORKS = 1.5
"""Times as many networks to the best one that seeds make."""

TABLES = "tests/benchmarks/searchers.py and classical.py, on NAS-Bench-201, medians over seeds"
MADE_UP = "tests/benchmarks/searchers.py, made-up spaces of 30 hyperparameters, medians over seeds"
HYPER = "tests/benchmarks/hyperparameters.py, tables of HPOBench and HPOLib, medians over seeds"

SHOWN = ("cheap_aware", "tpe", "nsga2", "random")

TPE_UP_TO = 200
"""Trials up to which TPE was ahead with several objectives; then NSGA-II is level, and TPE's own
time, which grows with the trials, was 36 times NSGA-II's at 1,000 trials and three objectives."""

RANDOM = ("random", "unique_random")
NEVER = (*RANDOM, "nsga2")
"""Samplers that did not find the best network of NAS-Bench-201 in half of the runs of 1,000."""


@dataclass(frozen=True)
class Advice:
    """A sampler beside the study's.

    Attributes:
        recommended: the one that suits the study.
        reason: why that one, a clause that ends the sentence.
        fits: whether the study's own is about as good; None where nothing is known of it.
        source: where the figures come from; None where there are none.
    """

    recommended: str
    reason: str
    fits: bool | None
    source: str | None = None


def advise(
    spec: StudySpec, trials: int | None, exhaustible: bool, options: int, known: int
) -> Advice:
    """The sampler that suits a study.

    Args:
        spec: the study.
        trials: of its budget; None when only time limits it.
        exhaustible: whether they are enough for all candidates.
        options: of the space's parameters.
        known: objectives whose values are known before training.
    """
    if exhaustible:
        if _codes(spec.space) <= (1 + RAW_PER_TRIAL) * (trials or 0):
            fits = spec.sampler in ("brute_force", "grid")
            return Advice("brute_force", "it tries each candidate once and then ends.", fits)
        reason = "it tries no candidate twice; brute_force would walk through many equal codes."
        return Advice("unique_random", reason, spec.sampler in OWN)
    recommended, reason, source = _recommended(spec, trials, options, known)
    if trials is not None and trials <= STARTUP:
        fits = spec.sampler not in ("brute_force", "grid")
        reason = "though with so few trials every sampler is nearly a random one."
        return Advice(recommended, reason, fits)
    return Advice(recommended, reason, _fits(spec, recommended, trials, options, known), source)


def _recommended(
    spec: StudySpec, trials: int | None, options: int, known: int
) -> tuple[str, str, str | None]:
    several, architecture = len(spec.objectives) > 1, spec.space.num_architectures() > 0
    if several and not known:
        return _nothing_known(trials, options)
    if architecture:
        if several:
            learned = len(spec.objectives) - known
            return "cheap_aware", _front(trials, options, learned), TABLES
        return "cheap_aware", _best(), TABLES
    if several:
        reason = (
            "with two costs known before training, 100 trials reached a hypervolume of 1.8 to 2.7 "
            "on made-up spaces, with tpe .79 to .85."
        )
        return "cheap_aware", reason, MADE_UP
    reason = (
        "after 60 trials on six tables of hyperparameters (3 seeds) tpe and cheap_aware were ahead "
        "on three each, and a suggestion of tpe takes a tenth of the time."
    )
    return "tpe", reason, HYPER


def _nothing_known(trials: int | None, options: int) -> tuple[str, str, str | None]:
    if trials is not None and trials > TPE_UP_TO:
        reason = (
            f"no objective is known before training, and from {TPE_UP_TO} trials on it was level "
            "with tpe, whose own time was 36 times as long at 1,000 trials and three objectives."
        )
        return "nsga2", reason, TABLES
    row = max(row for row in (50, 100, 200) if row <= max(50, front_row(trials, options)))
    reason = (
        "no objective is known before training; on NAS-Bench-201 with three objectives "
        f"{_shares(row, BLIND)} (of the true front's hypervolume)."
    )
    return "tpe", reason, TABLES


def _best() -> str:
    others = ", ".join(f"{name} {count}" for name, count in BEST.items() if name != "cheap_aware")
    return (
        f"on NAS-Bench-201 it found the best of 15,625 cells after {BEST['cheap_aware']} networks; "
        f"{others}; NSGA-II did in half of the runs of 1,000, random search in 7 % of them."
    )


def _front(trials: int | None, options: int, learned: int) -> str:
    first, others = "cheap_aware", [name for name in FRONT_NETWORKS if name != "cheap_aware"]
    later = ", ".join(f"{name} after about {FRONT_NETWORKS[name]}" for name in others)
    row = front_row(trials, options)
    one_known = (
        f" Where one of the costs has to be learned too, {100 * ONE_KNOWN[100]:.0f} % took 100 "
        "networks."
    )
    return (
        "with three objectives on NAS-Bench-201, two of them known before training, it reached "
        f"95 % of the true front's hypervolume after {FRONT_NETWORKS[first]} networks, {later}; "
        f"{_shares(row, SHOWN)}." + (one_known if learned > 1 else "")
    )


def _shares(row: int, names: tuple[str, ...]) -> str:
    found = [f"{100 * FRONT[row][name]:.0f} % with {name}" for name in names if name in FRONT[row]]
    return f"{row} networks ({row / OPTIONS:.1f} per option) reached {', '.join(found)}"


def _fits(
    spec: StudySpec, recommended: str, trials: int | None, options: int, known: int
) -> bool | None:
    """Whether the study's own sampler is about as good as the recommended one; None: unknown."""
    given, several = spec.sampler, len(spec.objectives) > 1
    architecture = spec.space.num_architectures() > 0
    if given == recommended:
        return True
    if given in ("grid", "brute_force", *RANDOM):
        return False
    if several:
        if known and not architecture:
            return False if given in ("tpe", "nsga2") else None
        return _level(given, recommended, front_row(trials, options), bool(known))
    if not architecture:
        return True if given == "cheap_aware" else None
    if given in NEVER:
        return False
    return BEST[given] <= LEVEL_NETWORKS * BEST[recommended] if given in BEST else None


def _level(given: str, recommended: str, row: int, known: bool) -> bool | None:
    scores = FRONT[row]
    if given not in scores or recommended not in scores or not (known or given in BLIND):
        return None
    return scores[given] >= scores[recommended] - LEVEL


def _codes(space: Space[Any]) -> int | float:
    """Settings of all parameters, as exhaustive samplers walk them: conditions do not cut them."""
    sizes = [parameter.size for parameter in space.parameters().values()]
    return math.inf if math.inf in sizes else math.prod(int(size) for size in sizes)
