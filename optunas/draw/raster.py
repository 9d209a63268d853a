"""SVG to PNG, for the drawings of optunas itself: no system package, Pillow alone.

The subset of SVG is what the drawings are made of. Anything outside it is refused, so that a PNG
never lacks a part of its drawing.
"""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, replace

from optunas.draw.raster_ink import Paint, Shape, Words, paint_all
from optunas.draw.raster_path import Polyline, circle, polylines, rounded_rectangle
from optunas.errors import InvalidSpecError

__all__ = ["svg_to_png"]

_SVG = "{http://www.w3.org/2000/svg}"
_PAINT = (
    *("fill", "stroke", "stroke-width", "stroke-opacity", "fill-opacity", "opacity"),
    *("stroke-dasharray", "stroke-linejoin", "transform"),
)
_KNOWN = {
    "svg": ("width", "height", "viewBox", "role", "font-family"),
    "title": (),
    "g": _PAINT,
    "rect": (*_PAINT, "x", "y", "width", "height", "rx"),
    "path": (*_PAINT, "d"),
    "circle": (*_PAINT, "cx", "cy", "r"),
    "line": (*_PAINT, "x1", "y1", "x2", "y2"),
    "polygon": (*_PAINT, "points"),
    "text": (
        *("x", "y", "font-size", "font-weight", "text-anchor"),
        *("fill", "opacity", "transform"),
    ),
    "linearGradient": ("id", "x1", "y1", "x2", "y2"),
    "stop": ("offset", "stop-color"),
}
"""Element -> its attributes."""

_MOST_PIXELS = 120_000_000
_TRANSFORM = re.compile(r"\s*(translate|rotate|scale)\s*\(([^)]*)\)\s*")

Matrix = tuple[float, float, float, float, float, float]


def svg_to_png(svg_text: str, scale: float = 2.0) -> bytes:
    """A drawing of optunas as PNG bytes, ``scale`` pixels for each of its units.

    Words are set in Pillow's built-in font; what it lacks is written with what it has.

    Raises:
        InvalidSpecError: for a scale that is not positive or makes the picture too large, text that
            is no SVG, and an element or attribute that optunas does not write.
    """
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < math.inf:
        raise InvalidSpecError(f"svg_to_png: scale must be a positive number, got {scale!r}.")
    try:
        root = ET.fromstring(svg_text)
    except ET.ParseError as error:
        raise InvalidSpecError(f"svg_to_png: the text is no SVG: {error}.") from None
    if root.tag != f"{_SVG}svg":
        raise InvalidSpecError(f"svg_to_png: expected an <svg> element, got <{root.tag}>.")
    width, height = _number(root, "width"), _number(root, "height")
    columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    if columns * rows > _MOST_PIXELS:
        most = math.floor((_MOST_PIXELS / (width * height)) ** 0.5 * 100) / 100
        raise InvalidSpecError(
            f"svg_to_png: scale {scale:g} makes a picture of {columns} × {rows} pixels; "
            f"take at most {most:g}, or the SVG."
        )
    finer = next((n for n in (4, 3, 2) if scale * n <= 8), 2)
    reader = _Reader()
    reader.read(root, _Style(matrix=(scale * finer, 0, 0, scale * finer, 0, 0)))
    picture = paint_all(reader.items, columns, rows, finer, (255, 255, 255))
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


