"""A small hand-made network to hold beside every front."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from optunas.nets.skeleton import check_counts, check_input_shape

__all__ = ["ReferenceNetwork", "resnet_small"]


def resnet_small(
    input_shape: tuple[int, ...], num_classes: int, channels: int = 16, blocks: int = 1
) -> nn.Module:
    """The CIFAR ResNet of He et al. 2016 (section 4.2) with 6 * ``blocks`` + 2 layers.

    (N, C, H, W) -> (N, num_classes). Three stages of ``blocks`` residual blocks, with
    ``channels``, twice and four times as many; shortcuts that change shape are 1x1 convolutions
    with batch norm (their option B). Convolutions start as Kaiming normal, as in the paper.

    Args:
        input_shape: (channels, height, width), without batch.
        num_classes: number of outputs; 1 for a regression.
        channels: of the first stage.
        blocks: residual blocks per stage.

    Raises:
        InvalidSpecError: for a shape or a count that cannot work.
    """
    shape = check_input_shape(input_shape)
    check_counts(num_classes=num_classes, channels=channels, blocks=blocks)
    return ReferenceNetwork(shape[0], num_classes, channels, blocks)


class ReferenceNetwork(nn.Module):
    """Stem, three stages of residual blocks, global average pool, classifier."""

    def __init__(self, channels_in: int, num_classes: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(channels_in, channels, 3, 1), nn.BatchNorm2d(channels))
        self.layers = nn.Sequential()
        width = channels
        for stage in range(3):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                self.layers.append(_Block(width, channels * 2**stage, stride))
                width = channels * 2**stage
        self.classifier = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, num_classes)."""
        x = F.relu(self.stem(x))  # (N, C, H, W)
        x = self.layers(x)  # (N, 4 C, H / 4, W / 4)
        return self.classifier(x.mean(dim=(2, 3)))  # (N, num_classes)


class _Block(nn.Module):
    """Conv-BN-ReLU-Conv-BN beside a shortcut, ReLU after the sum."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels_in, channels_out, 3, stride),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            _conv(channels_out, channels_out, 3, 1),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                _conv(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, ceil(H / stride), ceil(W / stride))."""
        return F.relu(self.body(x) + self.shortcut(x))


def _conv(channels_in: int, channels_out: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)
