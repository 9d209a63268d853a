import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from optunas.errors import (
    InvalidArchitectureError,
    InvalidSpaceError,
    InvalidSpecError,
    UnknownNameError,
)
from optunas.nets.build import build
from optunas.space.cell import Cell, Edge, Genotype
from optunas.space.dense import DenseCellSpace
from optunas.space.operations import VOCABULARY, Operation
from optunas.space.two_input import CellSpace

NB201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("seed", range(4))
def test_published_parameter_counts_of_nas_bench_201(seed: int) -> None:
    cell = DenseCellSpace(NB201).sample(np.random.default_rng(seed))
    names = [edge.operation for edge in cell.edges]
    wanted = 73_306 + 28_000 * names.count("nor_conv_1x1") + 243_040 * names.count("nor_conv_3x3")
    assert size(build(cell, (3, 32, 32), 10, channels=16, num_cells=5)) == wanted


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 7), (2, 5, 9)])
@pytest.mark.parametrize("kind", ["dense", "genotype"])
def test_one_training_step_reaches_every_parameter(kind: str, shape: tuple[int, int, int]) -> None:
    weighted = [name for name in VOCABULARY if name not in ("none", "max_pool_3x3")]
    space = DenseCellSpace(weighted) if kind == "dense" else CellSpace(weighted, num_nodes=2)
    architecture = space.sample(np.random.default_rng(0))
    network = build(architecture, shape, 4, channels=4, num_cells=2).train()
    loss = F.cross_entropy(network(torch.randn(4, *shape)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_an_all_none_cell_still_trains_its_classifier() -> None:
    network = build(Cell.from_str("|none~0|+|none~0|none~1|"), (1, 8, 8), 3, 4, 1)
    F.cross_entropy(network(torch.randn(2, 1, 8, 8)), torch.tensor([0, 1])).backward()
    assert network.classifier.bias.grad is not None  # type: ignore[union-attr]


def test_one_seed_gives_one_network() -> None:
    genotype = CellSpace(VOCABULARY).sample(np.random.default_rng(1))
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build(genotype, (1, 8, 8), 10, 4, 3).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_an_image_of_one_pixel_works() -> None:
    for space in (DenseCellSpace(VOCABULARY), CellSpace(VOCABULARY)):
        architecture = space.sample(np.random.default_rng(2))
        assert build(architecture, (1, 1, 1), 2, 2, 3)(torch.randn(2, 1, 1, 1)).shape == (2, 2)


def own_cell(operation: Operation) -> Cell:
    edges = (Edge(0, 1, "mine"), Edge(0, 2, "skip_connect"), Edge(1, 2, "mine"))
    return Cell(edges, operations=(operation,))


def test_an_own_operation_stands_on_its_edges() -> None:
    operation = Operation("mine", lambda c_in, c_out, stride: nn.Conv2d(c_in, c_out, 1, stride))
    network = build(own_cell(operation), (3, 8, 8), 10, 4, 1)
    cell = network.layers[0]  # type: ignore[index]
    assert isinstance(cell.edges[0], nn.Conv2d)
    assert isinstance(cell.edges[2], nn.Conv2d)
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 10)


def test_an_own_operation_takes_its_stride_in_a_reduction_cell() -> None:
    strides = []

    def factory(c_in: int, c_out: int, stride: int) -> nn.Module:
        strides.append(stride)
        return nn.MaxPool2d(1, stride)

    cell = Cell((Edge(0, 2, "mine"), Edge(1, 2, "mine")), 2, (Operation("mine", factory),))
    network = build(Genotype(cell, cell), (1, 9, 9), 3, 4, 3).eval()
    assert network(torch.randn(1, 1, 9, 9)).shape == (1, 3)
    assert set(strides) == {1, 2}


def test_checking_an_own_operation_leaves_the_seed_alone() -> None:
    def build_at(seed: int, factory: object) -> torch.Tensor:
        torch.manual_seed(seed)
        network = build(own_cell(Operation("mine", factory)), (1, 8, 8), 10, 4, 1)  # type: ignore[arg-type]
        return network.stem[0].weight  # type: ignore[index,union-attr,return-value]

    plain = build_at(3, lambda *_: nn.Identity())
    assert torch.equal(plain, build_at(3, lambda c_in, c_out, s: nn.Conv2d(c_in, c_out, 1, s)))


@pytest.mark.parametrize(
    ("factory", "got"),
    [
        (lambda c_in, c_out, stride: nn.Conv2d(c_in, 2 * c_out, 1, stride), r"\(1, 8, 8, 8\)"),
        (lambda c_in, c_out, stride: nn.MaxPool2d(2), r"\(1, 4, 4, 4\)"),
        (lambda c_in, c_out, stride: nn.MaxPool2d(1, return_indices=True), "tuple"),
    ],
)
def test_an_own_operation_of_the_wrong_shape_gets_a_sentence(factory: object, got: str) -> None:
    operation = Operation("mine", factory)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpaceError, match=rf"must turn \(1, 4, 8, 8\) into .*, got {got}"):
        build(own_cell(operation), (3, 8, 8), 10, 4, 1)


def test_an_own_operation_that_cannot_run_gets_a_sentence() -> None:
    operation = Operation("mine", lambda c_in, c_out, stride: nn.Conv2d(5, c_out, 1, stride))
    with pytest.raises(InvalidSpaceError, match=r"'mine' .* fails on an input of \(1, 4, 8, 8\)"):
        build(own_cell(operation), (3, 8, 8), 10, 4, 1)


def test_bad_arguments_get_a_sentence() -> None:
    cell = Cell.from_str("|nor_conv_9x9~0|")
    with pytest.raises(UnknownNameError, match="Unknown operation 'nor_conv_9x9'; did you mean"):
        build(cell, (3, 8, 8), 10)
    with pytest.raises(InvalidSpecError, match="input_shape must be"):
        build(cell, (8, 8), 10)  # type: ignore[arg-type]
    with pytest.raises(InvalidSpecError, match="num_classes must be a positive integer, got 0"):
        build(cell, (3, 8, 8), 0)
    with pytest.raises(InvalidArchitectureError, match="Only a dense cell"):
        build(3, (3, 8, 8), 10)  # type: ignore[arg-type]
