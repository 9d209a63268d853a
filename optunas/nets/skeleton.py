"""The plan of a network in plain integers: which layer, how many channels, at what resolution.

Both :func:`optunas.nets.build.build` and the closed-form costs read this plan, so that they cannot
disagree. No torch here. Every resolution is ``ceil(size / stride)``, odd sizes included.

Two skeletons: NAS-Bench-201 (Dong and Yang 2020, figure 1: stem, three stages of ``num_cells``
cells, a residual block that halves the resolution between stages) for a dense cell, and DARTS (Liu
et al. 2019, section 3 and the authors' ``NetworkCIFAR``: ``num_cells`` cells in all, reductions at
1/3 and 2/3, a stem three times as wide; no auxiliary head, no drop path) for a genotype. A stack
has the skeleton of its kind of cell, with its own cells, widths and places of the reductions; the
papers' networks repeat one cell (or two) and double the width at each reduction.
"""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from optunas.errors import InvalidArchitectureError, InvalidSpecError
from optunas.space.cell import Cell, Edge, Genotype, form_faults
from optunas.space.macro import Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = [
    "Architecture",
    "DenseLayer",
    "Head",
    "PairLayer",
    "Place",
    "Preprocess",
    "ResidualLayer",
    "Skeleton",
    "Stem",
    "cell_at",
    "cells_of",
    "check_counts",
    "check_input_shape",
    "default_counts",
    "halve",
    "place_counts",
    "places",
    "refuse_counts",
    "skeleton",
]

Architecture = Cell | Genotype | Stack | Macro | Subnet
"""Whatever has a network."""

STEM_MULTIPLIER = 3
"""The DARTS stem is three times as wide as its first cell (the code's ``stem_multiplier``)."""


class Stem(NamedTuple):
    """Conv 3x3 and batch norm."""

    channels_in: int
    channels_out: int
    height: int
    width: int


class DenseLayer(NamedTuple):
    """One dense cell at stride 1; the sizes are those of its input and output.

    ``cell`` is the number of the cell among the architecture's, from 0.
    """

    channels: int
    height: int
    width: int
    stride: int = 1
    cell: int = 0


class ResidualLayer(NamedTuple):
    """NAS-Bench-201's residual block at stride 2; the sizes are those of its input."""

    channels_in: int
    channels_out: int
    height: int
    width: int


class Preprocess(NamedTuple):
    """What brings a cell's input to the cell's channels and resolution; sizes of its input.

    ReLU-Conv1x1-BN at stride 1, a factorized reduction at stride 2.
    """

    channels_in: int
    channels_out: int
    stride: int
    height: int
    width: int


class PairLayer(NamedTuple):
    """One two-input cell: at stride 2 where the resolution is halved, else at stride 1.

    The sizes are those of the cell's states before its own stride; ``cell`` is its number among the
    architecture's, from 0.
    """

    before: Preprocess
    previous: Preprocess
    channels: int
    stride: int
    height: int
    width: int
    cell: int


class Place(NamedTuple):
    """Where an edge's operation stands: ``channels`` in and out; sizes are those of its input."""

    operation: str
    channels: int
    stride: int
    height: int
    width: int

    @property
    def form(self) -> tuple[int, int, int, int, int]:
        """Channels in and out, stride, height and width."""
        return self.channels, *self[1:]


class Head(NamedTuple):
    """Global average pool and a linear layer with bias, after BN-ReLU where ``norm``."""

    channels: int
    num_classes: int
    norm: bool


class Skeleton(NamedTuple):
    """A whole network: stem, layers in order, head."""

    stem: Stem
    layers: tuple[DenseLayer | ResidualLayer | PairLayer, ...]
    head: Head


