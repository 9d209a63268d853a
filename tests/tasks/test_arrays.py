import json

import numpy as np
import pytest
import torch

from optunas.errors import DataError, InvalidSpecError, UnknownNameError
from optunas.tasks import arrays

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 6, 6)).astype(np.float32)
Y = (X.mean(axis=(1, 2)) > 0).astype(int)


@pytest.fixture
def save(tmp_path):
    def write(**data):
        np.savez(tmp_path / "mine.npz", **data)
        return str(tmp_path / "mine.npz")

    return write


def sizes(task):
    return [len(task.part(part).y) for part in ("train", "validation", "test")]


def test_a_file_of_x_and_y_is_split(save):
    task = arrays(save(x=X, y=Y))
    assert sizes(task) == [72, 24, 24]
    assert (task.name, task.score_name, task.input_shape) == ("mine", "accuracy", (1, 6, 6))
    rates = [task.part(part).y.mean() for part in ("train", "validation", "test")]
    assert rates == pytest.approx([Y.mean()] * 3, abs=0.05)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-7, 40])[Y],
        np.array(["cat", "dog"])[Y],
        np.array([False, True])[Y],
        np.array([1.0, 3.0])[Y],
        np.array([5, 6])[Y][:, None],
    ],
)
def test_labels_of_any_kind_become_class_numbers(save, labels):
    task = arrays(save(x=X, y=labels))
    assert task.num_outputs == 2
    assert list(task.classes) == np.unique(labels).tolist()
    plain = arrays(save(x=X, y=Y))
    assert np.array_equal(task.part("train").y, plain.part("train").y)


@pytest.mark.parametrize(
    ("shape", "channels", "expected"),
    [
        ((120, 6, 5), None, (1, 6, 5)),
        ((120, 3, 6, 5), None, (3, 6, 5)),
        ((120, 6, 5, 3), None, (3, 6, 5)),
        ((120, 6, 5, 1), None, (1, 6, 5)),
        ((120, 3, 4, 4), None, (3, 4, 4)),
        ((120, 6, 5, 3), "first", (6, 5, 3)),
        ((120, 6, 5, 2), "last", (2, 6, 5)),
    ],
)
def test_layouts_of_images(save, shape, channels, expected):
    assert (
        arrays(save(x=np.arange(np.prod(shape)).reshape(shape), y=Y), channels=channels).input_shape
        == expected
    )


def test_channels_last_keeps_each_pixel_in_its_place(save):
    x = RANDOM.integers(0, 256, (120, 6, 5, 3)).astype(np.uint8)
    train = arrays(save(x=x, y=Y)).part("train").x
    first = next(image for image in x if np.array_equal(image[..., 0], train[0, 0]))
    assert np.array_equal(train[0, 2], first[..., 2])


def test_given_parts_are_taken_as_they_are(save):
    task = arrays(save(x=X, y=Y, x_val=X[:30], y_val=Y[:30], x_test=X[30:50], y_test=Y[30:50]))
    assert sizes(task) == [120, 30, 20]
    assert np.array_equal(task.part("test").x[:, 0], X[30:50])


def test_only_the_missing_parts_are_drawn(save):
    task = arrays(save(x=X, y=Y, x_test=X[:10], y_test=Y[:10]))
    assert sizes(task) == [90, 30, 10]
    task = arrays(save(x=X, y=Y, x_val=X[:10], y_val=Y[:10]))
    assert sizes(task) == [90, 10, 30]


def test_options_make_the_same_task_again(save):
    task = arrays(save(x=X, y=Y), seed=4, score="f1")
    again = arrays(**json.loads(json.dumps(task.options)))
    assert again.fingerprint() == task.fingerprint()
    assert arrays(save(x=X + 1, y=Y), seed=4, score="f1").fingerprint() != task.fingerprint()


def test_training_on_them(save, network_of, drain):
    task = arrays(save(x=X + 3 * Y[:, None, None], y=Y), score="balanced_accuracy")
    scores, network = drain(task.scores(network_of(task), {"epochs": 5, "batch_size": 16}))
    assert scores[-1].score > 0.9
    assert task.test_score(network) > 0.9


@pytest.mark.parametrize(("score", "direction"), [("r2", "maximize"), ("mae", "minimize")])
def test_regression_scores_are_in_the_targets_own_unit(save, network_of, drain, score, direction):
    target = 1000 + 50 * X.mean(axis=(1, 2))
    task = arrays(save(x=X, y=target), kind="regression", score=score)
    assert (task.num_outputs, task.direction) == (1, direction)
    settings = {"epochs": 30, "batch_size": 16, "optimizer": "adam", "lr": 0.01, "keep": "best"}
    scores, network = drain(task.scores(network_of(task), settings))
    truth = task.part("validation").y[:, 0]
    if score == "r2":
        assert scores[-1].score > 0.7
    else:
        assert scores[-1].score < 0.5 * np.abs(truth - truth.mean()).mean()
    with torch.no_grad():
        x = (task.part("test").x - task.input_mean[0]) / task.input_std[0]
        raw = network(torch.from_numpy(x.astype(np.float32))).numpy()
    error = np.abs(raw * task.goal.std[0] + task.goal.mean[0] - task.part("test").y).mean()
    if score == "mae":
        assert task.test_score(network) == pytest.approx(error, rel=1e-4)


