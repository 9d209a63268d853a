"""From the operations' weights to an architecture, or to the best ones that keep a budget.

The architecture is the one with the largest product of its operations' weights, that is the largest
sum of their logarithms. Read as probabilities, the weights make it the likeliest one; the sum is
additive over the edges, so that limits on additive costs can be kept exactly; and without limits it
is the paper's choice (Liu et al. 2019, section 2.4): on each edge the operation with the largest
weight, into each node the two edges whose largest weight is largest, ``none`` never chosen. No
torch here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optunas.darts.budgeted import (
    ChainFrame,
    DenseFrame,
    Frame,
    PairFrame,
    Selection,
    best_selections,
)
from optunas.darts.choices import (
    LAYERS,
    Member,
    Searchable,
    choosable,
    edges_of,
    kinds_of,
    operations_of,
    shape_of,
)
from optunas.darts.numbers import check_whole
from optunas.errors import InvalidSpaceError, InvalidSpecError, UnknownNameError
from optunas.metrics.edge_costs import EdgeCosts, edge_costs
from optunas.metrics.layer_costs import layer_costs
from optunas.nets.skeleton import refuse_counts
from optunas.space import Cell, CellSpace, DenseCellSpace, Genotype, MacroSpace
from optunas.space.cell import Edge
from optunas.space.macro_skeleton import macro_skeleton
from optunas.space.references import own_operations

__all__ = ["LIMITS", "RULES", "Ranked", "discretize", "least_cost", "ranked"]

LIMITS = ("params", "flops")
"""What can be limited without further costs."""

RULES = ("argmax",)

SMALLEST = 1e-30
"""A weight of 0 has no logarithm; this one is chosen last all the same."""

Weights = Mapping[str, Any]
"""For each kind of cell the operations' weights (E, O), rows as in ``edges_of``."""


@dataclass(frozen=True)
class Ranked:
    """An architecture with its place.

    Attributes:
        architecture: a ``Cell``, a ``Genotype`` or a ``Macro``.
        score: sum of the logarithms of its operations' weights.
        costs: what it costs, by name of the limit.
    """

    architecture: Member
    score: float
    costs: Mapping[str, float]


def discretize(
    space: Searchable,
    weights: Weights,
    *,
    limits: Mapping[str, float] | None = None,
    input_shape: tuple[int, ...] | None = None,
    num_outputs: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    costs: Mapping[str, Weights] | None = None,
    rule: str = "argmax",
) -> Member:
    """The architecture with the largest weights that keeps all limits; never a disconnected one.

    Args:
        space: that was searched; of a ``MacroSpace`` the skeleton is fixed.
        weights: of the operations, (E, O) for each kind of cell: ``Search.weights``.
        limits: upper limits by name: ``params`` and ``flops`` of the network that is built in the
            end (never the supernet's), and the names in ``costs``.
        input_shape, num_outputs, channels, num_cells: of that network, as for ``optunas.build``;
            the first two are needed for limits of ``params`` and ``flops``, the others are not for
            macro networks.
        costs: further additive costs by name: numbers from 0 on, (E, O) for each kind of cell.
        rule: ``argmax``.

    Raises:
        InvalidSpecError: for weights of another space, limits that cannot be, and limits that no
            architecture keeps; the sentence tells the smallest possible value.
        InvalidSpaceError: where nothing but zeros could be chosen.
        UnknownNameError: for an unknown limit or rule.
    """
    return ranked(
        space,
        weights,
        limits=limits,
        input_shape=input_shape,
        num_outputs=num_outputs,
        channels=channels,
        num_cells=num_cells,
        costs=costs,
        rule=rule,
    )[0].architecture


