"""The scores, on plain arrays; each equals scikit-learn's (tested), without its import time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optunas.errors import UnknownNameError

__all__ = ["CLASSIFICATION", "REGRESSION", "default_score", "score_function"]

ScoreFunction = Callable[[NDArray[np.generic], NDArray[np.generic]], float]


def accuracy(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    """Share of equal labels."""
    return float(np.mean(truth == predicted))


def balanced_accuracy(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    """Mean recall of the classes in ``truth``: a rare class counts like a frequent one."""
    hits, in_truth, _ = _counts(truth, predicted)
    there = in_truth > 0
    return float(np.mean(hits[there] / in_truth[there]))


def f1(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    """Macro F1: mean over the classes that occur in either array; 0 for a class never hit."""
    hits, in_truth, in_predicted = _counts(truth, predicted)
    either = in_truth + in_predicted
    return float(np.mean(2 * hits[either > 0] / either[either > 0]))


def mae(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    """Mean absolute error over samples and targets."""
    return float(np.mean(np.abs(truth.astype(np.float64) - predicted.astype(np.float64))))


def r2(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    """Coefficient of determination, the mean over the columns of (samples, targets).

    A constant column gives 1 when it is met exactly and 0 otherwise, as in scikit-learn.
    """
    y, z = (a.astype(np.float64).reshape(len(a), -1) for a in (truth, predicted))
    error, spread = ((y - z) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    constant = np.where(error == 0, 1.0, 0.0)
    return float(np.mean(np.where(spread == 0, constant, 1 - error / np.where(spread, spread, 1))))


def _counts(
    truth: NDArray[np.generic], predicted: NDArray[np.generic]
) -> tuple[NDArray[np.int64], ...]:
    """Per class: how often right, in the truth, in the prediction. Labels count from 0."""
    size = int(max(truth.max(), predicted.max())) + 1
    columns = (truth[truth == predicted], truth, predicted)
    hits, in_truth, in_predicted = (
        np.bincount(c.astype(np.int64), minlength=size) for c in columns
    )
    return hits, in_truth, in_predicted


CLASSIFICATION: dict[str, ScoreFunction] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
}
REGRESSION: dict[str, ScoreFunction] = {"r2": r2, "mae": mae}


def score_function(name: str, kind: str) -> ScoreFunction:
    """The score called ``name`` for ``kind`` classification or regression.

    Raises:
        UnknownNameError: when that kind has no such score.
    """
    known = CLASSIFICATION if kind == "classification" else REGRESSION
    if name not in known:
        raise UnknownNameError(f"{kind} score", name, known)
    return known[name]


def default_score(kind: str) -> str:
    """``accuracy`` for classification, ``r2`` for regression."""
    return "accuracy" if kind == "classification" else "r2"
