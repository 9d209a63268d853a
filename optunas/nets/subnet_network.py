"""The network of a ``Subnet``, standing alone.

Stem, stages of inverted residual blocks, an optional 1x1 convolution, average pool, an optional
linear layer, classifier: MobileNetV3 in the form of Once-for-All (Cai et al. 2020,
arXiv:1908.09791, and the authors' ``MobileNetV3``). Weights are torch's defaults.
"""

from __future__ import annotations

from torch import Tensor, nn

from optunas.nets.inverted_residual import ConvNorm, InvertedResidual, activation
from optunas.nets.subnet_plan import subnet_plan
from optunas.space.subnet import Subnet

__all__ = ["SubnetNetwork", "build_subnet"]


class SubnetNetwork(nn.Module):
    """What ``build`` makes of a ``Subnet``; blocks are ``stages.{i}.{j}``, both from 0.

    Attributes:
        subnet: what it was built from.
        input_shape: (channels, height, width) that it was built for.

    Raises:
        InvalidArchitectureError: naming all that is wrong with the sub-network.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """

    def __init__(self, subnet: Subnet, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        plan = subnet_plan(subnet, input_shape, num_classes)
        self.subnet, self.input_shape = subnet, tuple(input_shape)
        head = plan.head
        self.stem = ConvNorm(plan.stem)
        self.stages = nn.Sequential(
            *(nn.Sequential(*(InvertedResidual(b) for b in stage)) for stage in plan.stages)
        )
        self.head = nn.Identity() if head.conv is None else ConvNorm(head.conv)
        self.features: nn.Module = nn.Identity()
        if head.features:
            linear = nn.Linear(head.pooled, head.features, bias=False)
            self.features = nn.Sequential(linear, activation(head.activation))
        self.classifier = nn.Linear(head.features or head.pooled, head.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, num_classes)."""
        x = self.stem(x)  # (N, stem, H / stem_stride, W / stem_stride)
        x = self.stages(x)  # (N, last width, H', W')
        x = self.head(x).mean(dim=(2, 3))  # (N, head or last width)
        x = self.features(x)  # (N, features, or as before)
        return self.classifier(x)  # (N, num_classes)


def build_subnet(
    architecture: Subnet, input_shape: tuple[int, ...], num_outputs: int
) -> SubnetNetwork:
    """Build the network of ``architecture``; (N, *input_shape) -> (N, num_outputs), no softmax.

    Args:
        architecture: of an elastic space or written by hand.
        input_shape: (channels, height, width), without batch; any size from 1x1 on.
        num_outputs: number of outputs; 1 for a regression.

    Raises:
        InvalidArchitectureError: naming all that is wrong with the sub-network.
        InvalidSpecError: for a shape or a number of outputs that cannot work.
    """
    return SubnetNetwork(architecture, input_shape, num_outputs)
