"""The live graph against a literal reading: every layer run as written, dead ones giving NaN.

The reading below knows nothing of live graphs; it asks the network only for the modules of the
layers that were built. A layer that was left out although the output depends on it would make the
output NaN. Macros of one digest then give the same output from the same weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from covering import covering
from torch import Tensor
from torch.nn import functional as F

import optunas
from optunas.metrics.closed_form import cost
from optunas.nets.macro_network import MacroNetwork
from optunas.space import Macro, MacroSpace
from optunas.space.macro_graph import Join, live_graph

CUT = MacroSpace(
    depth=(0, 6),
    operations=("conv", "dil_conv", "sep_conv", "max_pool", "avg_pool", "identity", "zero"),
    filters=(2, 3),
    kernels=(1, 3),
    pool_kernels=(2, 3),
    strides=(1, 2),
    norms=("batch", "none"),
    activations=("silu",),
    dense_depth=(0, 1),
    units=(4,),
    readouts=("average", "max", "flatten"),
)
TINY = MacroSpace(
    depth=(0, 4),
    operations=("conv", "max_pool", "identity", "zero"),
    filters=(2, 3),
    kernels=(1, 3),
    pool_kernels=(2,),
    norms=("none",),
    activations=("silu",),
    dense_depth=0,
    readouts=("average", "flatten"),
)


class Literal:
    """The modules of a network by what they stand for in the macro."""

    def __init__(self, macro: Macro, network: MacroNetwork) -> None:
        self.macro, self.network = macro, network
        self.layers: dict[int, Any] = {}
        self.projections: dict[tuple[int, int], Any] = {}
        for node, module in zip(live_graph(macro).nodes, network.nodes, strict=True):
            if isinstance(node, Join):
                for term, projection in zip(node.terms, module.projections, strict=True):
                    self.projections[node.layer, term.node] = projection
            else:
                self.layers[node.layer] = module

    def run(self, x: Tensor) -> Tensor:
        nodes = [x]
        for number, layer in enumerate(self.macro.layers, start=1):
            value = nodes[-1]
            if layer.join != "sequential":
                value = self.join(number, layer.join, layer.skips, nodes)
            nodes.append(self.layer(number, value))
        last = nodes[-1]
        if self.macro.readout == "flatten":
            vector = last.reshape(len(last), -1)
        else:
            flat = last.reshape(*last.shape[:2], -1)
            vector = flat.mean(2) if self.macro.readout == "average" else flat.max(2).values
        return self.network.classifier(self.network.dense(vector))

    def join(self, number: int, kind: str, skips: tuple[int, ...], nodes: list[Tensor]) -> Tensor:
        previous = nodes[-1]
        shrunk = [block_means(nodes[skip], previous.shape[2:]) for skip in skips]
        if kind == "concat":
            return torch.cat([*shrunk, previous], dim=1)
        total = previous
        for skip, value in zip(skips, shrunk, strict=True):
            total = total + self.project(number, skip, value, previous.shape[1])
        return total

    def project(self, number: int, skip: int, value: Tensor, channels: int) -> Tensor:
        if value.shape[1] == channels:
            return value
        if (number, skip) in self.projections:
            return self.projections[number, skip](value)
        if not value.any():  # a 1x1 convolution without bias of zeros, whatever its weights
            return value.new_zeros(len(value), channels, *value.shape[2:])
        return value.new_full((len(value), channels, *value.shape[2:]), torch.nan)

    def layer(self, number: int, x: Tensor) -> Tensor:
        layer = self.macro.layers[number - 1]
        if layer.operation == "identity":
            return x
        if layer.operation == "zero":
            return torch.zeros_like(x)
        if layer.operation.endswith("pool"):
            return pool(x, layer.operation, layer.kernel or 0)
        if number in self.layers:
            return self.layers[number](x)
        sizes = [-(-size // layer.stride) for size in x.shape[2:]]
        return x.new_full((len(x), layer.filters or 0, *sizes), torch.nan)


def block_means(x: Tensor, sizes: Any) -> Tensor:
    """Each output pixel is the mean of its block of a power of two, cut off at the border."""
    factor = 1
    while [-(-size // factor) for size in x.shape[2:]] != list(sizes):
        factor *= 2
    rows = [
        [
            x[:, :, i * factor : (i + 1) * factor, j * factor : (j + 1) * factor].mean((2, 3))
            for j in range(sizes[1])
        ]
        for i in range(sizes[0])
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def pool(x: Tensor, kind: str, kernel: int) -> Tensor:
    """Windows around every second pixel; what lies beyond the border is not there."""
    sizes, before = [-(-size // 2) for size in x.shape[2:]], (kernel - 1) // 2
    output = x.new_empty((*x.shape[:2], *sizes))
    for i in range(sizes[0]):
        for j in range(sizes[1]):
            rows = slice(max(2 * i - before, 0), 2 * i - before + kernel)
            columns = slice(max(2 * j - before, 0), 2 * j - before + kernel)
            window = x[:, :, rows, columns].flatten(2)
            output[:, :, i, j] = window.mean(2) if kind == "avg_pool" else window.max(2).values
    return output


def network_of(macro: Macro, shape: tuple[int, ...], seed: int) -> MacroNetwork:
    torch.manual_seed(seed)
    network = optunas.build(macro, shape, 2).double().eval()
    assert isinstance(network, MacroNetwork)
    for name, value in network.named_buffers():  # as after training: not the identity
        if name.endswith("running_mean"):
            value.normal_()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.data.normal_()
    return network


@pytest.mark.parametrize("space", [CUT, TINY], ids=["cut", "tiny"])
@pytest.mark.parametrize("shape", [(2, 6, 5), (1, 9, 9)])
def test_a_network_computes_what_the_macro_says(space: MacroSpace, shape: Any) -> None:
    x = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for seed, macro in enumerate(covering(space, seed=sum(shape), times=4)):
            network = network_of(macro, shape, seed)
            expected = Literal(macro, network).run(x)
            torch.testing.assert_close(network(x), expected, atol=1e-9, rtol=1e-9, msg=str(macro))


@pytest.mark.parametrize("space", [CUT, TINY], ids=["cut", "tiny"])
def test_equal_digests_are_equal_functions_of_equal_weights(space: MacroSpace) -> None:
    rng = np.random.default_rng(1)
    first: dict[str, Macro] = {}
    shape, pairs = (2, 6, 5), 0
    x = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for _ in range(6000):
        macro = space.sample(rng)
        other = first.setdefault(space.digest(macro), macro)
        if other == macro:
            continue
        one, two = network_of(macro, shape, 0), network_of(other, shape, 1)
        two.load_state_dict(one.state_dict())
        with torch.no_grad():
            assert torch.equal(one(x), two(x)), f"{macro}\n{other}"
        assert cost(macro, shape, 2) == cost(other, shape, 2)
        pairs += 1
        if pairs == 120:
            return
    raise AssertionError(f"only {pairs} pairs of one digest")


def test_pools_read_what_is_there() -> None:
    x = torch.randn(2, 3, 7, 4)
    for kernel in (2, 3, 4, 5):
        for kind in ("max_pool", "avg_pool"):
            space = MacroSpace(1, (kind,), pool_kernels=(kernel,), readouts=("max", "flatten"))
            network: Any = optunas.build(next(space.enumerate()), (3, 7, 4), 2)
            torch.testing.assert_close(network.nodes[0](x), pool(x, kind, kernel))
    # The mean of a block at the border is that of its pixels.
    torch.testing.assert_close(F.avg_pool2d(x, 4, ceil_mode=True), block_means(x, (2, 1)))
