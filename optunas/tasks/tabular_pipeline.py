"""From hyperparameters to an unfitted scikit-learn pipeline, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError, UnknownNameError, nearest
from optunas.space import Choice
from optunas.tasks.tabular_models import PREPROCESSING, Family, families

__all__ = ["Layout", "check_settings", "pipeline_of"]

MOST_CATEGORIES = 100
"""One-hot columns of a categorical one; what is rarer shares the last."""

MOST_QUANTILES = 100

Factory = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Layout:
    """What a pipeline has to know of the data.

    Attributes:
        kind: ``classification`` or ``regression``.
        numeric: indices of the columns of numbers.
        categorical: index of each other column -> the texts that it has.
        missing: whether numbers are missing.
        rows: that each fold is fitted on, at least.
    """

    kind: str
    numeric: tuple[int, ...]
    categorical: Mapping[int, tuple[str, ...]]
    missing: bool
    rows: int

    @property
    def features(self) -> int:
        """Columns after one-hot encoding."""
        encoded = (min(len(texts), MOST_CATEGORIES) for texts in self.categorical.values())
        return len(self.numeric) + sum(encoded)


def check_settings(
    settings: Mapping[str, Any], kind: str, own: Mapping[str, Factory], where: str
) -> None:
    """Refuse hyperparameters that no pipeline has, or values that they cannot have.

    Raises:
        UnknownNameError: for one unknown name, when nothing else is wrong.
        InvalidSpecError: naming everything that is wrong, one a line.
    """
    table = {"model": Choice((*families(kind), *own)), **PREPROCESSING}
    for name, family in families(kind).items():
        table |= {f"{name}.{key}": allowed for key, allowed in family.allowed.items()}
    unknown = [k for k in settings if k not in table and k.partition(".")[0] not in own]
    problems = [
        f"{name} is {value!r}, but it must be {table[name].describe()}."
        for name, value in settings.items()
        if name in table and not table[name].contains(value)
    ]
    if len(unknown) == 1 and not problems:
        raise UnknownNameError(f"hyperparameter of {where}", unknown[0], table)
    problems += [f"Unknown hyperparameter {name!r}{nearest(name, table)}" for name in unknown]
    if problems:
        raise InvalidSpecError("\n".join(problems))
    if settings.get("model") in own:
        _own_estimator(settings, own)


def pipeline_of(
    candidate: Any,
    settings: Mapping[str, Any],
    layout: Layout,
    own: Mapping[str, Factory],
    seed: int,
) -> Any:
    """An unfitted pipeline: columns, scaler, reduction, model; all seeds set.

    Args:
        candidate: an estimator; None makes the one that ``settings`` name.
        settings: checked hyperparameters.
        layout: of the data.
        own: a user's model -> its factory.
        seed: for every random state that is not set.

    Raises:
        InvalidSpecError: when no model is named, or the candidate is no estimator.
    """
    from sklearn.pipeline import Pipeline

    steps = [
        ("columns", _columns(settings, layout)),
        ("scaler", _scaler(settings, layout)),
        ("reduce", _reduction(settings, layout)),
        ("model", _estimator(candidate, settings, layout, own)),
    ]
    pipeline = Pipeline([(name, step) for name, step in steps if step is not None])
    states = {
        key: seed % 2**32
        for key, value in pipeline.get_params().items()
        if value is None and (key == "random_state" or key.endswith("__random_state"))
    }
    return pipeline.set_params(**states)


def _columns(settings: Mapping[str, Any], layout: Layout) -> Any:
    """Imputation and one-hot encoding, None where the data needs neither."""
    if not layout.categorical and not layout.missing:
        return None
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    parts: list[tuple[str, Any, list[int]]] = []
    if layout.numeric:
        fill = SimpleImputer(strategy=settings.get("impute", "median"), keep_empty_features=True)
        # The numbers of a table with texts are Python objects.
        floats = FunctionTransformer(np.asarray, kw_args={"dtype": np.float64})
        numbers = make_pipeline(floats, fill) if layout.categorical else fill
        parts.append(("numbers", numbers, list(layout.numeric)))
    if layout.categorical:
        encode = OneHotEncoder(
            # All that there are: a fold may lack some, and its columns are the same.
            categories=[list(texts) for texts in layout.categorical.values()],
            handle_unknown="infrequent_if_exist",
            max_categories=MOST_CATEGORIES,
            sparse_output=False,
        )
        parts.append(("texts", encode, list(layout.categorical)))
    return ColumnTransformer(parts)


def _scaler(settings: Mapping[str, Any], layout: Layout) -> Any:
    from sklearn import preprocessing

    name = settings.get("scaler", "none")
    if name == "standard":
        return preprocessing.StandardScaler()
    if name == "minmax":
        return preprocessing.MinMaxScaler()
    if name == "quantile":
        count = max(1, min(MOST_QUANTILES, layout.rows))
        return preprocessing.QuantileTransformer(n_quantiles=count, output_distribution="normal")
    return None


def _reduction(settings: Mapping[str, Any], layout: Layout) -> Any:
    name = settings.get("reduce", "none")
    if name == "pca":
        from sklearn.decomposition import PCA

        return PCA(n_components=settings.get("pca.variance", 0.95), svd_solver="full")
    if name == "select":
        from sklearn.feature_selection import SelectKBest, f_classif, f_regression

        test = f_classif if layout.kind == "classification" else f_regression
        share = settings.get("select.share", 0.5)
        return SelectKBest(test, k=max(1, round(share * layout.features)))
    return None


def _estimator(
    candidate: Any, settings: Mapping[str, Any], layout: Layout, own: Mapping[str, Factory]
) -> Any:
    if candidate is not None:
        return _checked(candidate, "The candidate")
    known = families(layout.kind)
    name = settings.get("model")
    if name is None:
        raise InvalidSpecError(
            f"The hyperparameter 'model' is missing, one of {', '.join((*known, *own))}: search it "
            "with space=tabular_space(), or fix it in training."
        )
    if name in own:
        return _own_estimator(settings, own)
    return _of_family(name, known[name], settings, layout)


def _of_family(name: str, family: Family, settings: Mapping[str, Any], layout: Layout) -> Any:
    module, _, kind = family.estimator.partition(":")
    arguments = {**family.fixed, **_below(name, settings)}
    if name == "mlp":
        layers, units = arguments.pop("layers", 1), arguments.pop("units", 100)
        arguments["hidden_layer_sizes"] = (units,) * layers
    if name == "knn":
        # All neighbours there are, where a table has fewer than the range.
        arguments["n_neighbors"] = min(arguments.get("n_neighbors", 5), layout.rows)
    made = getattr(import_module(module), kind)(**arguments)
    if family.scale_target and layout.kind == "regression":
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler

        return TransformedTargetRegressor(made, transformer=StandardScaler())
    return made


def _below(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A model's own hyperparameters, without its name before them."""
    start = f"{name}."
    return {key[len(start) :]: v for key, v in settings.items() if key.startswith(start)}


def _own_estimator(settings: Mapping[str, Any], own: Mapping[str, Factory]) -> Any:
    name = settings["model"]
    try:
        made = own[name](_below(name, settings))
    except Exception as error:
        raise InvalidSpecError(
            f"The model {name!r} cannot be made from {_below(name, settings)}: "
            f"{type(error).__name__}: {error}."
        ) from error
    return _checked(made, f"What the factory of the model {name!r} returns")


def _checked(estimator: Any, what: str) -> Any:
    """An unfitted copy of an estimator."""
    from sklearn.base import clone

    lacks = [n for n in ("fit", "predict", "get_params") if not hasattr(estimator, n)]
    if lacks or isinstance(estimator, type):
        raise InvalidSpecError(
            f"{what} is no scikit-learn estimator but {estimator!r}: it needs fit, predict and "
            "get_params."
        )
    return clone(estimator)
