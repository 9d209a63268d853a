"""Tables: real ones of scikit-learn, as vectors for a network."""

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from optunas import metrics
from optunas.errors import DataError, InvalidSpecError, TrainingError
from optunas.space import Cell, Dense, Layer, Macro, Stack
from optunas.tasks import InMemoryTask, Part, Task, arrays, loaders

X, Y = load_breast_cancer(return_X_y=True)
CELL = Cell.from_str("|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")


@pytest.fixture
def save(tmp_path):
    def write(**data):
        np.savez(tmp_path / "table.npz", **data)
        return str(tmp_path / "table.npz")

    return write


def perceptron(task, units: int = 16) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(task.input_shape[0], units),
            nn.BatchNorm1d(units),
            nn.ReLU(),
            nn.Linear(units, task.num_outputs),
        )


def test_a_table_is_a_task_of_vectors(save):
    task = arrays(save(x=X, y=Y))
    assert isinstance(task, Task)
    assert (task.input_shape, task.num_outputs, task.name) == ((30,), 2, "table")
    assert len(task.input_mean) == len(task.input_std) == 30
    again = arrays(**json.loads(json.dumps(task.options)))
    assert again.fingerprint() == task.fingerprint()


def test_each_feature_is_standardised_by_the_training_part(save):
    task = arrays(save(x=X, y=Y))
    train = task.part("train").x
    assert task.input_mean == pytest.approx(train.mean(axis=0))
    batches = list(task.train_batches(task.settings({}), torch.device("cpu"))(0, torch.Generator()))
    x = torch.cat([x for x, _ in batches])
    assert x.shape == train.shape
    assert x.dtype == torch.float32
    assert x.mean(0).abs().max() < 1e-5
    assert x.std(0, correction=0).tolist() == pytest.approx([1] * 30, abs=1e-4)
    shown = torch.cat([x for x, _ in task.batches("validation", torch.device("cpu"))])
    expected = (task.part("validation").x - task.input_mean) / task.input_std
    assert np.allclose(shown.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("load", "floor"), [(load_breast_cancer, 0.93), (load_wine, 0.93)])
def test_a_perceptron_learns_real_tables(save, drain, load, floor):
    x, y = load(return_X_y=True)
    task = arrays(save(x=x, y=y))
    settings = {"epochs": 20, "batch_size": 32, "lr": 0.05, "dropout": 0.1}
    scores, network = drain(task.scores(perceptron(task), settings))
    assert scores[-1].score > floor
    assert task.test_score(network) > floor


def test_a_perceptron_learns_numbers(save, drain):
    x, y = load_diabetes(return_X_y=True)
    task = arrays(save(x=x, y=y), kind="regression")
    settings = {"epochs": 30, "batch_size": 32, "optimizer": "adamw", "lr": 0.01}
    scores, _ = drain(task.scores(perceptron(task), settings))
    assert scores[-1].score > 0.3  # a linear model reaches about .5


def test_equal_seeds_give_equal_bits(save, drain):
    task = arrays(save(x=X, y=Y))
    runs = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        _, network = drain(task.scores(perceptron(task), {"epochs": 2, "dropout": 0.2}, seed=3))
        runs.append(network[0].weight)
    assert torch.equal(*runs)


def test_a_constant_feature_becomes_zero(save, drain):
    x = X.copy()
    x[:, 4] = 0.1
    task = arrays(save(x=x, y=Y))
    assert task.input_std[4] == 1.0
    shown = torch.cat([x for x, _ in task.batches("test", torch.device("cpu"))])
    assert shown[:, 4].abs().max() < 1e-6
    scores, _ = drain(task.scores(perceptron(task), {"epochs": 5, "lr": 0.05}))
    assert scores[-1].score > 0.9


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_holes_in_a_table_are_named(save, value):
    x = X.copy()
    x[17, 3] = value
    with pytest.raises(DataError, match=r"x of the .* part has NaN or infinite values .*fill them"):
        arrays(save(x=x, y=Y))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": X[:, :0], "y": Y}, "x has shape .569, 0.; it must be .* no axis may be empty"),
        ({"x": X, "y": Y, "x_val": X[:, 1:], "y_val": Y}, r"x_val holds inputs of shape .29,."),
        ({"x": X, "y": Y, "x_val": X[:, :, None], "y_val": Y}, "they must be the same"),
        ({"x": X, "y": Y[1:]}, "x holds 569 samples and y has shape"),
        ({"x": X[:, 0], "y": Y}, "x has shape .569,.; it must be"),
    ],
)
def test_tables_that_cannot_be_trained_on(save, data, message):
    with pytest.raises(DataError, match=message):
        arrays(save(**data))


