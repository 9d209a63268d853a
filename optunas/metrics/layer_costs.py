"""What each candidate costs in each layer of a macro network: the closed form, taken apart.

Where widths and depth are fixed the cost is a fixed part and a sum over the layers, so that a limit
on it can be met exactly.
"""

from __future__ import annotations

import numpy as np

from optunas.metrics.closed_form import stated
from optunas.metrics.edge_costs import EdgeCosts
from optunas.metrics.flow.of_macro import tell_head, tell_node
from optunas.nets.macro_choice_plan import choice_plan
from optunas.space.layers import Tally
from optunas.space.macro_skeleton import MacroSkeleton
from optunas.space.operations import Cost, Operation

__all__ = ["layer_costs"]


def layer_costs(
    skeleton: MacroSkeleton, input_shape: tuple[int, ...], num_outputs: int, kind: str
) -> EdgeCosts:
    """Parameters and FLOPs of every candidate in every layer; the tables are under ``kind``.

    For any connected member, ``fixed`` (the dense part and the classifier) and the entries of its
    layers add up to :func:`optunas.metrics.params` and, twice the fixed multiply-accumulates,
    :func:`optunas.metrics.flops`. Errors are those of ``optunas.build``.
    """
    plan = choice_plan(skeleton, input_shape, num_outputs)
    own = stated(o for o in skeleton.space.operations if isinstance(o, Operation))
    params, flops = (np.zeros(skeleton.closed.shape, dtype=np.int64) for _ in range(2))
    for row, places in enumerate(plan.layers):
        for column, place in enumerate(places):
            if place is not None:
                net = Tally(place.source.shape)
                tell_node(net, place, {place.source.node: 0}, own)
                params[row, column], flops[row, column] = net.params, 2 * net.macs
    readout = plan.member.readout
    assert readout is not None
    net = Tally(readout.source.shape)
    tell_head(net, plan.member, {readout.source.node: 0})
    return EdgeCosts(Cost(net.params, net.macs), {kind: params}, {kind: flops})
