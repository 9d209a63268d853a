"""The terms of a ``Macro``; layers that its output does not depend on are not built, so none."""

from __future__ import annotations

from functools import lru_cache

from optunas.metrics.flow.of_macro import tell_node
from optunas.metrics.flow.pieces import Piece
from optunas.metrics.predicted.effort import work_of
from optunas.metrics.predicted.terms import Counted, Term
from optunas.metrics.predicted.work import Work, conv, linear, moving
from optunas.metrics.stated_cost import operation_cost
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, MacroPlan, macro_plan
from optunas.space.layers import Tally
from optunas.space.macro import Macro
from optunas.space.macro_operations import POOLS
from optunas.space.operations import Operation

__all__ = ["macro_terms"]


def macro_terms(
    architecture: Macro, input_shape: tuple[int, ...], num_outputs: int
) -> list[Counted]:
    """Every layer, every joined value, the readout, dense layers and the classifier."""
    plan = macro_plan(architecture, input_shape, num_outputs)
    own = {operation.name: operation for operation in architecture.operations}
    found: list[Counted] = []
    for node in plan.nodes:
        if isinstance(node, JoinPlan):
            found += _join(node)
        elif node.operation in own:
            found.append(_own(node, own[node.operation]))
        else:
            found.append(_layer(node._replace(source=node.source._replace(node=0, halvings=0))))
    return [*found, *_head(plan)]


@lru_cache(maxsize=65536)
def _layer(plan: LayerPlan) -> Counted:
    name = f"{plan.operation}_{plan.kernel}x{plan.kernel}"
    if plan.operation not in POOLS:
        name = f"{name}_{plan.norm}_{plan.activation}"
    work = work_of(Piece(_told, plan, (plan.source.shape,)))
    return Counted(Term(name, *plan.place, work), 1, 1, (plan, None))


def _told(net: Tally, plan: LayerPlan) -> int:
    return tell_node(net, plan, {plan.source.node: 0}, {})


def _own(plan: LayerPlan, operation: Operation) -> Counted:
    """An own operation: the cost that it states, if any; what it does is not known otherwise."""
    source, macs = plan.source, 0
    if operation.cost is not None:
        macs = operation_cost(operation, *plan.place).macs
    moved = source.channels * source.height * source.width
    moved += plan.channels * plan.height * plan.width
    work = Work(dense=macs, traffic=moved, steps=1)
    return Counted(Term(plan.operation, *plan.place, work), 1, 1, (plan, operation))


@lru_cache(maxsize=65536)
def _join(plan: JoinPlan) -> tuple[Counted, ...]:
    found, pixels = [], plan.height * plan.width
    for term in plan.terms:
        source = term.source
        size = source.channels * source.height * source.width
        place = (source.height, source.width)
        if term.factor > 1:
            work = moving(size, source.channels * pixels)
            one = Term("shrink", source.channels, source.channels, term.factor, *place, work)
            found.append(Counted(one, 1, 1, ("shrink", term.factor)))
        if term.project:
            work = conv(source.channels, plan.channels, 1, pixels, pixels, around=0)
            size2 = (plan.height, plan.width)
            one = Term("project_1x1", source.channels, plan.channels, 1, *size2, work)
            found.append(Counted(one, 1, 1, "project"))
    size = plan.channels * pixels
    count = len(plan.terms)
    if plan.kind == "concat":
        one = Term(
            "concat", size // pixels, plan.channels, 1, plan.height, plan.width, moving(size, size)
        )
        found.append(Counted(one, 1, 1, None))
    elif count > 1:
        work = moving(2 * size, size)
        one = Term("add", plan.channels, plan.channels, 1, plan.height, plan.width, work)
        found.append(Counted(one, count - 1, count - 1, "add"))
    return tuple(found)


def _head(plan: MacroPlan) -> list[Counted]:
    found = []
    if plan.readout is not None and plan.readout.kind != "flatten":
        source = plan.readout.source
        work = moving(source.channels * source.height * source.width, plan.readout.features)
        name, place = f"readout_{plan.readout.kind}", (source.channels, plan.readout.features)
        one = Term(name, *place, 1, source.height, source.width, work)
        found.append(Counted(one, 1, 1, None))
    found += [_dense(dense) for dense in plan.dense]
    work = linear(plan.features, plan.num_outputs)
    last = Term("classifier", plan.features, plan.num_outputs, 1, 1, 1, work)
    return [*found, Counted(last, 1, 1, "classifier")]


def _dense(plan: DensePlan) -> Counted:
    around = 1 if plan.norm == "none" else 2
    name = f"dense_{plan.norm}_{plan.activation}"
    work = linear(plan.features, plan.units, around)
    return Counted(Term(name, plan.features, plan.units, 1, 1, 1, work), 1, 1, plan)
