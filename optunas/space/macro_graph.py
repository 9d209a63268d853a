"""The live graph of a macro architecture: what its network computes, and nothing else.

Both the digest and the network's plan (:mod:`optunas.nets.macro_plan`) read this graph, so that
equal digests are equal networks. It leaves out what does not count:

- an identity that reads one node is that node; a join without skips is sequential;
- a zero layer's output is zero; so is a pool of zeros. In a sum, zeros (projected or not) add
  nothing. In a concatenation they keep their channels, for the next layer has weights for them;
- a sum of one term that has the sum's shape already is that term; the order of the terms does not
  count, how often a node occurs does;
- layers that the output does not depend on are not there, and the others are numbered anew;
- a dilated convolution with a window of 1 is a convolution.

A convolution of zeros stays: its norm or bias makes a constant of it. Own operations are never
looked into, except that one with ``zero=True`` is a zero.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from optunas.space.macro import Layer, Macro
from optunas.space.macro_operations import CONVOLUTIONS, MACRO_OPERATIONS, POOLS

__all__ = ["ZERO", "Applied", "Join", "LiveGraph", "Shape", "Term", "live_graph", "zero_names"]

ZERO = -1
"""The source of a term or layer that reads zeros; 0 is the input, ``i`` the i-th node."""


class Shape(NamedTuple):
    """Channels and resolution of a value, for any input.

    Attributes:
        per_input: the input's channels, so many times,
        fixed: plus so many channels.
        halvings: how often the resolution has been halved.
    """

    per_input: int
    fixed: int
    halvings: int


class Term(NamedTuple):
    """One value in a join.

    Attributes:
        source: of the value.
        shape: of the value, before it is brought to the join's resolution and channels.
        node: which of the macro's nodes it is; a label that the digest does not see.
    """

    source: int
    shape: Shape
    node: int


class Join(NamedTuple):
    """A sum or concatenation.

    Attributes:
        kind: ``add`` or ``concat``.
        terms: in order; at least one is not zero.
        shape: of the result.
        layer: which layer of the macro reads it; a label, as ``Term.node``.
    """

    kind: str
    terms: tuple[Term, ...]
    shape: Shape
    layer: int


class Applied(NamedTuple):
    """One layer's operation on one value.

    Attributes:
        operation: any but identity and zero.
        kernel: as in the layer, like ``stride``, ``activation`` and ``norm``.
        source: of the value that it reads.
        given: that value's shape.
        shape: of its output.
        layer: number of the layer in the macro; a label, as ``Term.node``.
    """

    operation: str
    kernel: int | None
    stride: int
    activation: str | None
    norm: str | None
    source: int
    given: Shape
    shape: Shape
    layer: int


class LiveGraph(NamedTuple):
    """What is left of a macro's layers.

    Attributes:
        nodes: each reads the input and earlier nodes only; node ``i`` is ``nodes[i - 1]``.
        output: the source that the readout reads.
        shape: of that.
        connected: whether the output depends on the input.
    """

    nodes: tuple[Join | Applied, ...]
    output: int
    shape: Shape
    connected: bool

    def text(self) -> str:
        """A text that is equal exactly for equal graphs, labels aside."""
        parts = [
            f"{node.operation},{node.kernel},{node.stride},{node.activation},{node.norm},"
            f"{_text(node.source, node.given)},{node.shape.fixed}"
            if isinstance(node, Applied)
            else f"{node.kind},{node.shape},{[_text(t.source, t.shape) for t in node.terms]}"
            for node in self.nodes
        ]
        return ";".join([*parts, _text(self.output, self.shape)])


def zero_names(macro: Macro) -> frozenset[str]:
    """The names of the macro's own operations that always give zeros."""
    return frozenset(operation.name for operation in macro.operations if operation.zero)


def live_graph(macro: Macro, zeros: Collection[str] = ()) -> LiveGraph:
    """The live graph of a macro that is a network (see ``macro_check``).

    Args:
        macro: the architecture.
        zeros: own operations that always give zeros.
    """
    whole = Shape(1, 0, 0)
    nodes: list[Join | Applied] = []
    sources, shapes = [0], [whole]  # of each of the macro's nodes
    for number, layer in enumerate(macro.layers, start=1):
        source, shape = sources[-1], shapes[-1]
        if layer.skips and layer.join != "sequential":
            join = _add if layer.join == "add" else _concat
            source, shape = join(number, layer.skips, sources, shapes, nodes)
        name = layer.operation
        if name == "zero":
            source = ZERO
        elif name in zeros:
            source, shape = ZERO, _after(layer, shape)
        elif name != "identity":
            given, shape = shape, _after(layer, shape)
            if source != ZERO or name not in POOLS:
                nodes.append(_applied(layer, source, given, shape, number))
                source = len(nodes)
        sources.append(source)
        shapes.append(shape)
    return _live(nodes, sources[-1], shapes[-1])


