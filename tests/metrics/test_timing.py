import copy
import math
import time

import pytest
import torch
from torch import Tensor, nn

from optunas.errors import DeviceError, InvalidSpecError
from optunas.metrics import Latency, latency, latency_ms
from optunas.metrics.timing import MIN_REPEATS, one
from optunas.metrics.timing.result import Readings


class Spy(nn.Module):
    """Remembers how it is called; deep copies write to the same memory."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)
        self.seconds = seconds
        self.calls: list[dict[str, object]] = []

    def __deepcopy__(self, memo: dict[int, object]) -> "Spy":
        twin = Spy(self.seconds)
        twin.layer, twin.calls = copy.deepcopy(self.layer, memo), self.calls
        return twin

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append(
            {
                "threads": torch.get_num_threads(),
                "inference": torch.is_inference_mode_enabled(),
                "training": self.training,
                "channels_last": x.is_contiguous(memory_format=torch.channels_last),
                "shape": tuple(x.shape),
            }
        )
        time.sleep(self.seconds)
        return self.layer(x)


def test_how_a_network_is_run() -> None:
    spy = Spy().train()
    before = torch.get_num_threads()
    latency(spy, (2, 3, 8, 9), threads=before + 1, repeats=7, warmup=3)
    assert torch.get_num_threads() == before
    assert len(spy.calls) == 1 + 3 + 7
    wanted = {
        "threads": before + 1,
        "inference": True,
        "training": False,
        "channels_last": True,
        "shape": (2, 3, 8, 9),
    }
    assert all(call == wanted for call in spy.calls)


def test_the_network_is_left_as_it_is() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    state = copy.deepcopy(network.state_dict())
    torch.manual_seed(0)
    wanted = torch.rand(2)
    torch.manual_seed(0)
    latency(network, (1, 3, 8, 8), repeats=3, warmup=1)
    assert torch.equal(torch.rand(2), wanted)
    assert all(module.training for module in network.modules())
    assert network[0].weight.is_contiguous()  # type: ignore[operator]
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_a_slower_network_reads_slower_and_within_its_interval() -> None:
    reading = latency(Spy(seconds=0.01), (1, 3, 5, 5), repeats=9, warmup=1)
    assert reading.repeats == 9
    assert 10 <= reading.p10_ms <= reading.median_ms <= reading.p90_ms
    assert latency_ms(Spy(seconds=0.01), (1, 3, 5, 5)) >= 10


def test_time_ends_a_slow_measurement_but_not_before_five_passes() -> None:
    spy = Spy(seconds=0.02)
    reading = latency(spy, (1, 3, 5, 5), repeats=500, warmup=500, max_seconds=0.2)
    assert MIN_REPEATS <= reading.repeats <= 10
    reading = latency(spy, (1, 3, 5, 5), repeats=500, warmup=1, max_seconds=0.0)
    assert reading.repeats == MIN_REPEATS


def test_statistics_of_known_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = Readings(tuple(float(value) for value in range(11)))
    monkeypatch.setattr(one, "read", lambda once, effort: readings)
    reading = latency(nn.Linear(2, 2), (1, 2), clock="wall")
    assert reading == Latency(5.0, 1.0, 9.0, 11, "cpu", 1, 1.0, 9.0, 0.0)
    assert reading.spread == pytest.approx(8 / 5)
    assert reading.margin == pytest.approx(4 / 5)
    text = "5 ms (median between 1 and 9, p10 to p90 1 to 9, 11 repeats on cpu)"
    assert str(reading) == text
    assert math.isnan(Latency(5.0, 1.0, 9.0, 11).margin)


def test_measuring_happens_under_the_machine_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    held = []

    @contextmanager
    def lock():
        held.append(len(spy.calls))
        yield
        held.append(len(spy.calls))

    spy = Spy()
    monkeypatch.setattr(one, "machine_lock", lock)
    latency(spy, (1, 3, 5, 5), repeats=4, warmup=2, clock="wall")
    assert held == [1, 1 + 2 + 4]


@pytest.mark.parametrize("device", ["cuda:99", "toaster", "meta"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(device: str) -> None:
    with pytest.raises(DeviceError, match=f"'{device}' is not there; this machine has cpu"):
        latency(nn.Linear(2, 2), (1, 2), device=device)


@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu")])
def test_spellings_of_a_device_that_is_there(device: str | torch.device) -> None:
    assert latency_ms(nn.Linear(2, 2), (1, 2), device=device) > 0


def test_threads_are_restored_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(InvalidSpecError, match=r"cannot take an input of shape \(1, 1, 5, 5\)"):
        latency(nn.Conv2d(3, 4, 3), (1, 1, 5, 5), threads=before + 1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["threads", "repeats", "warmup"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_counts_must_be_positive_integers(name: str, value: object) -> None:
    with pytest.raises(InvalidSpecError, match=f"{name} must be a positive integer, got"):
        latency(nn.Linear(2, 2), (1, 2), **{name: value})  # type: ignore[arg-type]


def test_input_sizes_must_be_positive() -> None:
    with pytest.raises(InvalidSpecError, match="sizes must be positive integers"):
        latency(nn.Linear(2, 2), (0, 2))
