"""Networks of macros: they train on every input; own operations; vectors; wrong use."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from covering import covering
from torch import nn

import optunas
from optunas.errors import InvalidArchitectureError, InvalidSpaceError, InvalidSpecError
from optunas.nets.macro_network import MacroNetwork
from optunas.space import Dense, Layer, Macro, MacroSpace, Operation
from optunas.space.macro_operations import ACTIVATIONS, MACRO_OPERATIONS, NORMS, READOUTS

EVERYTHING = MacroSpace(
    depth=(0, 6),
    operations=MACRO_OPERATIONS,
    filters=(1, 4, 6),
    kernels=(1, 3, 5, 7),
    pool_kernels=(2, 3, 4),
    strides=(1, 2),
    activations=ACTIVATIONS,
    norms=NORMS,
    dense_depth=(0, 2),
    units=(1, 8),
    dense_activations=ACTIVATIONS,
    dense_norms=("none", "batch", "layer"),
    dropouts=(0.0, 0.5),
    readouts=READOUTS,
)
CONV = Layer("conv", 4, 3, 1, "relu", "batch")


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 1, 1), (2, 5, 9)])
def test_members_with_every_option_run_forward_and_backward(shape: tuple[int, ...]) -> None:
    for macro in covering(EVERYTHING, seed=sum(shape), times=2):
        network = optunas.build(macro, shape, 3)
        output = network(torch.randn(2, *shape))
        assert output.shape == (2, 3), macro
        assert output.isfinite().all(), macro
        output.square().sum().backward()
        # The classifier learns whatever stands before it.
        assert network.classifier.bias.grad.abs().sum() > 0
        single = network.eval()(torch.randn(1, *shape))
        assert single.shape == (1, 3)
        assert single.isfinite().all(), macro


def test_every_parameter_that_is_built_reaches_the_output() -> None:
    """Nothing dead is built: each weight has a gradient (None would be one that is not used)."""
    for macro in covering(EVERYTHING, times=2):
        network = optunas.build(macro, (2, 9, 9), 2)
        network(torch.randn(4, 2, 9, 9)).sum().backward()
        missing = [name for name, p in network.named_parameters() if p.grad is None]
        assert not missing, macro


def test_an_unconnected_macro_gives_a_constant_and_others_do_not() -> None:
    space = MacroSpace(4, ("conv", "zero"), filters=(4,), kernels=(3,), dense_depth=0)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        macro = space.sample(rng)
        network = optunas.build(macro, (1, 6, 6), 2).eval()
        x = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            same = torch.equal(*network(x).split(1))
        assert same is not space.is_connected(macro), macro
        seen.add(same)
    assert seen == {True, False}


def test_weights_follow_the_seed_and_networks_can_be_copied() -> None:
    macro = EVERYTHING.sample(np.random.default_rng(3))
    networks = []
    for _ in range(2):
        torch.manual_seed(7)
        networks.append(optunas.build(macro, (3, 8, 8), 5))
    states = [network.state_dict() for network in networks]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    network = networks[0].eval()
    x = torch.randn(2, 3, 8, 8)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(x), network(x))


def test_forward_changes_no_input_and_takes_other_sizes() -> None:
    layers = (CONV, Layer("zero"), Layer("conv", 4, 3, 2, "relu", "none", "concat", (0, 1)))
    network = optunas.build(Macro(layers), (3, 8, 8), 2).eval()
    for size in (8, 13, 1):
        x = torch.randn(2, 3, size, size)
        before = x.clone()
        assert network(x).shape == (2, 2)
        assert torch.equal(x, before)


def test_convolutions_have_a_bias_only_without_a_norm_and_dense_layers_too() -> None:
    for norm, bias in (("batch", False), ("group", False), ("none", True)):
        for name in ("conv", "sep_conv", "dil_conv"):
            network = optunas.build(Macro((Layer(name, 4, 3, 1, "relu", norm),)), (3, 8, 8), 2)
            convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
            assert (convolutions[-1].bias is not None) is bias
    for norm in ("batch", "layer", "none"):
        network = optunas.build(Macro(dense=(Dense(8, norm=norm),)), (4,), 2)
        assert isinstance(network, MacroNetwork)
        first: Any = network.dense[0]
        assert (first[0].bias is not None) is (norm == "none")


def test_a_dilated_convolution_sees_five_pixels_with_a_window_of_three() -> None:
    torch.manual_seed(0)
    macro = Macro((Layer("dil_conv", 1, 3, 1, "relu", "none"),), readout="flatten")
    network = optunas.build(macro, (1, 9, 9), 1)
    assert isinstance(network, MacroNetwork)
    convolution: Any = network.nodes[0]
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 4] = 1.0
    with torch.no_grad():
        changed = convolution[0](x) - convolution[0](torch.zeros_like(x))
    rows = sorted({int(row) for row in changed[0, 0].abs().nonzero()[:, 0]})
    assert rows == [2, 4, 6]


def test_vectors_go_into_a_macro_without_layers() -> None:
    macro = Macro(dense=(Dense(16, "gelu", "batch", 0.1), Dense(8, norm="layer")))
    network = optunas.build(macro, (7,), 3)
    assert network(torch.randn(5, 7)).shape == (5, 3)
    with pytest.raises(InvalidSpecError, match=r"needs an image, .* got input_shape \(7,\)"):
        optunas.build(Macro((CONV,)), (7,), 3)


def make_wave(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels_in, channels_out, 5, stride, padding=2)


def make_narrow(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels_in, channels_out, 3, stride)


def make_number(channels_in: int, channels_out: int, stride: int) -> Any:
    return 3


def test_own_operations_are_built_with_their_filters_and_stride() -> None:
    space = MacroSpace(
        (1, 3), ("conv", Operation("wave", make_wave)), filters=(4, 6), strides=(1, 2)
    )
    rng = np.random.default_rng(0)
    used = 0
    for _ in range(30):
        macro = space.sample(rng)
        network = optunas.build(macro, (3, 9, 9), 2)
        assert network(torch.randn(2, 3, 9, 9)).shape == (2, 2)
        used += any(isinstance(m, nn.Conv2d) and m.kernel_size == (5, 5) for m in network.modules())
    assert used > 5


def test_own_operations_that_do_not_fit_are_told() -> None:
    for factory, message in (
        (make_narrow, r"'mine' .*channels_out=4 and stride=1 must turn \(1, 3, 9, 9\) into"),
        (make_number, "must return a torch.nn.Module, got int"),
    ):
        macro = Macro((Layer("mine", 4),), operations=(Operation("mine", factory),))
        with pytest.raises(InvalidSpaceError, match=message):
            optunas.build(macro, (3, 9, 9), 2)
    macro = Macro((Layer("mine", 4),), operations=(Operation("mine", make_narrow),))
    with pytest.raises(InvalidSpaceError, match="fails on an input of"):
        optunas.build(macro, (3, 1, 1), 2)
    with pytest.raises(InvalidArchitectureError, match="unknown operation 'mine'"):
        optunas.build(Macro((Layer("mine", 4),)), (3, 9, 9), 2)


def test_probing_an_own_operation_leaves_the_seed_alone() -> None:
    macro = Macro((Layer("wave", 4),), operations=(Operation("wave", make_wave),))
    torch.manual_seed(0)
    expected = make_wave(3, 4, 1).weight
    torch.manual_seed(0)
    network: Any = optunas.build(macro, (3, 9, 9), 2)
    assert torch.equal(network.nodes[0].weight, expected)


def test_a_macro_takes_no_channels() -> None:
    with pytest.raises(InvalidSpecError, match="channels=16"):
        optunas.build(Macro((CONV,)), (3, 8, 8), 2, channels=16)


def _no_such_key(c_in: int, c_out: int, stride: int) -> nn.Module:
    raise KeyError("width")


def _too_few(c_in: int, c_out: int) -> nn.Module:
    return nn.Identity()


class _Strict(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("not here")


def _strict(c_in: int, c_out: int, stride: int) -> nn.Module:
    return _Strict()


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (_no_such_key, "KeyError: 'width'"),
        (_too_few, "TypeError: .*positional arguments"),
        (_strict, "AssertionError: not here"),
    ],
)
def test_whatever_an_own_operation_raises_is_told_in_a_sentence(factory: Any, words: str) -> None:
    own = Operation("mine", factory)
    macro = Macro((Layer("mine", 4),), operations=(own,))
    with pytest.raises(InvalidSpaceError, match=f"peration 'mine' .*channels_in=1.*{words}"):
        optunas.build(macro, (1, 4, 4), 2)
