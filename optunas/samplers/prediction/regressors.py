"""Regressors by name, by reference, or as they are, and what of them is refused."""

from __future__ import annotations

import copy
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.arguments import ended

__all__ = ["REGRESSORS", "Resolve", "make_regressor"]

FOREST: dict[str, Any] = {"n_estimators": 50, "max_features": 1 / 3}
"""Trees that differ; with these, a suggestion at 1,000 trials takes no longer than TPE's."""

REGRESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "bayesian_ridge": ("sklearn.linear_model:BayesianRidge", {}),
    "extra_trees": ("sklearn.ensemble:ExtraTreesRegressor", FOREST),
    "gp": ("sklearn.gaussian_process:GaussianProcessRegressor", {}),
    "gradient_boosting": ("sklearn.ensemble:GradientBoostingRegressor", {"subsample": 0.7}),
    "knn": ("sklearn.neighbors:KNeighborsRegressor", {"weights": "distance"}),
    "mlp": ("sklearn.neural_network:MLPRegressor", {"solver": "lbfgs"}),
    "random_forest": ("sklearn.ensemble:RandomForestRegressor", FOREST),
    "ridge": ("sklearn.linear_model:Ridge", {}),
    "svr": ("sklearn.svm:SVR", {"C": 10.0, "epsilon": 0.01}),
}
"""Name -> class and what differs from scikit-learn's defaults.

``gp`` has a Matern kernel (nu 2.5) with one length for all features, and noise.
"""

SAFE = ("optunas", "sklearn")
"""Packages that references may name when the caller has not said what to trust."""

Resolve = Callable[[str], Any]


def make_regressor(
    regressor: Any, options: Mapping[str, Any] | None, resolve: Resolve | None
) -> Any:
    """A regressor from what a user gave.

    Args:
        regressor: a key of :data:`REGRESSORS`, a reference ``"package.module:Class"`` (or of a
            function that returns a regressor), or a regressor.
        options: arguments of a class or function; an instance takes none.
        resolve: imports references. None imports those of :data:`SAFE` packages only: a study's
            definition may come from a shared storage.

    Raises:
        UnknownNameError: for an unknown name or option.
        InvalidSpecError: for a reference that is not trusted or not there, options that the class
            refuses, and what has no ``fit`` and ``predict``.
    """
    if options is not None and not isinstance(options, Mapping):
        raise InvalidSpecError(f"regressor_options must be a mapping by name, got {options!r}.")
    if not isinstance(regressor, str):
        if options:
            raise InvalidSpecError(
                f"regressor_options={dict(options)!r} goes with a regressor that is given by name; "
                "this one is an object, set it up before."
            )
        return _checked(regressor)
    preset: dict[str, Any] = {}
    reference = regressor
    if ":" not in regressor:
        if regressor not in REGRESSORS:
            raise UnknownNameError("regressor", regressor, REGRESSORS)
        reference, preset = REGRESSORS[regressor]
        resolve = _import
        if regressor == "gp":
            preset = _gaussian_process()
    factory = (resolve or _import_safe)(reference)
    if not callable(factory):
        raise InvalidSpecError(f"regressor={regressor!r} is no class and no function.")
    known = inspect.signature(factory).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        for option in options or {}:
            if option not in known:
                raise UnknownNameError(f"option of the regressor {regressor!r}:", option, known)
    try:
        made = _checked(factory(**{**preset, **(options or {})}))
        if options:
            _refuse_values(made)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidSpecError):
            raise
        raise InvalidSpecError(
            f"The regressor {regressor!r} refuses {dict(options or {})!r}: {ended(error)}"
        ) from error
    return made


def _refuse_values(regressor: Any) -> None:
    """Raise what scikit-learn thinks of the values of options; it says so in ``fit`` alone."""
    x = np.random.default_rng(0).random((12, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            copy.deepcopy(regressor).fit(x, x.sum(axis=1))
        except Exception as error:
            # Others may come of these few rows alone; whoever predicts later says them.
            if type(error).__name__ == "InvalidParameterError":
                raise ValueError(str(error)) from error


def _gaussian_process() -> dict[str, Any]:
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(2.0, (1e-1, 1e2), nu=2.5)
    return {"kernel": kernel + WhiteKernel(0.1, (1e-4, 1.0))}


def _checked(regressor: Any) -> Any:
    missing = [verb for verb in ("fit", "predict") if not callable(getattr(regressor, verb, None))]
    if inspect.isclass(regressor) or missing:
        what = "a class" if inspect.isclass(regressor) else f"without {' and '.join(missing)}"
        raise InvalidSpecError(
            f"regressor={regressor!r} is {what}; give a scikit-learn regressor, one of the names "
            f"{', '.join(REGRESSORS)}, or a reference 'package.module:Class'."
        )
    return regressor


def _import_safe(reference: str) -> Any:
    root = reference.partition(".")[0].partition(":")[0]
    if root not in SAFE:
        raise InvalidSpecError(
            f"regressor={reference!r} is code from outside {' and '.join(SAFE)}; give the "
            "regressor itself, or a resolve that imports what you trust."
        )
    found = _import(reference)
    if not (inspect.isclass(found) and hasattr(found, "fit") and hasattr(found, "predict")):
        raise InvalidSpecError(f"regressor={reference!r} is no class with fit and predict.")
    return found


def _import(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidSpecError(f"Cannot import regressor={reference!r}: {error}.") from error
