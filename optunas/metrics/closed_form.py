"""Parameters and multiply-accumulates of an architecture, without building its network.

Read off the layers of the same plan that the network is built from (:mod:`optunas.metrics.flow`),
so the two agree exactly. No torch, except for a user's own operation that states no cost: that
operation alone is built and counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial

from optunas.errors import UnknownNameError
from optunas.metrics.flow.of_cells import head_piece, piece_of
from optunas.metrics.flow.of_macro import OwnLayer, as_maps, tell_head, tell_node
from optunas.metrics.flow.of_subnet import subnet_pieces
from optunas.metrics.stated_cost import operation_cost
from optunas.nets.joint_parts import unpack
from optunas.nets.macro_plan import LayerPlan, macro_plan
from optunas.nets.skeleton import (
    Architecture,
    DenseLayer,
    PairLayer,
    Place,
    ResidualLayer,
    Skeleton,
    cell_at,
    check_input_shape,
    default_counts,
    place_counts,
    refuse_counts,
    skeleton,
)
from optunas.nets.subnet_plan import subnet_plan
from optunas.space.joint import Joint
from optunas.space.layers import Tally
from optunas.space.macro import Macro
from optunas.space.operations import VOCABULARY, Cost, Operation
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["cost", "place_cost", "shared_cost", "stated"]


def cost(
    architecture: Architecture | Joint,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    num_cells: int | None = None,
) -> Cost:
    """Parameters of the network that ``build`` makes, and multiply-accumulates for one image.

    The arguments are those of :func:`optunas.nets.build.build`. Multiply-accumulates are those of
    convolutions and linear layers, padding included as if it were pixels; biases, norms, pools and
    sums count nothing. Edges that cannot reach the output count, as in NAS-Bench-201's tables.

    Raises:
        InvalidArchitectureError: for anything that has no network.
        InvalidSpecError: for a shape or a count that cannot work.
        UnknownNameError: for an operation outside the vocabulary and the architecture's own ones.
    """
    architecture, channels, num_cells = unpack(architecture, channels, num_cells)
    if isinstance(architecture, (Macro, Subnet, Stack)):
        refuse_counts(architecture, channels, num_cells)
    if isinstance(architecture, Macro):
        return _macro_cost(architecture, input_shape, num_classes)
    if isinstance(architecture, Subnet):
        network = subnet_plan(architecture, input_shape, num_classes)
        pieces = subnet_pieces(network, check_input_shape(input_shape))
        return _sum([piece.cost for piece in pieces])
    plan = skeleton(architecture, input_shape, num_classes, *default_counts(channels, num_cells))
    fixed, layers = shared_cost(plan)
    params, macs = fixed
    for layer, count in layers:
        cell = cell_at(architecture, layer)
        own = {operation.name: operation for operation in cell.operations}
        for place, times in place_counts(cell, layer):
            place_params, place_macs = place_cost(place, own)
            params += count * times * place_params
            macs += count * times * place_macs
    return Cost(params, macs)


def _sum(costs: Iterable[Cost]) -> Cost:
    params, macs = zip(*costs, strict=True)
    return Cost(sum(params), sum(macs))


def _macro_cost(macro: Macro, input_shape: tuple[int, ...], num_outputs: int) -> Cost:
    plan = macro_plan(macro, input_shape, num_outputs)
    own = stated(macro.operations)
    net = Tally(as_maps(input_shape))
    values = {0: 0}  # the tensor of the input and of each node
    for number, node in enumerate(plan.nodes, start=1):
        values[number] = tell_node(net, node, values, own)
    tell_head(net, plan, values)
    return Cost(net.params, net.macs)


def stated(operations: Iterable[Operation]) -> dict[str, OwnLayer]:
    """A macro's own operations by name, each as one layer with the cost that it states."""
    return {operation.name: partial(_stated, operation) for operation in operations}


def _stated(operation: Operation, net: Tally, x: int, plan: LayerPlan) -> int:
    params, macs = operation_cost(operation, *plan.place)
    return net.step(operation.name, (x,), (plan.channels, plan.height, plan.width), macs, params)


def place_cost(place: Place, own: dict[str, Operation]) -> Cost:
    """What one operation costs where it stands; ``own`` are the user's operations by name."""
    operation, known = own.get(place.operation), VOCABULARY.get(place.operation)
    if operation is None or (operation.factory is None and operation.cost is None):
        operation = known or operation
    if operation is None:
        raise UnknownNameError("operation", place.operation, {*VOCABULARY, *own})
    return _known_cost(place) if operation is known else operation_cost(operation, *place.form)


@lru_cache(maxsize=65536)
def _known_cost(place: Place) -> Cost:
    return operation_cost(VOCABULARY[place.operation], *place.form)


@lru_cache(maxsize=1024)
def shared_cost(plan: Skeleton) -> tuple[Cost, tuple[tuple[DenseLayer | PairLayer, int], ...]]:
    """What every architecture of this plan costs, and how often each distinct cell stands in it."""
    pieces = [piece_of(plan.stem), head_piece(plan.head)]
    counts: dict[DenseLayer | PairLayer, int] = {}
    for layer in plan.layers:
        if isinstance(layer, ResidualLayer):
            pieces.append(piece_of(layer))
            continue
        counts[layer] = counts.get(layer, 0) + 1
        if isinstance(layer, PairLayer):
            pieces += [piece_of(layer.before), piece_of(layer.previous)]
    return _sum([piece.cost for piece in pieces]), tuple(counts.items())
