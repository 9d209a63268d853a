import pytest
import torch
from torch import nn

from optunas.train import TrainSettings, precision
from optunas.train.precision import Precision, as_channels_last, use_channels_last

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def ampere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))


def test_auto_leaves_a_cpu_in_float32():
    assert Precision(TrainSettings(), CPU).dtype is None
    assert use_channels_last(TrainSettings(), CPU)


def test_on_is_bfloat16_on_a_cpu():
    network, precise = nn.Linear(3, 2), Precision(TrainSettings(mixed_precision="on"), CPU)
    with precise.autocast():
        assert network(torch.ones(1, 3)).dtype == torch.bfloat16


@pytest.mark.usefixtures("ampere")
def test_auto_is_bfloat16_and_channels_last_on_a_new_gpu():
    assert Precision(TrainSettings(), CUDA).dtype == torch.bfloat16
    assert use_channels_last(TrainSettings(), CUDA)
    assert not use_channels_last(TrainSettings(mixed_precision="off"), CUDA)
    assert not use_channels_last(TrainSettings(channels_last="off"), CUDA)


def test_float16_gradients_are_scaled_and_come_back_in_their_size(monkeypatch):
    monkeypatch.setattr(precision, "_dtype", lambda settings, device: torch.float16)
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = torch.optim.SGD([weight], lr=1e5, fused=True)
    scaled = Precision(TrainSettings(), CPU)
    with scaled.autocast():
        outputs = torch.full((1, 2), 1e-2) @ weight
    loss = outputs.float().mean() * 2e-6  # a gradient of 1e-8, which float16 rounds to nothing
    scaled.backward(loss, optimizer)
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == pytest.approx([1e-8] * 4, rel=0.02)
    scaled.step(optimizer)
    assert (weight < 1).all()


def test_an_overflow_leaves_the_weights_alone(monkeypatch):
    monkeypatch.setattr(precision, "_dtype", lambda settings, device: torch.float16)
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = torch.optim.SGD([weight], lr=1.0, fused=True)
    scaled = Precision(TrainSettings(), CPU)
    scaled.backward((weight * torch.inf).sum(), optimizer)
    scaled.step(optimizer)
    assert weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_images_become_channels_last_and_keep_their_values():
    x = torch.randn(2, 3, 4, 5)
    moved = as_channels_last(x)
    assert torch.equal(moved, x)
    assert moved.is_contiguous(memory_format=torch.channels_last)
    vector = torch.randn(2, 3)
    assert as_channels_last(vector) is vector
