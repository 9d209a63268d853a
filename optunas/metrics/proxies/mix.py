"""A learned mix: a regression of trained networks' scores on the logs of their proxies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.metrics.proxies.catalogue import check_names
from optunas.metrics.proxies.features import feature

__all__ = ["FEWEST", "KINDS", "ProxyMix"]

FEWEST = 10
"""Trained networks below which a mix is not learned."""

KINDS = ("ridge", "gbdt")

Floats = NDArray[np.float64]


class ProxyMix:
    """Learns from trained networks how far each proxy is to be believed.

    Each proxy is taken on its logarithmic scale, standardised, and kept within the range of the
    networks learned from (-inf counts as their worst).

    Args:
        names: of the proxies; None takes all.
        kind: ``ridge``, linear with a penalty chosen by leave-one-out; or ``gbdt``, gradient
            boosted trees of depth 2.
        seed: of the trees.

    Raises:
        UnknownNameError: for another proxy or kind.
    """

    def __init__(
        self, names: Sequence[str] | None = None, kind: str = "ridge", seed: int = 0
    ) -> None:
        if kind not in KINDS:
            raise UnknownNameError("mix", kind, KINDS)
        self.names, self.kind, self.seed = check_names(names), kind, seed
        self._model: Any = None

    def fit(self, values: Mapping[str, ArrayLike], scores: ArrayLike) -> ProxyMix:
        """Learn from trained networks.

        Args:
            values: for each proxy one value a network (n,).
            scores: what they reached, more is better (n,).

        Raises:
            InvalidSpecError: for fewer than ten networks, scores that are not finite, or columns
                of different lengths.
        """
        y = np.asarray(scores, dtype=float)
        x = self._raw(values)
        if len(y) < FEWEST or len(x) != len(y) or not np.isfinite(y).all():
            raise InvalidSpecError(
                f"A mix of proxies is learned from at least {FEWEST} networks with a finite score "
                f"each, got {len(x)} networks and {int(np.isfinite(y).sum())} finite scores; "
                "az_nas and rank_mean need none."
            )
        known = np.where(np.isfinite(x), x, np.nan)
        none = np.isnan(known).all(axis=0)
        known[:, none] = 0.0
        self._low, self._high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        held = self._held(x)
        spread = held.std(axis=0)
        self._mean, self._std = held.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self._model = self._regressor().fit(self._scaled(x), y)
        return self

    def predict(self, values: Mapping[str, ArrayLike]) -> Floats:
        """What networks would reach, (n,), in the unit of the scores.

        Raises:
            InvalidSpecError: before :meth:`fit`.
        """
        if self._model is None:
            raise InvalidSpecError("This mix has learned nothing yet: call fit(values, scores).")
        return np.asarray(self._model.predict(self._scaled(self._raw(values))), dtype=float)

    def held_out(
        self, values: Mapping[str, ArrayLike], scores: ArrayLike, folds: int = 10
    ) -> Floats:
        """For each network the prediction of a mix that has not seen it, (n,).

        Args:
            values, scores: as for :meth:`fit`.
            folds: parts of the networks that are left out in turn, drawn with the seed.
        """
        y = np.asarray(scores, dtype=float)
        order = np.random.default_rng(self.seed).permutation(len(y))
        columns = {name: np.asarray(values[name], dtype=float) for name in self.names}
        found = np.full(len(y), math.nan)
        for out in np.array_split(order, min(folds, len(y))):
            rest = np.setdiff1d(order, out)
            mix = ProxyMix(self.names, self.kind, self.seed)
            mix.fit({n: c[rest] for n, c in columns.items()}, y[rest])
            found[out] = mix.predict({n: c[out] for n, c in columns.items()})
        return found

    def _regressor(self) -> Any:
        if self.kind == "ridge":
            from sklearn.linear_model import RidgeCV

            return RidgeCV(alphas=np.logspace(-2, 3, 16))
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            n_estimators=200,
            learning_rate=0.05,
            max_depth=2,
            subsample=0.7,
            random_state=self.seed,
        )

    def _raw(self, values: Mapping[str, ArrayLike]) -> Floats:
        """(n, proxies) on the logarithmic scale, -inf where a value is not finite."""
        missing = [name for name in self.names if name not in values]
        columns = [np.atleast_1d(np.asarray(values[n], dtype=float)) for n in values]
        if missing or len({len(column) for column in columns}) > 1:
            raise InvalidSpecError(
                f"A mix of {', '.join(self.names)} needs one value a network for each of them"
                + (f"; {', '.join(missing)} is missing." if missing else "; the lengths differ.")
            )
        rows = [
            [
                feature(name, float(v)) if math.isfinite(v) else -math.inf
                for v in np.atleast_1d(np.asarray(values[name], dtype=float))
            ]
            for name in self.names
        ]
        return np.array(rows, dtype=float).T

    def _held(self, x: Floats) -> Floats:
        return np.clip(np.where(np.isfinite(x), x, self._low), self._low, self._high)

    def _scaled(self, x: Floats) -> Floats:
        return np.asarray((self._held(x) - self._mean) / self._std)
