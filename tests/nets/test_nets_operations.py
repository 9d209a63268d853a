import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.nets import make
from optunas.nets.operations import FactorizedReduce
from optunas.space.operations import VOCABULARY, Operation

POOLS = ("max_pool_3x3", "avg_pool_3x3")


@pytest.mark.parametrize("size", [(1, 1), (7, 8), (8, 5)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", VOCABULARY)
def test_sizes_are_divided_by_the_stride_and_rounded_up(
    name: str, stride: int, size: tuple[int, int]
) -> None:
    x = torch.randn(2, 4, *size)
    before = x.clone()
    channels_out = 4 if name in POOLS else 6
    y = make(name, 4, channels_out, stride).eval()(x)
    assert y.shape == (2, channels_out, -(-size[0] // stride), -(-size[1] // stride))
    assert torch.equal(x, before)  # nothing works in place


@pytest.mark.parametrize("stride", [1, 2])
def test_none_gives_zeros_even_of_nan(stride: int) -> None:
    y = make("none", 3, 3, stride)(torch.full((2, 3, 5, 5), torch.nan))
    assert not y.any()


def test_skip_is_its_input_and_with_a_stride_the_factorized_reduction() -> None:
    x = torch.randn(2, 3, 5, 5)
    assert make("skip_connect", 3, 3, 1)(x) is x
    assert isinstance(make("skip_connect", 3, 3, 2), FactorizedReduce)


def test_factorized_reduction_is_that_of_darts_on_even_sizes() -> None:
    module = FactorizedReduce(4, 6).eval()
    x = torch.randn(2, 4, 8, 6)
    positive = F.relu(x)
    halves = torch.cat([module.even(positive), module.odd(positive[:, :, 1:, 1:])], dim=1)
    torch.testing.assert_close(module(x), module.norm(halves))


def test_factorized_reduction_of_one_channel_is_refused() -> None:
    with pytest.raises(InvalidSpecError, match="at least 2, got 1; raise channels"):
        make("skip_connect", 1, 1, 2)


def test_pools_leave_the_padding_out() -> None:
    minus = torch.full((1, 2, 4, 4), -3.0)
    for name in POOLS:
        torch.testing.assert_close(make(name, 2, 2, 1)(minus), minus)


@pytest.mark.parametrize(
    ("name", "reach"),
    [
        ("nor_conv_1x1", 0),
        ("nor_conv_3x3", 1),
        ("nor_conv_5x5", 2),
        ("sep_conv_3x3", 2),
        ("sep_conv_5x5", 4),
        ("dil_conv_3x3", 2),
        ("dil_conv_5x5", 4),
        ("max_pool_3x3", 1),
        ("avg_pool_3x3", 1),
    ],
)
def test_how_far_an_output_pixel_sees(name: str, reach: int) -> None:
    x = torch.rand(1, 4, 15, 15, requires_grad=True)
    module = make(name, 4, 4, 1).eval()
    if name == "max_pool_3x3":  # only the largest pixel has a gradient: make it a corner
        x.data[0, :, 7 - reach, 7 - reach] = 2.0
    else:
        for parameter in module.parameters():
            parameter.data.abs_()
    module(x)[0, :, 7, 7].sum().backward()
    assert x.grad is not None
    rows = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    assert int((rows - 7).abs().max()) == reach


@pytest.mark.parametrize("name", POOLS)
def test_pools_cannot_change_the_number_of_channels(name: str) -> None:
    with pytest.raises(InvalidSpecError, match=f"{name} keeps the number of channels"):
        make(name, 4, 8, 1)


@pytest.mark.parametrize("stride", [0, 3, None])
def test_strides_are_one_or_two(stride: int) -> None:
    with pytest.raises(InvalidSpecError, match="stride must be 1 or 2, got"):
        make("skip_connect", 4, 4, stride)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nor_conv_3x3'"):
        make("nor_conv3x3", 4, 4, 1)


def test_an_own_operation_is_made_by_its_factory() -> None:
    module = nn.Conv2d(4, 6, 3, 2)
    calls = []
    own = Operation("mine", factory=lambda *arguments: calls.append(arguments) or module)  # type: ignore[func-returns-value]
    assert make(own, 4, 6, 2) is module
    assert calls == [(4, 6, 2)]


def test_an_operation_of_the_vocabulary_stands_for_its_name() -> None:
    assert isinstance(make(VOCABULARY["avg_pool_3x3"], 4, 4, 1), nn.AvgPool2d)


def test_an_own_operation_without_a_factory_is_refused() -> None:
    with pytest.raises(
        InvalidSpaceError, match="'mine' is not in the vocabulary and has no factory"
    ):
        make(Operation("mine"), 4, 4, 1)


def test_a_factory_must_return_a_module() -> None:
    with pytest.raises(InvalidSpaceError, match=r"'mine' must return a torch\.nn\.Module, got int"):
        make(Operation("mine", factory=lambda *_: 3), 4, 4, 1)
