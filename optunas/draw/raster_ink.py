"""Shapes and words in pixels, drawn with Pillow: what a PNG is put together from."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from optunas.draw.raster_path import Polyline, dashes
from optunas.draw.svg import BOLDER, text_width

if TYPE_CHECKING:
    from PIL import ImageFont
    from PIL.Image import Image

__all__ = ["Paint", "Shape", "Words", "paint_all", "printable"]

Colour = tuple[int, int, int]

STRIP = 256
"""Rows of the finished picture that are drawn at a time, so that memory stays small."""

_ALIKE = {
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "÷": "/",
    "→": ">",
    "‖": "||",
    "’": "'",
    "ß": "ss",
}


@dataclass(frozen=True)
class Paint:
    """A colour with its opacity in [0, 1], or the colours of a gradient from top to bottom."""

    colour: Colour
    opacity: float = 1.0
    ramp: tuple[tuple[float, Colour], ...] = ()


@dataclass(frozen=True)
class Shape:
    """Filled and stroked polylines; ``width`` of the stroke and ``dash`` are in pixels."""

    lines: Sequence[tuple[Polyline, bool]]
    fill: Paint | None
    stroke: Paint | None
    width: float
    dash: tuple[float, ...] = ()

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of all that is painted."""
        points = [point for line, _ in self.lines for point in line]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        room = self.width + 2
        return (
            int(min(xs) - room),
            int(min(ys) - room),
            int(max(xs) + room) + 1,
            int(max(ys) + room) + 1,
        )


@dataclass(frozen=True)
class Words:
    """Text at a baseline point; ``turn`` in degrees, clockwise, as in SVG."""

    x: float
    y: float
    value: str
    size: float
    paint: Paint
    anchor: str = "start"
    bold: bool = False
    turn: float = 0.0

    def box(self) -> tuple[int, int, int, int]:
        """A square that holds the text at any turn."""
        reach = int(text_width(self.value, self.size) * 1.2 + 2 * self.size) + 2
        return int(self.x) - reach, int(self.y) - reach, int(self.x) + reach, int(self.y) + reach


def paint_all(
    items: Sequence[Shape | Words], width: int, height: int, finer: int, background: Colour
) -> Image:
    """Draw all items, in order, ``finer`` times as large as the picture returned."""
    from PIL import Image

    picture = Image.new("RGB", (width, height), background)
    boxes = [item.box() for item in items]
    for top in range(0, height, STRIP):
        rows = min(STRIP, height - top)
        strip = Image.new("RGB", (width * finer, rows * finer), background)
        for item, (_, upper, _, lower) in zip(items, boxes, strict=True):
            if lower < top * finer or upper > (top + rows) * finer:
                continue
            if isinstance(item, Shape):
                _shape(strip, item, top * finer)
            else:
                _words(strip, item, top * finer)
        picture.paste(strip.reduce(finer), (0, top))
    return picture


def _shape(strip: Image, shape: Shape, top: int) -> None:
    lines = [([(x, y - top) for x, y in line], closed) for line, closed in shape.lines]
    if shape.fill is not None:
        for line, _ in lines:
            if len(line) > 2:
                _with(strip, shape.fill, _bounds(line, 2), "polygon", line, 0)
    if shape.stroke is None or shape.width <= 0:
        return
    for line, closed in lines:
        # Past the start again, so that the last corner of a closed line is joined as well.
        whole = [*line, *line[:2]] if closed else line
        pieces = dashes(line, closed, list(shape.dash)) if shape.dash else [whole]
        for piece in pieces:
            if len(piece) > 1:
                width = max(round(shape.width), 1)
                _with(strip, shape.stroke, _bounds(piece, width + 2), "line", piece, width)


def _bounds(line: Polyline, room: int) -> tuple[int, int, int, int]:
    xs, ys = [x for x, _ in line], [y for _, y in line]
    return (
        int(min(xs)) - room,
        int(min(ys)) - room,
        int(max(xs)) + room + 1,
        int(max(ys)) + room + 1,
    )