@dataclass(frozen=True)
class _Style:
    """What an element inherits, and where its coordinates lie in the picture."""

    matrix: Matrix
    fill: str = "#000000"
    stroke: str = "none"
    width: float = 1.0
    opacity: float = 1.0
    dash: str = ""

    def at(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.matrix
        return a * x + c * y + e, b * x + d * y + f

    @property
    def zoom(self) -> float:
        a, b, *_ = self.matrix
        return math.hypot(a, b)

    def inside(self, given: Mapping[str, str]) -> _Style:
        """The style of an element with these attributes."""
        return replace(
            self,
            matrix=_transformed(self.matrix, given.get("transform", "")),
            fill=given.get("fill", self.fill),
            stroke=given.get("stroke", self.stroke),
            width=float(given.get("stroke-width", self.width)),
            opacity=self.opacity * float(given.get("opacity", 1.0)),
            dash=given.get("stroke-dasharray", self.dash),
        )


class _Reader:
    """Collects what is to be painted, in order."""

    def __init__(self) -> None:
        self.items: list[Shape | Words] = []
        self.ramps: dict[str, tuple[tuple[float, tuple[int, int, int]], ...]] = {}

    def read(self, element: ET.Element, style: _Style) -> None:
        kind = element.tag.removeprefix(_SVG)
        _check(element, kind)
        style = style.inside(element.attrib)
        if kind in ("svg", "g"):
            for child in element:
                self.read(child, style)
        elif kind == "text":
            self._text(element, style)
        elif kind == "linearGradient":
            self._gradient(element)
        elif kind != "title":
            self._shape(element, kind, style)

    def _shape(self, element: ET.Element, kind: str, style: _Style) -> None:
        lines = [
            ([style.at(x, y) for x, y in line], closed) for line, closed in _lines(element, kind)
        ]
        if not lines:
            return
        given = element.attrib
        fill = self._paint(style.fill, style.opacity * float(given.get("fill-opacity", 1.0)))
        stroke = self._paint(style.stroke, style.opacity * float(given.get("stroke-opacity", 1.0)))
        dash = tuple(float(n) * style.zoom for n in re.split(r"[\s,]+", style.dash) if n)
        if fill is not None or stroke is not None:
            self.items.append(Shape(lines, fill, stroke, style.width * style.zoom, dash))

    def _paint(self, name: str, opacity: float) -> Paint | None:
        if name == "none":
            return None
        if name.startswith("url(#"):
            ramp = self.ramps.get(name[5:-1])
            if ramp is None:
                raise InvalidSpecError(f"svg_to_png: there is no gradient {name!r}.")
            return Paint(ramp[0][1], opacity, ramp)
        return Paint(_colour(name), opacity)

    def _gradient(self, element: ET.Element) -> None:
        if [element.get(key) for key in ("x1", "y1", "x2", "y2")] != ["0", "0", "0", "1"]:
            raise InvalidSpecError("svg_to_png: a gradient must run from the top to the bottom.")
        stops = []
        for stop in element:
            _check(stop, stop.tag.removeprefix(_SVG))
            stops.append((_number(stop, "offset"), _colour(stop.get("stop-color", "#000000"))))
        self.ramps[element.get("id", "")] = tuple(stops)

    def _text(self, element: ET.Element, style: _Style) -> None:
        x, y = style.at(_number(element, "x"), _number(element, "y"))
        a, b, *_ = style.matrix
        paint = self._paint(style.fill, style.opacity)
        if paint is not None and element.text:
            self.items.append(
                Words(
                    x,
                    y,
                    element.text,
                    _number(element, "font-size") * style.zoom,
                    paint,
                    element.get("text-anchor", "start"),
                    element.get("font-weight") == "600",
                    math.degrees(math.atan2(b, a)),
                )
            )


def _check(element: ET.Element, kind: str) -> None:
    if kind not in _KNOWN:
        raise InvalidSpecError(
            f"svg_to_png knows no element <{kind}>; a drawing is made of {', '.join(_KNOWN)}."
        )
    if len(element) and kind not in ("svg", "g", "linearGradient"):
        inner = element[0].tag.removeprefix(_SVG)
        raise InvalidSpecError(f"svg_to_png knows no <{inner}> inside <{kind}>.")
    unknown = sorted(set(element.attrib) - set(_KNOWN[kind]))
    if unknown:
        raise InvalidSpecError(f"svg_to_png knows no attribute {unknown[0]!r} of <{kind}>.")
    for name, allowed in (("font-weight", ("600",)), ("stroke-linejoin", ("round",))):
        if element.get(name, allowed[0]) not in allowed:
            raise InvalidSpecError(f"svg_to_png: {name} must be {allowed[0]} in <{kind}>.")
    if element.get("text-anchor", "start") not in ("start", "middle", "end"):
        raise InvalidSpecError("svg_to_png: text-anchor must be start, middle or end.")


def _lines(element: ET.Element, kind: str) -> list[tuple[Polyline, bool]]:
    if kind == "path":
        return polylines(element.get("d", ""))
    if kind == "circle":
        return circle(*(_number(element, name) for name in ("cx", "cy", "r")))
    if kind == "rect":
        x, y, width, height = (_number(element, n) for n in ("x", "y", "width", "height"))
        return rounded_rectangle(x, y, width, height, _number(element, "rx"))
    if kind == "line":
        x1, y1, x2, y2 = (_number(element, name) for name in ("x1", "y1", "x2", "y2"))
        return [([(x1, y1), (x2, y2)], False)]
    return polylines(f"M{element.get('points', '')}Z")


def _number(element: ET.Element, name: str) -> float:
    given = element.get(name, "0")
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        kind = element.tag.removeprefix(_SVG)
        raise InvalidSpecError(f"svg_to_png: {name} of <{kind}> must be a number, got {given!r}.")
    return value


def _colour(name: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", name.lower())
    if match is None:
        raise InvalidSpecError(f"svg_to_png: a colour is written '#rrggbb', got {name!r}.")
    red, green, blue = (int(pair, 16) for pair in match.groups())
    return red, green, blue


def _transformed(matrix: Matrix, text: str) -> Matrix:
    position = 0
    while position < len(text):
        match = _TRANSFORM.match(text, position)
        if match is None:
            raise InvalidSpecError(
                f"svg_to_png: a transform is translate, rotate or scale, got {text!r}."
            )
        numbers = [float(n) for n in re.split(r"[\s,]+", match.group(2).strip()) if n]
        matrix = _times(matrix, _matrix(match.group(1), numbers))
        position = match.end()
    return matrix


def _matrix(verb: str, numbers: list[float]) -> Matrix:
    if verb == "translate":
        x, y = [*numbers, 0.0][:2]
        return 1, 0, 0, 1, x, y
    if verb == "scale":
        return numbers[0], 0, 0, numbers[-1], 0, 0
    angle, x, y = [*numbers, 0.0, 0.0][:3]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y


def _times(m: Matrix, n: Matrix) -> Matrix:
    a, b, c, d, e, f = m
    return (
        a * n[0] + c * n[1],
        b * n[0] + d * n[1],
        a * n[2] + c * n[3],
        b * n[2] + d * n[3],
        a * n[4] + c * n[5] + e,
        b * n[4] + d * n[5] + f,
    )
