"""A sub-network of a Once-for-All space: a row for each stage, a block for each residual block.

The colour of a block is its kernel, its width grows with its expansion.
"""

from __future__ import annotations

from itertools import groupby

from optunas.draw.blocks import Item, block, input_item, output_item
from optunas.draw.families import DENSE, Family
from optunas.draw.picture import Picture
from optunas.draw.rows import in_rows
from optunas.space.subnet import Block, Stage, Subnet

__all__ = ["subnet_picture"]

LIMIT = 900.0
"""Width at which a stage's blocks are wrapped."""

_PLAIN = Family("convolution", "#64748b", "#f1f5f9", "#334155")
_POOL = Family("pool", "#94a3b8", "#f8fafc", "#334155")
_KERNELS = {
    1: Family("kernel 1×1", "#65a30d", "#ecfccb", "#3f6212"),
    3: Family("kernel 3×3", "#2563eb", "#dbeafe", "#1e40af"),
    5: Family("kernel 5×5", "#0f9d76", "#d1fae5", "#065f46"),
    7: Family("kernel 7×7", "#9333ea", "#f3e8ff", "#6b21a8"),
}
_LARGE = Family("larger kernel", "#d97706", "#fef3c7", "#92400e")


def subnet_picture(subnet: Subnet) -> Picture:
    """The picture of a sub-network: stem, stages, head."""
    items = [input_item(), _stem(subnet)]
    items[0].heading = ("stem", *_details(subnet.stem, subnet.stem_stride, subnet.activation))
    kinds: set[Family] = set()
    for number, stage in enumerate(subnet.stages, start=1):
        blocks = [_block(one, number, at) for at, one in enumerate(stage.blocks, start=1)]
        if blocks:
            blocks[0].heading = (f"stage {number}", *_stage_details(stage))
        items += blocks
        kinds |= {_kernel(one.kernel) for one in stage.blocks}
    items += _head(subnet)
    width, height, parts = in_rows(items, LIMIT)
    notes = [_summary(subnet)] if kinds else []
    return Picture(width, height, parts, kinds if len(kinds) > 1 else set(), notes)


def _details(width: int, stride: int, activation: str) -> tuple[str, ...]:
    return (f"{width} channels", *([f"stride {stride}"] if stride != 1 else []), activation)


def _stage_details(stage: Stage) -> tuple[str, ...]:
    excite = ", SE" if stage.squeeze_excite else ""
    stride = f", stride {stage.stride}" if stage.stride != 1 else ""
    return f"{stage.width} channels{stride}", f"{stage.activation}{excite}"


def _stem(subnet: Subnet) -> Item:
    lines = ["conv 3×3", f"{subnet.stem}"]
    return block(lines, _PLAIN, least=(64.0, 40.0), name=f"stem: {subnet.stem} channels")


def _block(one: Block, stage: int, at: int) -> Item:
    """Kernel and expansion; 8 pixels wider for each step of the expansion."""
    lines = [f"{one.kernel}×{one.kernel}", f"e {one.expansion:g}"]
    least = 34.0 + 8.0 * min(max(one.expansion, 0.0), 12.0)
    name = f"stage {stage}, block {at}: kernel {one.kernel}, expansion {one.expansion:g}"
    return block(lines, _kernel(one.kernel), least=(least, 40.0), name=name)


def _kernel(kernel: int) -> Family:
    return _KERNELS.get(kernel, _LARGE)


def _head(subnet: Subnet) -> list[Item]:
    """What comes after the stages, in a row of its own."""
    items = []
    if subnet.head:
        items.append(block(["conv 1×1", f"{subnet.head}"], _PLAIN, least=(64.0, 40.0)))
    items.append(block(["average", "pool"], _POOL, least=(56.0, 40.0)))
    if subnet.features:
        lines = [f"{subnet.features}", subnet.activation]
        name = f"linear layer of {subnet.features} units"
        items.append(block(lines, DENSE, least=(44.0, 60.0), name=name))
    units = [f"{subnet.head} channels"] if subnet.head else []
    units += [f"{subnet.features} features"] if subnet.features else []
    items[0].heading = ("head", *units)
    return [*items, output_item()]


def _summary(subnet: Subnet) -> str:
    """Depths of the stages in words, as the papers write them."""
    depths = [len(stage.blocks) for stage in subnet.stages]
    same = [depth for depth, _ in groupby(depths)]
    words = str(depths[0]) if len(same) == 1 else ", ".join(map(str, depths))
    each = " each" if len(same) == 1 and len(depths) > 1 else ""
    return f"depth {words}{each}; e: expansion of an inverted residual block"
