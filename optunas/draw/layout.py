"""A layered left-to-right layout: columns are ordered, then spread without overlap.

After Sugiyama, Tagawa and Toda 1981 (layers, barycentre sweeps); the heights then solve, column by
column, a least-squares problem under minimum distances, which is isotonic regression.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["place"]

Neighbours = list[list[tuple[int, float]]]


def place(
    layers: list[list[int]],
    heights: Sequence[float],
    links: Sequence[tuple[int, int, float]],
    runs: Sequence[Sequence[int]] = (),
) -> list[float]:
    """Return the vertical centre of every item.

    Args:
        layers: the items (0 .. n-1) of each column, in an initial order; reordered in place.
        heights: vertical room of each item, padding included.
        links: (left item, right item, straightness weight) between neighbouring columns.
        runs: items of consecutive columns that should stand at one height where there is room.
    """
    left: Neighbours = [[] for _ in heights]
    right: Neighbours = [[] for _ in heights]
    for a, b, weight in links:
        right[a].append((b, weight))
        left[b].append((a, weight))
    _order(layers, left, right)
    at = _spread(layers, heights, left, right)
    _straighten(layers, heights, runs, at)
    return at


def _order(layers: list[list[int]], left: Neighbours, right: Neighbours) -> None:
    """Barycentre sweeps both ways; the order with the fewest crossings stays."""
    rank = [0.0] * len(left)
    for layer in layers:
        _rank(layer, rank)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, right, rank)
    for sweep in range(6):
        if not fewest:
            break
        forward = sweep % 2 == 0
        side = left if forward else right
        for layer in layers if forward else reversed(layers):
            layer.sort(key=lambda item: _centre(side[item], rank, rank[item]))
            _rank(layer, rank)
        crossings = _crossings(layers, right, rank)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _rank(layer: list[int], rank: list[float]) -> None:
    """Positions centred on zero, so that short and long columns agree on their middle."""
    middle = (len(layer) - 1) / 2
    for position, item in enumerate(layer):
        rank[item] = position - middle


def _centre(neighbours: list[tuple[int, float]], at: Sequence[float], default: float) -> float:
    if not neighbours:
        return default
    if len(neighbours) == 1:
        return at[neighbours[0][0]]
    return sum(at[item] for item, _ in neighbours) / len(neighbours)


def _crossings(layers: list[list[int]], right: Neighbours, rank: list[float]) -> int:
    """Pairs of links that cross, counted as inversions."""
    total = 0
    for layer in layers:
        seen: list[float] = []
        for item in layer:
            ends = [rank[end] for end, _ in right[item]]
            for end in ends:
                total += len(seen) - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
    return total


def _spread(
    layers: list[list[int]], heights: Sequence[float], left: Neighbours, right: Neighbours
) -> list[float]:
    at = [0.0] * len(heights)
    for layer in layers:
        y = -sum(heights[item] for item in layer) / 2
        for item in layer:
            at[item] = y + heights[item] / 2
            y += heights[item]
    both = [a + b for a, b in zip(left, right, strict=True)]
    for sweep, side in enumerate((left, right, both, both, both, both)):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(layer, heights, side, at)
    return at


def _settle(layer: list[int], heights: Sequence[float], side: Neighbours, at: list[float]) -> None:
    """Move one column as near to its neighbours' heights as the minimum distances let it.

    Pool adjacent violators: neighbouring items that want to overlap move as one block.
    """
    blocks: list[list[float]] = []  # [weighted target, weight, number of items]
    offset, offsets = 0.0, []
    for position, item in enumerate(layer):
        if position:
            offset += (heights[layer[position - 1]] + heights[item]) / 2
        offsets.append(offset)
        weight = target = 0.0
        for other, w in side[item]:
            weight += w
            target += w * at[other]
        if not weight:
            weight, target = 0.01, 0.01 * at[item]
        blocks.append([target - weight * offset, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            for field in range(3):
                blocks[-1][field] += last[field]
    position = 0
    for target, weight, count in blocks:
        for _ in range(int(count)):
            at[layer[position]] = target / weight + offsets[position]
            position += 1


def _straighten(
    layers: list[list[int]],
    heights: Sequence[float],
    runs: Sequence[Sequence[int]],
    at: list[float],
) -> None:
    """Level each run, or its longest stretches, between the neighbours above and below."""
    above, below = [-1] * len(at), [-1] * len(at)
    for layer in layers:
        for upper, lower in pairwise(layer):
            below[upper], above[lower] = lower, upper

    def room(item: int) -> tuple[float, float]:
        up, down = above[item], below[item]
        low = at[up] + (heights[up] + heights[item]) / 2 if up >= 0 else float("-inf")
        high = at[down] - (heights[down] + heights[item]) / 2 if down >= 0 else float("inf")
        return low, high

    for run in runs:
        start = 0
        while start < len(run):
            low, high = room(run[start])
            end = start + 1
            while end < len(run):
                next_low, next_high = room(run[end])
                if max(low, next_low) > min(high, next_high):
                    break
                low, high = max(low, next_low), min(high, next_high)
                end += 1
            mean = sum(at[item] for item in run[start:end]) / (end - start)
            for item in run[start:end]:
                at[item] = max(low, min(high, mean))
            start = end
