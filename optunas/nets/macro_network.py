"""The network of a ``Macro``."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from optunas.nets.macro_layers import JoinModule, dense_module, layer_module, probe
from optunas.nets.macro_plan import JoinPlan, LayerPlan, MacroPlan, Readout, Source, macro_plan
from optunas.space.macro import Macro
from optunas.space.macro_graph import ZERO
from optunas.space.operations import Operation

__all__ = ["MacroNetwork", "build_macro", "check_own_operations", "read_out"]


def build_macro(
    architecture: Macro, input_shape: tuple[int, ...], num_outputs: int, form: str = "final"
) -> nn.Module:
    """Build the network of ``architecture``; (N, *input_shape) -> (N, num_outputs), no softmax.

    Only what the output depends on is built, in the order of the layers, so that macros of one
    digest have the same ``state_dict`` keys and, seeded alike, the same weights. Weights are
    torch's defaults.

    Args:
        architecture: any macro, of a space or not.
        input_shape: (channels, height, width) without batch, any size from 1x1 on; or (features,)
            for a macro without layers.
        num_outputs: of the classifier.
        form: as for :func:`optunas.nets.build.build`.

    Raises:
        InvalidArchitectureError: for a macro that is no network (an operation that it does not know
            or carry, a skip from a later layer, ...), all problems at once.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
        InvalidSpaceError: for an own operation whose module has the wrong type or output shape.
    """
    plan = macro_plan(architecture, input_shape, num_outputs)
    own = {operation.name: operation for operation in architecture.operations}
    check_own_operations(plan.nodes, own)
    return MacroNetwork(plan, own, form)


class MacroNetwork(nn.Module):
    """Layers and joins, readout, dense layers, classifier.

    ``nodes[i]`` is the module of ``plan.nodes[i]``.
    """

    def __init__(self, plan: MacroPlan, own: dict[str, Operation], form: str = "final") -> None:
        super().__init__()
        self.plan = plan
        self.nodes = nn.ModuleList(
            JoinModule(node) if isinstance(node, JoinPlan) else layer_module(node, own, form)
            for node in plan.nodes
        )
        self.dense = nn.Sequential(*[dense_module(one) for one in plan.dense])
        self.classifier = nn.Linear(plan.features, plan.num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), or (N, features) without layers -> (N, num_outputs)."""
        if self.plan.readout is not None:
            x = read_out(self._maps(x), self.plan.readout)  # (N, features)
        x = self.dense(x)  # (N, units)
        return self.classifier(x)  # (N, num_outputs)

    def _maps(self, x: Tensor) -> Tensor:
        """The value that the readout reads, (N, C', H', W')."""
        values = [x]  # of the input and each node
        for plan, module in zip(self.plan.nodes, self.nodes, strict=True):
            if isinstance(plan, LayerPlan):
                values.append(module(_value(plan.source, values)))
            else:
                values.append(module(*[_value(term.source, values) for term in plan.terms]))
        assert self.plan.readout is not None
        return _value(self.plan.readout.source, values)


def _value(source: Source, values: list[Tensor]) -> Tensor:
    if source.node != ZERO:
        return values[source.node]
    x, block = values[0], 1 << source.halvings
    height, width = (-(-size // block) for size in x.shape[2:])
    return x.new_zeros((x.shape[0], source.channels, height, width))


def read_out(x: Tensor, readout: Readout) -> Tensor:
    """How feature maps become a vector: (N, C, H, W) -> (N, features)."""
    if readout.kind == "average":
        return x.mean(dim=(2, 3))
    if readout.kind == "max":
        return x.amax(dim=(2, 3))
    return x.flatten(1)


def check_own_operations(nodes: Iterable[JoinPlan | LayerPlan], own: dict[str, Operation]) -> None:
    """Run each own operation once where it will stand: a sentence now instead of a torch error.

    Raises:
        InvalidSpaceError: when one fails, or its output has another shape than asked for.
    """
    places = [node for node in nodes if isinstance(node, LayerPlan) and node.operation in own]
    if not places:
        return
    # The network's own weights must stay as seeded, whatever an operation draws here.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for place in dict.fromkeys(places):
            probe(place, own[place.operation])
