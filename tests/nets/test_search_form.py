"""Networks as a differentiable search sees them: ``build(..., form="search")``."""

import numpy as np
import pytest
import torch
from torch import nn

import optunas
from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.nets.build import ResidualBlock, build
from optunas.nets.cells import DenseCell, PairCell
from optunas.nets.operations import FactorizedReduce
from optunas.space import VOCABULARY, Cell, CellSpace, DenseCellSpace, Operation, Stack

POOLS = (nn.MaxPool2d, nn.AvgPool2d)


def member(kind: str, seed: int = 0) -> object:
    space = CellSpace(VOCABULARY) if kind == "genotype" else DenseCellSpace(VOCABULARY)
    cell = space.sample(np.random.default_rng(seed))
    return Stack((cell, cell), (4, 8), (1,)) if kind == "stack" else cell


def search_form(kind: str, seed: int = 0) -> nn.Module:
    if kind == "stack":
        return build(member(kind, seed), (3, 8, 8), 5, form="search")  # type: ignore[arg-type]
    return build(member(kind, seed), (3, 8, 8), 5, 4, 3, form="search")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["cell", "genotype", "stack"])
def test_norms_in_cells_have_no_weights_and_the_others_do(kind: str, seed: int) -> None:
    network = search_form(kind, seed)
    inside: set[nn.Module] = set()
    for cell in network.modules():
        if isinstance(cell, (DenseCell, PairCell)):
            inside |= {m for m in cell.modules() if isinstance(m, nn.BatchNorm2d)}
    norms = {m for m in network.modules() if isinstance(m, nn.BatchNorm2d)}
    assert inside
    assert not any(norm.affine for norm in inside)
    assert norms - inside
    assert all(norm.affine for norm in norms - inside)
    blocks = [m for m in network.modules() if isinstance(m, ResidualBlock)]
    assert bool(blocks) == (kind != "genotype")


@pytest.mark.parametrize("name", ["max_pool_3x3", "avg_pool_3x3"])
@pytest.mark.parametrize("form", ["search", "final"])
def test_a_norm_follows_each_pool_in_the_search_form_only(name: str, form: str) -> None:
    cell = Cell.from_str(f"|{name}~0|")
    network = build(cell, (1, 8, 8), 3, 4, 1, form=form)
    edge = network.layers[0].edges[0]  # type: ignore[index,union-attr]
    if form == "final":
        assert isinstance(edge, POOLS)
    else:
        assert isinstance(edge[0], POOLS)  # type: ignore[index]
        assert isinstance(edge[1], nn.BatchNorm2d)  # type: ignore[index]


def test_reductions_and_preprocessing_lose_their_weights_too() -> None:
    space = CellSpace(("skip_connect", "sep_conv_3x3"))
    genotype = space.sample(np.random.default_rng(0))
    network = build(genotype, (1, 8, 8), 3, 4, 3, form="search")
    reductions = [m for m in network.modules() if isinstance(m, FactorizedReduce)]
    assert reductions
    assert not any(m.norm.affine for m in reductions)
    for cell in network.layers:  # type: ignore[union-attr]
        for part in (cell.before, cell.previous):  # type: ignore[union-attr]
            norms = [m for m in part.modules() if isinstance(m, nn.BatchNorm2d)]
            assert [norm.affine for norm in norms] == [False]


@pytest.mark.parametrize("kind", ["cell", "genotype"])
def test_the_final_form_is_the_default_and_shares_the_convolutions(kind: str) -> None:
    final = build(member(kind), (3, 8, 8), 5, 4, 3)  # type: ignore[arg-type]
    named = build(member(kind), (3, 8, 8), 5, 4, 3, form="final")  # type: ignore[arg-type]
    assert [*final.state_dict()] == [*named.state_dict()]
    searched = search_form(kind)

    def convolutions(network: nn.Module) -> list[torch.Size]:
        layers = (nn.Conv2d, nn.Linear)
        return [m.weight.shape for m in network.modules() if isinstance(m, layers)]

    assert convolutions(final) == convolutions(searched)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 7, 9), (2, 1, 1)])
@pytest.mark.parametrize("kind", ["cell", "genotype"])
def test_it_runs_and_trains_at_any_size(kind: str, shape: tuple[int, int, int]) -> None:
    network = build(member(kind), shape, 5, 4, 2, form="search")  # type: ignore[arg-type]
    outputs = network(torch.randn(3, *shape))
    assert outputs.shape == (3, 5)
    outputs.sum().backward()


def test_own_operations_stay_as_they_are() -> None:
    operation = Operation("mine", lambda c_in, c_out, stride: nn.BatchNorm2d(c_out))
    cell = Cell.from_str("|mine~0|")
    cell = Cell(cell.edges, operations=(operation,))
    network = build(cell, (1, 8, 8), 3, 4, 1, form="search")
    assert network.layers[0].edges[0].affine  # type: ignore[index,union-attr]


def test_another_form_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'search'"):
        optunas.build(member("cell"), (1, 8, 8), 3, form="serach")  # type: ignore[arg-type]


def test_only_networks_of_cells_have_a_search_form() -> None:
    subnet = optunas.OFA_MOBILENET_V3.sample(np.random.default_rng(0))
    with pytest.raises(
        InvalidSpecError, match="networks made of cells or of a macro's layers, and a Subnet"
    ):
        optunas.build(subnet, (3, 32, 32), 10, form="search")
