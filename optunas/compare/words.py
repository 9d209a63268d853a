"""A comparison in sentences: who is better, by how much, and what is not significant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from optunas.compare import statistics
from optunas.compare.amount import AXES
from optunas.compare.measure import Target

if TYPE_CHECKING:
    from optunas.compare.comparison import Comparison, PairResult

__all__ = ["TOLD", "listed", "notes", "number", "probability", "sentences", "target_words"]


TOLD = 15
"""Pairs that are all told in sentences; of more than these, those with the best contestant."""


def number(value: float | None, digits: int = 4) -> str:
    """A value in a sentence or table; nothing for none."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def probability(p: float) -> str:
    """A probability: ``p = .031``, ``p < .0001``."""
    if p < 1e-4:
        return "p < .0001"
    text = f"{p:.2g}" if p < 0.995 else "1"
    return f"p = {text.removeprefix('0') if '.' in text else text}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def target_words(comparison: Comparison, target: Target) -> str:
    """A target in a sentence."""
    question = comparison.question
    if target.value is not None:
        name = question.objectives[0].name
        return f"{'an' if name[:1] in 'aeiou' else 'a'} {name} of {number(target.value, 6)}"
    share = f"{100 * (target.share or 0):g} %"
    if not question.single:
        return f"{share} of the best known hypervolume"
    level = float(question.shown(comparison.measure.quality_of(target)))
    return (
        f"{share} of the way to the best known {question.objectives[0].name} ({number(level, 6)})"
    )


def sentences(comparison: Comparison, against_best: bool = False) -> list[str]:
    """The result, most important first.

    Args:
        comparison: of whom.
        against_best: of the pairs only those with the contestant of the best mean rank.
    """
    found = [_first(comparison)]
    found += _overall(comparison)
    best = comparison.order[0]
    told = [r for r in comparison.tests if not against_best or r.first == best]
    found += [_pair(comparison, result) for result in told]
    found += [_reached(comparison, target) for target in comparison.question.targets]
    found += _too_few(comparison)
    return found


def _first(comparison: Comparison) -> str:
    best, *rest = comparison.order
    labels, count = comparison.labels, comparison.count
    if count < 2:
        return (
            f"With one seed nothing can be said about which is better; {labels[best]} came out "
            "first."
        )
    behind = {r.second: r for r in comparison.tests if r.first == best}
    level = comparison.question.significance
    clear = [labels[i] for i in rest if behind[i].p_holm < level and behind[i].test.difference > 0]
    open_ = [labels[i] for i in rest if labels[i] not in clear]
    text = (
        f"{labels[best]} has the best mean rank, {comparison.ranks[best]:.2f} of {len(labels)}, "
        f"over {count} paired runs"
    )
    if clear:
        text += f"; it is significantly better than {listed(clear)}"
    if open_:
        text += f"{', and' if clear else ';'} not significantly different from {listed(open_)}"
    return f"{text}."


def _overall(comparison: Comparison) -> list[str]:
    test, level = comparison.friedman, comparison.question.significance
    if test is None:
        return []
    k, n = len(comparison.labels), comparison.count
    numbers = (
        f"Friedman's test over {n} runs of {k} contestants (chi square {test.statistic:.2f}, "
        f"{probability(test.p)}; F {number(test.f)}, {probability(test.f_p)})"
    )
    if test.f_p >= level:
        return [f"{numbers} finds no significant difference between any of them."]
    difference = comparison.critical_difference
    return [
        f"{numbers} says that they are not all alike; mean ranks that are {difference:.2f} or more "
        f"apart differ significantly (Nemenyi)."
    ]


def _pair(comparison: Comparison, result: PairResult) -> str:
    test, question = result.test, comparison.question
    first, second = (comparison.labels[i] for i in (result.first, result.second))
    sign = -1 if question.turned else 1
    low, high = sorted((sign * test.low, sign * test.high))
    confidence = f"{100 * (1 - question.significance):g} %"
    if math.isinf(low):
        interval = f"too few runs for a {confidence} interval"
    else:
        interval = f"{confidence} interval {number(low, 3)} to {number(high, 3)}"
    equal = f", equal in {test.ties}" if test.ties else ""
    numbers = (
        f"difference {number(sign * test.difference, 3)} ({interval}), better in {test.wins} of "
        f"{comparison.count} runs{equal}, effect {test.effect:+.2f} "
        f"({test.effect_low:+.2f} to {test.effect_high:+.2f}), {probability(result.p_holm)} after "
        "Holm's correction"
    )
    if result.p_holm < question.significance:
        # The better mean rank is not always on the side of the larger differences.
        ahead = (first, second) if test.effect >= 0 else (second, first)
        return f"{ahead[0]} is significantly better than {ahead[1]}: {numbers}."
    return (
        f"The difference between {first} and {second} is not significant: {numbers}"
        f"{_needed(comparison, test)}."
    )


