"""Single operations as networks, for the table: each as it is built where it stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from optunas.metrics.predicted.terms import Counted, Term
from optunas.nets.build import ResidualBlock
from optunas.nets.cells import preprocess
from optunas.nets.inverted_residual import ConvNorm, SqueezeExcite
from optunas.nets.macro_layers import dense_module, layer_module
from optunas.nets.macro_plan import DensePlan, LayerPlan
from optunas.nets.operations import make
from optunas.nets.skeleton import Place, Preprocess, ResidualLayer, Stem
from optunas.nets.subnet_plan import ConvPlan

__all__ = ["operation_module", "operation_shape"]


class _Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x + x


class _Concat(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, count * C, H, W)."""
        return torch.cat([x] * self.count, dim=1)


def operation_shape(term: Term) -> tuple[int, ...]:
    """Shape of the term's input, without batch; of a vector for linear layers."""
    if term.name.startswith(("dense_", "classifier")):
        return (term.channels_in,)
    return term.channels_in, term.height, term.width


def operation_module(counted: Counted) -> nn.Module | None:
    """The module of one term; None where it has none, or takes no time of its own."""
    module = _module(counted)
    return None if isinstance(module, nn.Identity) else module


def _module(counted: Counted) -> nn.Module | None:
    origin, term = counted.origin, counted.term
    if isinstance(origin, tuple) and not hasattr(origin, "_fields"):
        return _tagged(origin, term)
    if isinstance(origin, Stem):
        conv = nn.Conv2d(term.channels_in, term.channels_out, 3, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(term.channels_out))
    if isinstance(origin, ResidualLayer):
        return ResidualBlock(origin)
    if isinstance(origin, Preprocess):
        return preprocess(origin)
    if isinstance(origin, ConvPlan):
        return ConvNorm(origin)
    if isinstance(origin, DensePlan):
        return dense_module(origin)
    if origin == "add":
        return _Sum()
    if origin == "project":
        return nn.Conv2d(term.channels_in, term.channels_out, 1, bias=False)
    if origin == "classifier":
        return nn.Linear(term.channels_in, term.channels_out)
    return None


def _tagged(origin: tuple[Any, ...], term: Term) -> nn.Module | None:
    """Pairs of a plan and an own operation, and of a word and its arguments."""
    first, second = origin[0], origin[1]
    if isinstance(first, Place):
        operation = first.operation if second is None else second
        return make(operation, first.channels, first.channels, first.stride)
    if isinstance(first, LayerPlan):
        return layer_module(first, {} if second is None else {second.name: second})
    if first == "concat":
        return _Concat(second)
    if first == "shrink":
        return nn.AvgPool2d(min(second, term.height, term.width), ceil_mode=True)
    assert first == "squeeze_excite"
    return SqueezeExcite(second, origin[2])
