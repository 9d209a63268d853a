"""Which cells are the same network: the live term graph and its canonical form.

A node's value is a sum of *terms*. A term is an operation applied to a value (or an input). Skips
add their source's terms, zeros add nothing, and a parameter-free operation on a value is one term
however often it occurs (with its multiplicity), because it computes the same numbers. An operation
with weights is a term of its own each time: two equal ones on one value have separate weights, and
one term in several sums is shared. On a zero value it is still a term (its batch norm has a bias).
Terms that do not reach the output are dropped. Two cells are the same network when these graphs are
isomorphic; :mod:`optunas.space.canonical` finds the canonical form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from optunas.space.canonical import canonical_form
from optunas.space.operations import Operation
from optunas.space.references import is_own

__all__ = ["BoundedCache", "CellDigest", "Kind", "TermGraph"]

_INPUT = -1
"""The argument of a term that is an input of the cell."""


class Kind(NamedTuple):
    """What the digest has to know of an operation.

    Attributes:
        name: of the operation.
        label: a number for the name.
        zero: it adds nothing.
        identity: at stride 1 it adds its source's terms.
        free: at stride 1 it has no weights.
        free_strided: at stride 2 it has none.
        keeps_zero: it is known to map zero to zero.
    """

    name: str
    label: int
    zero: bool
    identity: bool
    free: bool
    free_strided: bool
    keeps_zero: bool


def kind_of(operation: Operation) -> Kind:
    """Read an operation's flags.

    A user's parameter-free operation need not map zero to zero (a cosine does not), so only those
    of the vocabulary are trusted to.
    """
    return Kind(
        operation.name,
        label_of(operation.name),
        operation.zero,
        operation.identity,
        operation.parameter_free or operation.weightless,
        operation.weightless,
        not is_own(operation),
    )


def label_of(name: str) -> int:
    """A 64-bit number for a name, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


@dataclass
class TermGraph:
    """Terms and values, both numbered so that what they are made of comes before them.

    Attributes:
        names: of each term's operation.
        labels: a number for each name.
        args: the value that each term's operation is applied to, -1 for an input.
        edges: where each term stands, as the index of its edge; -1 for an input.
        values: the distinct sums, as sorted (term, multiplicity) pairs.
        outputs: the values that the cell gives out, by node; their order does not count.
    """

    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    args: list[int] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)
    values: list[tuple[tuple[int, int], ...]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def live(self) -> TermGraph:
        """The part that the outputs depend on; the graph itself when that is all of it."""
        keep_values, keep_terms = set(self.outputs), set()
        stack = list(keep_values)
        while stack:
            for term, _ in self.values[stack.pop()]:
                keep_terms.add(term)
                arg = self.args[term]
                if arg != _INPUT and arg not in keep_values:
                    keep_values.add(arg)
                    stack.append(arg)
        if len(keep_terms) == len(self.names) and len(keep_values) == len(self.values):
            return self
        terms, kept = sorted(keep_terms), sorted(keep_values)
        term_at = {term: at for at, term in enumerate(terms)}
        value_at = {value: at for at, value in enumerate(kept)}
        value_at[_INPUT] = _INPUT
        return TermGraph(
            [self.names[term] for term in terms],
            [self.labels[term] for term in terms],
            [value_at[self.args[term]] for term in terms],
            [self.edges[term] for term in terms],
            [tuple([(term_at[t], times) for t, times in self.values[v]]) for v in kept],
            [value_at[output] for output in self.outputs],
        )


class CellDigest:
    """The certificates of the cells over one set of operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.kinds: Mapping[str, Kind] = {op.name: kind_of(op) for op in operations}

    def certificate(
        self,
        edges: Iterable[tuple[int, int, str]],
        num_inputs: int,
        num_nodes: int,
        strided: bool = False,
    ) -> str:
        """A text that is equal exactly for cells with isomorphic live term graphs.

        Args:
            edges: (source, target, operation), sorted by target.
            num_inputs: 1 sums into the last node, the output; 2 concatenates all own nodes.
            num_nodes: inputs included.
            strided: whether operations on the inputs have stride 2 (a reduction cell).

        Raises:
            KeyError: for an operation outside the set.
        """
        return canonical_form(self.graph(edges, num_inputs, num_nodes, strided).live()).text

    def graph(
        self,
        edges: Iterable[tuple[int, int, str]],
        num_inputs: int,
        num_nodes: int,
        strided: bool = False,
    ) -> TermGraph:
        """The term graph, dead terms included; arguments as of :meth:`certificate`."""
        build = _Builder(num_inputs)
        nodes = build.nodes
        for at, (source, target, name) in enumerate(edges):
            while len(nodes) < target:
                build.close_node()
            kind = self.kinds[name]
            if kind.zero:
                continue
            halves = strided and source < num_inputs
            if kind.identity and not halves:
                build.add_all(nodes[source])
            elif kind.free_strided if halves else kind.free:
                build.add_free(kind, nodes[source], at)
            else:
                build.add_term(kind.name, kind.label, nodes[source], at)
        while len(nodes) < num_nodes:
            build.close_node()
        build.graph.outputs = nodes[num_inputs:] if num_inputs > 1 else nodes[-1:]
        return build.graph


class _Builder:
    """A term graph that grows node by node; ``sums`` is the node under construction."""

    def __init__(self, num_inputs: int) -> None:
        self.graph = TermGraph()
        self.nodes: list[int] = []  # the value of each node
        self.sums: dict[int, int] = {}
        self._values: dict[tuple[tuple[int, int], ...], int] = {}
        self._free: dict[tuple[str, int], int] = {}
        for number in range(num_inputs):
            name, label = _input(number)
            self.add_term(name, label, _INPUT, _INPUT)
            self.close_node()

    def close_node(self) -> None:
        """End the node; nodes of one sum share its value."""
        value = tuple(sorted(self.sums.items()))
        number = self._values.get(value)
        if number is None:
            number = self._values[value] = len(self.graph.values)
            self.graph.values.append(value)
        self.nodes.append(number)
        self.sums = {}

    def add_term(self, name: str, label: int, argument: int, edge: int) -> int:
        """Add a term of its own."""
        graph = self.graph
        term = len(graph.names)
        graph.names.append(name)
        graph.labels.append(label)
        graph.args.append(argument)
        graph.edges.append(edge)
        self.sums[term] = 1
        return term

    def add_all(self, value: int) -> None:
        """Add the terms of another sum."""
        for term, times in self.graph.values[value]:
            self.sums[term] = self.sums.get(term, 0) + times

    def add_free(self, kind: Kind, argument: int, edge: int) -> None:
        """Add a term without weights: the one that is there already, if there is."""
        if kind.keeps_zero and not self.graph.values[argument]:
            return
        key = (kind.name, argument)
        term = self._free.get(key)
        if term is None:
            self._free[key] = self.add_term(kind.name, kind.label, argument, edge)
        else:
            self.sums[term] = self.sums.get(term, 0) + 1


@cache
def _input(number: int) -> tuple[str, int]:
    name = f"#{number}"  # no operation has such a name
    return name, label_of(name)


class BoundedCache(dict[object, str]):
    """A dictionary that is emptied when it has grown to its limit; a copy starts empty."""

    limit = 1 << 16

    def __setitem__(self, key: object, value: str) -> None:
        if len(self) >= self.limit:
            self.clear()
        super().__setitem__(key, value)

    def __reduce__(self) -> tuple[type[BoundedCache], tuple[()]]:
        return BoundedCache, ()
