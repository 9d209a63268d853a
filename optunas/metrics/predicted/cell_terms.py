"""The terms of networks made of cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from optunas.errors import UnknownNameError
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
from optunas.space.operations import VOCABULARY, Operation
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
    pixels = stem.height * stem.width
    work = conv(stem.channels_in, stem.channels_out, 3, pixels, pixels)
    parts: list[tuple[Term, object]] = [
        (_term("stem", stem.channels_in, stem.channels_out, 1, *stem[2:], work), stem)
    ]
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
    parts.append((_term("head", head.channels, head.num_classes, 1, height, width, last), head))
    shared = tuple(Counted(term, 1, 1, origin) for term, origin in parts)
    return shared, tuple(counts.items())


def _term(
    name: str, c_in: int, c_out: int, stride: int, height: int, width: int, work: Work
) -> Term:
    return Term(name, c_in, c_out, stride, height, width, work)


def _residual(layer: ResidualLayer) -> Term:
    c_in, c_out, height, width = layer
    inside, outside = height * width, halve(height) * halve(width)
    work = total(
        moving(c_in * inside, c_in * inside),
        conv(c_in, c_out, 3, inside, outside, around=2),
        conv(c_out, c_out, 3, outside, outside),
        moving(c_in * inside, c_in * outside),
        conv(c_in, c_out, 1, outside, outside, around=0),
        moving(2 * c_out * outside, c_out * outside),
    )
    return Term("residual_block", c_in, c_out, 2, height, width, work)


@lru_cache(maxsize=4096)
def _preprocess(plan: Preprocess) -> Term:
    c_in, c_out, stride, height, width = plan
    if stride == 2:
        return Term("factorized_reduce", *plan, _factorized(c_in, c_out, height, width))
    inside = height * width
    work = total(moving(c_in * inside, c_in * inside), conv(c_in, c_out, 1, inside, inside))
    return Term("preprocess_1x1", *plan, work)


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
    work = _WORK[name](channels, stride, height, width)
    return Term(name, channels, channels, stride, height, width, work)


def _own(place: Place, operation: Operation) -> Term:
    """An own operation: the cost that it states, if any; what it does is not known otherwise."""
    name, channels, stride, height, width = place
    outside = -(-height // stride) * -(-width // stride)
    macs = 0
    if operation.cost is not None:
        macs = operation_cost(operation, channels, channels, stride, height, width).macs
    moved = channels * (height * width + outside)
    work = Work(dense=macs, traffic=moved, steps=1)
    return Term(name, channels, channels, stride, height, width, work)


def _convolution(kernel: int) -> Callable[[int, int, int, int], Work]:
    def work(channels: int, stride: int, height: int, width: int) -> Work:
        inside, outside = _pixels(stride, height, width)
        first = moving(channels * inside, channels * inside)
        return total(first, conv(channels, channels, kernel, inside, outside))

    return work


def _separable(kernel: int, twice: bool) -> Callable[[int, int, int, int], Work]:
    def work(channels: int, stride: int, height: int, width: int) -> Work:
        inside, outside = _pixels(stride, height, width)
        parts = []
        for given in (inside, outside) if twice else (inside,):
            parts += [
                moving(channels * given, channels * given),
                conv(channels, channels, kernel, given, outside, channels, 0),
                conv(channels, channels, 1, outside, outside),
            ]
        return total(*parts)

    return work


def _pool(channels: int, stride: int, height: int, width: int) -> Work:
    inside, outside = _pixels(stride, height, width)
    return moving(channels * inside, channels * outside)


def _skip(channels: int, stride: int, height: int, width: int) -> Work:
    return _factorized(channels, channels, height, width) if stride == 2 else NOTHING


def _none(channels: int, stride: int, height: int, width: int) -> Work:
    return NOTHING


def _pixels(stride: int, height: int, width: int) -> tuple[int, int]:
    return height * width, -(-height // stride) * -(-width // stride)


_WORK: dict[str, Callable[[int, int, int, int], Work]] = {
    "none": _none,
    "skip_connect": _skip,
    "nor_conv_1x1": _convolution(1),
    "nor_conv_3x3": _convolution(3),
    "nor_conv_5x5": _convolution(5),
    "sep_conv_3x3": _separable(3, True),
    "sep_conv_5x5": _separable(5, True),
    "dil_conv_3x3": _separable(3, False),
    "dil_conv_5x5": _separable(5, False),
    "max_pool_3x3": _pool,
    "avg_pool_3x3": _pool,
}
