from collections.abc import Callable

import pytest
import torch
from torch import nn


def tiny(input_shape: tuple[int, ...], num_outputs: int) -> nn.Module:
    """A network small enough to train in a test, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(input_shape[0], 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(8 * input_shape[1] * input_shape[2], num_outputs),
        )


def drain(generator):
    """All scores, and the network that the generator returns."""
    scores = []
    while True:
        try:
            scores.append(next(generator))
        except StopIteration as end:
            return scores, end.value


@pytest.fixture(scope="session")
def network_of() -> Callable[..., nn.Module]:
    return lambda task: tiny(task.input_shape, task.num_outputs)


@pytest.fixture(scope="session", name="drain")
def drain_fixture() -> Callable:
    return drain
