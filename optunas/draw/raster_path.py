"""SVG path data as polylines: the commands that optunas's own drawings use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from optunas.errors import InvalidSpecError

__all__ = ["Point", "Polyline", "circle", "dashes", "polylines", "rounded_rectangle"]

Point = tuple[float, float]
Polyline = list[Point]

_TOKEN = re.compile(r"\s*,?\s*([A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}
_STEPS = 16
"""Straight pieces of a curve; at the sizes of a drawing the corners cannot be seen."""


def polylines(data: str) -> list[tuple[Polyline, bool]]:
    """The path's pieces, each with whether it is closed.

    Commands ``M L H V C Q Z`` in both cases, repeated arguments included.

    Raises:
        InvalidSpecError: for another command, or numbers that do not fit it.
    """
    found: list[tuple[Polyline, bool]] = []
    at: Point = (0.0, 0.0)
    line: Polyline = []
    for command, numbers in _commands(data):
        kind = command.upper()
        origin = at if command.islower() else (0.0, 0.0)
        if kind == "Z":
            if line:
                found.append((line, True))
                at = line[0]
            line = []
            continue
        if kind == "M":
            if len(line) > 1:
                found.append((line, False))
            line = []
        if not line:
            line = [at] if kind != "M" else []
        at = _draw(kind, numbers, origin, at, line)
    if len(line) > 1:
        found.append((line, False))
    return found


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    tokens = _tokens(data)
    position, command = 0, ""
    while position < len(tokens):
        if tokens[position].isalpha():
            command, position = tokens[position], position + 1
        elif command.upper() == "M":  # further pairs after a move are lines
            command = "l" if command == "m" else "L"
        count = _ARGUMENTS.get(command.upper(), -1)
        numbers = tokens[position : position + count] if count > 0 else []
        if count < 0 or len(numbers) < count or any(n.isalpha() for n in numbers):
            known = " ".join(_ARGUMENTS)
            raise InvalidSpecError(
                f"The path {data[:60]!r} has a command {command!r} that cannot be drawn; "
                f"a PNG is made of {known} with their numbers."
            )
        if count == 0 and position < len(tokens) and not tokens[position].isalpha():
            raise InvalidSpecError(f"The path {data[:60]!r} has numbers after {command!r}.")
        position += count
        yield command, [float(n) for n in numbers]


def _tokens(data: str) -> list[str]:
    tokens, position = [], 0
    data = data.strip()
    while position < len(data):
        match = _TOKEN.match(data, position)
        if match is None:
            raise InvalidSpecError(f"The path {data[:60]!r} cannot be read at {data[position:]!r}.")
        tokens.append(match.group(1))
        position = match.end()
    return tokens


def _draw(kind: str, numbers: list[float], origin: Point, at: Point, line: Polyline) -> Point:
    """Append one command's points to ``line``; return where it ends."""
    if kind == "H":
        line.append((origin[0] + numbers[0], at[1]))
        return line[-1]
    if kind == "V":
        line.append((at[0], origin[1] + numbers[0]))
        return line[-1]
    points = [
        (origin[0] + x, origin[1] + y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    if kind in "CQ":
        control = [at, *points]
        line.extend(_bezier(control, step / _STEPS) for step in range(1, _STEPS + 1))
    else:
        line.extend(points)
    return points[-1]


def _bezier(points: list[Point], t: float) -> Point:
    """A point of a Bézier curve of any degree (de Casteljau)."""
    while len(points) > 1:
        points = [
            (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
            for a, b in itertools.pairwise(points)
        ]
    return points[0]


def rounded_rectangle(
    x: float, y: float, width: float, height: float, radius: float
) -> list[tuple[Polyline, bool]]:
    """A rectangle whose corners are quarter circles, as a closed polyline."""
    if width <= 0 or height <= 0:
        return []
    r = max(min(radius, width / 2, height / 2), 0.0)
    if not r:
        right, bottom = x + width, y + height
        return [([(x, y), (right, y), (right, bottom), (x, bottom)], True)]
    k = 0.4477 * r  # of a quarter circle, from its corner: 1 - 0.5523
    right, bottom = x + width, y + height
    return polylines(
        f"M{x + r} {y}H{right - r}C{right - k} {y} {right} {y + k} {right} {y + r}"
        f"V{bottom - r}C{right} {bottom - k} {right - k} {bottom} {right - r} {bottom}"
        f"H{x + r}C{x + k} {bottom} {x} {bottom - k} {x} {bottom - r}"
        f"V{y + r}C{x} {y + k} {x + k} {y} {x + r} {y}Z"
    )


def circle(x: float, y: float, radius: float) -> list[tuple[Polyline, bool]]:
    """A circle as a closed polyline."""
    return rounded_rectangle(x - radius, y - radius, 2 * radius, 2 * radius, radius)


def dashes(line: Polyline, closed: bool, lengths: list[float]) -> list[Polyline]:
    """The drawn pieces of a dashed line; ``lengths`` alternate between dash and gap."""
    points = [*line, line[0]] if closed else list(line)
    if not points or sum(lengths) <= 0:
        return [points]
    if len(lengths) % 2:
        lengths = lengths * 2
    found: list[Polyline] = []
    turn, left, piece = 0, lengths[0], [points[0]]
    for start, end in itertools.pairwise(points):
        length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
        done = 0.0
        while length - done > left:
            done += left
            share = done / length
            at = (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
            if turn % 2 == 0:
                found.append([*piece, at])
            piece, turn = [at], turn + 1
            left = lengths[turn % len(lengths)]
        left -= length - done
        piece.append(end)
    if turn % 2 == 0 and len(piece) > 1:
        found.append(piece)
    return found