def _after(layer: Layer, shape: Shape) -> Shape:
    halvings = shape.halvings + (layer.stride == 2)
    if layer.operation in POOLS:
        return Shape(shape.per_input, shape.fixed, halvings)
    assert layer.filters is not None
    return Shape(0, layer.filters, halvings)


def _applied(layer: Layer, source: int, given: Shape, shape: Shape, number: int) -> Applied:
    name, kernel = layer.operation, layer.kernel
    if name == "dil_conv" and kernel == 1:
        name = "conv"
    own = name not in MACRO_OPERATIONS
    convolves = name in CONVOLUTIONS
    return Applied(
        name,
        None if own else kernel,
        layer.stride,
        layer.activation if convolves else None,
        layer.norm if convolves else None,
        source,
        given,
        shape,
        number,
    )


def _add(
    number: int,
    skips: tuple[int, ...],
    sources: list[int],
    shapes: list[Shape],
    nodes: list[Join | Applied],
) -> tuple[int, Shape]:
    """The source and shape of a sum; of the previous node's shape, even where that is zero."""
    target = shapes[-1]
    terms = [
        Term(sources[node], shapes[node], node)
        for node in (*skips, number - 1)
        if sources[node] != ZERO
    ]
    if not terms:
        return ZERO, target
    if len(terms) == 1 and terms[0].shape == target:
        return terms[0].source, target
    nodes.append(Join("add", tuple(sorted(terms)), target, number))
    return len(nodes), target


def _concat(
    number: int,
    skips: tuple[int, ...],
    sources: list[int],
    shapes: list[Shape],
    nodes: list[Join | Applied],
) -> tuple[int, Shape]:
    """The source and shape of a concatenation in the order of the nodes."""
    halvings = shapes[-1].halvings
    terms: list[Term] = []
    for node in (*skips, number - 1):
        term = Term(sources[node], shapes[node], node)
        if term.source == ZERO:
            last = terms[-1] if terms and terms[-1].source == ZERO else None
            blank = term.shape._replace(halvings=halvings)
            if last is not None:  # two blocks of zeros are one
                terms.pop()
                blank = _sum_channels([last.shape, blank], halvings)
            term = Term(ZERO, blank, node)
        terms.append(term)
    shape = _sum_channels([term.shape for term in terms], halvings)
    if all(term.source == ZERO for term in terms):
        return ZERO, shape
    nodes.append(Join("concat", tuple(terms), shape, number))
    return len(nodes), shape


def _sum_channels(shapes: list[Shape], halvings: int) -> Shape:
    per_input, fixed, _ = map(sum, zip(*shapes, strict=True))
    return Shape(per_input, fixed, halvings)


def _live(nodes: list[Join | Applied], output: int, shape: Shape) -> LiveGraph:
    """The nodes that the output depends on, numbered anew in the same order."""
    reached = {output}
    for at in range(len(nodes), 0, -1):
        if at in reached:
            node = nodes[at - 1]
            if isinstance(node, Applied):
                reached.add(node.source)
            else:
                reached.update([term.source for term in node.terms])
    connected = 0 in reached
    reached -= {ZERO, 0}
    if len(reached) == len(nodes):
        return LiveGraph(tuple(nodes), output, shape, connected)
    new = {old: at for at, old in enumerate(sorted(reached), start=1)} | {0: 0, ZERO: ZERO}
    kept: list[Join | Applied] = []
    for old in sorted(reached):
        node = nodes[old - 1]
        if isinstance(node, Applied):
            kept.append(node._replace(source=new[node.source]))
        else:
            terms = tuple([t._replace(source=new[t.source]) for t in node.terms])
            kept.append(node._replace(terms=terms))
    return LiveGraph(tuple(kept), new[output], shape, connected)


def _text(source: int, shape: Shape) -> str:
    """A source; zeros with their shape, for they have no other."""
    return str(source) if source != ZERO else f"0*{tuple(shape)}"
