import math
import subprocess
import sys

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from optunas import NB201, Objective, codec
from optunas.errors import InvalidSpaceError, UnknownNameError
from optunas.space import (
    TRAINING_PARAMETERS,
    Choice,
    Float,
    HyperSpace,
    JointSpace,
    space_from_definition,
    training_space,
)
from optunas.tasks import digits
from optunas.train import TrainSettings

SEEDS = st.integers(0, 2**32 - 1)


def members(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def test_every_name_is_a_training_setting():
    assert set(TRAINING_PARAMETERS) <= set(TrainSettings.names())
    assert tuple(training_space().hyperparameter_names()) == tuple(TRAINING_PARAMETERS)


@pytest.mark.parametrize("name", TRAINING_PARAMETERS)
def test_every_value_is_one_that_training_takes(name):
    parameter = TRAINING_PARAMETERS[name]
    ends = parameter.options if isinstance(parameter, Choice) else (parameter.low, parameter.top)
    for value in ends:
        assert getattr(TrainSettings(**{name: value}), name) == value


@pytest.mark.parametrize("name", ["label_smoothing", "augmentation", "dropout"])
def test_what_regularises_can_be_off(name):
    assert TRAINING_PARAMETERS[name].contains(getattr(TrainSettings(), name))


def test_the_defaults_lie_within_the_ranges():
    for name, parameter in TRAINING_PARAMETERS.items():
        assert parameter.contains(getattr(TrainSettings(), name))


@given(SEEDS)
def test_members_are_training_settings_and_sgds_own_only_with_sgd(seed):
    member = training_space().sample(np.random.default_rng(seed))
    settings = TrainSettings.from_mapping(member)
    sgd = settings.optimizer == "sgd"
    assert ("momentum" in member) == ("nesterov" in member) == sgd
    assert len(member) == len(TRAINING_PARAMETERS) - (0 if sgd else 2)


def test_both_optimizers_get_half_of_the_rates():
    lr = TRAINING_PARAMETERS["lr"]
    assert math.sqrt(lr.low * lr.high) == pytest.approx(0.01, rel=0.1)


def test_names_choose_what_is_searched_in_the_presets_order():
    space = training_space("lr", "batch_size", "optimizer")
    assert list(space.parameters()) == ["optimizer", "lr", "batch_size"]
    assert space.parameters()["lr"] == TRAINING_PARAMETERS["lr"]
    assert not space.conditions()


def test_momentum_without_the_optimizer_always_counts():
    space = training_space("momentum", "lr")
    assert not space.conditions()
    assert set(members(space, 1)[0]) == {"momentum", "lr"}


def test_ranges_are_replaced():
    lr = Float(0.01, 0.5, log=True)
    space = training_space("optimizer", "lr", "momentum", ranges={"lr": lr})
    assert space.parameters()["lr"] == lr
    assert space.conditions()["momentum"].values == ("sgd",)


def test_optimizers_without_sgd_have_no_momentum():
    adams = Choice(("adam", "adamw"))
    space = training_space(ranges={"optimizer": adams})
    assert set(TRAINING_PARAMETERS) - set(space.parameters()) == {"momentum", "nesterov"}
    with pytest.raises(InvalidSpaceError, match="'momentum' only counts with sgd"):
        training_space("optimizer", "momentum", ranges={"optimizer": adams})
    with pytest.raises(InvalidSpaceError, match="'nesterov' only counts with sgd"):
        training_space(ranges={"optimizer": adams, "nesterov": Choice((True,))})


def test_regressions_and_vectors_leave_out_what_they_cannot_use():
    assert "label_smoothing" not in training_space(regression=True).parameters()
    assert "augmentation" not in training_space(images=False).parameters()
    with pytest.raises(InvalidSpaceError, match="'label_smoothing' is not for this task: a regr"):
        training_space("lr", "label_smoothing", regression=True)
    with pytest.raises(InvalidSpaceError, match="'augmentation' is not for this task: vectors"):
        training_space(ranges={"augmentation": Choice(("none", "crop"))}, images=False)


@pytest.mark.parametrize(
    ("names", "ranges", "nearest"),
    [(("optimiser",), None, "optimizer"), ((), {"batchsize": Choice((1, 2))}, "batch_size")],
)
def test_an_unknown_name_gets_the_nearest(names, ranges, nearest):
    with pytest.raises(UnknownNameError, match=f"training parameter .*did you mean '{nearest}'"):
        training_space(*names, ranges=ranges)


def test_names_are_not_a_list():
    with pytest.raises(UnknownNameError, match=r"training parameter \['lr', 'dropout'\]"):
        training_space(["lr", "dropout"])  # type: ignore[arg-type]


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(InvalidSpaceError) as caught:
        training_space("lr", "lr", "dropout", ranges={"momentum": Float(0, 1), "dropout": 0.5})
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["training_space"] * 3
    assert "'lr' is named twice" in lines[0]
    assert "'momentum' is not searched; name it too" in lines[1]
    assert "range of 'dropout' must be a Choice, Int or Float, got 0.5" in lines[2]


def test_the_preset_cannot_be_changed_by_accident():
    with pytest.raises(TypeError, match="does not support item assignment"):
        TRAINING_PARAMETERS["lr"] = Float(0, 1)  # type: ignore[index]
    assert isinstance(training_space(), HyperSpace)


def test_it_survives_a_studys_definition():
    space = training_space()
    again = space_from_definition(space.definition(), resolve=None)
    assert again.parameters() == space.parameters()
    assert again.conditions() == space.conditions()


@given(SEEDS)
def test_beside_a_cell_it_maps_onto_a_trial(seed):
    space = JointSpace(cell=NB201, train=training_space())
    member = space.sample(np.random.default_rng(seed))
    params = codec.to_params(space, member)
    assert "train.lr" in params
    assert codec.from_params(space, params) == member
    assert space.from_json(space.to_json(member)) == member


def tiny() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def test_random_members_train_on_real_digits():
    task = digits(split=(0.1, 0.2, 0.2))
    for member in members(training_space(), 30):
        task.check(member)
        (score,) = task.scores(tiny(), {**member, "epochs": 1})
        assert 0 <= score.score <= 1


def test_a_joint_study_trains_cells_with_it():
    task = digits(split=(0.1, 0.1, 0.1))
    objective = Objective(
        JointSpace(cell=NB201, train=training_space()),
        task,
        ("accuracy", "params"),
        training={"epochs": 1, "channels": 4, "num_cells": 1},
    )
    study = optuna.create_study(
        directions=objective.directions, sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(objective, n_trials=3)
    assert len(study.get_trials()) == 3
    assert all("train.optimizer" in trial.params for trial in study.get_trials())


def test_it_loads_no_torch():
    code = (
        "import sys; from optunas.space import training_space; training_space(); "
        "print('torch' in sys.modules, 'optuna' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
