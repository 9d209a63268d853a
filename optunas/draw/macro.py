"""A macro network: a row of layers, skip connections as arcs above, then the dense part."""

from __future__ import annotations

from optunas.draw.blocks import Item, block, input_item, output_item
from optunas.draw.families import DENSE, ZERO, Family, layer_family, layer_label
from optunas.draw.picture import Picture
from optunas.draw.rows import in_rows
from optunas.space.macro import Dense, Layer, Macro

__all__ = ["live_layers", "macro_picture"]

LIMIT = 1080.0
"""Width at which a row of layers is wrapped."""

_JOINS = {"add": "+", "concat": "concat"}
_TALL = 64.0


def macro_picture(macro: Macro) -> Picture:
    """The picture of a macro network; layers that nothing passes to the output are faint."""
    zeros = _zeros(macro)
    live = live_layers(macro)
    kinds: set[Family] = set()
    items = [input_item(0 in live)]
    for number, layer in enumerate(macro.layers, start=1):
        kind = ZERO if layer.operation in zeros else layer_family(layer.operation)
        kinds.add(kind)
        items.append(_layer(layer, number, kind, number in live))
    connected = len(macro.layers) in live
    items += _head(macro, connected)
    if macro.dense:
        kinds.add(DENSE)
    width, height, parts = in_rows(items, LIMIT)
    return Picture(width, height, parts, kinds, _notes(macro, live))


def live_layers(macro: Macro) -> set[int]:
    """The nodes (0 is the input) on a way from the input to the last layer's output."""
    zeros, count = _zeros(macro), len(macro.layers)
    inputs = {
        number: {number - 1, *_skips(layer)} if layer.operation not in zeros else set()
        for number, layer in enumerate(macro.layers, start=1)
    }
    reached, useful = {0}, {count}
    for number in range(1, count + 1):
        if inputs[number] & reached:
            reached.add(number)
    for number in range(count, 0, -1):
        if number in useful:
            useful |= inputs[number]
    return reached & useful


def _zeros(macro: Macro) -> frozenset[str]:
    return frozenset({"zero"} | {op.name for op in macro.operations if op.zero})


def _skips(layer: Layer) -> tuple[int, ...]:
    return () if layer.join == "sequential" else tuple(dict.fromkeys(layer.skips))


def _layer(layer: Layer, number: int, kind: Family, live: bool) -> Item:
    lines = [layer_label(layer.operation, layer.kernel)]
    size = [] if layer.filters is None else [f"{layer.filters} channels"]
    size += [f"stride {layer.stride}"] if layer.stride != 1 else []
    after = [n for n in (layer.norm, layer.activation) if n is not None and n != "none"]
    lines += size
    lines += [", ".join(after)] if after else []
    name = f"layer {number}: {layer}"
    item = block(lines, kind, live, (72.0, _TALL), name)
    item.caption = str(number)
    item.sources = _skips(layer)
    item.join = _JOINS.get(layer.join, layer.join) if item.sources else ""
    return item


def _head(macro: Macro, live: bool) -> list[Item]:
    """What makes a vector of feature maps, the dense layers, the output."""
    words = {"average": ["average", "pool"], "max": ["max", "pool"]}.get(
        macro.readout, [macro.readout]
    )
    flat = not macro.layers or macro.readout == "flatten"
    lines = ["flatten"] if flat else words
    readout = Family("readout", "#94a3b8", "#f8fafc", "#334155")
    items = [block(lines, readout, live, (44.0, 30.0))]
    items += [_dense(dense, number, live) for number, dense in enumerate(macro.dense, start=1)]
    return [*items, output_item(live)]


def _dense(dense: Dense, number: int, live: bool) -> Item:
    """A narrow block: units, norm, activation, dropout."""
    lines = [str(dense.units)]
    lines += [dense.norm] if dense.norm != "none" else []
    lines += [dense.activation]
    lines += [f"drop {dense.dropout:.2g}"] if dense.dropout else []
    item = block(lines, DENSE, live, (40.0, _TALL + 20), f"dense {number}: {dense}")
    item.caption = f"dense {number}"
    return item


def _notes(macro: Macro, live: set[int]) -> list[str]:
    if len(macro.layers) not in live:
        return ["no way from the input to the output"]
    dead = [str(n) for n in range(1, len(macro.layers) + 1) if n not in live]
    if not dead:
        return []
    if len(dead) == 1:
        return [f"layer {dead[0]} is on no way from the input to the output"]
    return [f"layers {', '.join(dead)} are on no way from the input to the output"]
