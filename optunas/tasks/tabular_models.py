"""The models that a tabular task chooses between, with their hyperparameters; no scikit-learn yet.

Hyperparameters have scikit-learn's own names behind the model's: ``svm.C``. Two are ours:
``mlp.layers`` hidden layers of ``mlp.units`` each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space import Choice, Float, HyperSpace, Int, Parameter, When, group

__all__ = ["KINDS", "PREPROCESSING", "Family", "families", "tabular_space"]

KINDS = ("classification", "regression")

Ranges = Mapping[str, "Parameter | When"]

_POSITIVE, _SHARE, _COUNT = Float(1e-12, 1e12), Float(1e-6, 1.0), Int(1, 1_000_000)


@dataclass(frozen=True)
class Family:
    """One kind of model.

    Attributes:
        estimator: scikit-learn's class, ``"module:name"``.
        searched: the hyperparameters of the ready space.
        allowed: every hyperparameter, with the values that it can have at all.
        fixed: arguments that are not hyperparameters here.
        scaled: whether a feature's scale matters to it, so that it is worth a scaler.
        scale_target: whether a regressor's target is standardised around it.
    """

    estimator: str
    searched: Ranges
    allowed: Mapping[str, Parameter]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    scaled: bool = True
    scale_target: bool = False


PREPROCESSING: dict[str, Parameter] = {
    "scaler": Choice(("none", "standard", "minmax", "quantile")),
    "reduce": Choice(("none", "select", "pca")),
    "select.share": _SHARE,
    "pca.variance": Float(1e-6, 1 - 1e-6),
    "impute": Choice(("median", "mean", "most_frequent")),
}
"""What comes before the model: scaling; the best features one by one, or principal components;
and what stands for a missing number. The values are those that are allowed."""

_STRENGTH = Float(1e-3, 1e3, log=True)

# The grid of Hsu, Chang and Lin, "A practical guide to support vector classification" (2003), less
# its ends, where scikit-learn's solver takes minutes.
_SVM: dict[str, Parameter | When] = {
    "kernel": Choice(("rbf", "linear")),
    "C": Float(1e-2, 1e3, log=True),
    "gamma": When(Float(1e-4, 1.0, log=True), kernel="rbf"),
}
_SVM_ALLOWED: dict[str, Parameter] = {
    "kernel": Choice(("rbf", "linear", "poly", "sigmoid")),
    "C": _POSITIVE,
    "gamma": _POSITIVE,
    "degree": Int(1, 20),
    "epsilon": _POSITIVE,
}
# A bound on the solver's steps: unscaled features and a large C would have it run for hours.
_SVM_FIXED = {"max_iter": 200_000}

# More trees never hurt the score, they cost time and size: both are objectives.
_FOREST: dict[str, Parameter | When] = {
    "n_estimators": Int(10, 200, log=True),
    "max_features": Float(0.1, 1.0),
    "min_samples_leaf": Int(1, 20, log=True),
}
_FOREST_ALLOWED = {
    "n_estimators": _COUNT,
    "max_features": _SHARE,
    "min_samples_leaf": _COUNT,
    "max_depth": _COUNT,
}

_BOOSTING: dict[str, Parameter | When] = {
    "learning_rate": Float(0.01, 0.5, log=True),
    "max_iter": Int(20, 300, log=True),
    "max_leaf_nodes": Int(4, 64, log=True),
    "min_samples_leaf": Int(5, 50, log=True),
}
_BOOSTING_ALLOWED = {
    "learning_rate": _POSITIVE,
    "max_iter": _COUNT,
    "max_leaf_nodes": Int(2, 65_536),
    "min_samples_leaf": _COUNT,
    "l2_regularization": Float(0.0, 1e12),
    "max_depth": _COUNT,
}

_KNN: dict[str, Parameter | When] = {
    "n_neighbors": Int(1, 30, log=True),
    "weights": Choice(("uniform", "distance")),
    "p": Choice((1, 2)),
}
_KNN_ALLOWED = {"n_neighbors": _COUNT, "weights": Choice(("uniform", "distance")), "p": _POSITIVE}

_MLP: dict[str, Parameter | When] = {
    "layers": Int(1, 2),
    "units": Int(8, 128, log=True),
    "activation": Choice(("relu", "tanh")),
    "alpha": Float(1e-5, 1.0, log=True),
    "learning_rate_init": Float(3e-4, 3e-2, log=True),
}
_MLP_ALLOWED = {
    "layers": Int(1, 20),
    "units": Int(1, 65_536),
    "activation": Choice(("relu", "tanh", "logistic", "identity")),
    "alpha": Float(0.0, 1e12),
    "learning_rate_init": _POSITIVE,
    "max_iter": _COUNT,
}


def families(kind: str) -> dict[str, Family]:
    """The models for ``classification`` or ``regression`` by name.

    Raises:
        UnknownNameError: for another kind.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of task", kind, KINDS)
    classify = kind == "classification"
    ending, support = ("Classifier", "SVC") if classify else ("Regressor", "SVR")
    if classify:
        strength, linear = "C", "sklearn.linear_model:LogisticRegression"
        svm, svm_allowed = _SVM, {k: v for k, v in _SVM_ALLOWED.items() if k != "epsilon"}
    else:
        strength, linear = "alpha", "sklearn.linear_model:Ridge"
        # In standard deviations of the target.
        svm, svm_allowed = {**_SVM, "epsilon": Float(1e-2, 1.0, log=True)}, _SVM_ALLOWED
    return {
        "linear": Family(
            linear,
            {strength: _STRENGTH},
            {strength: _POSITIVE, "max_iter": _COUNT},
            {"max_iter": 1000} if classify else {},
        ),
        "svm": Family(f"sklearn.svm:{support}", svm, svm_allowed, _SVM_FIXED, scale_target=True),
        "forest": Family(
            f"sklearn.ensemble:RandomForest{ending}", _FOREST, _FOREST_ALLOWED, scaled=False
        ),
        "boosting": Family(
            f"sklearn.ensemble:HistGradientBoosting{ending}",
            _BOOSTING,
            _BOOSTING_ALLOWED,
            # Every candidate learns from all rows of its folds.
            {"early_stopping": False},
            scaled=False,
        ),
        "knn": Family(f"sklearn.neighbors:KNeighbors{ending}", _KNN, _KNN_ALLOWED),
        "mlp": Family(f"sklearn.neural_network:MLP{ending}", _MLP, _MLP_ALLOWED, scale_target=True),
    }


