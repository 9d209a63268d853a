"""From an architecture to a network: the skeletons of NAS-Bench-201 and DARTS, and stacks in them.

Weights are initialised by torch's defaults (Kaiming uniform convolutions, batch norms at one and
zero), as in the code of both papers; seed torch before building to repeat them.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.errors import InvalidSpaceError, InvalidSpecError
from optunas.nets.cells import DenseCell, PairCell
from optunas.nets.joint_parts import unpack
from optunas.nets.operations import check_form, make, relu_conv_bn
from optunas.nets.skeleton import (
    Architecture,
    DenseLayer,
    Head,
    PairLayer,
    Place,
    ResidualLayer,
    Skeleton,
    Stem,
    cell_at,
    cells_of,
    default_counts,
    places,
    refuse_counts,
    skeleton,
)
from optunas.space.cell import Cell, Genotype
from optunas.space.joint import Joint
from optunas.space.macro import Macro
from optunas.space.operations import Operation
from optunas.space.stack import Stack
from optunas.space.subnet import Subnet

__all__ = ["DenseNetwork", "PairNetwork", "ResidualBlock", "build"]


def build(
    architecture: Architecture | Joint,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    num_cells: int | None = None,
    form: str = "final",
) -> nn.Module:
    """Build the network of ``architecture``; (N, *input_shape) -> (N, num_classes), no softmax.

    Args:
        architecture: a dense cell (NAS-Bench-201's skeleton), a genotype (DARTS's skeleton), a
            ``Stack`` of cells, a ``Macro`` or a ``Subnet``; or a ``Joint`` that holds exactly one
            of these, whose hyperparameters give ``channels`` and ``num_cells`` where they have
            them and none are given here.
        input_shape: (channels, height, width), without batch; any size from 1x1 on, odd ones too;
            (features,) for a macro without layers.
        num_classes: number of outputs; 1 for a regression.
        channels: of the first stage (dense cell) or the first cell (genotype); None is 16.
        num_cells: per stage (dense cell) or in all (genotype), as in the papers; None is 5. The
            other architectures have widths and depths of their own and take neither.
        form: ``final``, as networks are trained and shipped; or ``search``, as a differentiable
            search sees an architecture: the norms of cells, or of a macro's layers, have no
            weights and a batch norm follows each pool. Not for a ``Subnet``.

    Raises:
        InvalidArchitectureError: for anything but these architectures.
        InvalidSpecError: for a shape or a count that cannot work or that is not taken.
        InvalidSpaceError: for an own operation whose module has the wrong type or output shape.
        UnknownNameError: for an operation outside the vocabulary and the architecture's own ones,
            or another form.
    """
    check_form(form)
    architecture, channels, num_cells = unpack(architecture, channels, num_cells)
    if form != "final" and isinstance(architecture, Subnet):
        raise InvalidSpecError(
            f"form={form!r} is of networks made of cells or of a macro's layers, and a Subnet is "
            "not made of them; leave form out."
        )
    if isinstance(architecture, Macro):
        from optunas.nets.macro_network import build_macro

        refuse_counts(architecture, channels, num_cells)
        return build_macro(architecture, input_shape, num_classes, form)
    if isinstance(architecture, Subnet):
        from optunas.nets.subnet_network import build_subnet

        refuse_counts(architecture, channels, num_cells)
        return build_subnet(architecture, input_shape, num_classes)
    if isinstance(architecture, Stack):
        refuse_counts(architecture, channels, num_cells)
    plan = skeleton(architecture, input_shape, num_classes, *default_counts(channels, num_cells))
    _check_own_operations(architecture, plan)
    if cells_of(architecture)[0].num_inputs == 1:
        return DenseNetwork(architecture, plan, form)
    return PairNetwork(architecture, plan, form)


class DenseNetwork(nn.Module):
    """NAS-Bench-201: stem, stages of cells, residual blocks between, BN-ReLU, classifier."""

    def __init__(
        self, architecture: Cell | Genotype | Stack, plan: Skeleton, form: str = "final"
    ) -> None:
        super().__init__()
        self.stem = _stem(plan.stem)
        self.layers = nn.Sequential()
        for layer in plan.layers:
            if isinstance(layer, ResidualLayer):
                self.layers.append(ResidualBlock(layer))
            else:
                dense = cast(DenseLayer, layer)
                self.layers.append(DenseCell(cell_at(architecture, dense), dense, form))
        self.norm = nn.BatchNorm2d(plan.head.channels)
        self.classifier = _classifier(plan.head)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, num_classes)."""
        x = self.stem(x)  # (N, C, H, W)
        x = self.layers(x)  # (N, 4 C, H / 4, W / 4); of a stack, the last width and resolution
        x = F.relu(self.norm(x)).mean(dim=(2, 3))  # (N, 4 C)
        return self.classifier(x)  # (N, num_classes)


