"""The paper's supernet, written plainly: the oracle of the fast one, and what it is timed against.

Every operation is a module on every edge, a mixed operation is Python's sum over them, and both
phases of a step run the full backward pass, as in the code of DARTS. Weights are taken over from
the fast supernet by position.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.darts.supernet import SuperCell, SuperNetwork
from optunas.nets.build import ResidualBlock
from optunas.nets.operations import make


class PlainCell(nn.Module):
    """A cell of mixed operations, node by node."""

    def __init__(self, cell: SuperCell, channels: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.ends, self.num_inputs, self.stride = cell.ends, cell.num_inputs, cell.stride
        self.num_states, self.kind = cell.num_states, cell.kind
        if cell.num_inputs == 2:
            self.before, self.previous = cell.before, cell.previous
        self.edges = nn.ModuleList()
        for source, _ in cell.ends:
            stride = cell.stride if source < cell.num_inputs else 1
            self.edges.append(
                nn.ModuleList(
                    make(o, channels, channels, stride, "search") for o in cell.operations
                )
            )
        self.edges.to(dtype=dtype)  # first: loading would round
        for ours, theirs in zip(self.edges, cell.edges, strict=True):
            for plain, fast in zip(ours, theirs, strict=True):
                plain.load_state_dict(fast.state_dict())

    def forward(self, inputs: tuple[Tensor, ...], weights: Tensor) -> Tensor:
        states = list(inputs)
        if self.num_inputs == 2:
            states = [self.before(inputs[0]), self.previous(inputs[1])]
        for node in range(self.num_inputs, self.num_states):
            state: Any = 0
            for e, (source, target) in enumerate(self.ends):
                if target == node:
                    mixed = zip(weights[e], self.edges[e], strict=True)
                    state = state + sum(w * op(states[source]) for w, op in mixed)
            states.append(state)
        return torch.cat(states[2:], dim=1) if self.num_inputs == 2 else states[-1]


class PlainNetwork(nn.Module):
    """The fast supernet's network with plain cells; starts from a copy of its weights."""

    def __init__(self, network: SuperNetwork) -> None:
        super().__init__()
        from copy import deepcopy

        network = deepcopy(network)
        self.stem, self.norm, self.classifier = network.stem, network.norm, network.classifier
        self.cells = nn.ModuleList()
        for cell in network.cells:
            if isinstance(cell, SuperCell):
                channels = _channels(cell)
                self.cells.append(PlainCell(cell, channels, network.classifier.weight.dtype))
            else:
                self.cells.append(cell)

    def forward(self, x: Tensor, weights: dict[str, Tensor]) -> Tensor:
        before = previous = self.stem(x)
        for cell in self.cells:
            if isinstance(cell, ResidualBlock):
                before = previous = cell(previous)
            elif cell.num_inputs == 2:
                before, previous = previous, cell((before, previous), weights[cell.kind])
            else:
                before, previous = previous, cell((previous,), weights[cell.kind])
        if self.norm is not None:
            previous = F.relu(self.norm(previous))
        return self.classifier(previous.mean(dim=(2, 3)))


def _channels(cell: SuperCell) -> int:
    """Channels of the cell's states, read off any of its weights."""
    for edge in cell.edges:
        for module in edge:
            for layer in module.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    return layer.num_features
    raise ValueError("a cell without a batch norm")


def softmax(alphas: dict[str, Tensor]) -> dict[str, Tensor]:
    return {kind: alpha.softmax(dim=-1) for kind, alpha in alphas.items()}


def step(
    network: PlainNetwork,
    alphas: dict[str, Tensor],
    weight_optimizer: torch.optim.Optimizer,
    alpha_optimizer: torch.optim.Optimizer,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    clip: float = 5.0,
) -> float:
    """One first-order step as in the code of DARTS: full backward passes in both phases."""
    alpha_optimizer.zero_grad()
    F.cross_entropy(network(validation[0], softmax(alphas)), validation[1]).backward()
    alpha_optimizer.step()
    weight_optimizer.zero_grad()
    loss = F.cross_entropy(network(train[0], softmax(alphas)), train[1])
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), clip)
    weight_optimizer.step()
    return loss.item()
