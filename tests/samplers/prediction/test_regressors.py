"""Regressors by name, and how sure they are."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.prediction import uncertainty
from optunas.samplers.prediction.regressors import REGRESSORS, make_regressor
from optunas.samplers.prediction.uncertainty import (
    Bootstrap,
    Forest,
    Probabilistic,
    make_predictor,
)

QUICK = {
    "random_forest": {"n_estimators": 10},
    "extra_trees": {"n_estimators": 10},
    "gradient_boosting": {"n_estimators": 20},
    "mlp": {"hidden_layer_sizes": [8], "max_iter": 60},
}


def data(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).random((count, 3))
    return x, 2 * x[:, 0] - x[:, 1]


class Plain:
    """A regressor of another library: no parameters, no clone."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.mean = float(np.mean(y))

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.mean)


@pytest.mark.parametrize("name", REGRESSORS)
def test_every_name_learns_and_says_how_sure_it_is(name: str) -> None:
    x, y = data()
    predictor = make_predictor(make_regressor(name, QUICK.get(name), None), copies=4)
    predictor.fit(x, y, seed=1)
    mean, std = predictor.predict(x)
    assert mean.shape == std.shape == y.shape
    assert (std >= 0).all()
    assert np.corrcoef(mean, y)[0, 1] > 0.6
    drawn = predictor.draw(x, np.random.default_rng(0))
    assert np.isfinite(drawn).all()
    assert np.corrcoef(drawn, y)[0, 1] > 0.3


@pytest.mark.parametrize("name", ["random_forest", "gradient_boosting", "gp", "ridge"])
def test_equal_seeds_predict_equally_and_what_was_given_is_not_changed(name: str) -> None:
    x, y = data()
    regressor = make_regressor(name, QUICK.get(name), None)
    found = []
    for seed in (1, 1, 2):
        predictor = make_predictor(regressor, copies=3)
        predictor.fit(x, y, seed)
        found.append(predictor.predict(x))
    assert np.array_equal(found[0], found[1])
    assert name == "gp" or not np.array_equal(found[0], found[2])
    assert not hasattr(regressor, "n_features_in_")


def test_the_spread_of_a_forest_is_that_of_its_trees() -> None:
    x, y = data()
    predictor = Forest(RandomForestRegressor(7, random_state=3))
    predictor.fit(x, y, seed=1)
    plain = RandomForestRegressor(7, random_state=3).fit(x, y)
    each = [tree.predict(x) for tree in plain.estimators_]
    mean, std = predictor.predict(x)
    np.testing.assert_allclose(mean, plain.predict(x))
    np.testing.assert_allclose(std, np.std(each, axis=0))
    drawn = predictor.draw(x, np.random.default_rng(0))
    assert any(np.allclose(drawn, tree) for tree in each)


def test_the_spread_of_a_gaussian_process_is_its_own() -> None:
    x, y = data()
    predictor = Probabilistic(GaussianProcessRegressor(alpha=0.1))
    predictor.fit(x, y, seed=1)
    wanted = GaussianProcessRegressor(alpha=0.1).fit(x, y).predict(x, return_std=True)
    np.testing.assert_allclose(predictor.predict(x), wanted)


def test_a_bootstrap_is_surer_where_there_is_more_data() -> None:
    few, many = (Bootstrap(Ridge(alpha=0.01), copies=20) for _ in range(2))
    rng = np.random.default_rng(0)
    x = rng.random((400, 3))
    y = x[:, 0] + rng.normal(0, 0.3, 400)
    few.fit(x[:12], y[:12], seed=1)
    many.fit(x, y, seed=1)
    assert few.predict(x)[1].mean() > 2 * many.predict(x)[1].mean()


@pytest.mark.parametrize(
    ("regressor", "kind"),
    [
        (RandomForestRegressor(), Forest),
        (ExtraTreesRegressor(), Forest),
        (GaussianProcessRegressor(), Probabilistic),
        (LinearRegression(), Bootstrap),
        (make_pipeline(StandardScaler(), Ridge()), Bootstrap),
        (make_pipeline(StandardScaler(), GaussianProcessRegressor()), Probabilistic),
        (Plain(), Bootstrap),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_suits_a_regressor(regressor: Any, kind: type) -> None:
    predictor = make_predictor(regressor, copies=3)
    assert type(predictor) is kind
    x, y = data()
    predictor.fit(x, y, seed=0)
    assert np.isfinite(predictor.predict(x)).all()


def test_a_large_gaussian_process_finds_its_numbers_on_some_of_the_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uncertainty, "TUNED_ON", 20)
    monkeypatch.setattr(uncertainty, "LEARNED_ON", 40)
    x, y = data(60)
    predictor = make_predictor(make_regressor("gp", None, None), 2)
    predictor.fit(x, y, seed=0)
    fitted = predictor.fitted  # type: ignore[attr-defined]
    assert len({tuple(row) for row in fitted.X_train_}) == 40
    best = x[np.argsort(-y)[:20]]
    assert {tuple(row) for row in best} <= {tuple(row) for row in fitted.X_train_}
    assert fitted.optimizer is None
    np.testing.assert_allclose(predictor.predict(x)[0], y, atol=0.2)


def test_a_draw_covers_the_most_promising_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertainty, "DRAWN_OVER", 5)
    x, y = data()
    predictor = make_predictor(make_regressor("gp", None, None), 2)
    predictor.fit(x, y, seed=0)
    drawn = predictor.draw(x, np.random.default_rng(0))
    assert np.isfinite(drawn).sum() == 5
    assert int(np.argmax(y)) in np.flatnonzero(np.isfinite(drawn))


def test_references_to_scikit_learn_are_imported() -> None:
    found = make_regressor("sklearn.linear_model:Lasso", {"alpha": 0.3}, None)
    assert isinstance(found, Lasso)
    assert found.alpha == 0.3


def test_other_references_need_somebody_who_trusts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("own_models")
    module.make = lambda: Plain()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_models", module)
    with pytest.raises(InvalidSpecError, match=r"'own_models:make' is code from outside optunas"):
        make_regressor("own_models:make", None, None)
    trusting = make_regressor("own_models:make", None, lambda reference: module.make)
    assert isinstance(trusting, Plain)


@pytest.mark.parametrize(
    ("regressor", "options", "error", "match"),
    [
        ("forest", None, UnknownNameError, r"Unknown regressor 'forest'; did you mean 'random_fo"),
        ("ridge", {"alhpa": 1}, UnknownNameError, r"option of the regressor 'ridge':.*'alpha'"),
        ("sklearn.nothing:X", None, InvalidSpecError, r"Cannot import regressor='sklearn.nothing"),
        ("sklearn.linear_model:Rigde", None, InvalidSpecError, r"Cannot import .*Rigde"),
        ("sklearn.utils:shuffle", None, InvalidSpecError, r"no class with fit and predict"),
        (":", None, InvalidSpecError, r"':' is code from outside"),
        (Ridge, None, InvalidSpecError, r"is a class; give a scikit-learn regressor"),
        (object(), None, InvalidSpecError, r"without fit and predict"),
        (None, None, InvalidSpecError, r"regressor=None is without fit and predict"),
        (Ridge(), {"alpha": 1.0}, InvalidSpecError, r"goes with a regressor that is given by name"),
    ],
)
def test_bad_regressors_are_refused(
    regressor: Any, options: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        make_regressor(regressor, options, None)


def test_options_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(InvalidSpecError, match=r"regressor_options must be a mapping"):
        make_regressor("ridge", ["alpha"], None)  # type: ignore[arg-type]
