"""Regressors that a latency model could be instead: each from the same few measured networks.

They see how often each operation occurs (built, or used where the model's own recipe counts those),
in standard units; the Gaussian processes have scikit-learn's kernels and fit their own scales, the
ridges choose theirs by leave-one-out. What learns the *rest* predicts the logarithm of measured
over the model's milliseconds and multiplies the model's prediction.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import PolynomialFeatures

from optunas.metrics.predicted.design import Design
from optunas.metrics.predicted.prices import fit_prices
from optunas.metrics.predicted.selection import choose_recipe, predicted, rows

__all__ = ["REGRESSORS", "Case", "case_of"]

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """One device and one draw.

    Attributes:
        x, z: (N, F) and (M, F) standardised features of calibration and other networks.
        ms: (N,) measured milliseconds.
        own, told: (N,) and (M,) the model's own predictions.
    """

    x: Array
    z: Array
    ms: Array
    own: Array
    told: Array


def case_of(design: Design, ms: Array, fit: Array, judges: Array) -> Case:
    """The model fitted to rows ``fit``, with the features of these and of ``judges``."""
    calibration, others = rows(design, fit), rows(design, judges)
    recipe, _ = choose_recipe(calibration, ms)
    prices = fit_prices(calibration, ms, recipe)
    x, z = (d.counts(recipe.used) @ d.by_name() for d in (calibration, others))
    spread = x.std(axis=0)
    x, z = ((one[:, spread > 0] - x.mean(axis=0)[spread > 0]) for one in (x, z))
    x, z = x / spread[spread > 0], z / spread[spread > 0]
    return Case(x, z, ms, predicted(prices, calibration), predicted(prices, others))


def _ols(case: Case) -> Array:
    ones = [np.column_stack([np.ones(len(one)), one]) for one in (case.x, case.z)]
    return ones[1] @ np.linalg.lstsq(ones[0], case.ms, rcond=None)[0]


def _ridge(case: Case, y: Array, weight: Array | None = None) -> Array:
    squares = PolynomialFeatures(2, include_bias=False)
    regressor = RidgeCV(np.logspace(-4, 3, 15))
    regressor.fit(squares.fit_transform(case.x), y, sample_weight=weight)
    return regressor.predict(squares.transform(case.z))


def _process(case: Case, y: Array, linear: bool = True) -> Array:
    kernel = ConstantKernel(0.1, (1e-4, 1e2)) * RBF(3.0, (0.5, 1e2)) + WhiteKernel(1e-2, (1e-5, 1))
    if linear:
        kernel += ConstantKernel(1.0, (1e-3, 1e4)) * DotProduct(1.0, (1e-2, 1e2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a scale at its bound says: not needed
        return GaussianProcessRegressor(kernel, normalize_y=True).fit(case.x, y).predict(case.z)


def _trees(case: Case, y: Array, kind: str) -> Array:
    regressor: Any = RandomForestRegressor(200, min_samples_leaf=2, random_state=0)
    if kind == "boosting":
        regressor = GradientBoostingRegressor(
            n_estimators=100, max_depth=2, learning_rate=0.05, subsample=0.7, random_state=0
        )
    return regressor.fit(case.x, y).predict(case.z)


def _rest(case: Case) -> Array:
    return np.log(case.ms / case.own)


REGRESSORS: dict[str, Callable[[Case], Array]] = {
    "model": lambda case: case.told,
    "OLS": _ols,
    "ridge, products": lambda case: _ridge(case, case.ms, (np.median(case.ms) / case.ms) ** 2),
    "ridge, log": lambda case: np.exp(_ridge(case, np.log(case.ms))),
    "ridge on the rest": lambda case: case.told * np.exp(_ridge(case, _rest(case))),
    "process": lambda case: _process(case, case.ms),
    "process, log": lambda case: np.exp(_process(case, np.log(case.ms))),
    "process on the rest": lambda case: case.told * np.exp(_process(case, _rest(case), False)),
    "forest on the rest": lambda case: case.told * np.exp(_trees(case, _rest(case), "forest")),
    "boosting on the rest": lambda case: case.told * np.exp(_trees(case, _rest(case), "boosting")),
}
"""Milliseconds of the other networks by each."""