def ranked(
    space: Searchable,
    weights: Weights,
    *,
    alternatives: int = 0,
    limits: Mapping[str, float] | None = None,
    input_shape: tuple[int, ...] | None = None,
    num_outputs: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
    costs: Mapping[str, Weights] | None = None,
    rule: str = "argmax",
) -> tuple[Ranked, ...]:
    """The architecture of :func:`discretize` and the next best ones under the same limits, exactly.

    They are distinct by the space's digest: of architectures that are one network under several
    codes the best code is kept. Fewer than ``alternatives + 1`` only where there are no more.

    Args:
        alternatives: how many after the best.

    The other arguments and the errors are those of :func:`discretize`.
    """
    if rule not in RULES:
        raise UnknownNameError("rule", rule, RULES)
    check_whole("alternatives", alternatives, 0)
    _check_tables(limits=limits, costs=costs)
    frame, gains = _frame(space), _gains(space, weights)
    names = list(limits or {})
    table, fixed = _costs(
        space, names, costs or {}, (input_shape, num_outputs), channels, num_cells
    )
    # Infinite limits are those that nothing can break; the search's bounds need them finite.
    most = table.max(axis=1).sum(axis=0)
    left = [
        min(_limit(name, (limits or {})[name]) - fixed[name], most[at])
        for at, name in enumerate(names)
    ]
    if frame.rest(gains)(0, frame.start) == -math.inf:
        raise InvalidSpaceError(
            "Every cell of this space is disconnected: it has no operation but "
            f"{', '.join(repr(o.name) for o in operations_of(space))}; give it others."
        )
    count = alternatives + 1
    while True:
        found = best_selections(frame, gains, table, left, count)
        if not found:
            raise InvalidSpecError(_impossible(frame, table, left, names, limits or {}, fixed))
        distinct: dict[str, Ranked] = {}
        for selection in found:
            member = _member(space, selection, frame.left_out)
            spent = zip(names, selection.costs, strict=True)
            total = {name: _whole(fixed[name] + cost) for name, cost in spent}
            distinct.setdefault(space.digest(member), Ranked(member, selection.gain, total))  # type: ignore[arg-type]
        if len(distinct) > alternatives or len(found) < count:
            return tuple(distinct.values())[: alternatives + 1]
        count *= 2


def _check_tables(**tables: object) -> None:
    for name, table in tables.items():
        if table is not None and not isinstance(table, Mapping):
            raise InvalidSpecError(
                f"{name} must be a dict by the limit's name, such as {{'params': ...}}, got "
                f"{table!r}."
            )


def _limit(name: str, limit: object) -> float:
    number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
    if not number or not limit > 0:  # type: ignore[operator]
        raise InvalidSpecError(f"The limit of {name} must be a number above 0, got {limit!r}.")
    return float(limit)  # type: ignore[arg-type]


def _frame(space: Searchable) -> Frame:
    if not isinstance(space, (CellSpace, DenseCellSpace, MacroSpace)):
        raise InvalidSpaceError(
            "An architecture is chosen from a CellSpace, a DenseCellSpace or a MacroSpace, got "
            f"{space!r}."
        )
    zeros = [operation.zero for operation in operations_of(space)]
    edges = edges_of(space)
    if isinstance(space, MacroSpace):
        return ChainFrame(edges, zeros, choosable(space))
    if isinstance(space, DenseCellSpace):
        return DenseFrame(edges, zeros)
    return PairFrame(edges * 2, zeros)


def _gains(space: Searchable, weights: Weights) -> np.ndarray:
    table = _stacked(space, weights, "weights")
    return np.log(np.maximum(table, SMALLEST))


def _stacked(space: Searchable, given: object, what: str) -> np.ndarray:
    """The tables of all kinds of cells, one under the other: (steps, O)."""
    kinds, shape = kinds_of(space), shape_of(space)
    wanted = f"an array of {shape[0]} edges x {shape[1]} operations for each of {', '.join(kinds)}"
    if not isinstance(given, Mapping) or set(given) != set(kinds):
        has = f"kinds {sorted(given)}" if isinstance(given, Mapping) else type(given).__name__
        raise InvalidSpecError(f"The {what} must be {wanted}; got {has}.")
    try:
        rows = [np.asarray(given[kind], dtype=np.float64) for kind in kinds]
    except (TypeError, ValueError):
        raise InvalidSpecError(f"The {what} must be {wanted}; got something else.") from None
    for kind, row in zip(kinds, rows, strict=True):
        if row.shape != shape:
            raise InvalidSpecError(f"The {what} must be {wanted}; {kind} has shape {row.shape}.")
        if not np.isfinite(row).all() or (row < 0).any():
            raise InvalidSpecError(f"The {what} of {kind} must be finite numbers from 0 on.")
    return np.concatenate(rows)