def skeleton(
    architecture: Architecture,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int = 16,
    num_cells: int = 5,
) -> Skeleton:
    """The plan of ``architecture``'s network.

    Args:
        architecture: a dense cell, a genotype or a stack.
        input_shape: (channels, height, width), without batch.
        num_classes: number of outputs.
        channels: of the first stage (dense cell) or the first cell (genotype); not of a stack.
        num_cells: per stage (dense cell) or in all (genotype), as in the papers; not of a stack.

    Raises:
        InvalidSpecError: for a shape or a count that cannot work.
        InvalidArchitectureError: for anything but a dense cell, a genotype or a stack.
    """
    shape = check_input_shape(input_shape)
    counts = check_counts(num_classes=num_classes, channels=channels, num_cells=num_cells)
    num_classes, channels, num_cells = counts
    if isinstance(architecture, Stack):
        return _stack_skeleton(architecture, shape, num_classes)
    if isinstance(architecture, (Cell, Genotype)):
        _refuse_malformed(architecture)
    if isinstance(architecture, Cell) and architecture.num_inputs == 1:
        widths, reductions = (channels, 2 * channels, 4 * channels), (num_cells, 2 * num_cells)
        return _dense_skeleton(shape, num_classes, widths, reductions, (0,) * (3 * num_cells))
    if isinstance(architecture, Genotype) and (
        architecture.normal.num_inputs == architecture.reduce.num_inputs == 2
    ):
        nodes = tuple(cell.num_nodes - 2 for cell in cells_of(architecture))
        if min(nodes) < 1:
            raise InvalidArchitectureError(
                f"Both cells of a genotype need at least one node, got {architecture!s}."
            )
        return _genotype_skeleton(shape, num_classes, channels, num_cells, nodes)
    if isinstance(architecture, (Macro, Subnet)):
        raise InvalidArchitectureError(
            f"A {type(architecture).__name__} is not made of cells and has no skeleton of them; "
            "optunas.build builds it."
        )
    raise InvalidArchitectureError(
        "Only a dense cell (one input), a genotype of two-input cells, a Stack, a Macro or a "
        f"Subnet has a network, got {architecture!r}; a two-input cell goes into "
        "Genotype(normal, reduce) or into a Stack."
    )


