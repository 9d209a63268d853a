"""Which sampler suits a study, by what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optunas.samplers import OWN
from optunas.space import Space
from optunas.study.space_report.measured import (
    BEST,
    FRONT,
    FRONT_NETWORKS,
    ONE_KNOWN,
    OPTIONS,
    blind_row,
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
        return _nothing_known(architecture, trials, options)
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


def _nothing_known(
    architecture: bool, trials: int | None, options: int
) -> tuple[str, str, str | None]:
    if not architecture:
        reason = (
            "no objective is known before training; 100 trials of it reached a hypervolume of 1.2 "
            "to 1.4 on made-up spaces, of tpe .81 to .83."
        )
        return "cheap_aware", reason, MADE_UP
    reason = (
        "no objective is known before training; on NAS-Bench-201 with three objectives "
        f"{_told(front_row(trials, options), blind_row(trials, options), SHOWN)} (of the true "
        "front's hypervolume)."
    )
    return "cheap_aware", reason, TABLES


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
        f"{_told(row, FRONT[row], SHOWN)}." + (one_known if learned > 1 else "")
    )


def _told(row: int, shares: Mapping[str, float], names: tuple[str, ...]) -> str:
    found = [f"{100 * shares[name]:.0f} % with {name}" for name in names if name in shares]
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
        if not architecture:
            return False if given in ("tpe", "nsga2") else None
        row = FRONT[front_row(trials, options)] if known else blind_row(trials, options)
        return _level(row, given, recommended)
    if not architecture:
        return True if given == "cheap_aware" else None
    if given in NEVER:
        return False
    return BEST[given] <= LEVEL_NETWORKS * BEST[recommended] if given in BEST else None


def _level(scores: Mapping[str, float], given: str, recommended: str) -> bool | None:
    if given not in scores or recommended not in scores:
        return None
    return scores[given] >= scores[recommended] - LEVEL


def _codes(space: Space[Any]) -> int | float:
    """Settings of all parameters, as exhaustive samplers walk them: conditions do not cut them."""
    sizes = [parameter.size for parameter in space.parameters().values()]
    return math.inf if math.inf in sizes else math.prod(int(size) for size in sizes)
