"""What one operation costs where it stands: as it says itself, else counted."""

from __future__ import annotations

import operator

from optunas.errors import InvalidSpaceError
from optunas.space.operations import Cost, Operation

__all__ = ["operation_cost"]


def operation_cost(
    operation: Operation, channels_in: int, channels_out: int, stride: int, height: int, width: int
) -> Cost:
    """The cost that ``operation.cost`` gives; the sizes are those of its input.

    An own operation without one is built and counted, the only case that needs torch.

    Raises:
        InvalidSpaceError: when the user's function fails, or returns no pair of whole numbers.
    """
    if operation.cost is None:
        from optunas.metrics.counting import counted_cost

        return counted_cost(operation, channels_in, channels_out, stride, height, width)
    try:
        stated = operation.cost(channels_in, channels_out, stride, height, width)
    except Exception as error:  # whatever the user's code raises is told as theirs
        raise InvalidSpaceError(
            f"The cost of operation {operation.name!r} fails with ({channels_in}, {channels_out}, "
            f"{stride}, {height}, {width}): {type(error).__name__}: {error}"
        ) from error
    if type(stated) is Cost and type(stated.params) is type(stated.macs) is int:
        return stated
    try:
        params, macs = (operator.index(value) for value in stated)
    except (TypeError, ValueError):
        raise InvalidSpaceError(
            f"The cost of operation {operation.name!r} must be a Cost(params, macs) of two whole "
            f"numbers, got {stated!r}."
        ) from None
    return Cost(params, macs)