def halve(size: int) -> int:
    """``ceil(size / 2)``: what a stride of 2 leaves of ``size``."""
    return -(-size // 2)


def _refuse_malformed(architecture: Cell | Genotype) -> None:
    """Raise for what only looks like cells; a space's members never do."""
    for cell in cells_of(architecture):
        if not isinstance(cell, Cell):
            raise InvalidArchitectureError(f"A genotype holds two Cells, got {cell!r} as one.")
        sound = isinstance(cell.edges, tuple) and all(type(edge) is Edge for edge in cell.edges)
        faults = form_faults(cell) if not sound else []
        if faults:
            raise InvalidArchitectureError("\n".join(faults))


def cells_of(architecture: Cell | Genotype | Stack) -> tuple[Cell, ...]:
    """The cells that a layer's ``cell`` counts: one, normal and reduction, or each of a stack."""
    if isinstance(architecture, Cell):
        return (architecture,)
    if isinstance(architecture, Genotype):
        return architecture.normal, architecture.reduce
    return architecture.cells


def cell_at(architecture: Cell | Genotype | Stack, layer: DenseLayer | PairLayer) -> Cell:
    """The cell of ``architecture`` that stands at ``layer``."""
    return cells_of(architecture)[layer.cell]


def places(cell: Cell, layer: DenseLayer | PairLayer) -> list[Place]:
    """Where each edge's operation stands, in the order of ``cell.edges``.

    A reduction cell's edges stride where they leave an input; the later ones are already halved.
    """
    whole, inner = _forms(layer)
    return [
        Place(edge.operation, *(whole if edge.source < cell.num_inputs else inner))
        for edge in cell.edges
    ]


def place_counts(cell: Cell, layer: DenseLayer | PairLayer) -> list[tuple[Place, int]]:
    """The distinct ones of :func:`places`, and how many edges stand in each."""
    whole, inner = _forms(layer)
    if whole == inner:
        kinds = Counter([operation for _, _, operation in cell.edges])
        return [(Place(operation, *whole), count) for operation, count in kinds.items()]
    ends = Counter([(o, source < cell.num_inputs) for source, _, o in cell.edges])
    return [(Place(o, *(whole if first else inner)), count) for (o, first), count in ends.items()]


def _forms(layer: DenseLayer | PairLayer) -> tuple[tuple[int, int, int, int], ...]:
    """Channels, stride, height and width where an edge leaves an input, and elsewhere."""
    whole = (layer.channels, layer.stride, layer.height, layer.width)
    if layer.stride == 1:
        return whole, whole
    return whole, (layer.channels, 1, halve(layer.height), halve(layer.width))


def _stack_skeleton(stack: Stack, shape: tuple[int, int, int], num_classes: int) -> Skeleton:
    stack.check()
    cells = tuple(range(len(stack.cells)))
    if stack.num_inputs == 1:
        return _dense_skeleton(shape, num_classes, stack.widths, stack.reductions, cells)
    nodes = tuple(cell.num_nodes - 2 for cell in stack.cells)
    return _pair_skeleton(shape, num_classes, stack.widths, stack.reductions, cells, nodes)


@lru_cache(maxsize=1024)
def _genotype_skeleton(
    shape: tuple[int, int, int],
    num_classes: int,
    channels: int,
    num_cells: int,
    nodes: tuple[int, ...],
) -> Skeleton:
    """DARTS's: reductions at 1/3 and 2/3 of the cells, which are one place in a single cell."""
    reductions = tuple(sorted({num_cells // 3, 2 * num_cells // 3}))
    widths = tuple(channels * 2**stage for stage in range(len(reductions) + 1))
    cells = tuple(int(position in reductions) for position in range(num_cells))
    at = tuple(nodes[cell] for cell in cells)
    return _pair_skeleton(shape, num_classes, widths, reductions, cells, at)


@lru_cache(maxsize=1024)
def _dense_skeleton(
    shape: tuple[int, int, int],
    num_classes: int,
    widths: tuple[int, ...],
    reductions: tuple[int, ...],
    cells: tuple[int, ...],
) -> Skeleton:
    """``cells`` are the numbers of the cells, by position; a stage begins at each reduction."""
    channels_in, height, width = shape
    stem = Stem(channels_in, widths[0], height, width)
    layers: list[DenseLayer | ResidualLayer | PairLayer] = []
    starts = dict(zip(reductions, itertools.pairwise(widths), strict=True))
    channels = widths[0]
    for position, cell in enumerate(cells):
        if position in starts:
            layers.append(ResidualLayer(*starts[position], height, width))
            channels, height, width = starts[position][1], halve(height), halve(width)
        layers.append(DenseLayer(channels, height, width, cell=cell))
    return Skeleton(stem, tuple(layers), Head(channels, num_classes, norm=True))


@lru_cache(maxsize=1024)
def _pair_skeleton(
    shape: tuple[int, int, int],
    num_classes: int,
    widths: tuple[int, ...],
    reductions: tuple[int, ...],
    cells: tuple[int, ...],
    nodes: tuple[int, ...],
) -> Skeleton:
    """``cells`` are the numbers of the cells and ``nodes`` their own nodes, by position."""
    channels_in, height, width = shape
    stem = Stem(channels_in, STEM_MULTIPLIER * widths[0], height, width)
    before = previous = (stem.channels_out, height, width)  # (channels, height, width)
    previous_reduced = False
    layers = []
    channels, wider = widths[0], iter(widths[1:])
    for position, (cell, own) in enumerate(zip(cells, nodes, strict=True)):
        reduce = position in reductions
        channels = next(wider) if reduce else channels
        # After a reduction the state before the last has twice the resolution.
        first = Preprocess(before[0], channels, 2 if previous_reduced else 1, *before[1:])
        second = Preprocess(previous[0], channels, 1, *previous[1:])
        layer = PairLayer(first, second, channels, 2 if reduce else 1, *previous[1:], cell)
        layers.append(layer)
        if reduce:
            output = (own * channels, halve(layer.height), halve(layer.width))
        else:
            output = (own * channels, layer.height, layer.width)
        before, previous, previous_reduced = previous, output, reduce
    return Skeleton(stem, tuple(layers), Head(previous[0], num_classes, norm=False))


def check_input_shape(input_shape: object) -> tuple[int, int, int]:
    """``input_shape`` as three positive ints.

    Raises:
        InvalidSpecError: when it is anything else.
    """
    try:
        shape = tuple(map(operator.index, input_shape))  # type: ignore[call-overload]
    except TypeError:
        shape = ()
    if len(shape) != 3 or min(shape) < 1:
        raise InvalidSpecError(
            "input_shape must be (channels, height, width), three positive integers without the "
            f"batch, such as (3, 32, 32); got {input_shape!r}."
        )
    return shape


def default_counts(channels: int | None, num_cells: int | None) -> tuple[int, int]:
    """Channels and number of cells, None replaced by the defaults, 16 and 5."""
    return 16 if channels is None else channels, 5 if num_cells is None else num_cells


def refuse_counts(architecture: Architecture, channels: object, num_cells: object) -> None:
    """Raise for a width or a depth given to an architecture that has its own.

    Raises:
        InvalidSpecError: naming what was given.
    """
    given = {"channels": channels, "num_cells": num_cells}
    wrong = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if wrong:
        raise InvalidSpecError(
            f"A {type(architecture).__name__} has widths and depths of its own, got "
            f"{' and '.join(wrong)}; leave that out."
        )


def check_counts(**counts: object) -> tuple[int, ...]:
    """The named counts as positive ints.

    Raises:
        InvalidSpecError: naming the first that is not one.
    """
    checked = []
    for name, value in counts.items():
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = 0
        if isinstance(value, bool) or number < 1:
            raise InvalidSpecError(f"{name} must be a positive integer, got {value!r}.")
        checked.append(number)
    return tuple(checked)
