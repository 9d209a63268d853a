import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from optunas.errors import UnknownNameError
from optunas.measures import METRICS
from optunas.tasks.scoring import (
    CLASSIFICATION,
    REGRESSION,
    accuracy,
    balanced_accuracy,
    default_score,
    f1,
    mae,
    r2,
    score_function,
)

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)
numbers = st.lists(
    st.tuples(*[st.integers(-9, 9).map(float)] * 4), min_size=2, max_size=30
)  # truth and prediction of two targets


@given(labels)
def test_class_scores_equal_scikit_learns(pairs):
    truth, predicted = np.array(pairs).T
    assert accuracy(truth, predicted) == pytest.approx(metrics.accuracy_score(truth, predicted))
    present = np.unique(truth)
    recall = metrics.recall_score(
        truth, predicted, labels=present, average="macro", zero_division=0
    )
    assert balanced_accuracy(truth, predicted) == pytest.approx(recall)
    expected = metrics.f1_score(truth, predicted, average="macro", zero_division=0)
    assert f1(truth, predicted) == pytest.approx(expected)


def test_balanced_accuracy_is_scikit_learns_by_name():
    truth, predicted = np.array([0, 0, 0, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 0])
    expected = metrics.balanced_accuracy_score(truth, predicted)
    assert balanced_accuracy(truth, predicted) == pytest.approx(expected)


@given(numbers)
def test_number_scores_equal_scikit_learns(rows):
    values = np.array(rows)
    truth, predicted = values[:, :2], values[:, 2:]
    assert mae(truth, predicted) == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert r2(truth, predicted) == pytest.approx(metrics.r2_score(truth, predicted))


def test_always_the_frequent_class_is_poor_by_balanced_accuracy():
    truth, predicted = np.array([0] * 9 + [1]), np.zeros(10, int)
    assert accuracy(truth, predicted) == 0.9
    assert balanced_accuracy(truth, predicted) == 0.5


def test_every_score_is_a_metric_with_a_direction():
    assert set(CLASSIFICATION) | set(REGRESSION) <= set(METRICS)
    assert METRICS["mae"].direction == "minimize"


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_the_default_is_a_score_of_its_kind(kind):
    assert callable(score_function(default_score(kind), kind))


def test_a_score_of_the_other_kind_is_unknown():
    with pytest.raises(UnknownNameError, match=r"classification score 'mae'.*accuracy"):
        score_function("mae", "classification")
    with pytest.raises(UnknownNameError, match="did you mean 'r2'"):
        score_function("r-2", "regression")
