"""The modules of a macro's layers: convolutions, pools, joins, dense layers.

Conv-norm-activation order, "same" padding, no bias where a norm follows. No activation works in
place: a layer's output may be a later layer's skip too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optunas.errors import InvalidSpaceError, OptunasError
from optunas.nets.macro_plan import DensePlan, JoinPlan, LayerPlan, groups
from optunas.nets.operations import make
from optunas.space.macro_operations import POOLS
from optunas.space.operations import Operation

__all__ = ["JoinModule", "dense_module", "layer_module", "probe"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


class _GroupNorm(nn.GroupNorm):
    """A group norm that takes a single value a group, as a batch of one on a 1x1 map has."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class JoinModule(nn.Module):
    """Several values brought to one shape, then added or put side by side.

    ``projections[i]`` is the 1x1 convolution of the i-th term, an identity where there is none.
    """

    def __init__(self, plan: JoinPlan) -> None:
        super().__init__()
        self.kind = plan.kind
        self.factors = [term.factor for term in plan.terms]
        self.projections = nn.ModuleList(
            nn.Conv2d(term.source.channels, plan.channels, 1, bias=False)
            if term.project
            else nn.Identity()
            for term in plan.terms
        )

    def forward(self, *values: Tensor) -> Tensor:
        """Each (N, C_i, H_i, W_i), at most a power of two larger -> (N, C, H, W)."""
        aligned = [
            project(_shrink(value, factor))  # (N, C, H, W); (N, C_i, H, W) to concatenate
            for value, factor, project in zip(values, self.factors, self.projections, strict=True)
        ]
        if self.kind == "concat":
            return torch.cat(aligned, dim=1)
        total = aligned[0]
        for term in aligned[1:]:
            total = total + term  # not in place: a term may be another layer's input
        return total


def _shrink(x: Tensor, factor: int) -> Tensor:
    """Means of blocks, those at the border smaller: (N, C, ceil(H / factor), ceil(W / factor))."""
    if factor == 1:
        return x
    block = [min(factor, size) for size in x.shape[2:]]
    return F.avg_pool2d(x, block, ceil_mode=True)


def layer_module(plan: LayerPlan, own: dict[str, Operation], form: str = "final") -> nn.Module:
    """The module of one layer: (N, C_in, H, W) -> (N, C_out, H / stride, W / stride).

    In its ``search`` form, for a network whose layers are searched, norms have no weights, and a
    batch norm follows each pool. Own operations stay as they are.

    Raises:
        InvalidSpaceError: for an own operation whose factory gives no module.
    """
    if plan.operation in own:
        return make(own[plan.operation], plan.source.channels, plan.channels, plan.stride)
    assert plan.kernel is not None
    if plan.operation in POOLS:
        pool = _pool(plan.operation, plan.kernel)
        if form == "final":
            return pool
        return nn.Sequential(pool, nn.BatchNorm2d(plan.channels, affine=False))
    return nn.Sequential(*_convolution(plan, plan.kernel, form == "final"))


def _pool(operation: str, kernel: int) -> nn.Module:
    odd, padding = kernel % 2 == 1, (kernel - 1) // 2
    if operation == "max_pool":
        return nn.MaxPool2d(kernel, 2, padding, ceil_mode=not odd)
    return nn.AvgPool2d(kernel, 2, padding, ceil_mode=not odd, count_include_pad=False)


def _convolution(plan: LayerPlan, kernel: int, affine: bool) -> list[nn.Module]:
    c_in, c_out, stride = plan.source.channels, plan.channels, plan.stride
    bias = plan.norm == "none"
    if plan.operation == "sep_conv":
        modules: list[nn.Module] = [
            nn.Conv2d(c_in, c_in, kernel, stride, kernel // 2, groups=c_in, bias=False),
            nn.Conv2d(c_in, c_out, 1, bias=bias),
        ]
    else:
        dilation = 2 if plan.operation == "dil_conv" else 1
        padding = dilation * (kernel // 2)
        modules = [nn.Conv2d(c_in, c_out, kernel, stride, padding, dilation, bias=bias)]
    if plan.norm == "batch":
        modules.append(nn.BatchNorm2d(c_out, affine=affine))
    elif plan.norm == "group":
        modules.append(_GroupNorm(groups(c_out), c_out, affine=affine))
    assert plan.activation is not None
    return [*modules, _ACTIVATIONS[plan.activation]()]


def dense_module(plan: DensePlan) -> nn.Sequential:
    """Linear, norm, activation, dropout: (N, features) -> (N, units)."""
    modules: list[nn.Module] = [nn.Linear(plan.features, plan.units, bias=plan.norm == "none")]
    if plan.norm == "batch":
        modules.append(nn.BatchNorm1d(plan.units))
    elif plan.norm == "layer":
        modules.append(nn.LayerNorm(plan.units))
    modules.append(_ACTIVATIONS[plan.activation]())
    if plan.dropout > 0:
        modules.append(nn.Dropout(plan.dropout))
    return nn.Sequential(*modules)


def probe(plan: LayerPlan, operation: Operation) -> None:
    """Run an own operation once where it will stand: a sentence now instead of a torch error.

    Raises:
        InvalidSpaceError: when it fails, or its output has another shape than asked for.
    """
    source = plan.source
    given = (1, source.channels, source.height, source.width)
    wanted = (1, plan.channels, plan.height, plan.width)
    where = (
        f"Operation {operation.name!r} with channels_in={source.channels}, "
        f"channels_out={plan.channels} and stride={plan.stride}"
    )
    try:
        module = make(operation, source.channels, plan.channels, plan.stride).eval()
        output = module(torch.zeros(given))
    except OptunasError:
        raise
    except Exception as error:  # the user's code, which may raise anything
        raise InvalidSpaceError(
            f"{where} fails on an input of {given}: {type(error).__name__}: {error}"
        ) from error
    got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if got != wanted:
        raise InvalidSpaceError(f"{where} must turn {given} into {wanted}, got {got}.")
