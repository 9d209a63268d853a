"""The value type of elastic spaces: a sub-network of a Once-for-All network."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from optunas.errors import InvalidArchitectureError, nearest
from optunas.space.json_text import load_json

__all__ = ["ACTIVATIONS", "Block", "Stage", "Subnet", "hidden_channels", "subnet_faults"]

ACTIVATIONS = ("relu", "relu6", "gelu", "silu", "hardswish")
"""What a sub-network's layers can have; all map 0 to 0."""


@dataclass(frozen=True)
class Block:
    """One inverted residual block: expand by 1x1, depthwise ``kernel``, project by 1x1.

    Attributes:
        kernel: odd side of the depthwise window.
        expansion: hidden channels over the block's input channels, from 1 on. With exactly 1 there
            is no 1x1 convolution before the depthwise one (MobileNetV2's convention).
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

    def to_json(self) -> str:
        """JSON text; :meth:`from_json` gives an equal sub-network back."""
        body = {
            "kind": "subnet",
            "version": 1,
            "stem": self.stem,
            "stem_stride": self.stem_stride,
            "activation": self.activation,
            "stages": [_stage_fields(stage) for stage in self.stages],
            "head": self.head,
            "features": self.features,
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Subnet:
        """The sub-network that :meth:`to_json` wrote.

        Raises:
            InvalidArchitectureError: for text of another kind, version or form, or a sub-network
                that has no network, naming all that is wrong with it.
        """
        body = load_json(text, "subnet")
        try:
            stages = tuple(_stage(fields) for fields in body["stages"])
            outer = ("stem", "head", "features", "stem_stride", "activation")
            subnet = cls(stages=stages, **{name: body[name] for name in outer})
        except (KeyError, TypeError, ValueError):
            raise InvalidArchitectureError(
                "The JSON of a subnet has stem, stem_stride, activation, head, features and "
                "stages, each with width, stride, activation, squeeze_excite and blocks as "
                f"[kernel, expansion]; got {str(text)[:200]!r}."
            ) from None
        found = subnet_faults(subnet)
        if found:
            raise InvalidArchitectureError("\n".join(found))
        return subnet

    def __str__(self) -> str:
        """One line: ``stem 16 | 24/2 k3e4 k5e6 | 40/2 se k7e3 | head 960``, strides after a /."""
        parts = [f"stem {self.stem}" + (f"/{self.stem_stride}" if self.stem_stride != 1 else "")]
        for stage in self.stages:
            width = f"{stage.width}" + (f"/{stage.stride}" if stage.stride != 1 else "")
            extras = ["se"] if stage.squeeze_excite else []
            blocks = [f"k{block.kernel}e{block.expansion:g}" for block in stage.blocks]
            parts.append(" ".join([width, *extras, *blocks]))
        outer = {"head": self.head, "features": self.features}
        return " | ".join(parts + [f"{name} {size}" for name, size in outer.items() if size])


def hidden_channels(channels_in: int, expansion: float) -> int:
    """Channels inside a block: ``round(channels_in * expansion)``, at least 1.

    Not rounded up to multiples of 8 as Once-for-All does; there, widths are multiples of 8 and
    expansions whole, so that both give the same.
    """
    return max(1, round(channels_in * expansion))


def _stage_fields(stage: Stage) -> dict[str, Any]:
    return {
        "width": stage.width,
        "stride": stage.stride,
        "activation": stage.activation,
        "squeeze_excite": stage.squeeze_excite,
        "blocks": [[block.kernel, block.expansion] for block in stage.blocks],
    }


def _stage(fields: dict[str, Any]) -> Stage:
    blocks = tuple(Block(kernel, expansion) for kernel, expansion in fields["blocks"])
    names = ("width", "stride", "activation", "squeeze_excite")
    return Stage(blocks=blocks, **{name: fields[name] for name in names})


def subnet_faults(subnet: object) -> list[str]:
    """Why nothing can be built from ``subnet``: one sentence a fault, with its place; else []."""
    if not isinstance(subnet, Subnet):
        return [f"Expected a Subnet, got a {type(subnet).__name__}."]
    found = _count_faults("stem", subnet.stem, 1)
    found += _stride_faults("stem_stride", subnet.stem_stride)
    found += _activation_faults("activation", subnet.activation)
    found += _count_faults("head", subnet.head, 0)
    found += _count_faults("features", subnet.features, 0)
    if not isinstance(subnet.stages, tuple) or not subnet.stages:
        return [*found, f"stages must be a tuple of at least one Stage, got {subnet.stages!r}."]
    for number, stage in enumerate(subnet.stages, start=1):
        found += _stage_faults(f"stage {number}", stage)
    return found


def _stage_faults(place: str, stage: object) -> list[str]:
    if not isinstance(stage, Stage):
        return [f"{place} must be a Stage, got a {type(stage).__name__}."]
    found = _count_faults(f"{place}: width", stage.width, 1)
    found += _stride_faults(f"{place}: stride", stage.stride)
    found += _activation_faults(f"{place}: activation", stage.activation)
    if not isinstance(stage.squeeze_excite, bool):
        found.append(
            f"{place}: squeeze_excite must be True or False, got {stage.squeeze_excite!r}."
        )
    if not isinstance(stage.blocks, tuple) or not stage.blocks:
        found.append(
            f"{place}: blocks must be a tuple of at least one Block, got {stage.blocks!r}."
        )
        return found
    for number, block in enumerate(stage.blocks, start=1):
        here = f"{place} block {number}"
        if not isinstance(block, Block):
            found.append(f"{here} must be a Block, got a {type(block).__name__}.")
            continue
        if type(block.kernel) is not int or block.kernel < 1 or block.kernel % 2 == 0:
            found.append(f"{here}: kernel must be an odd positive integer, got {block.kernel!r}.")
        if type(block.expansion) not in (int, float) or not 1 <= block.expansion < math.inf:
            found.append(f"{here}: expansion must be a number from 1 on, got {block.expansion!r}.")
    return found


def _count_faults(what: str, value: object, low: int) -> list[str]:
    if type(value) is int and value >= low:
        return []
    wanted = "a positive integer" if low else "an integer from 0 on"
    return [f"{what} must be {wanted}, got {value!r}."]


def _stride_faults(what: str, value: object) -> list[str]:
    return (
        [] if type(value) is int and value in (1, 2) else [f"{what} must be 1 or 2, got {value!r}."]
    )


def _activation_faults(what: str, value: object) -> list[str]:
    if isinstance(value, str) and value in ACTIVATIONS:
        return []
    return [f"{what}: unknown activation {value!r}{nearest(str(value), ACTIVATIONS)}"]
