"""The choice of a model for a table: scikit-learn's estimators, cross-validated; no torch."""

from __future__ import annotations

import hashlib
import pickle
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optunas.errors import DataError, DeviceError, InvalidSpecError, TaskError, TrainingError
from optunas.measures import metric
from optunas.tasks.protocol import Score
from optunas.tasks.scoring import CLASSIFICATION, REGRESSION, default_score, score_function
from optunas.tasks.tabular_data import Table, load_table
from optunas.tasks.tabular_folds import fold_rows, held_out
from optunas.tasks.tabular_models import KINDS, check_model_name, families
from optunas.tasks.tabular_pipeline import Layout, check_settings, pipeline_of

__all__ = ["TabularModel", "TabularTask", "tabular"]

READINGS = 5
"""Predictions of one row that are timed; their median counts."""

FITTED = ("fit_seconds", "predict_ms", "model_bytes")

Array = NDArray[Any]


def tabular(
    data: str = "breast_cancer",
    kind: str | None = None,
    folds: int = 5,
    test: float = 0.2,
    score: str | None = None,
    seed: int = 0,
    target: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
    models: Mapping[str, str] | None = None,
    resolve: Callable[[str], Any] | None = None,
) -> TabularTask:
    """Choose a model for a table; search it with :func:`optunas.tasks.tabular_space`.

    Each step of a trial is one fold of the cross-validation, and its score the mean over the folds
    so far. Fit time, prediction time, model size and the other scores of the kind come with it.

    Args:
        data: what scikit-learn ships, ``breast_cancer``, ``digits``, ``iris``, ``wine`` or
            ``diabetes``; or the path of a file. A ``.csv`` file has a header; its columns are
            numbers, or texts, which are one-hot encoded; empty cells (``nan``, ``na``, ``?``) are
            missing, numbers are imputed. An ``.npz`` file holds ``x`` (N, F) and ``y`` (N,), and
            may hold ``x_test`` and ``y_test``, which then are the test part.
        kind: ``classification`` or ``regression``; None goes by the target: texts and at most 20
            different whole numbers are classes.
        folds: of the cross-validation, stratified for classification; the same for every trial.
        test: share of the rows that is held out for ``test_score``; 0 for none.
        score: ``accuracy`` (the default), ``balanced_accuracy`` or ``f1``; ``r2`` (the default) or
            ``mae`` for regression.
        seed: of the test part and the folds.
        target: the column of a ``.csv`` file to predict.
        categorical: columns of texts, though they may look like numbers.
        drop: columns to leave out.
        models: further models by name: ``"module:factory"``, a function from hyperparameters to an
            estimator.
        resolve: imports such a reference; a study passes one that asks for trust.

    Raises:
        DataError: for data that cannot be used: a file or column that is missing, one class, too
            few rows for the folds, cells that are no numbers, infinite values.
        InvalidSpecError, UnknownNameError, TaskError: for arguments that cannot be.
    """
    if models is not None and not isinstance(models, Mapping):
        raise InvalidSpecError(f"models maps names to references, got {models!r}.")
    table = load_table(str(data), kind, target, categorical, drop)
    chosen = default_score(table.kind) if score is None else score
    options = {
        "data": str(data),
        "kind": table.kind,
        "folds": folds,
        "test": test,
        "score": chosen,
        "seed": seed,
        "target": target,
        "categorical": list(categorical),
        "drop": list(drop),
        "models": dict(models or {}),
    }
    own = {name: _factory(name, text, table.kind, resolve) for name, text in (models or {}).items()}
    return TabularTask(table, chosen, folds, test, seed, own, options)