def _with(
    strip: Image,
    paint: Paint,
    bounds: tuple[int, int, int, int],
    verb: str,
    line: Polyline,
    width: int,
) -> None:
    """Draw a polygon or a line: at once when it is opaque, else through a mask."""
    from PIL import Image, ImageDraw

    options: dict[str, Any] = {} if verb == "polygon" else {"width": width, "joint": "curve"}
    if paint.opacity >= 1 and not paint.ramp:
        getattr(ImageDraw.Draw(strip), verb)(line, fill=paint.colour, **options)
        return
    left, upper = max(bounds[0], 0), max(bounds[1], 0)
    right, lower = min(bounds[2], strip.width), min(bounds[3], strip.height)
    if right <= left or lower <= upper:
        return
    mask = Image.new("L", (right - left, lower - upper), 0)
    moved = [(x - left, y - upper) for x, y in line]
    getattr(ImageDraw.Draw(mask), verb)(moved, fill=round(255 * paint.opacity), **options)
    if paint.ramp:
        colours = _ramp(paint.ramp, min(y for _, y in line), max(y for _, y in line), upper, mask)
        strip.paste(colours, (left, upper), mask)
    else:
        strip.paste(paint.colour, (left, upper, right, lower), mask)


def _ramp(
    stops: Sequence[tuple[float, Colour]], first: float, last: float, upper: int, mask: Image
) -> Image:
    """A picture of the mask's size, coloured by height between ``first`` and ``last``."""
    from PIL import Image, ImageDraw

    colours = Image.new("RGB", mask.size)
    draw = ImageDraw.Draw(colours)
    for row in range(mask.height):
        share = (row + upper - first) / max(last - first, 1e-9)
        draw.line([(0, row), (mask.width, row)], fill=_between(stops, share))
    return colours


def _between(stops: Sequence[tuple[float, Colour]], share: float) -> Colour:
    if share <= stops[0][0]:
        return stops[0][1]
    for (low, a), (high, b) in itertools.pairwise(stops):
        if share <= high:
            part = (share - low) / max(high - low, 1e-9)
            red, green, blue = (round(p + (q - p) * part) for p, q in zip(a, b, strict=True))
            return red, green, blue
    return stops[-1][1]


def _words(strip: Image, words: Words, top: int) -> None:
    from PIL import Image, ImageDraw

    value = printable(words.value)
    if not value.strip():
        return
    # The built-in font may run wider than the room that the layout kept.
    room = text_width(words.value, words.size) * (BOLDER if words.bold else 1.0)
    size = max(words.size, 1.0)
    long = _font(size).getlength(value)
    font = _font(max(size * min(1.0, room / long), 1.0))
    stroke = max(round(size * 0.022), 1) if words.bold else 0
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[words.anchor]
    x, y = words.x, words.y - top
    if not words.turn and words.paint.opacity >= 1:
        ImageDraw.Draw(strip).text(
            (x, y), value, words.paint.colour, font, anchor, stroke_width=stroke
        )
        return
    reach = int(max(font.getlength(value), size)) + 8
    mask = Image.new("L", (2 * reach, 2 * reach), 0)
    shade = round(255 * words.paint.opacity)
    ImageDraw.Draw(mask).text((reach, reach), value, shade, font, anchor, stroke_width=stroke)
    if words.turn:
        mask = mask.rotate(-words.turn, resample=Image.Resampling.BICUBIC)
    left, upper = round(x) - reach, round(y) - reach
    strip.paste(words.paint.colour, (left, upper, left + mask.width, upper + mask.height), mask)


@lru_cache(maxsize=128)
def _font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font, which needs no file on the machine."""
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@lru_cache(maxsize=4096)
def _has(char: str) -> bool:
    """Whether the font has a glyph, and not the box that stands for a missing one."""
    font = _font(32.0)
    missing, found = font.getmask("\ufffe"), font.getmask(char)
    return char == " " or found.size != missing.size or bytes(found) != bytes(missing)


@lru_cache(maxsize=4096)
def printable(value: str) -> str:
    """``value`` in characters that the font has: ``3x3`` for ``3×3``, ``e`` for ``é``, else ``?``.

    >>> printable("sep 3×3, k − 1")
    'sep 3x3, k - 1'
    """
    found = []
    for char in value:
        if _has(char):
            found.append(char)
            continue
        plain = _ALIKE.get(char) or unicodedata.normalize("NFKD", char)
        kept = "".join(c for c in plain if not unicodedata.combining(c) and c.isprintable())
        found.append(kept if kept and all(map(_has, kept)) else "?")
    return "".join(found)
