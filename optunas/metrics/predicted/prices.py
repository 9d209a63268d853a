"""The prices of terms: a linear model of a network's latency, and how it is fitted.

The latency of a network is a constant and the sum of its terms' prices. A price starts from a
guess: the term's own time in a table of single operations where one was measured, else a roofline
of what it computes and moves. The fit corrects the guess by three things that are shared by more
and more terms: the term's key (name, channels, stride, resolution), its name, and all terms. Ridge
keeps the corrections small where the measured networks do not tell them apart (a hierarchical
regression), so there may be more terms than networks.

The errors that count are relative ones, and large ones count less (Huber), since a busy machine
makes some readings far too long.

Other regressors were tried on ten recorded devices (``tests/benchmarks/latency_prediction.py
regressors``: NAS-Bench-201, 1,000 other cells as judges, ten draws), and none won. From 30 cells,
means of the devices' median rho and share within a tenth: this model .978 and 87.3 %; least squares
on counts .977, 86.0 %; ridge with products of counts .962, 78.7 %; a Gaussian process with a linear
and an RBF kernel .976, 85.9 %; on logarithms of milliseconds .967, 79.1 % at best. What learned
only the rest that this model leaves had at most .978 and 86.7 % (ridge, Gaussian process, forest,
boosting). From 60 cells the order is the same: .978 and 87.7 % here, .978 and 86.8 % for the next.
Trees on 3,000 cells ranked none of seven devices better than this model does from 2,000, the
Raspberry Pi 4 excepted (.98, not .97): its runtime leaves out some operations that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls

from optunas.metrics.predicted.design import Design
from optunas.metrics.predicted.terms import Term

__all__ = ["Prices", "Recipe", "fit_prices", "guesses"]

Array = np.ndarray

HUBER = 1.345
"""Residuals beyond so many standard deviations count less (95 % efficient under the normal)."""

ROUNDS = 3
"""Fits with new weights; they change little afterwards."""

SMALLEST = 0.1
"""A relative error is over at least this fraction of the median latency."""


@dataclass(frozen=True)
class Recipe:
    """What a fit is allowed.

    Attributes:
        used: count only operations whose output is used, as compilers leave them.
        table: guess by the table of single operations.
        name, key: how stiff the corrections by name and by key are (ridge, over squared relative
            errors); infinite leaves them out.
    """

    used: bool = False
    table: bool = False
    name: float = 1e-2
    key: float = float("inf")

    def __str__(self) -> str:
        parts = ["the table of operations" if self.table else "work and memory traffic"]
        if np.isfinite(self.name):
            parts.append("corrected by operation")
        if np.isfinite(self.key):
            parts.append("and by place")
        if self.used:
            parts.append("(operations whose output is used)")
        return " ".join(parts)


@dataclass(frozen=True)
class Prices:
    """A fitted model; all in milliseconds.

    Attributes:
        constant: of every network.
        used: whether only operations whose output is used are counted.
        rates: (6,) milliseconds for a unit of each class of work.
        table: times of single operations by key; empty where the guess is by ``rates``.
        scale: factor of the guess of all terms.
        names: by name, the factor added to ``scale`` and the milliseconds for each such term.
        keys: by key, the factor added to ``scale``.
        floor: no network is faster.
    """

    constant: float
    used: bool
    rates: tuple[float, ...]
    scale: float = 1.0
    table: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    keys: Mapping[str, float] = field(default_factory=dict)
    floor: float = 0.0

    def price(self, term: Term) -> float:
        """Milliseconds of one term; never of a network's constant."""
        guess = self.guess(term)
        factor, each = self.names.get(term.name, (0.0, 0.0))
        return guess * (self.scale + factor + self.keys.get(term.key, 0.0)) + each

    def guess(self, term: Term) -> float:
        """What the price starts from."""
        known = self.table.get(term.key)
        if known is not None:
            return known
        return sum(rate * amount for rate, amount in zip(self.rates, term.work, strict=True))


def guesses(design: Design, rates: Array, table: Mapping[str, float]) -> Array:
    """(T,) the guess of each term: the table's where it has the term, else by ``rates``."""
    found = design.work @ rates
    for at, term in enumerate(design.terms):
        known = table.get(term.key)
        if known is not None:
            found[at] = known
    return found


def fit_prices(
    design: Design, ms: Array, recipe: Recipe, table: Mapping[str, float] | None = None
) -> Prices:
    """Fit ``ms`` (N,) by ``recipe``; ``table`` is needed where the recipe guesses by it."""
    counts = design.counts(recipe.used)
    table = dict(table or {}) if recipe.table else {}
    weight = 1 / np.maximum(ms, SMALLEST * np.median(ms))
    rates, constant = _rates(design, counts, ms, weight, table)
    guess = guesses(design, rates, table)
    columns, prior, stiff = _columns(design, counts, guess, ms, recipe, constant)
    found = _robust_ridge(columns, ms, weight, prior, stiff)
    return _prices(design, found, recipe, table, rates, ms)


