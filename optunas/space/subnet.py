"""The value type of elastic spaces: a sub-network of a Once-for-All network."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Block", "Stage", "Subnet"]


@dataclass(frozen=True)
class Block:
    """One inverted residual block: expand by 1x1, depthwise ``kernel``, project by 1x1.

    Attributes:
        kernel: odd side of the depthwise window.
        expansion: hidden channels over the block's input channels.
    """

    kernel: int
    expansion: float


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first has the stage's stride.

    Attributes:
        width: output channels of each block.
        blocks: as many as the stage is deep.
        stride: of the first block, 1 or 2.
        activation: ``relu``, ``relu6``, ``gelu``, ``silu`` or ``hardswish``.
        squeeze_excite: whether its blocks weigh their hidden channels.
    """

    width: int
    blocks: tuple[Block, ...]
    stride: int = 2
    activation: str = "relu"
    squeeze_excite: bool = False


@dataclass(frozen=True)
class Subnet:
    """A whole network, without its classifier, which the task's number of outputs decides.

    Attributes:
        stem: output channels of the first convolution (3x3, ``stem_stride``).
        stages: in order.
        head: output channels of the last 1x1 convolution, before pooling; 0 leaves it out.
        features: units of a linear layer between pooling and classifier; 0 leaves it out.
        stem_stride: 1 or 2.
        activation: of stem, head and features.
    """

    stem: int
    stages: tuple[Stage, ...]
    head: int = 0
    features: int = 0
    stem_stride: int = 1
    activation: str = "relu"
