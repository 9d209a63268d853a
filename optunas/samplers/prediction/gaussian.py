"""A Gaussian process over blocks of features, each with a weight learned from the data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from optunas.samplers.trials.seen import Floats

__all__ = ["GaussianProcess", "Hyper", "fit_hyper"]

JITTER = 1e-6
"""Added to the noise: two equal rows must not make the matrix singular."""

REACH = 6.0
"""How far a logarithm may move from the centre of its prior."""

STEPS = 25
"""Of the optimiser: more changes the second digit."""


@dataclass(frozen=True)
class Hyper:
    """Logarithms of what the kernel is made of.

    ``k(a, b) = signal * exp(-d / 2) + linear * a.b``, plus ``noise`` where a and b are one trial;
    ``d`` and ``a.b`` are summed over the blocks, each times its weight.

    Attributes:
        weights: (G,), of each block.
        signal: variance of the curved part.
        linear: variance of the linear part.
        noise: variance of one observation, where targets have variance 1.
    """

    weights: tuple[float, ...]
    signal: float
    linear: float
    noise: float

    @property
    def vector(self) -> Floats:
        return np.array([*self.weights, self.signal, self.linear, self.noise])

    @classmethod
    def of(cls, vector: Floats) -> Hyper:
        """The inverse of :attr:`vector`."""
        *weights, signal, linear, noise = (float(v) for v in vector)
        return cls(tuple(weights), signal, linear, noise)

    @classmethod
    def prior(cls, blocks: int) -> Hyper:
        """The centre: rows are scaled so that two random ones are 2 apart in each block."""
        return cls((-math.log(max(blocks, 1)),) * blocks, 0.0, math.log(0.3), math.log(0.05))


def _spread(blocks: int) -> Floats:
    return np.array([1.5] * blocks + [1.0, 1.5, 1.5])


class GaussianProcess:
    """Exact regression at given hyperparameters (Rasmussen and Williams 2006, algorithm 2.1).

    Args:
        x: (n, F), scaled as by ``Encoder.scaled``.
        y: (n,), finite.
        sizes: columns of each block.
        hyper: the kernel's.
        extra_noise: (n,), variance of each observation beyond the common noise, in units of
            the targets' variance; None for none.
    """

    def __init__(
        self,
        x: Floats,
        y: Floats,
        sizes: Sequence[int],
        hyper: Hyper,
        extra_noise: Floats | None = None,
    ) -> None:
        self.hyper, self.sizes = hyper, tuple(sizes)
        self._scale = np.repeat(np.exp(0.5 * np.asarray(hyper.weights)), self.sizes)
        self._x = np.asarray(x, dtype=float) * self._scale
        self._noise = np.full(len(y), math.exp(hyper.noise) + JITTER)
        if extra_noise is not None:
            self._noise = self._noise + extra_noise
        # A trial that says little must not move the mean of those that say much.
        trust = 1.0 / (1.0 + (self._noise - self._noise.min()))
        self.mean = float(np.average(y, weights=trust)) if len(y) else 0.0
        deviation = math.sqrt(float(np.average((y - self.mean) ** 2, weights=trust)))
        self.std = deviation if deviation > 1e-12 else 1.0
        self._y = (np.asarray(y, dtype=float) - self.mean) / self.std

    @cached_property
    def _factor(self) -> Floats:
        covariance = self._kernel(self._x, self._x) + np.diag(self._noise)
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    @cached_property
    def _alpha(self) -> Floats:
        found: Floats = cho_solve((self._factor, True), self._y)
        return found

    def _kernel(self, a: Floats, b: Floats) -> Floats:
        inner = a @ b.T
        half = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
        curved = np.exp(np.minimum(inner - 0.5 * half, 0.0) + self.hyper.signal)
        return curved + math.exp(self.hyper.linear) * inner

    def predict(self, z: Floats, std: bool = True) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noiseless function at rows ``z`` (m, F), each (m,).

        Args:
            z: rows.
            std: False leaves the second out, as zeros: it costs far more.
        """
        scaled = z * self._scale
        cross = self._kernel(scaled, self._x)
        mean = self.mean + self.std * (cross @ self._alpha)
        if not std:
            return mean, np.zeros(len(mean))
        solved = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        squares = np.einsum("ij,ij->i", scaled, scaled)
        own = math.exp(self.hyper.signal) + math.exp(self.hyper.linear) * squares
        variance = own - np.einsum("ij,ij->j", solved, solved)
        return mean, self.std * np.sqrt(np.maximum(variance, 1e-12))


def fit_hyper(
    x: Floats, y: Floats, sizes: Sequence[int], extra_noise: Floats | None = None
) -> Hyper:
    """The hyperparameters of highest marginal likelihood, times a log-normal prior on each.

    Args:
        x: (n, F), scaled.
        y: (n,).
        sizes: columns of each block.
        extra_noise: as for :class:`GaussianProcess`.

    Rasmussen and Williams 2006, equations 5.8 and 5.9; the prior keeps few trials from claiming
    that a block says all.
    """
    centre = Hyper.prior(len(sizes)).vector
    if len(y) < 3 or float(np.std(y)) <= 1e-12:
        return Hyper.of(centre)
    start = GaussianProcess(x, y, sizes, Hyper.of(centre), extra_noise)
    ends = np.cumsum([0, *sizes])
    inners = np.stack([x[:, a:b] @ x[:, a:b].T for a, b in itertools.pairwise(ends)])
    more = np.zeros(len(y)) if extra_noise is None else extra_noise
    spread = _spread(len(sizes))

    def loss(vector: Floats) -> tuple[float, Floats]:
        value, gradient = _evidence(vector, inners, start._y, more)
        away = (vector - centre) / spread
        return value + 0.5 * float(away @ away), gradient + away / spread

    bounds = [(c - REACH, c + REACH) for c in centre]
    found = minimize(
        loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    )
    return Hyper.of(found.x if np.isfinite(found.x).all() else centre)


def _evidence(
    vector: Floats, inners: Floats, y: Floats, extra_noise: Floats
) -> tuple[float, Floats]:
    """Negative logarithm of the marginal likelihood, and its gradient, (G + 3,)."""
    count, n = len(inners), len(y)
    weights = np.exp(vector[:count])
    signal, linear, noise = np.exp(vector[count:])
    inner = np.tensordot(weights, inners, 1)
    squares = np.diagonal(inner)
    curved = signal * np.exp(np.minimum(inner - 0.5 * (squares[:, None] + squares), 0.0))
    covariance = curved + linear * inner
    covariance[np.diag_indices(n)] += noise + JITTER + extra_noise
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros(count + 3)
    inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
    alpha = inverse @ y
    value = 0.5 * float(y @ alpha) + float(np.log(np.diagonal(factor)).sum())
    pull = inverse - np.outer(alpha, alpha)
    # d covariance / d log weight = weight * (curved * (inner_g - its squares) + linear * inner_g)
    bent = pull * curved
    both = bent + linear * pull
    by_square = bent.sum(axis=1)
    by_weight = np.tensordot(inners, both, 2)
    by_weight -= np.diagonal(inners, axis1=1, axis2=2) @ by_square
    gradient = np.concatenate(
        [
            0.5 * weights * by_weight,
            [
                0.5 * bent.sum(),
                0.5 * linear * float((pull * inner).sum()),
                0.5 * noise * float(np.trace(pull)),
            ],
        ]
    )
    return value, gradient
