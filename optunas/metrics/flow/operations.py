"""The steps of one candidate operation of a cell, where it stands."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from optunas.errors import UnknownNameError
from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.steps import Segment, Step, Weights
from optunas.metrics.stated_cost import operation_cost
from optunas.nets.skeleton import Place
from optunas.space.operations import LAYERS, VOCABULARY, Operation

__all__ = ["Own", "operation_segment", "own_segment"]


class Own(NamedTuple):
    """A user's own operations.

    Attributes:
        by_name: those that an architecture carries.
        training: whether their steps are those of training; inference leaves some out.
    """

    by_name: dict[str, Operation]
    training: bool = False


def operation_segment(place: Place, own: Own) -> Segment:
    """The segment of one edge's operation: one input, one output.

    An own operation with a factory is built and its steps are recorded, which needs torch; one that
    only states a cost is a single step.

    Raises:
        UnknownNameError: for an operation outside the vocabulary and the own ones.
    """
    operation = own.by_name.get(place.operation)
    if operation is not None and (operation.factory is not None or operation.cost is not None):
        return own_segment(operation, place.form, own.training)
    if place.operation not in VOCABULARY:
        raise UnknownNameError("operation", place.operation, {*VOCABULARY, *own.by_name})
    return _segment(place)


@lru_cache(maxsize=4096)
def _segment(place: Place) -> Segment:
    builder = Builder((place.channels, place.height, place.width))
    return builder.done(LAYERS[place.operation](builder, 0, place.channels, place.stride))


def own_segment(
    operation: Operation, place: tuple[int, int, int, int, int], training: bool
) -> Segment:
    """A user's own operation: its steps as its module runs, or one step where it has no module.

    ``place`` is (channels_in, channels_out, stride, height, width), sizes of its input.

    Raises:
        InvalidSpaceError: when its factory or its cost gives nothing of use.
    """
    if operation.factory is not None:
        from optunas.metrics.flow.recorded import operation_recorded

        return operation_recorded(operation, place, training)
    channels_in, channels_out, stride, height, width = place
    cost = operation_cost(operation, *place)
    pixels = -(-height // stride) * -(-width // stride)
    step = Step(operation.name, (0,), 1, cost.macs, cost.params, saves=(0,))
    sizes = (channels_in * height * width, channels_out * pixels)
    return Segment(sizes, (step,), 1, 1, Weights(cost.params))
