import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from optunas.errors import (
    DeviceError,
    InvalidSpecError,
    TrainingError,
    UnknownNameError,
)
from optunas.nets import build as building
from optunas.space import Cell, Dense, Macro
from optunas.tasks import Score, Task, digits

CELL = Cell.from_str(
    "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
)


@pytest.fixture(scope="module")
def task():
    return digits()


def test_it_is_a_task(task):
    assert isinstance(task, Task)
    assert (task.name, task.score_name, task.direction) == ("digits", "accuracy", "maximize")
    assert (task.input_shape, task.num_outputs) == ((1, 8, 8), 10)


def test_parts_are_the_data_split_once(task):
    images = load_digits().images
    together = np.concatenate([task.part(p).x for p in ("train", "validation", "test")])
    assert len(together) == len(images) == 1797
    order = np.lexsort(together.reshape(1797, -1).T), np.lexsort(images.reshape(1797, -1).T)
    assert np.array_equal(together[order[0], 0], images[order[1]])


def test_options_make_the_same_task_again(task):
    again = digits(**json.loads(json.dumps(task.options)))
    assert again.fingerprint() == task.fingerprint()
    assert digits(seed=1).fingerprint() != task.fingerprint()


def test_few_images_leave_the_rest_out():
    few = digits(split=(0.1, 0.2, 0.2))
    assert [len(few.part(p).y) for p in ("train", "validation", "test")] == [180, 359, 360]


def test_scores_are_fractions_and_the_trained_network_comes_back(task, network_of, drain):
    network = network_of(task)
    scores, trained = drain(task.scores(network, {"epochs": 4, "lr": 0.05}))
    assert trained is network
    assert [type(score) for score in scores] == [Score] * 4
    assert 0.9 < scores[-1].score <= 1
    assert 0.9 < task.test_score(trained) <= 1


def test_architectures_are_built_and_trained_the_same_for_one_seed(task, drain):
    settings = {"epochs": 2, "channels": 4, "num_cells": 1}
    runs = []
    for global_seed, seed in ((1, 3), (2, 3), (2, 4)):
        torch.manual_seed(global_seed)
        scores, network = drain(task.scores(CELL, settings, seed=seed))
        runs.append(
            (
                [score.score for score in scores],
                torch.cat([p.flatten() for p in network.parameters()]),
            )
        )
    assert runs[0][0] == runs[1][0]
    assert torch.equal(runs[0][1], runs[1][1])
    assert not torch.equal(runs[1][1], runs[2][1])


def test_augmentation_and_dropout_follow_the_seed_too(task, drain):
    settings = {"epochs": 2, "channels": 4, "num_cells": 1, "dropout": 0.2}
    settings["augmentation"] = "cutout"
    runs = []
    for changed in ({}, {}, {"augmentation": "none"}, {"dropout": 0.0}):
        _, network = drain(task.scores(CELL, settings | changed, seed=3))
        runs.append(torch.cat([p.flatten() for p in network.parameters()]))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert not torch.equal(runs[0], runs[3])


def test_building_leaves_the_callers_random_numbers_alone(task, drain):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    drain(task.scores(CELL, {"epochs": 1, "channels": 4, "num_cells": 1}))
    assert torch.equal(torch.rand(3), expected)


def test_network_keys_shape_the_network(task):
    wide, narrow = (
        sum(p.numel() for p in task.build(CELL, {"channels": c, "num_cells": 1}).parameters())
        for c in (8, 4)
    )
    assert wide > narrow


@pytest.mark.parametrize(
    "given", [{}, {"channels": 4}, {"num_cells": 2}, {"channels": 4, "num_cells": 2}]
)
def test_only_the_network_keys_that_are_given_reach_the_builder(task, monkeypatch, given):
    asked = []
    monkeypatch.setattr(building, "build", lambda *a, **options: asked.append((a, options)))
    task.build(CELL, {"lr": 0.1, "dropout": 0.2, **given})
    assert asked == [((CELL, (1, 8, 8), 10), given)]


def test_an_architecture_with_its_own_widths_takes_no_network_keys(task):
    macro = Macro(dense=(Dense(8),))
    task.check({"channels": 4})  # right for cells, so this is up to the architecture
    with pytest.raises(InvalidSpecError, match=r"A Macro has widths .* of its own, got channels=4"):
        task.build(macro, {"channels": 4})


def test_scores_never_see_the_test_part(task, network_of, drain, monkeypatch):
    asked, really = [], type(task).part

    def part(self, name):
        asked.append(name)
        return really(self, name)

    monkeypatch.setattr(type(task), "part", part)
    drain(digits().scores(network_of(task), {"epochs": 1}))
    assert set(asked) == {"train", "validation"}


def test_the_test_score_leaves_the_training_mode(task, network_of):
    network = network_of(task)
    task.test_score(network.train())
    assert network.training
    task.test_score(network.eval())
    assert not network.training


def test_inputs_are_standardised_by_the_training_part(task):
    train = task.part("train").x
    assert task.input_mean == pytest.approx([train.mean()], rel=1e-5)
    assert task.input_std == pytest.approx([train.std()], rel=1e-5)
    generator = torch.Generator().manual_seed(0)
    batches = list(task.train_batches(task.settings({}), torch.device("cpu"))(0, generator))
    x = torch.cat([x for x, _ in batches])
    assert x.mean().item() == pytest.approx(0, abs=1e-4)
    assert x.std().item() == pytest.approx(1, abs=1e-3)


def test_a_last_batch_of_one_is_left_out(task):
    assert len(task.part("train").y) == 3 * 359 + 1
    settings = task.settings({"batch_size": 359})
    batches = task.train_batches(settings, torch.device("cpu"))(0, torch.Generator())
    assert [len(y) for _, y in batches] == [359] * 3
    assert len(batches) == 3


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": -1}, InvalidSpecError, "epochs must be a whole number of at least 1, got -1"),
        ({"optimizer": "agd"}, UnknownNameError, "optimizer 'agd'; did you mean 'sgd'"),
        ({"chanels": 4}, UnknownNameError, "hyperparameter 'chanels'; did you mean 'channels'"),
        ({"learning_rate": 1}, UnknownNameError, "hyperparameter 'learning_rate'"),
        ({"channels": 0}, InvalidSpecError, "channels must be a whole number above 0, got 0"),
    ],
)
def test_wrong_hyperparameters_are_refused_at_once(task, settings, error, message):
    with pytest.raises(error, match=message):
        task.check(settings)
    with pytest.raises(error, match=message):
        task.scores(CELL, settings)


def test_a_missing_device_is_refused_at_once(task):
    with pytest.raises(DeviceError, match="cuda:99"):
        task.scores(CELL, {}, device="cuda:99")


def test_a_network_with_other_outputs_is_refused(task):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(TrainingError, match=r"shape \(64, 3\).*\(64, 10\)"):
        next(task.scores(network, {}))


def test_outputs_that_are_not_finite_are_refused(task, network_of):
    network = network_of(task)
    nn.init.constant_(network[4].weight, torch.nan)
    with pytest.raises(TrainingError, match="outputs are not finite"):
        task.test_score(network)


def test_an_unknown_score_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        digits(score="acuracy")


def test_the_splits_seed_and_sizes_are_checked():
    with pytest.raises(InvalidSpecError, match="3 parts"):
        digits(split=(0.5, 0.5))
