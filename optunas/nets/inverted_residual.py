"""The blocks of Once-for-All networks: MobileNetV2's inverted residual, MobileNetV3's gate.

Convolution-BN-activation order, no bias in convolutions, "same" padding. Hidden sizes come from
:mod:`optunas.nets.subnet_plan`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from optunas.nets.subnet_plan import BlockPlan, ConvPlan

__all__ = ["ConvNorm", "InvertedResidual", "SqueezeExcite", "activation"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}


def activation(name: str | None) -> nn.Module:
    """The module of an activation's name; an identity for None."""
    return nn.Identity() if name is None else _ACTIVATIONS[name]()


class ConvNorm(nn.Module):
    """Convolution, batch norm, activation."""

    def __init__(self, plan: ConvPlan) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            plan.channels_in,
            plan.channels_out,
            plan.kernel,
            plan.stride,
            padding=plan.kernel // 2,
            groups=plan.groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(plan.channels_out)
        self.activation = activation(plan.activation)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, ceil(H / stride), ceil(W / stride))."""
        return self.activation(self.norm(self.conv(x)))


class SqueezeExcite(nn.Module):
    """Weigh each channel by what the image's averages say: pool, ReLU, hard sigmoid.

    Howard et al. 2019, arXiv:1905.02244, section 5.3.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gate = x.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        gate = F.relu(self.reduce(gate))  # (N, squeezed, 1, 1)
        return x * F.hardsigmoid(self.expand(gate))


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-and-excite, project; the input is added where shapes allow.

    ``expand`` and ``squeeze_excite`` are identities where the plan leaves them out.
    """

    def __init__(self, plan: BlockPlan) -> None:
        super().__init__()
        hidden = plan.depthwise.channels_out
        self.expand = nn.Identity() if plan.expand is None else ConvNorm(plan.expand)
        self.depthwise = ConvNorm(plan.depthwise)
        gate = SqueezeExcite(hidden, plan.squeezed) if plan.squeezed else nn.Identity()
        self.squeeze_excite = gate
        self.project = ConvNorm(plan.project)
        self.residual = plan.residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, ceil(H / stride), ceil(W / stride))."""
        y = self.expand(x)  # (N, hidden, H, W)
        y = self.squeeze_excite(self.depthwise(y))  # (N, hidden, H / stride, W / stride)
        y = self.project(y)  # (N, C_out, H / stride, W / stride)
        return x + y if self.residual else y
