"""The plan of every candidate of every layer of a macro space with a fixed skeleton.

Both the supernet and the costs of its candidates read it. No torch here.
"""

from __future__ import annotations

from typing import NamedTuple

from optunas.nets.macro_plan import LayerPlan, MacroPlan, macro_plan
from optunas.space.macro_operations import MACRO_OPERATIONS
from optunas.space.macro_skeleton import Candidate, MacroSkeleton

__all__ = ["ChoicePlan", "choice_plan"]


class ChoicePlan(NamedTuple):
    """What can stand where.

    Attributes:
        member: the plan of one member, whose layers are all there: shapes, and what follows.
        layers: for each layer the plan of each candidate; None for identity, zero and what cannot
            stand there.
    """

    member: MacroPlan
    layers: tuple[tuple[LayerPlan | None, ...], ...]


def choice_plan(
    skeleton: MacroSkeleton, input_shape: tuple[int, ...], num_outputs: int
) -> ChoicePlan:
    """The plans of all candidates.

    Raises:
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """
    candidates = skeleton.candidates
    every = [
        next(at for at, one in enumerate(candidates) if _is_built(one) and not closed[at])
        for closed in skeleton.closed
    ]
    member = macro_plan(skeleton.macro(every), input_shape, num_outputs)
    layers = []
    for place, closed in zip(member.nodes, skeleton.closed, strict=True):
        assert isinstance(place, LayerPlan)  # without skips there are no joins
        layers.append(
            tuple(
                _plan(one, place) if _is_built(one) and not shut else None
                for one, shut in zip(candidates, closed, strict=True)
            )
        )
    return ChoicePlan(member, tuple(layers))


def _is_built(candidate: Candidate) -> bool:
    """Whether there is a module for it; a layer's other candidates include at least one such."""
    return not candidate.operation.zero and candidate.layer.operation != "identity"


def _plan(candidate: Candidate, place: LayerPlan) -> LayerPlan:
    layer = candidate.layer
    name = layer.operation
    if name == "dil_conv" and layer.kernel == 1:  # as the live graph has it
        name = "conv"
    assert name not in MACRO_OPERATIONS or layer.kernel is not None
    return place._replace(
        operation=name,
        kernel=layer.kernel,
        stride=layer.stride,
        activation=layer.activation,
        norm=layer.norm,
    )
