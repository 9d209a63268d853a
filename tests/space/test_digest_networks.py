"""Equal digests are equal functions: weights copied, the float64 outputs agree to 1e-10.

Cells are run by a small interpreter of their own here, so that an error shared by the digest and
the networks would show; then whole networks of ``optunas.nets``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from own_pieces import OWN_SET
from rewrites import rewrite_dense, rewrite_genotype
from torch import Tensor, nn

from optunas.nets.build import build
from optunas.nets.operations import make
from optunas.space import DARTS, NB201, Cell, CellSpace, DenseCellSpace, Genotype
from optunas.space.canonical import canonical_form
from optunas.space.digest import CellDigest

CHANNELS = 2
SMALL = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")
DENSE = {
    "nb201": NB201,
    "five nodes": DenseCellSpace(num_nodes=5),
    "own operations": DenseCellSpace(OWN_SET),
}
PAIR = {
    "darts": DARTS,
    "with none": CellSpace(("none", *[o.name for o in DARTS.operations])),
    "few operations": CellSpace(SMALL, num_nodes=2),
    "own operations": CellSpace(OWN_SET, num_nodes=2),
}


def pairs(space: Any, rewrite: Callable, count: int, seed: int) -> list[tuple[Any, Any]]:
    """Distinct members of one digest: half by rewriting, half as random members that collide."""
    rng = np.random.default_rng(seed)
    found: list[tuple[Any, Any]] = []
    seen: dict[str, Any] = {}
    for _ in range(1200):
        one = space.sample(rng)
        if len(found) < count // 2:
            other = rewrite(one, space, rng)
            assert space.digest(other) == space.digest(one)
        else:
            other = seen.setdefault(space.digest(one), one)
        if other != one:
            found.append((one, other))
        if len(found) == count:
            return found
    while len(found) < count:  # a space too large for chance: rewriting alone
        one = space.sample(rng)
        other = rewrite(one, space, rng)
        if other != one:
            found.append((one, other))
    return found


def correspondence(
    one: Cell, other: Cell, digests: CellDigest, strided: bool
) -> tuple[list[tuple[int, int]], list[int]]:
    """(edge of one, edge of other) with the same weights, and which block of one each block of
    other's concatenation is."""
    forms = []
    for cell in (one, other):
        graph = digests.graph(cell.edges, cell.num_inputs, cell.num_nodes, strided).live()
        form = canonical_form(graph)
        sums = [form.sums[output] for output in graph.outputs]
        forms.append((form.text, [graph.edges[term] for term in form.order], sums))
    (text, edges, sums), (text_b, edges_b, sums_b) = forms
    assert text == text_b
    blocks, left = [], list(range(len(sums)))
    for value in sums_b:
        blocks.append(next(at for at in left if sums[at] == value))
        left.remove(blocks[-1])
    return [(a, b) for a, b in zip(edges, edges_b, strict=True) if a >= 0], blocks