class TabularTask:
    """Rows of a table, split once into folds and a test part; a candidate is a model.

    What a candidate is follows from the hyperparameters (``model``, ``svm.C``, ``scaler``, ...), or
    it is any scikit-learn estimator. Every fit runs on one thread, so that times compare, with
    every random state set from the trial's seed. Warnings (a solver that did not converge) are
    silent: the score shows what came of it.

    Attributes:
        gives: the metrics that come with the scores, over the folds so far: medians of
            ``fit_seconds`` and of ``predict_ms``, for one row; means of ``model_bytes``, of the
            pickled pipeline, and of the other scores of the kind.
        default_epochs: the folds, one step each.
    """

    input_shape = num_outputs = None
    network_keys: tuple[str, ...] = ()
    devices = ("cpu",)
    step_name = "fold"

    def __init__(
        self,
        table: Table,
        score: str,
        folds: int = 5,
        test: float = 0.2,
        seed: int = 0,
        models: Mapping[str, Callable[[Mapping[str, Any]], Any]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        score_function(score, table.kind)
        self.table, self.name, self.kind = table, table.name, table.kind
        self.score_name, self.direction = score, metric(score).direction
        self.options = dict(options or {})
        self._own = dict(models or {})
        self._scores_of = CLASSIFICATION if table.kind == KINDS[0] else REGRESSION
        self.gives = (*FITTED, *(name for name in self._scores_of if name != score))
        self._rest, self._test = held_out(table, test, seed)
        self._folds = fold_rows(table, self._rest, folds, seed)
        self.default_epochs = len(self._folds)
        self._layout = Layout(
            table.kind,
            table.numeric,
            table.texts,
            table.missing,
            len(self._rest) - max(len(fold) for fold in self._folds),
        )

    @property
    def baseline(self) -> tuple[str, dict[str, Any]]:
        """A model to stand beside the front, by name and hyperparameters."""
        name = "logistic regression" if self.kind == KINDS[0] else "ridge regression"
        return f"{name}, defaults, standardised", {"model": "linear", "scaler": "standard"}

    def check(self, hyperparameters: Mapping[str, Any]) -> None:
        """Raise for a wrong name or value; see ``tabular_pipeline.check_settings``."""
        check_settings(hyperparameters, self.kind, self._own, f"the task {self.name!r}")

    def build(self, architecture: Any, hyperparameters: Mapping[str, Any], seed: int = 0) -> Any:
        """The unfitted pipeline."""
        return pipeline_of(architecture, hyperparameters, self._layout, self._own, seed)

    def scores(
        self,
        candidate: Any,
        hyperparameters: Mapping[str, Any],
        seed: int = 0,
        device: str = "cpu",
    ) -> Generator[Score, None, TabularModel]:
        """Fit on all folds but one and score on that, for each; return the model for all rows.

        Args:
            candidate: None for the model that ``hyperparameters`` name, or an estimator.
            hyperparameters: of model and preprocessing.
            seed: of the model's random states; the folds are the task's.
            device: ``cpu``.

        Raises:
            UnknownNameError, InvalidSpecError, DeviceError: at once, before any fit.
            TrainingError: while iterating.
        """
        _on_cpu(device)
        self.check(hyperparameters)
        return self._scores(self.build(candidate, hyperparameters, seed))

    def _scores(self, pipeline: Any) -> Generator[Score, None, TabularModel]:
        readings: list[dict[str, float]] = []
        for step, fold in enumerate(self._folds):
            begun = time.perf_counter()
            readings.append(self._fold(pipeline, fold, step))
            so_far = {k: _summary(k, [r[k] for r in readings]) for k in readings[0]}
            score = so_far.pop(self.score_name)
            yield Score(step, score, time.perf_counter() - begun, so_far)
        return TabularModel(self, pipeline)

    def _fold(self, pipeline: Any, fold: Array, step: int) -> dict[str, float]:
        """Every metric of one fold."""
        from sklearn.base import clone

        model, train = clone(pipeline), np.setdiff1d(self._rest, fold)
        with _calm(f"Fold {step} of {self.name}, {type(model[-1]).__name__}"):
            begun = time.perf_counter()
            model.fit(self.table.x[train], self.table.y[train])
            fitted = time.perf_counter() - begun
            values = self._compare(model, fold)
            latency = _predict_ms(model, self.table.x[fold[:1]])
            size = len(pickle.dumps(model, protocol=5))
        return {"fit_seconds": fitted, "predict_ms": latency, "model_bytes": size, **values}

    def _compare(self, model: Any, rows: Array) -> dict[str, float]:
        """Every score of a fitted pipeline on some rows."""
        predicted = np.asarray(model.predict(self.table.x[rows]))
        if predicted.shape != (len(rows),) or not np.isfinite(predicted).all():
            raise ValueError("its predictions are not one finite number or class a row")
        return {name: f(self.table.y[rows], predicted) for name, f in self._scores_of.items()}

    def test_score(self, network: Any, device: str = "cpu") -> float:
        """The score of a fitted pipeline, or of what ``scores`` returned, on the test rows.

        Raises:
            DataError: when no rows are held out (``test=0``).
        """
        _on_cpu(device)
        if not len(self._test):
            raise DataError(f"{self.name} has no test part: give the task test=0.2 for instance.")
        pipeline = network.pipeline if isinstance(network, TabularModel) else network
        with _calm(f"The test of {self.name}"):
            return self._compare(pipeline, self._test)[self.score_name]

    def fingerprint(self) -> str:
        """A hash of data, test part and folds."""
        text = f"{self.table.fingerprint()} {self.score_name}"
        digest = hashlib.sha256(text.encode())
        for rows in (self._test, *self._folds):
            digest.update(f"{len(rows)} ".encode() + rows.astype(np.int64).tobytes())
        return digest.hexdigest()[:16]

    def refitted(self, pipeline: Any) -> Any:
        """A copy of a pipeline, fitted on every row but the test's."""
        from sklearn.base import clone

        model = clone(pipeline)
        with _calm(f"All rows of {self.name}, {type(model[-1]).__name__}"):
            return model.fit(self.table.x[self._rest], self.table.y[self._rest])


class TabularModel:
    """A chosen model: fitted on all rows but the test's when it is first used, not in the search.

    Args:
        task: whose rows it learns from.
        unfitted: its pipeline.
    """

    def __init__(self, task: TabularTask, unfitted: Any) -> None:
        self._task, self._unfitted = task, unfitted

    @cached_property
    def pipeline(self) -> Any:
        """The fitted scikit-learn pipeline; its classes are numbers from 0."""
        return self._task.refitted(self._unfitted)

    def predict(self, rows: Any) -> Array:
        """Labels as the data has them, or numbers, (N,); rows (N, F) as in the table."""
        found = np.asarray(self.pipeline.predict(rows))
        classes = self._task.table.classes
        return np.array(classes)[found] if classes else found


def _factory(
    name: str, reference: Any, kind: str, resolve: Callable[[str], Any] | None
) -> Callable[[Mapping[str, Any]], Any]:
    """The function that makes a user's own model."""
    check_model_name(name)
    if name in families(kind):
        raise InvalidSpecError(f"models: {name!r} is a model that is there; choose another name.")
    if not isinstance(reference, str) or not all(reference.partition(":")):
        raise TaskError(
            f"models[{name!r}] must be a reference 'module:factory', got {reference!r}."
        )
    found = (resolve or _import)(reference)
    if not callable(found):
        raise TaskError(f"models[{name!r}]: {reference!r} is no function but {found!r}.")
    return found


def _import(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise TaskError(f"Cannot import {reference!r}: {error}.") from error


def _on_cpu(device: str) -> None:
    if device != "cpu":
        raise DeviceError(f"scikit-learn's models are fitted on the CPU, not on {device!r}.")


def _summary(name: str, values: list[float]) -> float:
    """Of one metric over the folds: the mean; of times the median, since one may be disturbed."""
    if metric(name).measured:
        return float(np.median(values))
    mean = float(np.mean(values))
    return float(round(mean)) if metric(name).unit == "bytes" else mean


def _predict_ms(model: Any, row: Array) -> float:
    times = []
    for _ in range(READINGS):
        begun = time.perf_counter()
        model.predict(row)
        times.append(time.perf_counter() - begun)
    return 1e3 * float(np.median(times))


@contextmanager
def _calm(what: str) -> Iterator[None]:
    """One thread, no warnings, and failures as ``TrainingError``."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    with warnings.catch_warnings(), ThreadpoolController().limit(limits=1):
        warnings.simplefilter("ignore")
        try:
            yield
        except (MemoryError, TrainingError):
            raise
        except Exception as error:
            words = str(error).strip().partition("\n")[0].rstrip(".")
            raise TrainingError(f"{what} failed: {type(error).__name__}: {words}.") from error
