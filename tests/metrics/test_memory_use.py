"""Memory: by hand where it is plain, arguments, networks, and measured in a fresh process."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import optunas
from optunas.errors import DeviceError, InvalidArchitectureError, InvalidSpecError, UnknownNameError
from optunas.measures import METRICS
from optunas.metrics import measured_memory, memory, params, peak_memory_bytes
from optunas.space.cell import Cell
from optunas.space.macro import Dense, Layer, Macro
from optunas.space.stack import Stack


def test_a_small_network_by_hand() -> None:
    """Input 2x4x4 = 32; conv to 3x4x4 = 48; norm 48; ReLU 48; mean 3; classifier 5."""
    macro = Macro((Layer("conv", 3, 3, 1, "relu", "batch"),))
    found = memory(macro, (2, 4, 4), 5)
    # The convolution's 2*3*9, the norm's 6 and its 6 running numbers and counter, 3*5 + 5.
    assert found.weights == 4 * (54 + 6 + 6 + 20) + 8
    assert found.activations == 4 * (48 + 48)  # in and out of the norm
    assert (
        found.total == found.weights + found.activations == peak_memory_bytes(macro, (2, 4, 4), 5)
    )
    assert memory(macro, (2, 4, 4), 5, batch=7).activations == 7 * found.activations
    half = memory(macro, (2, 4, 4), 5, dtype="float16")
    assert (half.weights - 8, half.activations) == (
        (found.weights - 8) // 2,
        found.activations // 2,
    )


def test_training_by_hand() -> None:
    """10 -> 6 -> ReLU -> 2: inputs of both layers and the ReLU's output are kept, once each."""
    macro = Macro((), (Dense(6),))
    found = memory(macro, (10,), 2, batch=3, training=True, optimizer="adam")
    held = 10 * 6 + 6 + 6 * 2 + 2
    assert found.gradients == 4 * held
    assert found.optimizer == 8 * held
    # The ReLU's turn backward: kept 10 and 6, and the gradients of its input and output.
    assert found.activations == 3 * 4 * (10 + 6 + 6 + 6)
    for optimizer, copies in (("sgd", 1), ("none", 0)):
        one = memory(macro, (10,), 2, training=True, optimizer=optimizer)
        assert one.optimizer == copies * 4 * held


def test_states_of_a_cell_live_until_their_last_use() -> None:
    """A skip makes no tensor; a node that a later one reads waits for it."""

    def peak(text: str) -> int:
        cell = Cell.from_str(text)
        return memory(cell, (3, 8, 8), 10, channels=8, num_cells=1).activations

    skips = peak("|skip_connect~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
    wide = peak(
        "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|skip_connect~2|"
    )
    # Of skips alone the reduction is largest: its input, the shortcut and its input's ReLU.
    assert skips == 4 * (512 + 256 + 512)
    # Two nodes wait while the third's first convolution has its ReLU and its output.
    assert wide == 4 * (512 + 512 + 512 + 512)


def test_networks_give_what_their_architecture_gives() -> None:
    cell = optunas.NB201.sample(np.random.default_rng(3))
    network = optunas.build(cell, (3, 8, 8), 10, channels=4, num_cells=1)
    for training in (False, True):
        wanted = peak_memory_bytes(cell, (3, 8, 8), 10, 4, 1, batch=5, training=training)
        assert peak_memory_bytes(network, (3, 8, 8), batch=5, training=training) == wanted
    half = peak_memory_bytes(network.half(), (3, 8, 8))
    assert half == peak_memory_bytes(cell, (3, 8, 8), 10, 4, 1, dtype="float16")
    own = memory(nn.Sequential(nn.Linear(7, 3), nn.Tanh()), (7,))
    assert (own.weights, own.activations) == (4 * 24, 4 * 10)


class Tied(nn.Module):
    """One weight twice, a constant that is no buffer, and a dictionary as output."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight, self.scale = self.first.weight, torch.ones(4)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": self.second(self.first(x * self.scale).relu())}


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.out = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.cells(x)[0][:, -1])


def test_networks_of_any_make_are_counted() -> None:
    tied = memory(Tied(), (4,))
    assert (tied.weights, tied.activations) == (4 * (16 + 8), 4 * (4 + 4))
    assert (
        memory(nn.Identity(), (4,)).total == memory(nn.Identity(), (4,), training=True).total == 16
    )
    for network, shape in (
        (Recurrent(), (6, 5)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (6, 8)),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)), (4,)),
    ):
        at_rest, learning = memory(network, shape), memory(network, shape, training=True)
        assert at_rest.weights == learning.weights >= 4 * params(network)
        assert 0 < at_rest.activations < learning.activations
        assert learning.gradients == 4 * params(network)


def test_the_metric_is_cheap_and_small_is_better() -> None:
    found = METRICS["peak_memory_bytes"]
    assert (found.direction, found.unit, found.cheap, found.measured) == (
        *("minimize", "bytes"),
        *(True, False),
    )


def test_wrong_arguments_are_sentences() -> None:
    cell = optunas.NB201.sample(np.random.default_rng(3))
    with pytest.raises(UnknownNameError, match="did you mean 'adam'"):
        memory(cell, (3, 8, 8), 10, optimizer="adm")
    with pytest.raises(UnknownNameError, match="did you mean 'float16'"):
        memory(cell, (3, 8, 8), 10, dtype="float1")
    with pytest.raises(InvalidSpecError, match="batch must be a positive integer, got 0"):
        memory(cell, (3, 8, 8), 10, batch=0)
    with pytest.raises(InvalidSpecError, match="needs input_shape and num_classes"):
        memory(cell, (3, 8, 8))
    with pytest.raises(InvalidArchitectureError, match="has a network"):
        memory("cell", (3, 8, 8), 10)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="has widths and depths of its own"):
        memory(Stack((cell,), (4,), ()), (3, 8, 8), 10, channels=3)


def test_what_is_said_of_it() -> None:
    found = memory(Macro((), (Dense(6),)), (10,), 2, training=True, optimizer="none")
    assert str(found).startswith(f"{found.total:,} bytes (weights ")
    assert "optimizer" not in str(found)


@pytest.mark.slow
def test_a_fresh_process_grows_by_about_as_much() -> None:
    """Within a factor of two on a network of 100 MB; workspaces come on top, so it is no less."""
    network = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()
    )
    told = peak_memory_bytes(network, (3, 320, 320), batch=4)
    assert told > 100e6
    seen = measured_memory(network, (4, 3, 320, 320)).peak
    assert 0.8 * told < seen < 2 * told


def test_measuring_refuses() -> None:
    with pytest.raises(InvalidSpecError, match="must be positive integers"):
        measured_memory(nn.Linear(3, 2), (0, 3))
    with pytest.raises(DeviceError, match="not on 'mps'"):
        measured_memory(nn.Linear(3, 2), (1, 3), "mps")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="is not there"):
            measured_memory(nn.Linear(3, 2), (1, 3), "cuda")

    class Local(nn.Linear):
        pass

    with pytest.raises(InvalidSpecError, match="cannot be pickled"):
        measured_memory(Local(3, 2), (1, 3))
    assert params(nn.Linear(3, 2)) == 8