def randomise(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """Batch norms get any gamma, beta and running statistics; weights become float64."""
    network.double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                assert tensor is not None
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                assert tensor is not None
                tensor.normal_(generator=generator)
    return network


def modules_of(cell: Cell, strided: bool, generator: torch.Generator) -> nn.ModuleList:
    own = {operation.name: operation for operation in cell.operations}
    built = nn.ModuleList(
        make(own.get(name, name), CHANNELS, CHANNELS, 2 if strided and s < cell.num_inputs else 1)
        for s, _, name in cell.edges
    )
    randomise(built, generator)
    return built


def interpret(cell: Cell, modules: nn.ModuleList, inputs: list[Tensor], strided: bool) -> list:
    """The values of the cell's outputs, by the definition: each node sums its edges."""
    states = list(inputs)
    half = slice(None, None, 2 if strided else 1)
    for node in range(cell.num_inputs, cell.num_nodes):
        total = torch.zeros_like(inputs[0][:, :, half, half])
        for edge, module in zip(cell.edges, modules, strict=True):
            if edge.target == node:
                total = total + module(states[edge.source])
        states.append(total)
    return states[-1:] if cell.num_inputs == 1 else states[cell.num_inputs :]


def check_cells(one: Cell, other: Cell, digests: CellDigest, strided: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    matched, blocks = correspondence(one, other, digests, strided)
    first, second = (modules_of(cell, strided, generator) for cell in (one, other))
    for a, b in matched:
        second[b].load_state_dict(first[a].state_dict())
    shape = (3, CHANNELS, 5, 5)
    inputs = [
        torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(one.num_inputs)
    ]
    for training in (False, True):
        first.train(training)
        second.train(training)
        with torch.no_grad():
            outputs = interpret(one, first, inputs, strided)
            others = interpret(other, second, inputs, strided)
        for block, output in zip(blocks, others, strict=True):
            torch.testing.assert_close(output, outputs[block], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", DENSE)
def test_equal_digests_are_equal_functions_in_dense_cells(name: str) -> None:
    space = DENSE[name]
    digests = CellDigest(space.operations)
    for seed, (one, other) in enumerate(pairs(space, rewrite_dense, 40, seed=0)):
        check_cells(one, other, digests, strided=False, seed=seed)


@pytest.mark.parametrize("name", PAIR)
def test_equal_digests_are_equal_functions_in_genotypes(name: str) -> None:
    space = PAIR[name]
    digests = CellDigest(space.operations)
    for seed, (one, other) in enumerate(pairs(space, rewrite_genotype, 24, seed=1)):
        check_cells(one.normal, other.normal, digests, strided=False, seed=seed)
        check_cells(one.reduce, other.reduce, digests, strided=True, seed=seed)


def network(architecture: Cell | Genotype, generator: torch.Generator) -> nn.Module:
    cells = 1 if isinstance(architecture, Cell) else 4
    built = build(architecture, (1, 6, 6), num_classes=3, channels=CHANNELS, num_cells=cells)
    return randomise(built, generator)


def layer_cells(net: Any, architecture: Cell | Genotype) -> Iterator[tuple[int, Cell, bool]]:
    """(index, cell, strided) of every layer that is a cell."""
    for index, layer in enumerate(net.layers):
        if hasattr(layer, "edges"):
            if isinstance(architecture, Cell):
                yield index, architecture, False
            else:
                strided = layer.stride == 2
                yield index, architecture.reduce if strided else architecture.normal, strided


def permuted(weight: Tensor, blocks: list[int], dim: int) -> Tensor:
    chunks = weight.chunk(len(blocks), dim=dim)
    return torch.cat([chunks[block] for block in blocks], dim=dim)


def copy_weights(space: Any, one: Any, other: Any, source: Any, target: Any) -> None:
    """Copy by the correspondence of terms; what reads a concatenation gets its blocks permuted."""
    digests = CellDigest(space.operations)
    state = source.state_dict()
    new = {key: value for key, value in state.items() if ".edges." not in key}
    orders: dict[int, list[int]] = {}
    both = zip(layer_cells(source, one), layer_cells(target, other), strict=True)
    for (index, cell, strided), (_, cell_b, _) in both:
        matched, orders[index] = correspondence(cell, cell_b, digests, strided)
        for a, b in matched:
            head, head_b = f"layers.{index}.edges.{a}.", f"layers.{index}.edges.{b}."
            found = {k: v for k, v in state.items() if k.startswith(head)}
            new.update({head_b + key[len(head) :]: value for key, value in found.items()})
    if isinstance(one, Genotype):
        for key, value in list(new.items()):
            steps = {"before": 2, "previous": 1}
            part = key.split(".")
            if part[0] == "layers" and part[2] in steps and value.dim() == 4:
                blocks = orders.get(int(part[1]) - steps[part[2]])
                new[key] = value if blocks is None else permuted(value, blocks, dim=1)
        new["classifier.weight"] = permuted(new["classifier.weight"], orders[max(orders)], dim=1)
    target.load_state_dict(new, strict=False)


def check_networks(space: Any, one: Any, other: Any, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    first, second = network(one, generator), network(other, generator)
    copy_weights(space, one, other, first, second)
    images = torch.randn((4, 1, 6, 6), generator=generator, dtype=torch.float64)
    for training in (False, True):
        first.train(training)
        second.train(training)
        with torch.no_grad():
            expected = first(images)
            torch.testing.assert_close(second(images), expected, rtol=1e-10, atol=1e-10)
    assert expected.abs().max() > 0


@pytest.mark.parametrize("name", DENSE)
def test_equal_digests_are_equal_networks_of_dense_cells(name: str) -> None:
    for seed, (one, other) in enumerate(pairs(DENSE[name], rewrite_dense, 12, seed=2)):
        check_networks(DENSE[name], one, other, seed)


@pytest.mark.parametrize("name", PAIR)
def test_equal_digests_are_equal_networks_of_genotypes(name: str) -> None:
    for seed, (one, other) in enumerate(pairs(PAIR[name], rewrite_genotype, 8, seed=3)):
        check_networks(PAIR[name], one, other, seed)


def test_one_structure_can_be_two_functions() -> None:
    """A convolution read twice has one set of weights; two convolutions have two."""
    shared = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    separate = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    one, other = Cell.from_str(shared), Cell.from_str(separate)
    assert NB201.structure_digest(one) == NB201.structure_digest(other)
    assert NB201.digest(one) != NB201.digest(other)
    generator = torch.Generator().manual_seed(0)
    first, second = (modules_of(cell, False, generator) for cell in (one, other))
    for at in (0, 3, 4, 5):
        second[at].load_state_dict(first[at].state_dict())
    image = torch.randn((2, CHANNELS, 5, 5), generator=generator, dtype=torch.float64)
    outputs = [interpret(one, first, [image], False), interpret(other, second, [image], False)]
    assert (outputs[0][0] - outputs[1][0]).abs().max() > 1e-3
