import pytest
import torch
from torch import nn

from optunas.errors import InvalidSpecError
from optunas.metrics import flops, params
from optunas.metrics.counting import run_once


def test_a_convolution_and_a_linear_layer_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Flatten(), nn.Linear(3 * 20, 5))
    assert params(network) == (18 * 3 + 3) + (60 * 5 + 5)
    assert flops(network, (2, 4, 5)) == 2 * (18 * 3 * 20 + 60 * 5)


def test_shared_parameters_count_once_and_buffers_never() -> None:
    layer = nn.Linear(4, 4)
    assert params(nn.Sequential(layer, layer, nn.BatchNorm1d(4, affine=False))) == 20


def test_counting_leaves_modes_statistics_and_seed_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)).train()
    network[1].eval()
    torch.manual_seed(0)
    wanted = torch.rand(2)
    torch.manual_seed(0)
    flops(network, (1, 5, 5))
    assert [module.training for module in network] == [True, False, True]
    assert network.training
    assert int(network[1].num_batches_tracked) == 0  # type: ignore[arg-type]
    assert torch.equal(torch.rand(2), wanted)


def test_modes_are_restored_when_the_input_does_not_fit() -> None:
    network = nn.Conv2d(1, 2, 3).train()
    with pytest.raises(InvalidSpecError, match=r"cannot take an input of shape \(1, 3, 5, 5\)"):
        flops(network, (3, 5, 5))
    assert network.training


def test_double_precision_networks_count_too() -> None:
    assert flops(nn.Linear(3, 2).double(), (3,)) == 12  # type: ignore[arg-type]


def test_running_out_of_memory_is_not_called_a_wrong_shape() -> None:
    class Greedy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    with pytest.raises(RuntimeError, match="allocate memory") as caught:
        run_once(Greedy(), torch.zeros(1))
    assert not isinstance(caught.value, InvalidSpecError)


def test_bad_arguments_get_a_sentence() -> None:
    with pytest.raises(InvalidSpecError, match="flops of a network needs input_shape"):
        flops(nn.Linear(3, 2))
    with pytest.raises(InvalidSpecError, match="sizes must be positive integers"):
        flops(nn.Linear(3, 2), (0,))  # type: ignore[arg-type]
