"""Cells against the definition written out node by node."""

import numpy as np
import pytest
import torch
from torch import Tensor

from optunas.nets import DenseCell, PairCell, skeleton
from optunas.nets.skeleton import DenseLayer, PairLayer
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import VOCABULARY
from optunas.space.two_input import CellSpace


def node(cell: Cell, module: torch.nn.Module, inputs: list[Tensor], index: int) -> Tensor:
    """The value of a node by recursion: the slow, obvious variant."""
    if index < cell.num_inputs:
        return inputs[index]
    terms = [
        operation(node(cell, module, inputs, edge.source))
        for edge, operation in zip(cell.edges, module.edges, strict=True)  # type: ignore[arg-type]
        if edge.target == index
    ]
    return torch.stack(terms).sum(dim=0)


@pytest.mark.parametrize("seed", range(10))
def test_a_dense_cell_is_its_last_node(seed: int) -> None:
    cell = DenseCellSpace(VOCABULARY).sample(np.random.default_rng(seed))
    module = DenseCell(cell, DenseLayer(4, 5, 6)).eval()
    x = torch.randn(2, 4, 5, 6)
    kept = x.clone()
    torch.testing.assert_close(module(x), node(cell, module, [x], cell.num_nodes - 1))
    assert torch.equal(x, kept)


@pytest.mark.parametrize("seed", range(10))
def test_a_two_input_cell_concatenates_its_nodes(seed: int) -> None:
    genotype = CellSpace(VOCABULARY, num_nodes=3).sample(np.random.default_rng(seed))
    plan = skeleton(genotype, (3, 9, 8), 10, channels=4, num_cells=3)
    for cell, layer in zip(
        (genotype.normal, genotype.reduce, genotype.reduce), plan.layers, strict=True
    ):
        assert isinstance(layer, PairLayer)
        module = PairCell(cell, layer).eval()
        before = torch.randn(2, layer.before.channels_in, layer.before.height, layer.before.width)
        previous = torch.randn(2, layer.previous.channels_in, layer.height, layer.width)
        inputs = [module.before(before), module.previous(previous)]
        wanted = torch.cat([node(cell, module, inputs, index) for index in (2, 3, 4)], dim=1)
        torch.testing.assert_close(module(before, previous), wanted)


def test_a_node_without_edges_is_zero() -> None:
    cell = Cell((Edge(0, 2, "skip_connect"),))  # node 1 has none
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(DenseCell(cell, DenseLayer(4, 5, 5))(x), x)
    dead = Cell((Edge(0, 1, "skip_connect"), Edge(0, 2, "none"), Edge(1, 2, "none")))
    assert not DenseCell(dead, DenseLayer(4, 5, 5))(x).any()


def test_zero_nodes_of_a_reduction_cell_are_halved() -> None:
    cell = Cell((Edge(0, 2, "none"), Edge(1, 2, "none")), num_inputs=2)
    plan = skeleton(Genotype(cell, cell), (3, 7, 9), 10, channels=4, num_cells=1)
    layer = plan.layers[0]
    assert isinstance(layer, PairLayer)
    y = PairCell(cell, layer)(torch.randn(2, 12, 7, 9), torch.randn(2, 12, 7, 9))
    assert y.shape == (2, 8, 4, 5)
    assert not y.any()


def test_a_skip_connections_source_is_not_overwritten_by_the_sum() -> None:
    cell = Cell(
        (Edge(0, 1, "skip_connect"), Edge(0, 2, "skip_connect"), Edge(1, 2, "skip_connect"))
    )
    x = torch.ones(1, 2, 3, 3)
    assert torch.equal(DenseCell(cell, DenseLayer(2, 3, 3))(x), 2 * x)
    assert torch.equal(x, torch.ones(1, 2, 3, 3))
