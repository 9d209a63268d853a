"""Which recipe to fit by: the one that predicts best what it was not fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from optunas.metrics.predicted.design import Design
from optunas.metrics.predicted.prices import Prices, Recipe, fit_prices

__all__ = ["choose_recipe", "predicted", "recipes"]

FOLDS = 10
NAMES = (float("inf"), 1e-1, 1e-2, 1e-3, 1e-4, 1e-6)
KEYS = (float("inf"), 1e-2, 1e-3, 1e-4)
CLEARLY = 0.98
"""A recipe that allows more has to predict that much better."""


def recipes(design: Design, table: Mapping[str, float] | None = None) -> list[Recipe]:
    """All recipes that differ for these networks, from the stiffest to the loosest."""
    used = [False] if np.array_equal(design.built, design.used) else [False, True]
    tables = [True, False] if table else [False]
    keys = KEYS if len(design.terms) > len(design.names) else KEYS[:1]
    every = product(used, tables, NAMES, keys)
    found = [Recipe(u, t, name, key) for u, t, name, key in every if key >= name or key == KEYS[0]]
    return [recipe for recipe in found if np.isfinite(recipe.name) or not np.isfinite(recipe.key)]


def choose_recipe(
    design: Design, ms: np.ndarray, table: Mapping[str, float] | None = None, seed: int = 0
) -> tuple[Recipe, float]:
    """The recipe with the smallest mean relative error in ten-fold cross-validation, and that.

    Only the calibration networks are seen here: the held-out ones judge the whole procedure.
    """
    count = len(ms)
    order = np.random.default_rng(seed).permutation(count)
    folds = [part for part in np.array_split(order, min(FOLDS, count)) if len(part)]
    best: tuple[Recipe, float] | None = None
    for recipe in recipes(design, table):
        errors = np.empty(count)
        for held in folds:
            kept = np.setdiff1d(order, held)
            prices = fit_prices(rows(design, kept), ms[kept], recipe, table)
            errors[held] = np.abs(predicted(prices, rows(design, held)) / ms[held] - 1)
        error = float(np.mean(np.minimum(errors, 1.0)))
        if best is None or error < CLEARLY * best[1]:
            best = recipe, error
    assert best is not None
    return best


def rows(design: Design, which: Sequence[int] | np.ndarray) -> Design:
    """Some of the networks, over the same terms."""
    return replace(design, built=design.built[which], used=design.used[which])


def predicted(prices: Prices, design: Design) -> np.ndarray:
    """(N,) milliseconds."""
    each = np.array([prices.price(term) for term in design.terms])
    return np.maximum(prices.constant + design.counts(prices.used) @ each, prices.floor)
