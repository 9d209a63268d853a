"""The canonical form of a term graph: colour refinement, then individualisation.

Every term gets a colour, a 64-bit number that depends only on the graph up to isomorphism: what it
computes with (upwards) and what it is used for (downwards). When all colours differ they order the
terms, and the graph written in that order is its canonical form. Terms that stay alike are singled
out one after the other, and the smallest text wins. Colours only ever *order*: the text holds the
whole graph, so a collision of colours can cost time, never join two different graphs.

After McKay, "Practical graph isomorphism" (1981): individualisation with refinement, automorphisms
found at the leaves prune the search.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["Form", "canonical_form"]

_MASK = (1 << 64) - 1
_A, _B = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
_ARGUMENT, _USED, _OUTPUT, _MARK = (
    0x94D049BB133111EB,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
    0xE703,
)


class Graph(Protocol):
    """What is read of a :class:`optunas.space.digest.TermGraph`."""

    names: list[str]
    labels: list[int]
    args: list[int]
    values: list[tuple[tuple[int, int], ...]]
    outputs: list[int]


def _mix(number: int) -> int:
    number = ((number ^ (number >> 31)) * _A) & _MASK
    number = ((number ^ (number >> 29)) * _B) & _MASK
    return number ^ (number >> 32)


def _upward(graph: Graph, seeds: list[int]) -> list[int]:
    """Colour each term by its seed and the colours that its argument is made of."""
    colours: list[int] = []
    of_value: dict[int, int] = {-1: 0}
    for seed, arg in zip(seeds, graph.args, strict=True):
        value = of_value.get(arg)
        if value is None:
            value = _ARGUMENT
            for term, times in graph.values[arg]:
                value += colours[term] * times
            of_value[arg] = value = _mix(value & _MASK)
        number = (seed + value) & _MASK  # _mix, written out: this is the innermost loop
        number = ((number ^ (number >> 31)) * _A) & _MASK
        number = ((number ^ (number >> 29)) * _B) & _MASK
        colours.append(number ^ (number >> 32))
    return colours


def _downward(graph: Graph, colours: list[int]) -> list[int]:
    """Colour each term by its colour and those of the sums it goes into and of their users."""
    context = [0] * len(graph.values)
    for output in graph.outputs:
        context[output] += _OUTPUT
    members: list[list[tuple[int, int]]] = [[] for _ in colours]
    for value, terms in enumerate(graph.values):
        for term, times in terms:
            members[term].append((value, times))
    used = list(colours)
    for term in range(len(colours) - 1, -1, -1):
        usage = colours[term]
        for value, times in members[term]:
            usage += _mix((context[value] + _USED) & _MASK) * times
        used[term] = _mix(usage & _MASK)
        if graph.args[term] >= 0:
            context[graph.args[term]] += used[term]
    return used


def _refine(graph: Graph, seeds: list[int]) -> list[int]:
    """Colour until no further terms are told apart."""
    colours = _upward(graph, seeds)
    distinct = len(set(colours))
    while distinct < len(colours):
        colours = _upward(graph, _downward(graph, colours))
        before, distinct = distinct, len(set(colours))
        if distinct == before:
            break
    return colours


Sum = list[tuple[int, int]]
"""(place of a term, multiplicity) pairs."""


class Form(NamedTuple):
    """A graph written in canonical order.

    Attributes:
        text: equal exactly for isomorphic graphs.
        colours: of the terms, sorted; what an automorphism preserves besides the text.
        order: the terms in the order of the text.
        sums: each value as it stands in the text; two graphs of one text match values by it.
    """

    text: str
    colours: tuple[int, ...]
    order: list[int]
    sums: list[Sum]


def _write(graph: Graph, colours: list[int]) -> Form:
    """The whole graph, its terms in the order of their colours."""
    order = sorted(range(len(colours)), key=colours.__getitem__)
    place = [0] * len(order)
    for at, term in enumerate(order):
        place[term] = at
    sums: list[Sum] = [sorted([(place[t], times) for t, times in v]) for v in graph.values]
    with_input: list[Sum | None] = [*sums, None]  # reached by the argument -1
    rows = [(graph.names[term], with_input[graph.args[term]]) for term in order]
    text = repr((rows, sorted([sums[output] for output in graph.outputs])))
    return Form(text, tuple([colours[term] for term in order]), order, sums)


def _open_cell(graph: Graph, colours: list[int]) -> list[int]:
    """Terms of one colour that are not simply interchangeable, one of each interchangeable set.

    Terms with one argument and the same place in every sum can be exchanged without any change, so
    their order does not matter. Empty when nothing else is left to decide.
    """
    if len(set(colours)) == len(colours):
        return []
    uses: list[list[tuple[int, int]]] = [[] for _ in colours]
    for value, terms in enumerate(graph.values):
        for term, times in terms:
            uses[term].append((value, times))
    cells: dict[int, dict[object, int]] = {}
    for term, colour in enumerate(colours):
        twin = (graph.names[term], graph.args[term], tuple(uses[term]))
        cells.setdefault(colour, {}).setdefault(twin, term)
    open_cells = [(len(cell), colour) for colour, cell in cells.items() if len(cell) > 1]
    return list(cells[min(open_cells)[1]].values()) if open_cells else []


def _single_out(graph: Graph, colours: list[int], term: int) -> list[int]:
    seeds = list(colours)
    seeds[term] = _mix((seeds[term] + _MARK) & _MASK)
    return _refine(graph, seeds)


Leaves = dict[tuple[str, tuple[int, ...]], Form]


def _first_leaf(graph: Graph, colours: list[int]) -> Form:
    while cell := _open_cell(graph, colours):
        colours = _single_out(graph, colours, cell[0])
    return _write(graph, colours)


def _leaves(graph: Graph, colours: list[int]) -> Leaves:
    """The leaves below a colouring, one of each set that an automorphism joins.

    Two equal leaves mean that an automorphism takes one path to the other; what lies below the
    second path is then the image of what lies below the first, and need not be looked at.
    """
    cell = _open_cell(graph, colours)
    if not cell:
        leaf = _write(graph, colours)
        return {leaf[:2]: leaf}
    found: Leaves = {}
    for term in cell:
        below = _single_out(graph, colours, term)
        if not found or _first_leaf(graph, below)[:2] not in found:
            found.update(_leaves(graph, below))
    return found


def canonical_form(graph: Graph) -> Form:
    """The canonical form of a graph; names and multiplicities count."""
    colours = _refine(graph, graph.labels)
    if len(set(colours)) == len(colours):
        return _write(graph, colours)
    leaves = _leaves(graph, colours)
    return leaves[min(leaves)]
