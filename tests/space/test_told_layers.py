"""Layers by hand, and the same description told to every reader of it."""

from __future__ import annotations

import pytest

from optunas.metrics.flow.builder import Builder
from optunas.metrics.flow.pieces import Piece
from optunas.metrics.predicted.effort import work_of
from optunas.space.layers import Tally
from optunas.space.operations import LAYERS


def test_layers_by_hand() -> None:
    net = Tally((6, 5, 4))
    x = net.conv(0, 9, kernel=3, stride=2, groups=3, bias=True)
    assert (net.shapes[x], net.params, net.macs) == ((9, 3, 2), 9 * 2 * 9 + 9, 9 * 2 * 9 * 6)
    assert net.activation(x, None) == x
    x = net.activation(net.norm(x, "group", 3), "gelu")
    assert net.params == 9 * 2 * 9 + 9 + 18
    maps = net.cat([x, net.pool(0, "max", factor=2)])
    assert net.shapes[maps] == (15, 3, 2)
    vector = net.read_out(maps, "flatten")
    assert (vector, net.shapes[vector]) == (maps, (90, 1, 1))
    before = net.params, net.macs
    vector = net.dropout(net.total([vector, vector, vector]))
    assert (net.params, net.macs) == before
    assert net.shapes[net.linear(vector, 4, bias=False)] == (4, 1, 1)
    assert (net.params - before[0], net.macs - before[1]) == (360, 360)


@pytest.mark.parametrize("size", [(1, 1), (7, 4)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", LAYERS)
def test_all_who_are_told_of_an_operation_agree(
    name: str, stride: int, size: tuple[int, int]
) -> None:
    def layers(net: Tally, channels: int) -> int:
        return LAYERS[name](net, 0, channels, stride)

    piece = Piece(layers, 6, ((6, *size),))
    segment, net = piece.segment, Tally(*piece.inputs)
    made = layers(net, 6)
    assert net.shapes[made] == (6, *(-(-side // stride) for side in size))
    assert piece.cost == (net.params, net.macs) == (segment.weights.params, segment.macs)
    builder = Builder(*piece.inputs)
    assert builder.splice(segment, (0,), net.shapes[made]) == made
    assert (builder.params, builder.macs) == piece.cost
    assert builder.done(made) == segment
    work = work_of(piece)
    assert work.macs == segment.macs
    running = [step for step in segment.steps if step.kind != "zeros"]
    assert work.steps == len(running)
    norms = 2 * 6 * sum(step.kind == "norm" for step in running)
    moved = sum(segment.sizes[t] for step in running for t in (*step.reads, step.writes))
    if all(step.kind != "pad" for step in running):  # a view of it is read, not all of it
        assert work.traffic == moved + segment.weights.params - norms