class PairNetwork(nn.Module):
    """DARTS: stem, cells that each read the two before them, classifier."""

    def __init__(
        self, architecture: Cell | Genotype | Stack, plan: Skeleton, form: str = "final"
    ) -> None:
        super().__init__()
        self.stem = _stem(plan.stem)
        self.layers = nn.ModuleList(
            PairCell(cell_at(architecture, layer), layer, form)
            for layer in cast(tuple[PairLayer, ...], plan.layers)
        )
        self.classifier = _classifier(plan.head)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, num_classes)."""
        before = previous = self.stem(x)  # (N, 3 C, H, W)
        for cell in self.layers:
            before, previous = previous, cell(before, previous)  # (N, nodes * C_cell, H', W')
        x = previous.mean(dim=(2, 3))  # (N, nodes * C_cell)
        return self.classifier(x)  # (N, num_classes)


class ResidualBlock(nn.Module):
    """NAS-Bench-201's reduction: two ReLU-Conv3x3-BN, plus a pooled 1x1 shortcut without norm."""

    def __init__(self, layer: ResidualLayer) -> None:
        super().__init__()
        self.body = nn.Sequential(
            relu_conv_bn(layer.channels_in, layer.channels_out, kernel=3, stride=2),
            relu_conv_bn(layer.channels_out, layer.channels_out, kernel=3, stride=1),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),  # ceil: odd sizes end where the strided body ends
            nn.Conv2d(layer.channels_in, layer.channels_out, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H / 2, W / 2)."""
        return self.shortcut(x) + self.body(x)


def _stem(plan: Stem) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(plan.channels_in, plan.channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(plan.channels_out),
    )


def _classifier(plan: Head) -> nn.Linear:
    return nn.Linear(plan.channels, plan.num_classes)


def _check_own_operations(architecture: Cell | Genotype | Stack, plan: Skeleton) -> None:
    """Run each own operation once where it will stand: a sentence now instead of a torch error."""
    # By identity: operations of one name are equal, and two cells may mean different ones by it.
    wanted: dict[tuple[int, Place], tuple[Operation, Place]] = {}
    for layer in dict.fromkeys(plan.layers):
        if isinstance(layer, ResidualLayer):
            continue
        cell = cell_at(architecture, layer)
        own = {o.name: o for o in cell.operations if o.factory is not None}
        for place in places(cell, layer):
            if place.operation in own:
                operation = own[place.operation]
                wanted[id(operation), place] = operation, place
    if not wanted:
        return
    # The network's own weights must stay as seeded, whatever an operation draws here.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for operation, place in wanted.values():
            _probe(operation, place)


def _probe(operation: Operation, place: Place) -> None:
    module = make(operation, place.channels, place.channels, place.stride).eval()
    given = (1, place.channels, place.height, place.width)
    wanted = (1, place.channels, *(-(-size // place.stride) for size in given[2:]))
    try:
        output = module(torch.zeros(given))
    except Exception as error:  # whatever the user's code raises is told as theirs
        raise InvalidSpaceError(
            f"Operation {operation.name!r} with channels_in = channels_out = {place.channels} and "
            f"stride {place.stride} fails on an input of {given}: {type(error).__name__}: {error}"
        ) from error
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if got != wanted:
        raise InvalidSpaceError(
            f"Operation {operation.name!r} with channels_in = channels_out = {place.channels} and "
            f"stride {place.stride} must turn {given} into {wanted}, got {got}."
        )