def tabular_space(
    models: Sequence[str] | Mapping[str, Ranges | None] | None = None,
    kind: str = "classification",
    preprocessing: bool = True,
    missing: bool = False,
) -> HyperSpace:
    """The choice between models, each with hyperparameters of its own, for a tabular task.

    ``model`` is the choice; ``svm.C`` counts when it is the svm. ``scaler`` and ``reduce`` count
    with the models that a feature's scale matters to: trees take features as they are.

    Args:
        models: names out of ``linear``, ``svm``, ``forest``, ``boosting``, ``knn``, ``mlp``; None
            takes all. A mapping gives a name ranges of its own, ``{"svm": {"C": Float(1, 10)},
            "knn": None}``; so do models that the task's option ``models`` brings.
        kind: ``classification`` or ``regression``.
        preprocessing: search ``scaler`` and ``reduce`` too; False leaves features unscaled.
        missing: search ``impute``, what stands for missing numbers; for data that has some.

    Raises:
        UnknownNameError: for a model that is not known and has no ranges.
        InvalidSpaceError: for no models, or a name that cannot be.
    """
    known = families(kind)
    if isinstance(models, str):
        raise InvalidSpaceError(f"tabular_space: models is a list of names, got {models!r}.")
    given: dict[str, Ranges | None] = (
        dict(models)
        if isinstance(models, Mapping)
        else dict.fromkeys(known if models is None else models)
    )
    if not given:
        raise InvalidSpaceError("tabular_space: models is empty; name at least one.")
    alternatives = {}
    for name, ranges in given.items():
        if name not in known and ranges is None:
            raise UnknownNameError("model", name, known)
        check_model_name(name)
        alternatives[name] = known[name].searched if ranges is None else ranges
    table = group("model", alternatives)
    scaled = tuple(name for name in given if name not in known or known[name].scaled)
    if preprocessing and scaled:
        table |= {
            "scaler": When(PREPROCESSING["scaler"], model=scaled),
            "reduce": When(PREPROCESSING["reduce"], model=scaled),
            # Between a tenth of the features and nearly all of them.
            "select.share": When(Float(0.1, 0.9), reduce="select"),
            "pca.variance": When(Float(0.7, 0.999), reduce="pca"),
        }
    if missing:
        table["impute"] = PREPROCESSING["impute"]
    return HyperSpace(table)


def check_model_name(name: object) -> None:
    """Refuse a model's name that would collide with the preprocessing's parameters.

    Raises:
        InvalidSpaceError: for such a name.
    """
    taken = {"model", *PREPROCESSING, *(key.partition(".")[0] for key in PREPROCESSING)}
    if not isinstance(name, str) or not name.isidentifier() or name in taken:
        raise InvalidSpaceError(
            f"A model's name is a Python identifier other than {', '.join(sorted(taken))}; "
            f"got {name!r}."
        )
