"""A drawing read back: where its words and boxes stand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from optunas.draw.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"


class Box(NamedTuple):
    """Left, top, right, bottom in the drawing's own coordinates, and the words if any."""

    left: float
    top: float
    right: float
    bottom: float
    words: str = ""

    def meets(self, other: Box, room: float = 0.0) -> bool:
        """Whether two boxes overlap by more than ``room``."""
        return (
            self.left + room < other.right
            and other.left + room < self.right
            and self.top + room < other.bottom
            and other.top + room < self.bottom
        )


def parse(svg: str) -> ET.Element:
    """The root of a well-formed drawing."""
    root = ET.fromstring(svg)
    assert root.tag == SVG + "svg"
    return root


def placed(svg: str) -> Iterator[tuple[ET.Element, float, float]]:
    """Every element with the sum of its groups' translations."""

    def walk(element: ET.Element, x: float, y: float) -> Iterator[tuple[ET.Element, float, float]]:
        move = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        if move:
            x, y = x + float(move[1]), y + float(move[2])
        yield element, x, y
        for child in element:
            yield from walk(child, x, y)

    return walk(parse(svg), 0.0, 0.0)


def words(svg: str) -> list[str]:
    """All visible words, in drawing order."""
    return [element.text or "" for element in parse(svg).iter(SVG + "text")]


def text_boxes(svg: str) -> list[Box]:
    """The estimated room of every text."""
    found = []
    for element, x, y in placed(svg):
        if element.tag != SVG + "text" or not (element.text or "").strip():
            continue
        value, size = element.text or "", float(element.get("font-size", 0))
        width = text_width(value, size)
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")]
        left, base = x + float(element.get("x", 0)) - share * width, y + float(element.get("y", 0))
        found.append(Box(left, base - 0.75 * size, left + width, base + 0.15 * size, value))
    return found


def rectangles(svg: str, rx: str) -> list[Box]:
    """The rectangles whose corners have this radius."""
    found = []
    for element, x, y in placed(svg):
        if element.tag == SVG + "rect" and element.get("rx") == rx:
            left, top = x + float(element.get("x", 0)), y + float(element.get("y", 0))
            width, height = float(element.get("width", 0)), float(element.get("height", 0))
            found.append(Box(left, top, left + width, top + height))
    return found


def size(svg: str) -> tuple[float, float]:
    """Width and height of the drawing."""
    root = parse(svg)
    return float(root.get("width", 0)), float(root.get("height", 0))


def check_room(svg: str) -> None:
    """No two texts overlap, no two blocks do, and all of them lie inside the drawing."""
    width, height = size(svg)
    texts = text_boxes(svg)
    blocks = [box for rx in ("8", "9", "10", "15") for box in rectangles(svg, rx)]
    blocks = [box for box in blocks if box.right - box.left < width - 1.5]  # not the background
    for boxes in (texts, blocks):
        for box in boxes:
            assert box.left >= 0, box
            assert box.top >= 0, box
            assert box.right <= width, box
            assert box.bottom <= height, box
    for a, b in combinations(texts, 2):
        assert not a.meets(b, 0.5), (a, b)
    for a, b in combinations(blocks, 2):
        inside = any(
            p.left <= q.left and q.right <= p.right and p.top <= q.top and q.bottom <= p.bottom
            for p, q in ((a, b), (b, a))
        )
        assert inside or not a.meets(b, 0.2), (a, b)
