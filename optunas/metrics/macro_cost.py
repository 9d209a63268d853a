"""Parameters and multiply-accumulates of a ``Macro`` without building it."""

from __future__ import annotations

from optunas.metrics.stated_cost import operation_cost
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, MacroPlan, macro_plan
from optunas.space.macro import Macro
from optunas.space.macro_operations import POOLS
from optunas.space.operations import Cost, Operation

__all__ = ["head_cost", "layer_cost", "macro_cost"]


def macro_cost(architecture: Macro, input_shape: tuple[int, ...], num_outputs: int) -> Cost:
    """The cost of the network that ``build`` makes; what does not reach the output costs nothing.

    Args:
        architecture: any macro, of a space or not.
        input_shape: (channels, height, width) without batch; or (features,) without layers.
        num_outputs: of the classifier.

    Raises:
        InvalidArchitectureError: for a macro that is no network (an operation that it does not know
            or carry, a skip from a later layer, ...), all problems at once.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
        InvalidSpaceError: for an own operation whose cost is no ``Cost``.
    """
    plan = macro_plan(architecture, input_shape, num_outputs)
    own = {operation.name: operation for operation in architecture.operations}
    params, macs = head_cost(plan)
    for node in plan.nodes:
        cost = _join(node) if isinstance(node, JoinPlan) else layer_cost(node, own)
        params += cost.params
        macs += cost.macs
    return Cost(params, macs)


def head_cost(plan: MacroPlan) -> Cost:
    """What follows the layers: the dense part and the classifier."""
    parts = [_dense(dense) for dense in plan.dense]
    weights = plan.features * plan.num_outputs
    parts.append(Cost(weights + plan.num_outputs, weights))
    return Cost(sum(part.params for part in parts), sum(part.macs for part in parts))


def _join(plan: JoinPlan) -> Cost:
    """1x1 convolutions without bias."""
    weights = sum(term.source.channels for term in plan.terms if term.project) * plan.channels
    return Cost(weights, weights * plan.height * plan.width)


def layer_cost(plan: LayerPlan, own: dict[str, Operation]) -> Cost:
    """One layer where it stands; ``own`` are the user's operations by name."""
    c_in, c_out = plan.source.channels, plan.channels
    if plan.operation in own:
        size = plan.source.height, plan.source.width
        return operation_cost(own[plan.operation], c_in, c_out, plan.stride, *size)
    if plan.operation in POOLS:
        return Cost(0, 0)
    assert plan.kernel is not None
    window = plan.kernel * plan.kernel
    if plan.operation == "sep_conv":
        weights = window * c_in + c_in * c_out
    else:
        weights = window * c_in * c_out
    shift = c_out if plan.norm == "none" else 2 * c_out  # a bias, or a norm's scale and shift
    return Cost(weights + shift, weights * plan.height * plan.width)


def _dense(plan: DensePlan) -> Cost:
    weights = plan.features * plan.units
    shift = plan.units if plan.norm == "none" else 2 * plan.units
    return Cost(weights + shift, weights)