def test_vectors_have_no_channels(save):
    with pytest.raises(InvalidSpecError, match="channels='last' is for images; x holds vectors"):
        arrays(save(x=X, y=Y), channels="last")


def test_vectors_are_not_augmented(save):
    task = arrays(save(x=X, y=Y))
    with pytest.raises(InvalidSpecError, match=r"augmentation='crop' is for images; .*\(30,\)"):
        task.check({"augmentation": "crop"})
    task.check({"augmentation": "none"})


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [(CELL, "Cell"), (Stack((CELL,), (8,)), "Stack")],
    ids=["cell", "stack"],
)
def test_networks_for_images_are_refused_in_a_sentence(save, architecture, kind):
    task = arrays(save(x=X, y=Y))
    message = f"vectors of 30 features, and a {kind} is a network for images: search a MacroSpace"
    with pytest.raises(InvalidSpecError, match=message):
        task.build(architecture, {})
    with pytest.raises(InvalidSpecError, match=message):
        next(task.scores(architecture, {"epochs": 1}))


def test_a_macro_of_dense_layers_is_built_for_vectors(save, drain):
    task = arrays(save(x=X, y=Y))
    macro = Macro(dense=(Dense(16, norm="batch", dropout=0.1), Dense(8)))
    scores, network = drain(task.scores(macro, {"epochs": 8, "lr": 0.05, "dropout": 0.1}))
    assert scores[-1].score > 0.93
    assert metrics.params(macro, task.input_shape, 2) == metrics.params(network)
    assert metrics.flops(macro, task.input_shape, 2) == metrics.flops(network, task.input_shape)
    with pytest.raises(
        InvalidSpecError, match=r"needs an image.* for vectors, take a macro without"
    ):
        task.build(Macro((Layer("conv", 8, 3, activation="relu", norm="batch"),)), {})


def test_short_vectors_train_on_one_thread_and_long_ones_on_all(save, monkeypatch):
    from optunas.tasks import network_task

    asked = []

    def fit(*arguments, threads, **options):
        asked.append(threads)
        return iter(())

    monkeypatch.setattr(network_task, "fit", fit)
    for features in (256, 257):
        task = arrays(save(x=np.random.default_rng(0).normal(size=(40, features)), y=Y[:40]))
        list(task.scores(perceptron(task), {}))
    assert asked == [1, None]


def test_costs_of_a_perceptron(save):
    task = arrays(save(x=X, y=Y))
    network = perceptron(task, units=8)
    shape = task.input_shape
    assert metrics.flops(network, shape) == 2 * (30 * 8 + 8 * 2)
    assert metrics.params(network) == 30 * 8 + 8 + 16 + 8 * 2 + 2
    assert metrics.latency_ms(network, (1, *shape)) > 0


def test_images_are_flattened_by_a_perceptron_of_ones_own(save, drain):
    x = X[:, :28].reshape(-1, 4, 7)
    task = arrays(save(x=x, y=Y))
    assert task.input_shape == (1, 4, 7)
    network = nn.Sequential(nn.Flatten(), nn.Linear(28, 2))
    scores, _ = drain(task.scores(network, {"epochs": 1}))
    assert len(scores) == 1


def test_a_network_with_other_outputs_is_refused(save):
    task = arrays(save(x=X, y=Y))
    with pytest.raises(TrainingError, match=r"outputs have shape .*needs .*2"):
        next(task.scores(nn.Linear(30, 7), {"epochs": 1}))


def test_parts_of_other_shapes_are_refused():
    part = Part(np.zeros((4, 2, 3)), np.array([0, 1, 0, 1]))
    with pytest.raises(DataError, match=r"samples, channels, height, width. or .samples, features"):
        InMemoryTask("mine", {"train": part}, "accuracy", {}, classes=(0, 1))


def loader(x=X, y=Y, **options):
    pairs = TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
    return DataLoader(pairs, **{"batch_size": 32, **options})


STANDARD = (X - X.mean(0)) / X.std(0)


def test_loaders_give_vectors_too(drain):
    task = loaders(loader(STANDARD, shuffle=True), loader(STANDARD), num_classes=2)
    assert task.input_shape == (30,)
    scores, _ = drain(task.scores(perceptron(task), {"epochs": 8, "lr": 0.05}))
    assert scores[-1].score > 0.93
    with pytest.raises(InvalidSpecError, match="augmentation='flip' is for images"):
        task.check({"augmentation": "flip"})


def test_a_loader_of_other_vectors_is_found(drain):
    task = loaders(loader(), loader(X[:, :29]), num_classes=2)
    with pytest.raises(DataError, match=r"has inputs of shape \(29,\); .* had \(30,\)"):
        drain(task.scores(perceptron(task), {"epochs": 1}))
