"""From measured networks to a model with its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.metrics.predicted.agreement import Report, agreement, straight_line
from optunas.metrics.predicted.design import design_of
from optunas.metrics.predicted.fingerprint import Fingerprint
from optunas.metrics.predicted.model import LatencyModel
from optunas.metrics.predicted.prices import Prices, fit_prices, guesses
from optunas.metrics.predicted.question import Question
from optunas.metrics.predicted.selection import choose_recipe, predicted

__all__ = ["FEWEST", "Measured", "check_counts", "fit_model"]

FEWEST = 10
"""Networks to fit to, at least."""

FEWEST_HELD_OUT = 5
"""Networks to judge by, at least."""

Measured = Sequence[tuple[Any, float]]
"""Members and their milliseconds."""


def fit_model(
    question: Question,
    fit: Measured,
    held_out: Measured,
    device: Fingerprint,
    table: Mapping[str, float] | None = None,
    repeat: float | None = None,
) -> LatencyModel:
    """Fit prices to ``fit`` and report how they do on ``held_out``.

    The recipe is chosen by cross-validation inside ``fit``; nothing of ``held_out`` is seen before
    the report.

    Args:
        question: whose networks.
        fit, held_out: members and measured milliseconds; ``held_out`` may be empty (no report).
        device: where they were measured.
        table: milliseconds of single operations by key.
        repeat: rank correlation between two halves of the measurement itself.

    Raises:
        InvalidSpecError: for too few networks, or times that are not positive.
    """
    _check(fit, held_out)
    ms = np.array([value for _, value in fit], dtype=float)
    design = design_of([question.network(member) for member, _ in fit])
    recipe, _ = choose_recipe(design, ms, table)
    prices = fit_prices(design, ms, recipe, table)
    report = None
    if held_out:
        report = _report(question, fit, held_out, prices, table, repeat)
    return LatencyModel(question.settings, device, prices, report, str(recipe), len(fit))


def _report(
    question: Question,
    fit: Measured,
    held_out: Measured,
    prices: Prices,
    table: Mapping[str, float] | None,
    repeat: float | None,
) -> Report:
    ms = np.array([value for _, value in held_out], dtype=float)
    design = design_of([question.network(member) for member, _ in held_out])
    slope, constant = straight_line(
        [_macs(question, member) for member, _ in fit], [value for _, value in fit]
    )
    line = [slope * _macs(question, member) + constant for member, _ in held_out]
    summed = None
    if table:
        summed = agreement(design.built @ guesses(design, np.array(prices.rates), table), ms)
    model = agreement(predicted(prices, design), ms)
    return Report(len(held_out), model, agreement(line, ms), summed, repeat)


def _macs(question: Question, member: Any) -> float:
    network = question.network(member)
    return float(sum(term.work.macs * times for term, (times, _) in network.terms.items()))


def check_counts(fit: int, held_out: int) -> None:
    """Refuse too few networks.

    Raises:
        InvalidSpecError: for fewer than ten to fit to, or one to four held out.
    """
    if fit < FEWEST:
        raise InvalidSpecError(
            f"A latency model is fitted to at least {FEWEST} measured networks, got {fit}; "
            "measure more."
        )
    if held_out < 0 or 0 < held_out < FEWEST_HELD_OUT:
        raise InvalidSpecError(
            f"A latency model is judged by at least {FEWEST_HELD_OUT} held-out networks (or none), "
            f"got {held_out}; measure more."
        )


def _check(fit: Measured, held_out: Measured) -> None:
    check_counts(len(fit), len(held_out))
    wrong = [value for _, value in (*fit, *held_out) if not 0 < value < float("inf")]
    if wrong:
        raise InvalidSpecError(f"Measured milliseconds must be positive numbers, got {wrong[0]!r}.")