def _rates(
    design: Design, counts: Array, ms: Array, weight: Array, table: Mapping[str, float]
) -> tuple[Array, float]:
    """Milliseconds a unit of work and the constant, none negative.

    With a table the rates are for terms that it lacks, and are fitted to the table.
    """
    if table:
        rows = [(term.work, table[term.key]) for term in design.terms if term.key in table]
        work = np.array([row for row, _ in rows], dtype=float)
        times = np.array([time for _, time in rows])
        small = 1 / np.maximum(times, SMALLEST * np.median(times))
        return _nnls(work * small[:, None], times * small), 0.0
    work = np.column_stack([counts @ design.work, np.ones(len(ms))])
    found = _nnls(work * weight[:, None], ms * weight)
    return found[:-1], float(found[-1])


def _nnls(a: Array, b: Array) -> Array:
    """Least squares without negative coefficients; columns are scaled for its tolerance."""
    size = np.sqrt((a**2).mean(axis=0))
    size[size == 0] = 1.0
    return nnls(a / size, b)[0] / size


def _columns(
    design: Design, counts: Array, guess: Array, ms: Array, recipe: Recipe, constant: float
) -> tuple[Array, Array, Array]:
    """The regression's columns, where their coefficients start, and how stiff each is.

    In order: constant, all, factors by name, counts by name, factors by key.
    """
    worth = counts * guess  # (N, T) milliseconds
    typical = float(np.median(ms)) / max(float(np.median(counts.sum(axis=1))), 1.0)
    by_name = design.by_name()
    level = float(np.median(ms))
    blocks = [np.full((len(ms), 1), level), worth.sum(axis=1, keepdims=True)]
    stiff = [np.full(1, LOOSE), np.full(1, LOOSE)]
    if np.isfinite(recipe.name):
        blocks += [worth @ by_name, typical * (counts @ by_name)]
        stiff.append(np.full(2 * by_name.shape[1], recipe.name))
    if np.isfinite(recipe.key):
        blocks.append(worth)
        stiff.append(np.full(len(design.terms), recipe.key))
    columns = np.column_stack(blocks)
    prior = np.zeros(columns.shape[1])
    prior[0], prior[1] = constant / level, 1.0
    return columns, prior, np.concatenate(stiff)


LOOSE = 1e-6
"""Ridge of the constant and the common factor, which every network tells of."""


def _robust_ridge(columns: Array, ms: Array, weight: Array, prior: Array, stiff: Array) -> Array:
    """Ridge towards ``prior`` on relative errors, large ones counting less."""
    a, b = columns * weight[:, None], (ms - columns @ prior) * weight
    trust = np.ones(len(ms))
    found = prior
    for _ in range(ROUNDS):
        found = prior + _ridge(a * trust[:, None], b * trust, stiff)
        error = np.abs(b - a @ (found - prior))
        spread = 1.4826 * float(np.median(error))
        if spread <= 0:
            break
        trust = np.sqrt(np.minimum(1.0, HUBER * spread / np.maximum(error, 1e-300)))
    return found


def _ridge(a: Array, b: Array, stiff: Array) -> Array:
    """argmin |a x - b|^2 / rows + sum(stiff x^2), by whichever form is smaller."""
    rows, columns = a.shape
    stiff = stiff * rows
    if columns <= rows:
        return np.linalg.solve(a.T @ a + np.diag(stiff), a.T @ b)
    spread = a / stiff
    return spread.T @ np.linalg.solve(spread @ a.T + np.eye(rows), b)


def _prices(
    design: Design,
    found: Array,
    recipe: Recipe,
    table: Mapping[str, float],
    rates: Array,
    ms: Array,
) -> Prices:
    counts = design.counts(recipe.used)
    level = float(np.median(ms))
    typical = level / max(float(np.median(counts.sum(axis=1))), 1.0)
    names, keys = {}, {}
    rest = found[2:].tolist()
    if np.isfinite(recipe.name):
        size = len(design.names)
        pairs = zip(design.names, rest[:size], rest[size : 2 * size], strict=True)
        names = {name: (factor, typical * each) for name, factor, each in pairs}
        rest = rest[2 * size :]
    if np.isfinite(recipe.key):
        keys = {term.key: factor for term, factor in zip(design.terms, rest, strict=True)}
    return Prices(
        level * float(found[0]),
        recipe.used,
        tuple(rates.tolist()),
        float(found[1]),
        dict(table),
        names,
        keys,
        SMALLEST * float(np.min(ms)),
    )
