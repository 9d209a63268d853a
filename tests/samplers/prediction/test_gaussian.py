"""The Gaussian process against scikit-learn's, and its gradient against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from optunas.samplers.prediction import gaussian
from optunas.samplers.prediction.gaussian import JITTER, GaussianProcess, Hyper, fit_hyper

SIZES = (2, 3)
HYPER = Hyper((math.log(0.7), math.log(0.2)), math.log(1.3), math.log(0.4), math.log(0.05))


def data(n: int = 25, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5))
    return x, np.sin(x[:, 0]) + 0.5 * x[:, 3] + 0.1 * rng.standard_normal(n)


def test_mean_and_deviation_are_those_of_scikit_learn() -> None:
    x, y = data()
    z = np.random.default_rng(9).standard_normal((7, 5))
    weights = np.repeat(np.exp(HYPER.weights), SIZES)
    # k = signal exp(-sum w (a - b)^2 / 2) + linear sum w a b
    scaled_x, scaled_z = x * np.sqrt(weights), z * np.sqrt(weights)
    kernel = ConstantKernel(math.exp(HYPER.signal), "fixed") * RBF(1.0, "fixed")
    kernel += ConstantKernel(math.exp(HYPER.linear), "fixed") * DotProduct(0.0, "fixed")
    theirs = GaussianProcessRegressor(
        kernel, alpha=math.exp(HYPER.noise) + JITTER, optimizer=None, normalize_y=True
    ).fit(scaled_x, y)
    mean, std = theirs.predict(scaled_z, return_std=True)
    ours = GaussianProcess(x, y, SIZES, HYPER).predict(z)
    np.testing.assert_allclose(ours[0], mean, rtol=1e-8)
    np.testing.assert_allclose(ours[1], std, rtol=1e-6)


def test_the_gradient_is_that_of_differences() -> None:
    x, y = data(15)
    inners = np.stack([x[:, :2] @ x[:, :2].T, x[:, 2:] @ x[:, 2:].T])
    extra = np.linspace(0.0, 0.5, 15)
    vector = HYPER.vector
    _, gradient = gaussian._evidence(vector, inners, y, extra)
    for at in range(len(vector)):
        step = np.zeros(len(vector))
        step[at] = 1e-5
        high, _ = gaussian._evidence(vector + step, inners, y, extra)
        low, _ = gaussian._evidence(vector - step, inners, y, extra)
        assert gradient[at] == pytest.approx((high - low) / 2e-5, rel=1e-4, abs=1e-6)


def test_a_block_that_says_nothing_loses_its_weight() -> None:
    x, _ = data(80)
    hyper = fit_hyper(x, np.sin(2.0 * x[:, 0]), SIZES)
    assert hyper.weights[0] > hyper.weights[1] + 2.0


def test_fitting_raises_the_likelihood_of_held_out_values() -> None:
    x, y = data(120)
    fitted = fit_hyper(x[:60], y[:60], SIZES)
    errors = [
        float(np.mean((GaussianProcess(x[:60], y[:60], SIZES, h).predict(x[60:])[0] - y[60:]) ** 2))
        for h in (fitted, Hyper.prior(2))
    ]
    assert errors[0] < errors[1]


def test_noise_of_its_own_makes_an_observation_count_less() -> None:
    x = np.array([[0.0], [0.0], [3.0]])
    y = np.array([0.0, 1.0, 0.5])
    hyper = Hyper((0.0,), 0.0, -9.0, -3.0)
    equal = GaussianProcess(x, y, [1], hyper).predict(x[:1])[0]
    second = GaussianProcess(x, y, [1], hyper, np.array([0.0, 5.0, 0.0])).predict(x[:1])[0]
    assert equal[0] == pytest.approx(0.5, abs=0.05)
    assert second[0] < equal[0] - 0.2


@pytest.mark.parametrize("y", [[1.0, 1.0, 1.0, 1.0], [2.0]])
def test_values_that_are_all_equal_are_predicted_everywhere(y: list[float]) -> None:
    x = np.zeros((len(y), 5))  # equal rows too
    hyper = fit_hyper(x, np.array(y), SIZES)
    assert hyper == Hyper.prior(2)
    mean, std = GaussianProcess(x, np.array(y), SIZES, hyper).predict(np.ones((2, 5)))
    np.testing.assert_allclose(mean, y[0])
    assert (std > 0).all()


def test_without_deviations_the_means_are_the_same() -> None:
    x, y = data()
    process = GaussianProcess(x, y, SIZES, HYPER)
    np.testing.assert_array_equal(process.predict(x)[0], process.predict(x, std=False)[0])
