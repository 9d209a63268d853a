import dataclasses

import pytest

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.train import TrainSettings


def test_a_mapping_changes_only_what_it_names():
    settings = TrainSettings.from_mapping({"lr": 0.1, "optimizer": "adamw"})
    assert settings == dataclasses.replace(TrainSettings(), lr=0.1, optimizer="adamw")


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError, match="lr"):
        TrainSettings().lr = 1.0  # type: ignore[misc]


def test_an_unknown_key_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'batch_size'"):
        TrainSettings.from_mapping({"batchsize": 32})


@pytest.mark.parametrize(
    ("key", "value", "nearest"),
    [
        ("optimizer", "adamW", "adamw"),
        ("schedule", "cosin", "cosine"),
        ("augmentation", "cropflip", "crop_flip"),
        ("channels_last", "of", "off"),
        ("keep", "lst", "last"),
    ],
)
def test_an_unknown_name_gets_the_nearest(key, value, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'"):
        TrainSettings(**{key: value})


def test_a_switch_is_not_a_bool():
    with pytest.raises(UnknownNameError, match="mixed precision True"):
        TrainSettings(mixed_precision=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("epochs", -3),
        ("epochs", 2.5),
        ("epochs", True),
        ("batch_size", 0),
        ("lr", 0),
        ("lr", float("nan")),
        ("lr", "0.1"),
        ("momentum", 1.0),
        ("nesterov", 1),
        ("weight_decay", -1e-4),
        ("label_smoothing", 1.0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", True),
        ("warmup_epochs", -1),
        ("warmup_epochs", None),
        ("grad_clip", 0.0),
        ("patience", 0),
    ],
)
def test_impossible_values_are_named(key, value):
    with pytest.raises(InvalidSpecError, match=f"{key} must be"):
        TrainSettings(**{key: value})


def test_all_impossible_values_are_named_at_once():
    with pytest.raises(InvalidSpecError, match=r"(?s)epochs must be.*\n.*lr must be"):
        TrainSettings(epochs=-1, lr=-1)


def test_none_switches_clipping_and_patience_off():
    assert TrainSettings(grad_clip=None, patience=None).grad_clip is None
