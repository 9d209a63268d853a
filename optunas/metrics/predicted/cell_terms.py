"""The terms of networks made of cells."""

from __future__ import annotations

from functools import lru_cache

from optunas.errors import UnknownNameError
from optunas.metrics.flow.of_cells import piece_of
from optunas.metrics.flow.pieces import Piece
from optunas.metrics.predicted.effort import work_of
from optunas.metrics.predicted.terms import Counted, Term
from optunas.metrics.predicted.work import NOTHING, Work, conv, linear, moving, total
from optunas.metrics.stated_cost import operation_cost
from optunas.nets.skeleton import (
    DenseLayer,
    PairLayer,
    Place,
    Preprocess,
    ResidualLayer,
    Skeleton,
    cell_at,
    halve,
    places,
)
from optunas.space.cell import Cell, Genotype
from optunas.space.layers import Tally
from optunas.space.operations import LAYERS, VOCABULARY, Operation
from optunas.space.stack import Stack

__all__ = ["cell_terms"]


def cell_terms(architecture: Cell | Genotype | Stack, plan: Skeleton) -> list[Counted]:
    """Every edge's operation, the sums at nodes, and what is there whatever the cells are."""
    found, layers = _shared(plan)
    terms = list(found)
    for layer, times in layers:
        terms += _cell(cell_at(architecture, layer), layer, times)
    return terms


@lru_cache(maxsize=1024)
def _shared(
    plan: Skeleton,
) -> tuple[tuple[Counted, ...], tuple[tuple[DenseLayer | PairLayer, int], ...]]:
    """Stem, blocks between stages, preprocessing, head; and how often each distinct layer is."""
    stem, head = plan.stem, plan.head
    work = work_of(piece_of(stem))
    first = Term("stem", stem.channels_in, stem.channels_out, 1, *stem[2:], work)
    parts: list[tuple[Term, object]] = [(first, stem)]
    counts: dict[DenseLayer | PairLayer, int] = {}
    height, width = stem.height, stem.width
    for layer in plan.layers:
        if isinstance(layer, ResidualLayer):
            parts.append((_residual(layer), layer))
            height, width = halve(layer.height), halve(layer.width)
            continue
        counts[layer] = counts.get(layer, 0) + 1
        if isinstance(layer, PairLayer):
            parts += [(_preprocess(one), one) for one in (layer.before, layer.previous)]
            height, width = -(-layer.height // layer.stride), -(-layer.width // layer.stride)
    final = head.channels * height * width
    last = moving(final, final, 2) if head.norm else NOTHING
    last = total(last, moving(final, head.channels), linear(head.channels, head.num_classes))
    parts.append((Term("head", head.channels, head.num_classes, 1, height, width, last), head))
    shared = tuple(Counted(term, 1, 1, origin) for term, origin in parts)
    return shared, tuple(counts.items())


def _residual(layer: ResidualLayer) -> Term:
    c_in, c_out, height, width = layer
    return Term("residual_block", c_in, c_out, 2, height, width, work_of(piece_of(layer)))


@lru_cache(maxsize=4096)
def _preprocess(plan: Preprocess) -> Term:
    c_in, c_out, stride, height, width = plan
    if stride == 2:
        return Term("factorized_reduce", *plan, _factorized(c_in, c_out, height, width))
    return Term("preprocess_1x1", *plan, work_of(piece_of(plan)))


def _factorized(c_in: int, c_out: int, height: int, width: int) -> Work:
    inside, outside = height * width, halve(height) * halve(width)
    half = conv(c_in, c_out // 2, 1, outside, outside, around=0)
    other = conv(c_in, c_out - c_out // 2, 1, outside, outside, around=0)
    glue = moving(4 * c_in * inside, 4 * c_out * outside, 4)
    return total(half, other, glue)


def _cell(cell: Cell, layer: DenseLayer | PairLayer, times: int) -> list[Counted]:
    own = {operation.name: operation for operation in cell.operations if operation.factory}
    used = _used(cell)
    terms = []
    arriving: dict[int, list[bool]] = {}
    for (_, target, name), place, live in zip(cell.edges, places(cell, layer), used, strict=True):
        if name == "none" and name not in own:
            continue
        arriving.setdefault(target, []).append(live)
        term = _edge(place) if name not in own else _own(place, own[name])
        terms.append(Counted(term, times, times if live else 0, (place, own.get(name))))
    stride, height, width = layer.stride, layer.height, layer.width
    inner = (layer.channels, height, width)
    if stride == 2:
        inner = (layer.channels, halve(height), halve(width))
    sums = sum(len(edges) - 1 for edges in arriving.values())
    live_sums = sum(max(sum(edges) - 1, 0) for edges in arriving.values())
    if sums:
        terms.append(Counted(_add(*inner), sums * times, live_sums * times, "add"))
    if cell.num_inputs == 2:
        nodes = cell.num_nodes - 2
        terms.append(Counted(_concat(nodes, *inner), times, times, ("concat", nodes)))
    return terms


def _used(cell: Cell) -> list[bool]:
    """For each edge whether the cell's output depends on what it computes."""
    if cell.num_inputs == 2:
        return [edge.operation != "none" for edge in cell.edges]  # every node is in the output
    needed = {cell.num_nodes - 1}
    used = [False] * len(cell.edges)
    for at in range(len(cell.edges) - 1, -1, -1):  # sorted by target: later ones come first
        source, target, operation = cell.edges[at]
        if target in needed and operation != "none":
            used[at] = True
            needed.add(source)
    return used


@lru_cache(maxsize=4096)
def _add(channels: int, height: int, width: int) -> Term:
    size = channels * height * width
    return Term("add", channels, channels, 1, height, width, moving(2 * size, size))


@lru_cache(maxsize=4096)
def _concat(nodes: int, channels: int, height: int, width: int) -> Term:
    size = nodes * channels * height * width
    return Term("concat", channels, nodes * channels, 1, height, width, moving(size, size))


@lru_cache(maxsize=65536)
def _edge(place: Place) -> Term:
    name, channels, stride, height, width = place
    if name not in VOCABULARY:
        raise UnknownNameError("operation", name, VOCABULARY)
    if name == "skip_connect" and stride == 2:
        work = _factorized(channels, channels, height, width)
    else:
        work = work_of(Piece(_layers, place, ((channels, height, width),)))
    return Term(name, channels, channels, stride, height, width, work)


def _layers(net: Tally, place: Place) -> int:
    return LAYERS[place.operation](net, 0, place.channels, place.stride)


def _own(place: Place, operation: Operation) -> Term:
    """An own operation: the cost that it states, if any; what it does is not known otherwise."""
    name, channels, stride, height, width = place
    outside = -(-height // stride) * -(-width // stride)
    macs = 0
    if operation.cost is not None:
        macs = operation_cost(operation, *place.form).macs
    moved = channels * (height * width + outside)
    work = Work(dense=macs, traffic=moved, steps=1)
    return Term(name, channels, channels, stride, height, width, work)
