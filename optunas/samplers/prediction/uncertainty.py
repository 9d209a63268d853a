"""Regressors that say how sure they are: forests, Gaussian processes, any other by bootstrap."""

from __future__ import annotations

import copy
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.samplers.trials.seen import Floats

__all__ = [
    "Bootstrap",
    "Forest",
    "Predictor",
    "Probabilistic",
    "RegressorFailure",
    "make_predictor",
]

TUNED_ON, LEARNED_ON = 200, 400
"""Rows on which a Gaussian process finds its kernel's numbers, and rows that it learns from.

It is cubic in them. Of more rows it takes the best half of that, and the others evenly."""

DRAWN_OVER = 500
"""Rows that one joint draw of a Gaussian process covers; it is cubic in them."""


class RegressorFailure(Exception):
    """What a regressor raised; with more trials it may do better."""


class Predictor(ABC):
    """A regressor with a spread. ``x`` is (n, F), ``y`` (n,), means and spreads are (n,).

    All verbs raise :class:`RegressorFailure` where the regressor fails, or predicts what is not
    finite.
    """

    @abstractmethod
    def fit(self, x: Floats, y: Floats, seed: int) -> None:
        """Learn; equal rows and seeds give equal predictions."""

    @abstractmethod
    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation."""

    @abstractmethod
    def draw(self, x: Floats, rng: np.random.Generator) -> Floats:
        """One function of all that fit what was learned, for Thompson sampling."""


class _Ensemble(Predictor):
    """Several regressors; they differ as much as the data leaves open."""

    members: list[Callable[[Floats], Any]]

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        with _of_regressor():
            each = np.stack([_column(predict(x)) for predict in self.members])
        return each.mean(0), each.std(0)

    def draw(self, x: Floats, rng: np.random.Generator) -> Floats:
        with _of_regressor():
            return _column(self.members[int(rng.integers(len(self.members)))](x))


class Forest(_Ensemble):
    """The trees of a random forest or of extra trees.

    Args:
        regressor: a ``RandomForestRegressor`` or ``ExtraTreesRegressor``; it is not changed.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, x: Floats, y: Floats, seed: int) -> None:
        fitted = _fitted(self.regressor, x, y, seed)
        # Trees take float32: checked and converted once for all of them.
        self.members = [partial(tree.predict, check_input=False) for tree in fitted.estimators_]

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        return super().predict(_narrow(x))

    def draw(self, x: Floats, rng: np.random.Generator) -> Floats:
        return super().draw(_narrow(x), rng)


class Bootstrap(_Ensemble):
    """Copies of any regressor, each learned from rows drawn with replacement.

    Args:
        regressor: with ``fit`` and ``predict``; it is not changed.
        copies: from 2 on.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6.
    """

    def __init__(self, regressor: Any, copies: int) -> None:
        self.regressor, self.copies = regressor, copies

    def fit(self, x: Floats, y: Floats, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.members = []
        for _ in range(self.copies):
            rows = rng.integers(len(y), size=len(y))
            own = int(rng.integers(2**31))
            self.members.append(_fitted(self.regressor, x[rows], y[rows], own).predict)


class Probabilistic(Predictor):
    """A regressor whose ``predict`` takes ``return_std``: Gaussian processes, Bayesian ridge.

    Args:
        regressor: it is not changed.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, x: Floats, y: Floats, seed: int) -> None:
        from sklearn.base import clone
        from sklearn.gaussian_process import GaussianProcessRegressor

        regressor, rows = self.regressor, np.arange(len(y))
        if len(y) > TUNED_ON and isinstance(regressor, GaussianProcessRegressor):
            rows = _some(y, TUNED_ON)
            tuned = _fitted(regressor, x[rows], y[rows], seed)
            regressor = clone(regressor).set_params(kernel=tuned.kernel_, optimizer=None)
            rows = _some(y, LEARNED_ON)
        self.fitted = _fitted(regressor, x[rows], y[rows], seed)

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        with _of_regressor():
            mean, std = (_column(v) for v in self.fitted.predict(x, return_std=True))
        return mean, std

    def draw(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Jointly over the most promising rows where the regressor can; the others get -inf."""
        mean, std = self.predict(x)
        if not hasattr(self.fitted, "sample_y"):
            return mean + std * rng.standard_normal()
        rows = np.argsort(-(mean + 2 * std), kind="stable")[:DRAWN_OVER]
        drawn = np.full(len(x), -np.inf)
        with _of_regressor():
            state = int(rng.integers(2**31))
            drawn[rows] = _column(self.fitted.sample_y(x[rows], random_state=state))
        return drawn


def make_predictor(regressor: Any, copies: int) -> Predictor:
    """The predictor that suits a regressor.

    Args:
        regressor: with ``fit`` and ``predict``.
        copies: of a bootstrap, for regressors that have no spread of their own.
    """
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    if isinstance(regressor, (ExtraTreesRegressor, RandomForestRegressor)):
        return Forest(regressor)
    last = regressor.steps[-1][1] if hasattr(regressor, "steps") else regressor  # a pipeline's
    takes: Mapping[str, Any] = {}
    with suppress(TypeError, ValueError):  # compiled code can be without a signature
        takes = inspect.signature(last.predict).parameters
    return Probabilistic(regressor) if "return_std" in takes else Bootstrap(regressor, copies)


def _fitted(regressor: Any, x: Floats, y: Floats, seed: int) -> Any:
    """A copy that learned from the rows, its chance seeded where the user left it open."""
    from sklearn.base import clone

    if not hasattr(regressor, "get_params"):  # not of scikit-learn's kind
        unfitted = copy.deepcopy(regressor)
    else:
        unfitted = clone(regressor)
        parameters = unfitted.get_params()
        left = [k for k, v in parameters.items() if k.endswith("random_state") and v is None]
        unfitted.set_params(**dict.fromkeys(left, seed % 2**32))
    with _of_regressor():
        unfitted.fit(x, y)
    return unfitted


def _some(y: Floats, count: int) -> NDArray[np.intp]:
    """Rows of the best ``count // 2`` targets, and evenly spaced ones of the others."""
    order = np.argsort(-y, kind="stable")
    if len(y) <= count:
        return order
    rest = order[count // 2 :]
    return np.concatenate(
        [order[: count // 2], rest[np.linspace(0, len(rest) - 1, count - count // 2).astype(int)]]
    )


@contextmanager
def _of_regressor() -> Iterator[None]:
    """Round all code of a regressor: its remarks on fits that ended early do not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # which ones a regressor raises is its own affair
            raise RegressorFailure(f"{type(error).__name__}: {error}") from error


def _narrow(x: Floats) -> Any:
    return np.ascontiguousarray(x, dtype=np.float32)


def _column(values: Any) -> Floats:
    column = np.asarray(values, dtype=float).reshape(-1)
    if not np.isfinite(column).all():
        raise ValueError("it predicts what is not finite.")
    return column
