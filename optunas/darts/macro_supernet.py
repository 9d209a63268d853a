"""The supernet of a macro space with a fixed skeleton: every candidate in every layer, mixed.

The layers follow one another, so that each is one mixed operation (DARTS, equation 2, with a single
edge into each node). The candidates are the modules of ``optunas.build`` in their search form:
norms have no weights, for these could undo a mixing weight (convolutions with ``norm="none"`` could
too, and are left as they are), and a batch norm follows each pool.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from optunas.darts.choices import LAYERS, operations_of
from optunas.darts.mixing import Mixing
from optunas.darts.recompute import recomputed
from optunas.nets.macro_choice_plan import choice_plan
from optunas.nets.macro_layers import dense_module, layer_module
from optunas.nets.macro_network import check_own_operations, read_out
from optunas.nets.macro_plan import LayerPlan
from optunas.space import MacroSpace, Operation
from optunas.space.macro_skeleton import macro_skeleton

__all__ = ["MacroSuperNetwork", "MixedLayer"]


class MacroSuperNetwork(nn.Module):
    """Every candidate of ``space`` in every layer; (N, C, H, W), weights -> (N, num_outputs).

    ``parameters()`` are the operations' weights; the mixing weights are arguments of ``forward``.

    Args:
        space: whose skeleton is fixed; widths and depth are its own.
        input_shape: (channels, height, width), without batch.
        num_outputs: of the classifier.
        checkpoint: compute each layer again in the backward pass instead of keeping what it
            computed: less memory, more time; not twice differentiable.

    Raises:
        InvalidSpaceError: for a space in which more is free, naming it, or nothing is; for an own
            operation that fails or gives another shape.
        InvalidSpecError: for a shape that cannot work.
    """

    def __init__(
        self,
        space: MacroSpace,
        input_shape: tuple[int, ...],
        num_outputs: int,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        skeleton = macro_skeleton(space)
        plan = choice_plan(skeleton, input_shape, num_outputs)
        self.space, self.checkpoint = space, checkpoint
        self.kinds, self.shape = (LAYERS,), skeleton.closed.shape
        self.sizes = (tuple(input_shape), num_outputs)
        own = {o.name: o for o in space.operations if isinstance(o, Operation)}
        check_own_operations([one for row in plan.layers for one in row if one is not None], own)
        self.layers = nn.ModuleList(
            MixedLayer(row, operations_of(space), own, closed)
            for row, closed in zip(plan.layers, skeleton.closed, strict=True)
        )
        assert plan.member.readout is not None
        self.readout = plan.member.readout
        self.dense = nn.Sequential(*[dense_module(one) for one in plan.member.dense])
        self.classifier = nn.Linear(plan.member.features, num_outputs)

    def forward(self, x: Tensor, mixing: Mixing) -> Tensor:
        """(N, C_in, H, W) -> (N, num_outputs); the mixing's rows are the layers."""
        x = x.contiguous(memory_format=torch.channels_last)
        table, active = mixing.weights[LAYERS].unbind(), mixing.active
        for row, layer in enumerate(self.layers):
            mask = None if active is None else active[LAYERS][row]
            x = self._run(cast(MixedLayer, layer), x, table[row], mask)
        return self.classifier(self.dense(read_out(x, self.readout)))

    def _run(self, layer: MixedLayer, x: Tensor, weights: Tensor, active: Any) -> Tensor:
        if not (self.checkpoint and torch.is_grad_enabled()):
            return layer(x, weights, active)
        (result,) = recomputed(partial(layer.alone, active), (x, weights), layer)
        return cast(Tensor, result)


class MixedLayer(nn.Module):
    """One layer with every candidate; those that cannot stand there, and zeros, have no module."""

    def __init__(
        self,
        plans: tuple[LayerPlan | None, ...],
        operations: tuple[Operation, ...],
        own: dict[str, Operation],
        closed: np.ndarray,
    ) -> None:
        super().__init__()
        like = next(plan for plan in plans if plan is not None)
        self.channels, self.stride = like.channels, like.stride
        self.candidates = nn.ModuleList(
            nn.Identity() if plan is None else layer_module(plan, own, "search") for plan in plans
        )
        self.mixed = [
            at for at, operation in enumerate(operations) if not operation.zero and not closed[at]
        ]

    def forward(self, x: Tensor, weights: Tensor, active: np.ndarray | None = None) -> Tensor:
        """(N, C_in, H, W) and the layer's mixing weights (O,) -> (N, C, H / stride, W / stride)."""
        table, total = weights.unbind(), None
        for at in self.mixed:
            if active is not None and not active[at]:
                continue
            term = self.candidates[at](x) * table[at]
            total = term if total is None else total.add_(term)
        if total is None:  # nothing but zeros was wanted
            size = [-(-n // self.stride) for n in x.shape[2:]]
            return x.new_zeros((x.shape[0], self.channels, *size))
        return total

    def alone(self, active: np.ndarray | None, x: Tensor, weights: Tensor) -> list[Tensor]:
        """The same, as the only one of several results."""
        return [self(x, weights, active)]
