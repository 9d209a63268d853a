"""One-hot mixing weights give the network that ``build(..., form="search")`` builds."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts.extraction import extract
from optunas.darts.mixing import Mixing
from optunas.darts.supernet import SuperNetwork, edges_of
from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.nets.build import build
from optunas.space import (
    NB201,
    VOCABULARY,
    Cell,
    CellSpace,
    DenseCellSpace,
    Edge,
    Genotype,
    Operation,
)

OWN = Operation("mine", lambda c_in, c_out, s: nn.Conv2d(c_in, c_out, 3, s, 1, bias=True))

SPACES = {
    "two inputs": CellSpace(VOCABULARY, num_nodes=2),
    "two inputs, own": CellSpace(("skip_connect", OWN, "dil_conv_5x5"), num_nodes=2),
    "nb201": NB201,
    "dense": DenseCellSpace(VOCABULARY),
    "dense, own": DenseCellSpace((OWN, "none", "sep_conv_5x5"), 3),
}


def covering(space: CellSpace | DenseCellSpace) -> Iterator[Cell | Genotype]:
    """Members that have every operation on every edge."""
    names = [o.name for o in space.operations]
    if isinstance(space, DenseCellSpace):
        for turn in range(len(names)):
            edges = [
                Edge(*ends, names[(row + turn) % len(names)])
                for row, ends in enumerate(edges_of(space))
            ]
            yield Cell(tuple(edges), 1, tuple(o for o in space.operations if o.factory))
        return
    missing = set(itertools.product(("normal", "reduce"), edges_of(space), names))
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(400)]
    while missing:
        best = max(drawn, key=lambda genotype: len(places(genotype) & missing))
        assert places(best) & missing
        missing -= places(best)
        yield best


def places(genotype: Genotype) -> set[tuple[str, tuple[int, int], str]]:
    """(kind of cell, edge, operation)."""
    return {
        (kind, (source, target), name)
        for kind, cell in vars(genotype).items()
        for source, target, name in cell.edges
    }


def one_hot(space: CellSpace | DenseCellSpace, member: Cell | Genotype) -> dict[str, np.ndarray]:
    names = [o.name for o in space.operations]
    cells = {"cell": member} if isinstance(member, Cell) else vars(member)
    return {
        kind: np.array(
            [[Edge(*ends, name) in cell.edges for name in names] for ends in edges_of(space)]
        )
        for kind, cell in cells.items()
    }


def supernet(name: str, shape: tuple[int, int, int], dtype: torch.dtype) -> SuperNetwork:
    """After two steps, so that the running statistics are not those of the start."""
    torch.manual_seed(0)
    space = SPACES[name]
    network = SuperNetwork(space, shape, 3, 4, 1 if isinstance(space, DenseCellSpace) else 3)
    network = network.to(dtype)
    optimizer = torch.optim.SGD(network.parameters(), 0.05)
    for _ in range(2):
        optimizer.zero_grad()
        weights = {kind: torch.rand(network.shape, dtype=dtype) for kind in network.kinds}
        outputs = network(torch.randn(4, *shape, dtype=dtype), Mixing(weights))
        F.cross_entropy(outputs, torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
    return network


@pytest.mark.parametrize(
    ("shape", "dtype"), [((3, 8, 8), torch.float), ((1, 7, 7), torch.double)], ids=str
)
@pytest.mark.parametrize("name", SPACES)
def test_one_hot_weights_are_the_discrete_network(
    name: str, shape: tuple[int, int, int], dtype: torch.dtype
) -> None:
    network, space = supernet(name, shape, dtype), SPACES[name]
    tolerance = 1e-12 if dtype == torch.double else 1e-5
    x = torch.randn(4, *shape, dtype=dtype)
    for count, member in enumerate(covering(space)):
        network.train(count % 2 == 1)
        alone = extract(network, member)
        hot = one_hot(space, member)
        weights = {kind: torch.tensor(table).to(dtype) for kind, table in hot.items()}
        # With the mask, and in every sixth turn with everything computed and multiplied by zero.
        active = None if count % 6 == 0 else hot
        assert distance(network(x, Mixing(weights, active)), alone(x)) <= tolerance
        network.train(count % 2 == 0)
        alone.train(count % 2 == 0)
        assert distance(network(x, Mixing(weights, hot)), alone(x)) <= tolerance


def distance(one: Tensor, other: Tensor) -> float:
    one, other = one.detach(), other.detach()
    return float((one - other).abs().max() / other.abs().max().clamp_min(1))


def test_the_extracted_network_is_built_in_search_form_and_owns_its_weights() -> None:
    network = supernet("two inputs", (1, 8, 8), torch.double).eval()
    member = SPACES["two inputs"].sample(np.random.default_rng(3))
    alone = extract(network, member)
    built = build(member, (1, 8, 8), 3, 4, 3, form="search")
    assert not alone.training
    assert {name: p.shape for name, p in alone.named_parameters()} == {
        name: p.shape for name, p in built.named_parameters()
    }
    assert all(p.dtype == torch.double for p in alone.parameters())
    theirs = {p.data_ptr() for p in network.parameters()}
    assert not theirs & {p.data_ptr() for p in alone.parameters()}


def test_a_member_of_another_space_is_refused() -> None:
    network = supernet("nb201", (1, 8, 8), torch.float)
    with pytest.raises(InvalidArchitectureError, match="sep_conv_5x5"):
        extract(network, Cell.from_str("|sep_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|"))
    with pytest.raises(InvalidArchitectureError, match="Genotype"):
        extract(network, CellSpace(VOCABULARY).sample(np.random.default_rng(0)))


def test_partial_channels_cannot_be_extracted() -> None:
    network = SuperNetwork(NB201, (1, 8, 8), 3, 4, 1, partial=2)
    with pytest.raises(InvalidSpecError, match="use partial=1"):
        extract(network, NB201.sample(np.random.default_rng(0)))