def test_patience_follows_a_minimised_score(save, network_of, drain):
    task = arrays(save(x=X, y=X.mean(axis=(1, 2))), kind="regression", score="mae")
    settings = {"epochs": 40, "lr": 1e-6, "patience": 2, "schedule": "constant"}
    scores, _ = drain(task.scores(network_of(task), settings))
    values = [score.score for score in scores]
    assert min(values) in values[-3:]


def test_several_targets(save, network_of, drain):
    targets = np.stack([X.mean(axis=(1, 2)), 100 * X[:, 0, 0]], axis=1)
    task = arrays(save(x=X, y=targets), kind="regression")
    assert task.num_outputs == 2
    scores, _ = drain(task.scores(network_of(task), {"epochs": 2}))
    assert len(scores) == 2


def test_targets_far_from_zero_are_standardised_exactly(save):
    task = arrays(save(x=X, y=1e9 + np.arange(120.0)), kind="regression")
    batches = task.train_batches(task.settings({}), torch.device("cpu"))(0, torch.Generator())
    y = torch.cat([y for _, y in batches])
    assert y.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert y.unique().numel() == 72


def test_a_constant_channel_is_harmless(save):
    x = np.stack([X, np.full_like(X, 0.1)], axis=1)
    task = arrays(save(x=x, y=Y))
    assert task.input_std[1] == 1.0


def test_label_smoothing_is_for_classes(save):
    task = arrays(save(x=X, y=X.mean(axis=(1, 2))), kind="regression")
    with pytest.raises(InvalidSpecError, match=r"label_smoothing=0.1 is for classification"):
        task.check({"label_smoothing": 0.1})


HOLES = np.where(np.arange(120)[:, None, None] == 17, np.nan, X)


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ({"x": HOLES, "y": Y}, "classification", "x of the .* part has NaN or infinite values"),
        ({"x": np.where(X > 3, np.inf, X), "y": Y}, "classification", "NaN or infinite"),
        ({"x": X, "y": HOLES[:, 0, 0]}, "regression", "y of the .* part has NaN"),
        ({"x": X, "y": HOLES[:, 0, 0]}, "classification", "y has NaN or infinite labels"),
        ({"x": X, "y": np.zeros(120, int)}, "classification", "same label"),
        ({"x": X, "y": np.ones(120)}, "regression", "Target 0 of y is the same"),
        ({"x": X, "y": Y[:100]}, "classification", "x holds 120 samples and y has shape .100,."),
        ({"x": X}, "classification", "has no y, only x"),
        ({"y": Y}, "classification", "has no x, only y"),
        ({"a": X}, "classification", "has no x and y, only a"),
        ({"x": X, "y": Y, "x_val": X}, "classification", "has no y_val"),
        ({"x": X, "y": X[:, 0, 0]}, "classification", "no whole numbers.*kind='regression'"),
        ({"x": X, "y": X}, "classification", "one label a sample"),
        ({"x": X, "y": np.array(["a"] * 120)}, "regression", "regression needs real numbers"),
        ({"x": X.astype(str), "y": Y}, "classification", "inputs must be real numbers"),
        ({"x": X[0, 0], "y": Y}, "classification", "it must be .N, H, W..*or .N, features."),
        ({"x": X[:, :, :0], "y": Y}, "classification", "no axis may be empty"),
        ({"x": X[:2], "y": Y[:2]}, "classification", "2 samples are too few"),
        ({"x": X, "y": np.arange(120)}, "classification", "Class 0 has only 1 of 120"),
        ({"x": X, "y": Y, "x_val": X[:, :5], "y_val": Y}, "classification", "inputs of shape"),
        ({"x": X, "y": Y, "x_val": X, "y_val": Y + 1}, "classification", "y_val has the label 2"),
        ({"x": X, "y": np.array([{}] * 120)}, "classification", "plain arrays"),
    ],
)
def test_data_that_cannot_be_trained_on(save, data, kind, message):
    with pytest.raises(DataError, match=message):
        arrays(save(**data), kind=kind)


def test_a_misspelt_array_gets_the_nearest(save):
    with pytest.raises(UnknownNameError, match="did you mean 'x_val'"):
        arrays(save(x=X, y=Y, x_valid=X, y_val=Y))


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no file .*mine.npz"):
        arrays(str(tmp_path / "mine.npz"))


def test_a_file_of_another_kind(tmp_path):
    np.save(tmp_path / "mine.npy", X)
    with pytest.raises(DataError, match=r"Cannot read .*mine.npy.*numpy.savez"):
        arrays(str(tmp_path / "mine.npy"))
    (tmp_path / "text.npz").write_text("nothing")
    with pytest.raises(DataError, match=r"Cannot read .*text.npz"):
        arrays(str(tmp_path / "text.npz"))


def test_a_truncated_file(save, tmp_path):
    path = save(x=X, y=Y)
    whole = (tmp_path / "mine.npz").read_bytes()
    (tmp_path / "mine.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="Cannot read"):
        arrays(path)


def test_damage_inside_the_file(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = bytearray(path.read_bytes())
    whole[2000:2100] = bytes(100)
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match="Cannot read"):
        arrays(str(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "regresion"}, "did you mean 'regression'"),
        ({"score": "mae"}, "classification score 'mae'"),
        ({"channels": "frist"}, "did you mean 'first'"),
    ],
)
def test_unknown_names(save, options, message):
    with pytest.raises(UnknownNameError, match=message):
        arrays(save(x=X, y=Y), **options)


def test_a_split_into_two_is_refused(save):
    with pytest.raises(InvalidSpecError, match="three fractions"):
        arrays(save(x=X, y=Y), split=(0.5, 0.5))