def _needed(comparison: Comparison, test: statistics.Pair) -> str:
    if test.wins == test.losses == 0:
        return "; all runs are equal"
    if test.needed is None:
        return ""
    if test.needed > 1000:
        return "; more than a thousand seeds would be needed to tell such a difference"
    if test.needed <= comparison.count:
        return ""
    return f"; about {test.needed} seeds would be needed to tell such a difference"


def _reached(comparison: Comparison, target: Target) -> str:
    axis, n = comparison.question.budget.axis, comparison.count
    parts, missing = [], 0
    for i in comparison.order:
        found = comparison.reach(i, target)
        missing += n - found.reached
        if math.isfinite(found.median):
            cost = number(found.median)
        else:
            cost = f"more than the budget (reached in {found.reached} of {n} runs)"
        parts.append(f"{comparison.labels[i]} {cost}")
    text = f"Median {AXES[axis]} to {target_words(comparison, target)}: {', '.join(parts)}."
    if missing:
        text += (
            f" {missing} of {n * len(parts)} runs did not get there within the budget; they are "
            "counted as censored, not left out."
        )
    return text


def _too_few(comparison: Comparison) -> list[str]:
    if comparison.count < 2:
        return []
    level = comparison.question.significance
    pairs = len(comparison.tests)
    fewest = statistics.fewest_runs(level / pairs)
    if comparison.count >= fewest:
        return []
    return [
        f"{comparison.count} seeds are too few: with {pairs} comparison{'s' if pairs > 1 else ''} "
        f"no test can come under {level:g} with fewer than {fewest} seeds, however clear the "
        "difference."
    ]


def notes(comparison: Comparison) -> list[str]:
    """What a reader must know to judge the numbers."""
    question, measured = comparison.question, comparison.measure
    found = [_scale(comparison)]
    if question.single:
        found.append(
            "A share is of the way from the median value of random search's networks, "
            f"{number(float(question.shown(measured.typical)), 6)}, to the best known, "
            f"{number(float(question.shown(measured.best)), 6)}"
            f"{' (said by the task)' if measured.from_task else ' (over all runs)'}. Before its "
            "first finished network a run has the worst value of all runs."
        )
    found.append(
        f"Every run spent {question.budget}; what ended later does not count. Run k of all "
        f"contestants has the same seed ({comparison.settings.seeds[0]} to "
        f"{comparison.settings.seeds[-1]}), so the same training seeds on the same data and split. "
        "Bands and intervals hold for "
        f"{100 * (1 - question.significance):g} %; the bands are of the median, bootstrapped over "
        "runs, at each point for itself."
        if comparison.settings.seeds
        else f"Every run spent {question.budget}."
    )
    found += _early(comparison)
    if comparison.settings.measured and comparison.settings.processes > 1:
        found.append(
            f"{listed(comparison.settings.measured)} was measured while "
            f"{comparison.settings.processes} processes ran; two readings of one network differ."
        )
    found.append(
        "The time to suggest is the mean over all trials, by the clock: on a busy machine it "
        "includes waiting for a processor."
    )
    if comparison.count > 1 and len(comparison.labels) > 2 and _nemenyi_differs(comparison):
        found.append(
            "Nemenyi's test, and so the picture, compares mean ranks alone; the signed-rank tests "
            "weigh each run's difference too. The two need not agree on every pair."
        )
    seeded = [one.label for one in comparison.contestants if one.entry.seeds]
    if seeded:
        found.append(
            f"{listed(seeded)} began with the seeds of the stored study; what it cost to find them "
            "is not in the budget."
        )
    return found


def _nemenyi_differs(comparison: Comparison) -> bool:
    """Whether a pair is significantly different by one kind of test alone."""
    level = comparison.question.significance
    return any((r.p_holm < level) != (r.p_nemenyi < level) for r in comparison.tests)


def _scale(comparison: Comparison) -> str:
    question, measured = comparison.question, comparison.measure
    if question.single:
        return f"The measure is the {question.name} of the finished networks."
    names = [
        f"{m.name} {number(v)}" + (" (logarithmic)" if m.name in question.log else "")
        for m, v in zip(question.objectives, measured.reference, strict=True)
    ]
    origin = "the task's true front" if measured.from_task else "the front of all runs together"
    return (
        f"The measure is the hypervolume of a run's front as a share of that of {origin} "
        f"({measured.front} points); volumes begin at {listed(names)}."
    )


def _early(comparison: Comparison) -> list[str]:
    found = []
    for label, row in zip(comparison.labels, comparison.runs, strict=True):
        early = [run for run in row if not run.spent]
        if early:
            reasons = sorted({run.reason for run in early})
            found.append(
                f"{label} ended {len(early)} of {len(row)} runs before the budget was spent; they "
                f"keep what they had found. {' '.join(reasons[:2])}"
            )
        failed = sum(run.failed for run in row)
        if failed:
            found.append(f"{label}: {failed} trials failed over all runs; what they cost counts.")
    return found
