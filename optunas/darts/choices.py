"""What a search by gradient chooses between in a space: rows and columns of its alphas.

One tensor of alphas (E, O) stands for each kind of cell; a macro network is a single kind whose
edges are its layers. Which space it is, is asked here and nowhere else, as far as that goes. No
torch here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from optunas.errors import InvalidSpaceError
from optunas.metrics.edge_costs import cell_edges, cell_kinds
from optunas.space import Cell, CellSpace, DenseCellSpace, Genotype, Macro, MacroSpace, Operation
from optunas.space.macro_skeleton import macro_skeleton

__all__ = [
    "LAYERS",
    "Member",
    "Searchable",
    "check_searchable",
    "choosable",
    "closed_of",
    "edges_of",
    "kinds_of",
    "one_hot",
    "operations_of",
    "shape_of",
]

Searchable = CellSpace | DenseCellSpace | MacroSpace
Member = Cell | Genotype | Macro

LAYERS = "layers"
"""The only kind of a macro network."""


def check_searchable(space: object) -> None:
    """Refuse what has no supernet.

    Raises:
        InvalidSpaceError: for another space, one with a single operation, and a macro space with
            more to choose than its layers' operations.
    """
    if isinstance(space, MacroSpace):
        macro_skeleton(space)
        return
    if not isinstance(space, (CellSpace, DenseCellSpace)):
        raise InvalidSpaceError(
            "DARTS searches a CellSpace, a DenseCellSpace, or a MacroSpace with a fixed skeleton, "
            f"got a {type(space).__name__}."
        )
    if len(space.operations) < 2:
        raise InvalidSpaceError(
            f"DARTS chooses between operations, and this space has only "
            f"{space.operations[0].name!r}; give it at least two."
        )


def kinds_of(space: Searchable) -> tuple[str, ...]:
    """The kinds of cells that a space's architectures have: one tensor of alphas each."""
    return (LAYERS,) if isinstance(space, MacroSpace) else cell_kinds(space)


def edges_of(space: Searchable) -> list[tuple[int, int]]:
    """The supernet's edges (source, target), by target and source: the rows of the alphas.

    A node of a ``CellSpace`` has an edge from every earlier state; a genotype keeps two of them.
    The layers of a macro network lead from one node to the next.
    """
    if isinstance(space, MacroSpace):
        return [(layer - 1, layer) for layer in range(1, macro_skeleton(space).depth + 1)]
    return cell_edges(space)


def operations_of(space: Searchable) -> tuple[Operation, ...]:
    """The columns of the alphas; those of a macro network are its layers' candidates."""
    if isinstance(space, MacroSpace):
        return tuple(candidate.operation for candidate in macro_skeleton(space).candidates)
    return space.operations


def shape_of(space: Searchable) -> tuple[int, int]:
    """Number of edges and of operations."""
    return len(edges_of(space)), len(operations_of(space))


def closed_of(space: Searchable) -> np.ndarray | None:
    """(E, O) booleans: what cannot stand there, and has no weight; None where all can."""
    if not isinstance(space, MacroSpace):
        return None
    closed = macro_skeleton(space).closed
    return closed if closed.any() else None


def choosable(space: Searchable) -> np.ndarray:
    """(E, O) booleans: what an edge of the outcome may hold.

    Two-input cells and macro networks never end with zeros; a dense cell may, beside a path.
    """
    if isinstance(space, MacroSpace):
        return macro_skeleton(space).choosable()
    zeros = np.array([operation.zero for operation in space.operations])
    row = np.ones_like(zeros) if isinstance(space, DenseCellSpace) else ~zeros
    return np.broadcast_to(row, shape_of(space))


def one_hot(space: Searchable, architecture: Member) -> Mapping[str, np.ndarray]:
    """(E, O) for each kind of cell: 1 where the architecture has the operation, else 0.

    Raises:
        InvalidArchitectureError: for a macro that the space's skeleton does not hold.
    """
    table = {kind: np.zeros(shape_of(space)) for kind in kinds_of(space)}
    if isinstance(space, MacroSpace):
        assert isinstance(architecture, Macro)
        for row, column in enumerate(macro_skeleton(space).columns(architecture)):
            table[LAYERS][row, column] = 1.0
        return table
    names = [operation.name for operation in space.operations]
    rows = {ends: row for row, ends in enumerate(edges_of(space))}
    cells = {"cell": architecture} if isinstance(architecture, Cell) else vars(architecture)
    for kind, cell in cells.items():
        for source, target, operation in cell.edges:
            table[kind][rows[source, target], names.index(operation)] = 1.0
    return table
