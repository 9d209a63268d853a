"""Parameters and multiply-accumulates of an architecture, without building its network.

Read off the same plan that the network is built from (:mod:`optunas.nets.skeleton`), so the two
agree exactly. No torch, except for a user's own operation that states no cost: that operation alone
is built and counted.
"""

from __future__ import annotations

from functools import lru_cache

from optunas.errors import UnknownNameError
from optunas.metrics.macro_cost import macro_cost
from optunas.metrics.stated_cost import operation_cost
from optunas.metrics.subnet_cost import subnet_cost
from optunas.nets.joint_parts import unpack
from optunas.nets.skeleton import (
    Architecture,
    DenseLayer,
    PairLayer,
    Place,
    Preprocess,
    ResidualLayer,
    Skeleton,
    cell_at,
    default_counts,
    halve,
    places,
    refuse_counts,
    skeleton,
)
from optunas.space.joint import Joint
from optunas.space.macro import Macro
from optunas.space.operations import VOCABULARY, Cost, Operation
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["cost", "place_cost", "shared_cost"]


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
    if isinstance(architecture, (Macro, Subnet)):
        refuse_counts(architecture, channels, num_cells)
        if isinstance(architecture, Macro):
            return macro_cost(architecture, input_shape, num_classes)
        return subnet_cost(architecture, input_shape, num_classes)
    if isinstance(architecture, Stack):
        refuse_counts(architecture, channels, num_cells)
    plan = skeleton(architecture, input_shape, num_classes, *default_counts(channels, num_cells))
    fixed, layers = shared_cost(plan)
    params, macs = fixed
    for layer, count in layers:
        cell = cell_at(architecture, layer)
        own = {operation.name: operation for operation in cell.operations}
        for place in places(cell, layer):
            place_params, place_macs = place_cost(place, own)
            params += count * place_params
            macs += count * place_macs
    return Cost(params, macs)


def place_cost(place: Place, own: dict[str, Operation]) -> Cost:
    """What one operation costs where it stands; ``own`` are the user's operations by name."""
    name, channels, stride, height, width = place
    operation = own.get(name)
    if operation is None or (operation.factory is None and operation.cost is None):
        operation = VOCABULARY.get(name, operation)
    if operation is None:
        raise UnknownNameError("operation", name, {*VOCABULARY, *own})
    return operation_cost(operation, channels, channels, stride, height, width)


@lru_cache(maxsize=1024)
def shared_cost(plan: Skeleton) -> tuple[Cost, tuple[tuple[DenseLayer | PairLayer, int], ...]]:
    """What every architecture of this plan costs, and how often each distinct cell stands in it."""
    stem, head = plan.stem, plan.head
    parts = [
        _conv(stem.channels_in, stem.channels_out, 3, stem.height, stem.width),
        Cost(2 * head.channels if head.norm else 0, 0),
        Cost((head.channels + 1) * head.num_classes, head.channels * head.num_classes),
    ]
    counts: dict[DenseLayer | PairLayer, int] = {}
    for layer in plan.layers:
        if isinstance(layer, ResidualLayer):
            parts += _residual(layer)
            continue
        counts[layer] = counts.get(layer, 0) + 1
        if isinstance(layer, PairLayer):
            parts += [_preprocess(layer.before), _preprocess(layer.previous)]
    fixed = Cost(sum(part.params for part in parts), sum(part.macs for part in parts))
    return fixed, tuple(counts.items())


def _conv(channels_in: int, channels_out: int, kernel: int, height: int, width: int) -> Cost:
    """Convolution without bias and batch norm; the sizes are those of the output."""
    weights = kernel * kernel * channels_in * channels_out
    return Cost(weights + 2 * channels_out, weights * height * width)


def _residual(layer: ResidualLayer) -> list[Cost]:
    c_in, c_out = layer.channels_in, layer.channels_out
    height, width = halve(layer.height), halve(layer.width)
    shortcut = Cost(c_in * c_out, c_in * c_out * height * width)
    return [_conv(c_in, c_out, 3, height, width), _conv(c_out, c_out, 3, height, width), shortcut]


def _preprocess(plan: Preprocess) -> Cost:
    """A 1x1 convolution; a factorized reduction is two with half of the channels each."""
    height, width = plan.height, plan.width
    if plan.stride == 2:
        height, width = halve(height), halve(width)
    return _conv(plan.channels_in, plan.channels_out, 1, height, width)
