"""A training that is written down and goes on gives what an uninterrupted one gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import TrainingError
from optunas.train import TrainSettings, fit
from optunas.train.loop import Epoch, Fitting
from optunas.train.state import pack, unpack

X = torch.randn(24, 1, 6, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
EPOCHS = 5


class _Batches(list[tuple[torch.Tensor, torch.Tensor]]):
    """One epoch in an order of the generator."""


def data(epoch: int, generator: torch.Generator) -> _Batches:
    order = torch.randperm(len(X), generator=generator)
    return _Batches((X[part], Y[part]) for part in order.split(8))


def network(seed: int = 0, width: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(16 * width, 3),
    )


def score(net: nn.Module) -> float:
    return -F.cross_entropy(net(X), Y).item()


def start(net: nn.Module, state: bytes | None = None, **settings: Any) -> Fitting:
    chosen = TrainSettings(**{"epochs": EPOCHS, "lr": 0.05, **settings})
    return fit(net, data, score, F.cross_entropy, chosen, seed=7, state=state)


def plain(epochs: list[Epoch]) -> list[tuple[int, float, float]]:
    return [(e.step, e.score, e.loss) for e in epochs]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"optimizer": "adamw", "schedule": "one_cycle", "dropout": 0.3},
    {"optimizer": "adam", "augmentation": "crop_flip_cutout", "warmup_epochs": 1.0},
    {"optimizer": "rmsprop", "lr": 0.003, "grad_clip": 1.0},
    {"momentum": 0.0, "schedule": "step", "channels_last": "off"},
    {"mixed_precision": "on"},
    {"keep": "best", "lr": 0.4},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("after", [1, 3])
def test_a_resumed_training_is_bit_equal(settings: dict[str, Any], after: int) -> None:
    whole_net, broken_net, other = network(), network(), network(seed=9)
    whole = list(start(whole_net, **settings))
    first = start(broken_net, **settings)
    begun = [next(first) for _ in range(after)]
    state = first.state()
    del first, broken_net
    torch.rand(13)  # what happens between two trials
    rest = list(start(other, state, **settings))
    assert plain([*begun, *rest]) == plain(whole)
    for key, value in whole_net.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key


def test_patience_counts_from_the_beginning() -> None:
    settings = {"epochs": 30, "lr": 1e-9, "patience": 3}
    whole = list(start(network(), **settings))
    assert len(whole) < 30
    first = start(network(), **settings)
    begun = [next(first), next(first)]
    rest = list(start(network(1), first.state(), **settings))
    assert plain([*begun, *rest]) == plain(whole)


def test_taking_the_state_changes_nothing() -> None:
    asked = []
    run = start(network())
    for epoch in run:
        asked.append(epoch)
        run.state()
    assert plain(asked) == plain(list(start(network())))


def test_a_state_after_the_last_epoch_leaves_nothing_to_train() -> None:
    run = start(network())
    list(run)
    assert list(start(network(), run.state())) == []


def test_what_is_no_state_of_this_training_is_refused() -> None:
    run = start(network())
    next(run)
    state = run.state()
    with pytest.raises(TrainingError, match="is not one of this network with these settings"):
        start(network(width=5), state)
    with pytest.raises(TrainingError, match="is not one of this network with these settings"):
        start(network(), pack({"network": network().state_dict()}))
    for body in (b"", b"nothing", state[: len(state) // 2]):
        with pytest.raises(TrainingError, match="The stored training cannot be read"):
            unpack(body)
    with pytest.raises(TrainingError, match="has version 99; this optunas goes on with 1"):
        unpack(pack({"version": 99}))


def test_reading_a_state_runs_no_code() -> None:
    import io

    file = io.BytesIO()
    torch.save({"version": 1, "network": print}, file)
    with pytest.raises(TrainingError, match="The stored training cannot be read"):
        unpack(file.getvalue())
