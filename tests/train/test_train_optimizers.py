import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from optunas.train import TrainSettings
from optunas.train.optimizers import make_optimizer, rate
from optunas.train.settings import OPTIMIZERS, SCHEDULES

STEPS = 500


def torch_rates(scheduler_of) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rates = scheduler_of(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_torchs():
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS))
    assert [rate("cosine", i / STEPS) for i in range(STEPS)] == pytest.approx(expected, abs=1e-12)


def test_one_cycle_is_torchs_to_within_a_step():
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, STEPS, cycle_momentum=False)
    )
    ours = [rate("one_cycle", i / STEPS) for i in range(STEPS)]
    assert ours[0] == pytest.approx(expected[0])
    largest_step = max(abs(a - b) for a, b in pairwise(expected))
    assert max(abs(a - b) for a, b in zip(ours, expected, strict=True)) <= 1.5 * largest_step


def test_linear_is_torchs():
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, total_iters=STEPS)
    )
    assert [rate("linear", i / STEPS) for i in range(STEPS)] == pytest.approx(expected, abs=1e-9)


def test_step_is_torchs_at_half_and_three_quarters():
    milestones = [STEPS // 2, 3 * STEPS // 4]
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones, 0.1))
    assert [rate("step", i / STEPS) for i in range(STEPS)] == pytest.approx(expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_rate_leaves_zero_to_one(schedule):
    assert all(0 <= rate(schedule, i / STEPS) <= 1 for i in range(STEPS + 1))


def test_schedules_start_and_end_where_they_should():
    assert rate("constant", 0.7) == 1.0
    assert rate("cosine", 0.0) == 1.0
    assert rate("cosine", 1.0) == pytest.approx(0.0, abs=1e-12)
    assert rate("one_cycle", 0.3) == pytest.approx(1.0)
    assert rate("one_cycle", 1.0) == pytest.approx(1 / 25e4)
    assert rate("linear", 1.0) == 0.0
    assert rate("step", 1.0) == pytest.approx(0.01)


class Toy(nn.Module):
    """Channels-last weights beside plain ones, as in a real network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.depthwise = nn.Conv2d(4, 4, 3, groups=4)
        self.norm = nn.BatchNorm2d(4)
        self.linear = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.depthwise(self.norm(self.conv(x))).mean(dim=(2, 3)))


REFERENCES = {
    "sgd": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-2, foreach=False
    ),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=1e-2, foreach=False),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=1e-2, foreach=False),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, weight_decay=1e-2, foreach=False),
}


def test_every_optimizer_has_a_reference():
    assert set(REFERENCES) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", REFERENCES)
def test_fused_steps_equal_the_plain_loop(name):
    torch.manual_seed(0)
    fast, slow = (Toy().double().to(memory_format=torch.channels_last) for _ in range(2))
    slow.load_state_dict(fast.state_dict())
    settings = TrainSettings(optimizer=name, lr=0.1, weight_decay=1e-2)
    optimizers = (
        make_optimizer(list(fast.parameters()), settings),
        REFERENCES[name](list(slow.parameters())),
    )
    for _ in range(4):
        x = torch.randn(5, 3, 8, 8, dtype=torch.float64)
        for network, optimizer in zip((fast, slow), optimizers, strict=True):
            optimizer.zero_grad()
            network(x).square().sum().backward()
            optimizer.step()
    for a, b in zip(fast.parameters(), slow.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-9)


def test_a_first_gradient_may_come_late():
    parameters = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))]
    optimizer = make_optimizer(parameters, TrainSettings(lr=0.5, weight_decay=0.0, nesterov=False))
    for used in (parameters[:1], parameters):
        optimizer.zero_grad()
        sum(p.sum() for p in used).backward()
        optimizer.step()
    assert parameters[1].tolist() == [0.5, 0.5]
    assert parameters[0].tolist() == pytest.approx([1 - 0.5 - 0.5 * 1.9] * 2)


def test_nesterov_without_momentum_is_plain_sgd():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer([parameter], TrainSettings(momentum=0.0, lr=1.0, weight_decay=0.0))
    parameter.sum().backward()
    optimizer.step()
    assert math.isclose(parameter.item(), -1.0)
