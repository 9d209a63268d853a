"""The network of one architecture, standing alone, with the weights that it has in the supernet."""

from __future__ import annotations

from typing import cast

from torch import nn

from optunas.darts.choices import Member, edges_of
from optunas.darts.macro_supernet import MacroSuperNetwork, MixedLayer
from optunas.darts.making import Supernet
from optunas.darts.supernet import SuperCell
from optunas.errors import InvalidSpecError
from optunas.nets.build import build
from optunas.space import CellSpace, DenseCellSpace, Macro
from optunas.space.macro_graph import Applied, live_graph, zero_names
from optunas.space.macro_skeleton import macro_skeleton

__all__ = ["extract"]


def extract(network: Supernet, architecture: Member) -> nn.Module:
    """``build(architecture, ..., form="search")`` with copies of the supernet's weights.

    What it computes is what the supernet computes with a mixing weight of 1 on the architecture's
    operations and 0 on all others, in training and in evaluation. It is in the mode, on the device
    and of the type of the supernet.

    Args:
        network: the supernet.
        architecture: a member of its space.

    Raises:
        InvalidArchitectureError: for anything but a member of the space.
        InvalidSpecError: for a supernet of partial channels: its operations are narrower than those
            of any network.
    """
    if isinstance(network, MacroSuperNetwork):
        return _extracted_macro(network, architecture)
    space = network.space
    if any(cell.partial > 1 for cell in network.cells if isinstance(cell, SuperCell)):
        raise InvalidSpecError(
            "A supernet of partial channels has operations narrower than those of a network, so "
            "none can be taken out of it; use partial=1."
        )
    space.validate(architecture)  # type: ignore[arg-type]
    like = network.classifier.weight
    alone = build(architecture, *network.sizes, form="search").to(like.device, like.dtype)
    for name in ("stem", "norm", "classifier"):
        if getattr(network, name) is not None:
            getattr(alone, name).load_state_dict(getattr(network, name).state_dict())
    for ours, theirs in zip(cast(nn.ModuleList, alone.layers), network.cells, strict=True):
        if isinstance(theirs, SuperCell):
            _copy_cell(ours, theirs, space)
        else:
            ours.load_state_dict(theirs.state_dict())
    return alone.train(network.training)


def _extracted_macro(network: MacroSuperNetwork, architecture: Member) -> nn.Module:
    """Only what the output depends on is there; its nodes carry the number of their layer."""
    network.space.validate(architecture)  # type: ignore[arg-type]
    assert isinstance(architecture, Macro)
    columns = macro_skeleton(network.space).columns(architecture)
    like = network.classifier.weight
    alone = build(architecture, *network.sizes, form="search").to(like.device, like.dtype)
    for name in ("dense", "classifier"):
        getattr(alone, name).load_state_dict(getattr(network, name).state_dict())
    nodes = live_graph(architecture, zero_names(architecture)).nodes
    for ours, node in zip(cast(nn.ModuleList, alone.nodes), nodes, strict=True):
        assert isinstance(node, Applied)
        layer = cast(MixedLayer, network.layers[node.layer - 1])
        ours.load_state_dict(layer.candidates[columns[node.layer - 1]].state_dict())
    return alone.train(network.training)


def _copy_cell(ours: nn.Module, theirs: SuperCell, space: CellSpace | DenseCellSpace) -> None:
    """Load a cell's chosen operations, edge by edge, and what brings its inputs to its width."""
    rows = {ends: row for row, ends in enumerate(edges_of(space))}
    columns = {operation.name: column for column, operation in enumerate(space.operations)}
    for ends, name, module in zip(ours.ends, ours.names, ours.edges, strict=True):  # type: ignore[arg-type]
        source = theirs.module_of(rows[ends], columns[name])
        module.load_state_dict(source.state_dict())
    if theirs.num_inputs == 2:
        for name in ("before", "previous"):
            getattr(ours, name).load_state_dict(getattr(theirs, name).state_dict())
