"""``params`` and ``flops``: of an architecture in closed form, of a network by counting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

from optunas.errors import InvalidSpecError
from optunas.metrics.closed_form import cost
from optunas.nets.skeleton import Architecture
from optunas.space.joint import Joint
from optunas.space.operations import Cost

if TYPE_CHECKING:
    from torch import nn

__all__ = ["flops", "is_network", "params"]


def params(
    x: Architecture | Joint | nn.Module,
    input_shape: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
) -> int:
    """Number of parameters; an architecture's without building it, equal to its network's.

    Args:
        x: an architecture, or a ``Joint`` that holds one, then the other arguments are those of
            ``build``; or a network, then none of them is needed.
        input_shape: (channels, height, width), without batch.
        num_classes: number of outputs.
        channels: of the first stage or cell; None is 16 (or the joint value's).
        num_cells: per stage (dense cell) or in all (genotype); None is 5 (or the joint value's).

    Raises:
        InvalidSpecError: when an architecture comes without shape or classes, or with wrong ones.
        InvalidArchitectureError: when ``x`` is neither an architecture nor a network.
    """
    if is_network(x):
        from optunas.metrics.counting import count_params

        return count_params(x)
    return _cost("params", x, input_shape, num_classes, channels, num_cells).params


def flops(
    x: Architecture | Joint | nn.Module,
    input_shape: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    channels: int | None = None,
    num_cells: int | None = None,
) -> int:
    """FLOPs of one image, 2 x multiply-accumulates of convolutions and linear layers.

    (NAS-Bench-201's "FLOPs" are multiply-accumulates.) Arguments and errors as in :func:`params`,
    but a network needs ``input_shape`` too.
    """
    if is_network(x):
        from optunas.metrics.counting import count_flops

        if input_shape is None:
            raise InvalidSpecError(
                "flops of a network needs input_shape, (channels, height, width) without batch."
            )
        return count_flops(x, input_shape)
    return 2 * _cost("flops", x, input_shape, num_classes, channels, num_cells).macs


def is_network(x: object) -> TypeGuard[nn.Module]:
    """Whether ``x`` is a torch module; loads no torch."""
    torch = sys.modules.get("torch")  # a network cannot exist before torch is imported
    return torch is not None and isinstance(x, torch.nn.Module)


def _cost(
    name: str,
    architecture: object,
    input_shape: tuple[int, ...] | None,
    num_classes: int | None,
    channels: int | None,
    num_cells: int | None,
) -> Cost:
    if input_shape is None or num_classes is None:
        raise InvalidSpecError(
            f"{name} of an architecture needs input_shape and num_classes, such as "
            f"{name}(cell, (3, 32, 32), 10)."
        )
    return cost(architecture, input_shape, num_classes, channels, num_cells)  # type: ignore[arg-type]
