import pytest
import torch

from optunas.errors import InvalidSpecError
from optunas.nets import resnet_small


def test_three_blocks_a_stage_are_resnet_20() -> None:
    network = resnet_small((3, 32, 32), 10, channels=16, blocks=3)
    assert sum(parameter.numel() for parameter in network.parameters()) == 272_474


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 9), (2, 1, 1)])
def test_small_and_odd_inputs_work(shape: tuple[int, int, int]) -> None:
    assert resnet_small(shape, 4, channels=4)(torch.randn(2, *shape)).shape == (2, 4)


def test_bad_arguments_get_a_sentence() -> None:
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        resnet_small((8, 8), 10)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="blocks must be a positive integer, got 0"):
        resnet_small((1, 8, 8), 10, blocks=0)
