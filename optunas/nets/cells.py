"""One cell as a module: the dense cell of NAS-Bench-201 and the two-input cell of DARTS.

``edges[i]`` is the module of ``cell.edges[i]``: copying weights between two cells goes by that.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from optunas.nets.operations import FactorizedReduce, Zero, make, relu_conv_bn
from optunas.nets.skeleton import DenseLayer, PairLayer, Preprocess, places
from optunas.space.cell import Cell

__all__ = ["DenseCell", "PairCell", "preprocess"]


class _Cell(nn.Module):
    """A directed acyclic graph of operations; each node is the sum of the edges into it."""

    def __init__(self, cell: Cell, layer: DenseLayer | PairLayer, form: str = "final") -> None:
        super().__init__()
        self.num_inputs, self.num_nodes, self.stride = cell.num_inputs, cell.num_nodes, layer.stride
        own = {operation.name: operation for operation in cell.operations}
        self.edges = nn.ModuleList(
            make(
                own.get(place.operation, place.operation),
                layer.channels,
                layer.channels,
                place.stride,
                form,
            )
            for place in places(cell, layer)
        )
        self.ends = [(edge.source, edge.target) for edge in cell.edges]
        self.names = [edge.operation for edge in cell.edges]

    def nodes(self, states: list[Tensor]) -> list[Tensor]:
        """The inputs and every node: each (N, C, H, W), nodes at the cell's stride."""
        for node in range(self.num_inputs, self.num_nodes):
            terms = [
                operation(states[source])
                for operation, (source, target) in zip(self.edges, self.ends, strict=True)
                if target == node and not isinstance(operation, Zero)
            ]
            states.append(_sum(terms) if terms else self._zeros(states[0]))
        return states

    def _zeros(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term  # not in place: a skip connection's term is another node itself
    return total


class DenseCell(_Cell):
    """NAS-Bench-201's cell: its output is the last node, of its input's shape."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.nodes([x])[-1]


class PairCell(_Cell):
    """DARTS's cell: two inputs brought to its channels; its output concatenates all nodes."""

    def __init__(self, cell: Cell, layer: PairLayer, form: str = "final") -> None:
        super().__init__(cell, layer, form)
        self.before = preprocess(layer.before, form)
        self.previous = preprocess(layer.previous, form)

    def forward(self, before: Tensor, previous: Tensor) -> Tensor:
        """(N, C_0, H', W'), (N, C_1, H, W) -> (N, nodes * C, H / stride, W / stride)."""
        states = self.nodes([self.before(before), self.previous(previous)])  # (N, C, H, W) each
        return torch.cat(states[2:], dim=1)


def preprocess(plan: Preprocess, form: str = "final") -> nn.Module:
    """What brings an input of a two-input cell to the cell's channels and resolution.

    In its ``search`` form, for a network whose cells are searched, the norm has no weights.
    """
    affine = form == "final"
    if plan.stride == 2:
        return FactorizedReduce(plan.channels_in, plan.channels_out, affine)
    return relu_conv_bn(plan.channels_in, plan.channels_out, 1, 1, affine)
