"""Models of scikit-learn as a task: folds, scores, what comes with them, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error
from sklearn.svm import SVC

from optunas.errors import (
    DataError,
    DeviceError,
    InvalidSpaceError,
    InvalidSpecError,
    TaskError,
    TrainingError,
    UnknownNameError,
)
from optunas.tasks import Score, TabularModel, Task, tabular
from optunas.tasks.tabular_models import families

LINEAR = {"model": "linear", "scaler": "standard"}


def drain(run: Generator[Score, None, TabularModel]) -> tuple[list[Score], TabularModel]:
    """All scores, and what the generator returns."""
    found = []
    while True:
        try:
            found.append(next(run))
        except StopIteration as end:
            return found, end.value


def majority(settings: Any) -> Any:
    """An own model: the most frequent class, or always one of them."""
    return Majority(settings.get("which"))


def not_an_estimator(settings: Any) -> Any:
    return dict(settings)


class Majority(ClassifierMixin, BaseEstimator):
    def __init__(self, which: int | None = None, random_state: int | None = None) -> None:
        self.which, self.random_state = which, random_state

    def fit(self, x: Any, y: Any) -> Majority:
        self.class_ = np.bincount(y).argmax() if self.which is None else self.which
        return self

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.class_)


class Breaks(Majority):
    def predict(self, x: Any) -> Any:
        return np.full(len(x), np.nan)


class Heavy(Majority):
    def __getstate__(self) -> Any:
        raise MemoryError("too large")


def test_it_is_a_task() -> None:
    task = tabular("wine")
    assert isinstance(task, Task)
    assert (task.name, task.score_name, task.direction) == ("wine", "accuracy", "maximize")
    assert (task.default_epochs, task.input_shape, task.num_outputs) == (5, None, None)
    assert set(task.gives) == {
        *("fit_seconds", "predict_ms", "model_bytes", "balanced_accuracy", "f1")
    }


def test_its_options_make_it_again() -> None:
    task = tabular("iris", folds=3, test=0.25, seed=7, drop=["sepal width (cm)"])
    again = tabular(**task.options)
    assert again.options == task.options
    assert again.fingerprint() == task.fingerprint()


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"folds": 4}, {"test": 0.3}, {"data": "iris"}, {"score": "f1"}]
)
def test_the_fingerprint_depends_on_data_and_split(changes: dict[str, Any]) -> None:
    assert tabular(**{"data": "wine", **changes}).fingerprint() != tabular("wine").fingerprint()


def test_folds_and_test_are_a_partition_with_each_class_in_proportion() -> None:
    task = tabular("breast_cancer", folds=4)
    parts = [*task._folds, task._test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(569))
    share = task.table.y.mean()
    for part in parts:
        assert abs(task.table.y[part].mean() - share) < 2.5 / len(part)


def test_each_score_is_the_mean_of_the_folds_so_far() -> None:
    task = tabular("breast_cancer", folds=4)
    scores, _ = drain(task.scores(None, LINEAR))
    by_hand = []
    for fold in task._folds:
        train = np.concatenate([f for f in task._folds if f is not fold])
        model = clone(task.build(None, LINEAR)).fit(task.table.x[train], task.table.y[train])
        predicted = model.predict(task.table.x[fold])
        truth = task.table.y[fold]
        by_hand.append(
            [accuracy_score(truth, predicted), f1_score(truth, predicted, average="macro")]
        )
    means = np.cumsum(by_hand, axis=0) / np.arange(1, 5)[:, None]
    assert [s.step for s in scores] == [0, 1, 2, 3]
    assert [s.score for s in scores] == pytest.approx(means[:, 0])
    assert [s.metrics["f1"] for s in scores] == pytest.approx(means[:, 1])


def test_what_comes_with_a_score_is_measured() -> None:
    task = tabular("wine")
    scores, model = drain(task.scores(None, LINEAR))
    for score in scores:
        assert set(score.metrics) == set(task.gives)
        assert 0 < score.metrics["fit_seconds"] <= score.seconds
        assert 0 < score.metrics["predict_ms"] < 1e3 * score.seconds
    size = len(pickle.dumps(model.pipeline, protocol=5))
    assert scores[-1].metrics["model_bytes"] == pytest.approx(size, rel=0.05)
    assert scores[-1].metrics["model_bytes"].is_integer()


def test_more_trees_are_larger_and_slower() -> None:
    task = tabular("wine", folds=3)
    small, large = (
        drain(task.scores(None, {"model": "forest", "forest.n_estimators": n}))[0][-1].metrics
        for n in (5, 100)
    )
    for name in ("fit_seconds", "predict_ms", "model_bytes"):
        assert large[name] > 4 * small[name]


@pytest.mark.parametrize("data", ["wine", "diabetes"])
@pytest.mark.parametrize("model", families("classification"))
def test_every_model_beats_guessing(data: str, model: str) -> None:
    task = tabular(data, folds=3)
    settings = {"model": model}
    if families(task.kind)[model].scaled:
        settings |= {"scaler": "standard", "reduce": "pca", "pca.variance": 0.95}
    scores, found = drain(task.scores(None, settings))
    guess = 0.4 if task.kind == "classification" else 0.1
    assert scores[-1].score > guess + 0.1
    assert task.test_score(found) > guess + 0.1


@pytest.mark.parametrize("scaler", ["none", "standard", "minmax", "quantile"])
@pytest.mark.parametrize("reduce", ["none", "select", "pca"])
def test_preprocessing_is_in_the_pipeline(scaler: str, reduce: str) -> None:
    task = tabular("wine", folds=2)
    settings = {"model": "knn", "scaler": scaler, "reduce": reduce, "select.share": 0.4}
    _, found = drain(task.scores(None, settings))
    steps = dict(found.pipeline.steps)
    assert ("scaler" in steps) == (scaler != "none")
    assert ("reduce" in steps) == (reduce != "none")
    if reduce == "select":
        assert steps["model"].n_features_in_ == round(0.4 * 13)
    assert task.test_score(found) > 0.55


@pytest.mark.parametrize("model", ["forest", "boosting", "mlp", "svm"])
def test_one_seed_one_result(model: str) -> None:
    task = tabular("wine", folds=2)
    same = ("model_bytes", "balanced_accuracy", "f1")
    settings = {"model": model, "forest.n_estimators": 10, "mlp.max_iter": 20}
    runs = [drain(task.scores(None, settings, seed=s))[0] for s in (3, 3)]
    for a, b in zip(*runs, strict=True):
        assert a.score == b.score
        assert [a.metrics[k] for k in same] == [b.metrics[k] for k in same]


def test_another_seed_is_another_forest_on_the_same_folds() -> None:
    task = tabular("digits", folds=2)
    settings = {"model": "forest", "forest.n_estimators": 5}
    one, two = (next(task.scores(None, settings, seed=s)) for s in (1, 2))
    assert one.metrics["model_bytes"] != two.metrics["model_bytes"]


def test_any_estimator_is_a_candidate_and_is_not_touched() -> None:
    task, candidate = tabular("wine"), SVC()
    scores, found = drain(task.scores(candidate, {"scaler": "standard"}))
    assert scores[-1].score > 0.9
    assert not hasattr(candidate, "support_")
    assert candidate.random_state is None
    assert task.test_score(found.pipeline) == task.test_score(found)


def test_the_chosen_model_predicts_labels_and_is_fitted_once() -> None:
    task = tabular("wine")
    _, found = drain(task.scores(None, LINEAR))
    assert found.pipeline is found.pipeline
    predicted = found.predict(task.table.x[task._test])
    assert set(predicted) <= {0, 1, 2}
    assert accuracy_score(task.table.y[task._test], predicted) == task.test_score(found)


def test_a_regression_is_scored_in_the_targets_unit() -> None:
    task = tabular("diabetes", score="mae")
    assert (task.kind, task.direction) == ("regression", "minimize")
    scores, found = drain(task.scores(None, {"model": "linear"}))
    assert 35 < scores[-1].score < 60
    truth, predicted = task.table.y[task._test], found.predict(task.table.x[task._test])
    assert task.test_score(found) == pytest.approx(mean_absolute_error(truth, predicted))


def test_an_own_model_by_reference() -> None:
    task = tabular("wine", models={"majority": "test_tabular_task:majority"}, resolve=named)
    settings = {"model": "majority", "majority.which": 1}
    task.check(settings)
    scores, found = drain(task.scores(None, settings))
    assert scores[-1].score == pytest.approx(np.mean(task.table.y == 1), abs=0.02)
    assert found.pipeline[-1].random_state == 0
    with pytest.raises(InvalidSpecError, match=r"one of 'linear', .* 'majority'"):
        task.check({"model": "minority"})


def named(reference: str) -> Any:
    """Resolves what this file defines."""
    return globals()[reference.partition(":")[2]]


def test_an_own_factory_that_makes_no_estimator_is_refused_at_once() -> None:
    task = tabular("wine", models={"it": "x:not_an_estimator"}, resolve=named)
    with pytest.raises(InvalidSpecError, match="factory of the model 'it' returns is no scikit"):
        task.check({"model": "it", "it.a": 1})


@pytest.mark.parametrize(
    ("models", "error", "says"),
    [
        ({"svm": "x:majority"}, InvalidSpecError, "'svm' is a model that is there"),
        ({"pca": "x:majority"}, InvalidSpaceError, "identifier other than impute"),
        ({"it": "majority"}, TaskError, r"models\['it'\] must be a reference 'module:factory'"),
        ({"it": "no_such_module:it"}, TaskError, "Cannot import 'no_such_module:it'"),
        ({"it": "optunas.tasks:it"}, TaskError, "Cannot import 'optunas.tasks:it'"),
        ({"it": "optunas:__version__"}, TaskError, "is no function but"),
        (["it"], InvalidSpecError, r"models maps names to references, got \['it'\]"),
    ],
)
def test_own_models_that_cannot_be(models: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        tabular("wine", models=models)


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'svm.c'; did you mean 'svm.C'"):
        tabular("wine").check({"model": "svm", "svm.c": 1.0})
    with pytest.raises(UnknownNameError, match=r"hyperparameter of the task 'wine' 'epochs'"):
        tabular("wine").check({**LINEAR, "epochs": 3})


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {"model": "svm", "svm.C": -1, "knn.n_neighbors": 0, "scaler": "max", "svm.foo": 2}
    with pytest.raises(InvalidSpecError) as caught:
        tabular("wine").check(wrong)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("svm.C is -1, but it must be a number from")
    assert "'none', 'standard', 'minmax', 'quantile'" in lines[2]
    assert lines[3].startswith("Unknown hyperparameter 'svm.foo'; did you mean 'svm.C'")


def test_what_one_kind_has_the_other_lacks() -> None:
    tabular("diabetes").check({"model": "svm", "svm.epsilon": 0.1, "linear.alpha": 1.0})
    with pytest.raises(UnknownNameError, match=r"'svm.epsilon'"):
        tabular("wine").check({"model": "svm", "svm.epsilon": 0.1})


@pytest.mark.parametrize(
    ("candidate", "settings", "says"),
    [
        (None, {}, "'model' is missing, one of linear, svm, forest"),
        ("abc", {}, "The candidate is no scikit-learn estimator but 'abc'"),
        (SVC, {}, "The candidate is no scikit-learn estimator"),
    ],
)
def test_no_model_at_all(candidate: Any, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSpecError, match=says):
        tabular("wine").scores(candidate, settings)


def test_it_runs_on_the_cpu() -> None:
    with pytest.raises(DeviceError, match="fitted on the CPU, not on 'cuda'"):
        tabular("wine").scores(None, LINEAR, device="cuda")


@pytest.mark.parametrize(
    ("candidate", "says"),
    [
        (SVC(C=-1.0), "Fold 0 of wine, SVC failed: InvalidParameterError: The 'C' parameter"),
        (Breaks(), "Breaks failed: ValueError: its predictions are not one finite number"),
    ],
)
def test_a_fit_that_fails_is_a_training_error(candidate: Any, says: str) -> None:
    run = tabular("wine").scores(candidate, {})
    with pytest.raises(TrainingError, match=says):
        next(run)


def test_memory_that_is_short_stays_an_error_of_its_own() -> None:
    with pytest.raises(MemoryError, match="too large"):
        next(tabular("wine").scores(Heavy(), {}))


def test_a_solver_that_does_not_converge_is_silent() -> None:
    (score,) = list(tabular("wine").scores(None, {"model": "mlp", "mlp.max_iter": 1}))[-1:]
    assert 0 <= score.score <= 1


def test_more_neighbours_than_rows_are_all_rows() -> None:
    task = tabular("iris", folds=2, test=0.8)
    settings = {"model": "knn", "knn.n_neighbors": 30}
    found = task.build(None, settings)
    assert found[-1].n_neighbors == 15
    assert len(list(task.scores(None, settings))) == 2


def test_without_a_test_part_there_is_no_test_score() -> None:
    task = tabular("wine", test=0)
    _, found = drain(task.scores(None, LINEAR))
    with pytest.raises(DataError, match=r"wine has no test part: give the task test=0\.2"):
        task.test_score(found)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"folds": 1}, InvalidSpecError, "folds must be a whole number from 2 on, got 1"),
        ({"folds": 2.5}, InvalidSpecError, r"folds must be .*, got 2\.5"),
        ({"folds": 100}, DataError, "142 rows beside the test part are too few for 100 folds"),
        ({"folds": 50}, DataError, r"class .* has \d+ rows beside the test part, too few"),
        ({"test": 1.0}, InvalidSpecError, "share of the rows from 0 to below 1, got 1.0"),
        ({"test": "0.2"}, InvalidSpecError, "share of the rows from 0 to below 1, got '0.2'"),
        ({"seed": -1}, InvalidSpecError, "seed must be a whole number"),
        ({"score": "r2"}, UnknownNameError, "classification score 'r2'"),
        ({"kind": "classify"}, UnknownNameError, "did you mean 'classification'"),
        ({"target": "y"}, InvalidSpecError, "'wine' has its own target"),
        ({"drop": ["hues"]}, UnknownNameError, "column of 'wine' 'hues'; did you mean 'hue'"),
        ({"drop": "hue"}, InvalidSpecError, "drop is a list of columns' names, got 'hue'"),
        ({"data": "wines"}, InvalidSpecError, "did you mean 'wine'"),
    ],
)
def test_arguments_that_cannot_be(
    options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        tabular(**{"data": "wine", **options})


def test_a_score_is_a_tuple_of_three() -> None:
    score = Score(0, 0.5, 1.0)
    step, value, seconds = score
    assert (step, value, seconds) == (0, 0.5, 1.0) == score
    assert score.metrics == {}
    full = Score(1, 0.5, 1.0, {"f1": 0.4})
    assert full.metrics == {"f1": 0.4}
    assert pickle.loads(pickle.dumps(full)).metrics == {"f1": 0.4}
    assert Score(2, 0.1, 0.2).metrics == {}
