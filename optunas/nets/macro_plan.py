"""The plan of a macro's network in plain integers: which module, how many channels, what size.

Both :func:`optunas.nets.build.build` and the closed-form cost read this plan, which is the live
graph (:mod:`optunas.space.macro_graph`) with the input's shape put in: layers that do not reach the
output are not built. No torch here. Sizes are ``ceil(size / 2)`` wherever a layer has stride 2.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import NamedTuple

from optunas.errors import InvalidSpecError
from optunas.nets.skeleton import check_counts, check_input_shape
from optunas.space.macro import Dense, Macro
from optunas.space.macro_check import require_network
from optunas.space.macro_graph import ZERO, Applied, Join, Shape, live_graph, zero_names

__all__ = [
    "DensePlan",
    "JoinPlan",
    "LayerPlan",
    "MacroPlan",
    "Readout",
    "Source",
    "Term",
    "groups",
    "macro_plan",
]

GROUPS = 8
"""A group norm has at most so many groups."""


class Source(NamedTuple):
    """A value: 0 is the input, ``i`` the i-th node, ``ZERO`` zeros of the shape given here.

    Attributes:
        node: which one.
        channels, height, width: its shape.
        halvings: how often the input's resolution has been halved there.
    """

    node: int
    channels: int
    height: int
    width: int
    halvings: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self[1:4]


class Term(NamedTuple):
    """One value in a join.

    Attributes:
        source: the value.
        factor: side of the average pool that brings it to the join's resolution; 1 for none.
        project: whether a 1x1 convolution, without bias or norm, brings it to the join's channels.
    """

    source: Source
    factor: int
    project: bool


class JoinPlan(NamedTuple):
    """A sum (``add``) or concatenation (``concat``) of terms; sizes of its output."""

    kind: str
    terms: tuple[Term, ...]
    channels: int
    height: int
    width: int


class LayerPlan(NamedTuple):
    """One operation on one value; ``height`` and ``width`` are those of its output."""

    operation: str
    kernel: int | None
    stride: int
    activation: str | None
    norm: str | None
    source: Source
    channels: int
    height: int
    width: int

    @property
    def place(self) -> tuple[int, int, int, int, int]:
        """Channels in and out, stride, height and width of the input."""
        return (self.source.channels, self.channels, self.stride, *self.source.shape[1:])


class Readout(NamedTuple):
    """How the last value becomes a vector of ``features``."""

    kind: str
    source: Source
    features: int


class DensePlan(NamedTuple):
    """One fully connected layer."""

    features: int
    units: int
    activation: str
    norm: str
    dropout: float


class MacroPlan(NamedTuple):
    """A whole network; ``readout`` is None where the input is a vector."""

    nodes: tuple[JoinPlan | LayerPlan, ...]
    readout: Readout | None
    dense: tuple[DensePlan, ...]
    features: int
    num_outputs: int


def macro_plan(architecture: Macro, input_shape: tuple[int, ...], num_outputs: int) -> MacroPlan:
    """The plan of ``architecture``'s network.

    Args:
        architecture: any macro, of a space or not.
        input_shape: (channels, height, width) without batch; or (features,) without layers.
        num_outputs: of the classifier.

    Raises:
        InvalidArchitectureError: for a macro that is no network (an operation that it does not know
            or carry, a skip from a later layer, ...), all problems at once.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """
    require_network(architecture)
    (outputs,) = check_counts(num_classes=num_outputs)
    length = _vector_length(input_shape)
    if length is not None:
        if architecture.layers:
            raise InvalidSpecError(
                f"A macro with {len(architecture.layers)} layers of feature maps needs an image, "
                f"(channels, height, width), got input_shape {input_shape!r}; for vectors, take "
                "a macro without layers (a space with depth=0)."
            )
        return _with_dense((), None, length, architecture.dense, outputs)
    nodes, readout = _maps(architecture, check_input_shape(input_shape))
    return _with_dense(nodes, readout, readout.features, architecture.dense, outputs)


def groups(channels: int) -> int:
    """The groups of a group norm: the most, up to 8, that divide the channels.

    Each has two channels at least: alone on a 1x1 map, one would be its own mean, so always 0.
    """
    most = min(GROUPS, max(channels // 2, 1))
    return next(count for count in range(most, 0, -1) if channels % count == 0)


def _vector_length(input_shape: object) -> int | None:
    """The length where ``input_shape`` is (features,)."""
    try:
        sizes = tuple(map(operator.index, input_shape))  # type: ignore[call-overload]
    except TypeError:
        return None
    return sizes[0] if len(sizes) == 1 and sizes[0] >= 1 else None


def _maps(
    macro: Macro, input_shape: tuple[int, int, int]
) -> tuple[tuple[JoinPlan | LayerPlan, ...], Readout]:
    graph = live_graph(macro, zero_names(macro))
    nodes: list[JoinPlan | LayerPlan] = []
    for node in graph.nodes:
        if isinstance(node, Join):
            nodes.append(_join(node, input_shape))
        else:
            nodes.append(_layer(node, input_shape))
    last = _source(graph.output, graph.shape, input_shape)
    pixels = last.height * last.width if macro.readout == "flatten" else 1
    return tuple(nodes), Readout(macro.readout, last, last.channels * pixels)


@lru_cache(maxsize=65536)
def _source(node: int, shape: Shape, input_shape: tuple[int, int, int]) -> Source:
    channels, height, width = input_shape
    block = 1 << shape.halvings
    return Source(
        node,
        shape.per_input * channels + shape.fixed,
        -(-height // block),
        -(-width // block),
        shape.halvings,
    )


def _layer(node: Applied, input_shape: tuple[int, int, int]) -> LayerPlan:
    return LayerPlan(
        node.operation,
        node.kernel,
        node.stride,
        node.activation,
        node.norm,
        _source(node.source, node.given, input_shape),
        *_source(ZERO, node.shape, input_shape).shape,
    )


def _join(join: Join, input_shape: tuple[int, int, int]) -> JoinPlan:
    channels, height, width = _source(ZERO, join.shape, input_shape).shape
    terms = []
    for term in join.terms:
        source = _source(term.source, term.shape, input_shape)
        project = join.kind == "add" and source.channels != channels
        terms.append(Term(source, 1 << (join.shape.halvings - source.halvings), project))
    return JoinPlan(join.kind, tuple(terms), channels, height, width)


def _with_dense(
    nodes: tuple[JoinPlan | LayerPlan, ...],
    readout: Readout | None,
    features: int,
    dense: tuple[Dense, ...],
    num_outputs: int,
) -> MacroPlan:
    plans = []
    for one in dense:
        plans.append(DensePlan(features, one.units, one.activation, one.norm, one.dropout))
        features = one.units
    return MacroPlan(nodes, readout, tuple(plans), features, num_outputs)
