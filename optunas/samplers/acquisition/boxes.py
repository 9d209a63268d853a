"""The part of objective space that no point dominates, as disjoint boxes; all minimised."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from optunas.samplers.trials.seen import Floats

__all__ = ["free_boxes"]

Corner = tuple[float, ...]
Box = tuple[Corner, Corner]


def free_boxes(points: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Disjoint boxes that fill what lies below the reference and behind no point.

    Args:
        points: (n, k); those that are not below the reference everywhere cut nothing off.
        reference: (k,).

    Returns:
        Lower and upper corners, each (boxes, k); lower ones can be ``-inf``. About 2 n boxes in
        three dimensions: a box of k - 1 dimensions lasts through all levels of the last objective
        that leave it as it is.
    """
    reference = np.asarray(reference, dtype=float)
    inside = points[(points < reference).all(axis=1)] if len(points) else points
    rows = sorted({tuple(float(v) for v in row) for row in inside}, key=lambda row: row[::-1])
    found = _decompose(rows, tuple(float(v) for v in reference))
    shape = (-1, len(reference))
    lower = np.array([low for low, _ in found], dtype=float).reshape(shape)
    upper = np.array([high for _, high in found], dtype=float).reshape(shape)
    return lower, upper


def _decompose(rows: Sequence[Corner], reference: Corner) -> list[Box]:
    """``rows`` in ascending order of the last coordinate."""
    if len(reference) == 1:
        return [((-math.inf,), (min((row[0] for row in rows), default=reference[0]),))]
    if len(reference) == 2:
        return _staircase(rows, reference)
    levels = sorted({row[-1] for row in rows})
    begun: dict[Box, float] = dict.fromkeys(_decompose([], reference[:-1]), -math.inf)
    done: list[Box] = []
    active: list[Corner] = []
    at = 0
    for level in levels:
        while at < len(rows) and rows[at][-1] == level:
            active = _with(active, rows[at][:-1])
            at += 1
        now = _decompose(sorted(active, key=lambda row: row[-1]), reference[:-1])
        kept: dict[Box, float] = {box: begun.pop(box, level) for box in now}
        done += [_tall(box, start, level) for box, start in begun.items()]
        begun = kept
    return done + [_tall(box, start, reference[-1]) for box, start in begun.items()]


def _with(front: list[Corner], point: Corner) -> list[Corner]:
    if any(all(a <= b for a, b in zip(other, point, strict=True)) for other in front):
        return front
    kept = [o for o in front if not all(a <= b for a, b in zip(point, o, strict=True))]
    return [*kept, point]


def _tall(box: Box, start: float, end: float) -> Box:
    return (*box[0], start), (*box[1], end)


def _staircase(rows: Sequence[Corner], reference: Corner) -> list[Box]:
    """Columns between neighbouring points, from left to right."""
    found: list[Box] = []
    left, roof = -math.inf, reference[1]
    for x, y in sorted(rows):
        if y < roof:
            if x > left:
                found.append(((left, -math.inf), (x, roof)))
            left, roof = x, y
    return [*found, ((left, -math.inf), (reference[0], roof))]
