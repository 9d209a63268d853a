"""From an architecture to the program of its network, read off the plan that it is built from."""

from __future__ import annotations

import math

from optunas.metrics.flow.of_cells import cells_program
from optunas.metrics.flow.of_macro import as_maps, macro_segments
from optunas.metrics.flow.of_subnet import subnet_pieces
from optunas.metrics.flow.operations import Own
from optunas.metrics.flow.steps import Program
from optunas.nets.joint_parts import unpack
from optunas.nets.macro_plan import macro_plan
from optunas.nets.skeleton import (
    Architecture,
    check_input_shape,
    default_counts,
    refuse_counts,
    skeleton,
)
from optunas.nets.subnet_plan import subnet_plan
from optunas.space.joint import Joint
from optunas.space.macro import Macro
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["program_of"]


def program_of(
    architecture: Architecture | Joint,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    num_cells: int | None = None,
    training: bool = False,
) -> Program:
    """The program of the network that :func:`optunas.nets.build.build` makes; same arguments.

    ``training`` matters to own operations, whose steps may differ.

    No torch, except for a user's own operation with a factory: that operation alone is built, and
    its steps are recorded.

    Raises:
        InvalidArchitectureError: for anything that has no network.
        InvalidSpecError: for a shape or a count that cannot work.
        InvalidSpaceError: for an own operation whose module fails.
        UnknownNameError: for an operation outside the vocabulary and the architecture's own ones.
    """
    architecture, channels, num_cells = unpack(architecture, channels, num_cells)
    if isinstance(architecture, (Macro, Subnet, Stack)):
        refuse_counts(architecture, channels, num_cells)
    if isinstance(architecture, Macro):
        own = Own({o.name: o for o in architecture.operations}, training)
        plan = macro_plan(architecture, input_shape, num_classes)
        shape = as_maps(input_shape)
        return Program(math.prod(shape), tuple(macro_segments(plan, own, shape)))
    if isinstance(architecture, Subnet):
        subnet = subnet_plan(architecture, input_shape, num_classes)
        shape = check_input_shape(input_shape)
        pieces = enumerate(subnet_pieces(subnet, shape))
        segments = tuple([(piece.segment, (value,)) for value, piece in pieces])
        return Program(math.prod(shape), segments)
    counts = default_counts(channels, num_cells)
    cells = skeleton(architecture, input_shape, num_classes, *counts)
    return cells_program(architecture, cells, training)