def _costs(
    space: Searchable,
    names: list[str],
    own: Mapping[str, Weights],
    shape: tuple[tuple[int, ...] | None, int | None],
    channels: int | None,
    num_cells: int | None,
) -> tuple[np.ndarray, dict[str, float]]:
    """(steps, options, limits) and the fixed part of each."""
    columns, fixed = [], dict.fromkeys(names, 0.0)
    for name in names:
        if name in own:
            columns.append(_stacked(space, own[name], f"costs {name!r}"))
            continue
        if name not in LIMITS:
            raise UnknownNameError("limit", name, (*LIMITS, *own))
        if shape[0] is None or shape[1] is None:
            raise InvalidSpecError(
                f"A limit of {name} needs input_shape and num_outputs of the network, such as "
                "input_shape=(3, 32, 32), num_outputs=10."
            )
        parts = _parts(space, shape[0], shape[1], channels, num_cells)
        whole = parts.fixed.params if name == "params" else 2 * parts.fixed.macs
        table = parts.params if name == "params" else parts.flops
        fixed[name] = float(whole)
        columns.append(_stacked(space, table, name))
    if not columns:
        edges, operations = shape_of(space)
        return np.zeros((edges * len(kinds_of(space)), operations, 0)), fixed
    return np.stack(columns, axis=-1), fixed


def _parts(
    space: Searchable,
    input_shape: tuple[int, ...],
    num_outputs: int,
    channels: int | None,
    num_cells: int | None,
) -> EdgeCosts:
    """The network's cost, taken apart."""
    if not isinstance(space, MacroSpace):
        return edge_costs(space, input_shape, num_outputs, channels, num_cells)
    skeleton = macro_skeleton(space)
    refuse_counts(next(iter(space.enumerate(1))), channels, num_cells)
    return layer_costs(skeleton, input_shape, num_outputs, LAYERS)


def _member(space: Searchable, selection: Selection, left_out: int) -> Member:
    if isinstance(space, MacroSpace):
        return macro_skeleton(space).macro(selection.options)
    edges, names = edges_of(space), [operation.name for operation in space.operations]
    own = own_operations(space.operations)
    cells = []
    for at in range(0, len(selection.options), len(edges)):
        options = selection.options[at : at + len(edges)]
        chosen = [
            Edge(*edge, names[option])
            for edge, option in zip(edges, options, strict=True)
            if option != left_out
        ]
        cells.append(Cell(tuple(chosen), 2 if isinstance(space, CellSpace) else 1, own))
    return cells[0] if isinstance(space, DenseCellSpace) else Genotype(*cells)


def least_cost(
    space: Searchable,
    name: str,
    *,
    input_shape: tuple[int, ...],
    num_outputs: int,
    channels: int | None = None,
    num_cells: int | None = None,
) -> float:
    """The smallest parameters or FLOPs (``name``) that a network of the space can have.

    The other arguments and the errors are those of :func:`discretize`.
    """
    table, fixed = _costs(space, [name], {}, (input_shape, num_outputs), channels, num_cells)
    return fixed[name] + _least(_frame(space), table[:, :, 0])


def _least(frame: Frame, costs: np.ndarray) -> float:
    """The smallest sum of what is chosen, of costs (steps, options)."""
    return -frame.rest(-costs)(0, frame.start)


def _impossible(
    frame: Frame,
    table: np.ndarray,
    left: list[float],
    names: list[str],
    limits: Mapping[str, float],
    fixed: Mapping[str, float],
) -> str:
    """Why nothing keeps the limits, with the smallest possible values."""
    least = {name: fixed[name] + _least(frame, table[:, :, at]) for at, name in enumerate(names)}
    broken = [name for name in names if least[name] > limits[name]]
    if broken:
        return "\n".join(
            f"No architecture keeps {name} <= {limits[name]:,.10g}: the smallest possible value is "
            f"{least[name]:,.10g}."
            for name in broken
        )
    first, others = names[0], list(range(1, len(names)))
    cheapest = best_selections(
        frame, -table[:, :, 0], table[:, :, others], [left[k] for k in others]
    )
    if not cheapest:
        return "No architecture keeps these limits together; raise one of them."
    kept = " and ".join(f"{name} <= {limits[name]:,.10g}" for name in names[1:])
    return (
        f"No architecture keeps {first} <= {limits[first]:,.10g} and {kept} together: with {kept} "
        f"the smallest possible value of {first} is {fixed[first] - cheapest[0].gain:,.10g}."
    )


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value
