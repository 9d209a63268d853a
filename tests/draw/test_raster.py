"""PNGs of drawings: all of the SVG that optunas writes, and nothing else."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from drawings import parse, rectangles, text_boxes
from hypothesis import given
from hypothesis import strategies as st
from networks import NETWORKS, SIX, A
from PIL import Image

from optunas.draw import (
    FrontPoint,
    curve_svg,
    front_svg,
    parameters_svg,
    svg_to_png,
    to_png,
    to_svg,
)
from optunas.draw.front import KINDS
from optunas.draw.raster_ink import printable
from optunas.draw.raster_path import circle, dashes, polylines, rounded_rectangle
from optunas.errors import InvalidArchitectureError, InvalidSpecError

POINTS = [FrontPoint(10.0**n, 0.5 + 0.05 * n, float(n), k, f"#{n}") for n, k in enumerate(KINDS)]
FLAT = [FrontPoint(10.0 * n, 0.5 + 0.05 * n) for n in range(5)]
CHARTS = {
    "front": front_svg(POINTS, "Front", "params", "accuracy", "latency_ms"),
    "front without a third metric": front_svg(FLAT, "Front", "params", "accuracy"),
    "no front": front_svg([], "Front"),
    "curve": curve_svg({"Trial 1": ([0, 1, 2, 3], [0.1, math.nan, 0.3, 0.4])}, "Curve"),
    "curves": curve_svg({f"trial {n}": ([0, 1], [0.1, 0.1 * n]) for n in range(12)}, "Curves"),
    "no curve": curve_svg({}, "Curve"),
    "table": parameters_svg({"lr": 0.1, "optimizer": "sgd"}, "Parameters"),
}


def opened(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    return picture.convert("RGB")


def svg(body: str, width: int = 40, height: int = 20) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'


def at(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    found = picture.getpixel((int(x), int(y)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("case", [*NETWORKS, *CHARTS])
def test_every_kind_of_drawing_becomes_a_png_of_its_size(case: str) -> None:
    text = CHARTS[case] if case in CHARTS else to_svg(NETWORKS[case], "Trial 3")
    picture = opened(svg_to_png(text, 0.75))
    root = parse(text)
    wanted = tuple(round(float(root.get(side, 0)) * 0.75) for side in ("width", "height"))
    assert picture.size == wanted
    colours = picture.getcolors(1 << 24) or []
    assert len(colours) > 20  # words in several colours, smoothed
    assert max(colours)[1] in {(255, 255, 255), (251, 252, 254)}  # the card, or a stack's panels


def test_colours_are_where_the_drawing_has_them() -> None:
    text = to_svg(SIX)
    picture = opened(svg_to_png(text, 2.0))
    first = rectangles(text, "8")[1]
    assert at(picture, 2 * first.left + 12, 2 * first.top + 8) == (0xDB, 0xEA, 0xFE)
    assert at(picture, 2 * first.left + 60, 2 * first.top) == (0x25, 0x63, 0xEB)
    output = rectangles(text, "15")[-1]
    assert at(picture, 2 * output.left + 8, output.top + output.bottom) == (0x33, 0x41, 0x55)
    assert at(picture, 1, 1) == (255, 255, 255)


@pytest.mark.parametrize("case", ["cell", "six layers", "joint"])
def test_every_text_leaves_ink_in_its_room(case: str) -> None:
    text = to_svg(NETWORKS[case])
    picture = opened(svg_to_png(text, 2.0))
    for box in text_boxes(text):
        room = picture.crop(tuple(round(2 * side) for side in box[:4]))
        assert len(room.getcolors(1 << 20) or []) > 3, box


def test_the_same_drawing_is_the_same_png() -> None:
    assert to_png(A, "Trial 1") == to_png(A, "Trial 1") == svg_to_png(to_svg(A, "Trial 1"))
    assert to_png(A, "Trial 1") != to_png(A, "Trial 2")


def test_a_picture_taller_than_a_strip_has_no_seam() -> None:
    picture = opened(svg_to_png(svg('<rect x="4" y="4" width="12" height="592" fill="#2563eb"/>',
                                    20, 600)))  # fmt: skip
    column = {at(picture, 20, y) for y in range(10, 1190)}
    assert column == {(0x25, 0x63, 0xEB)}


def test_shapes_are_painted_in_order_with_their_opacity() -> None:
    text = svg(
        '<rect x="0" y="0" width="40" height="20" fill="#000000"/>'
        '<g opacity="0.5"><rect x="0" y="0" width="20" height="20" fill="#ffffff"/></g>'
        '<circle cx="30" cy="10" r="5" fill="#ff0000" fill-opacity="0.5"/>'
    )
    picture = opened(svg_to_png(text, 1.0))
    assert at(picture, 5, 10) in {(127, 127, 127), (128, 128, 128)}
    assert at(picture, 30, 10)[0] in {127, 128}
    assert at(picture, 38, 2) == (0, 0, 0)


def test_groups_move_turn_and_scale() -> None:
    text = svg(
        '<g transform="translate(10 5) scale(2)"><rect x="1" y="1" width="4" height="2" '
        'fill="#00ff00"/></g><path d="M2 2h4v4h-4z" fill="#0000ff" transform="rotate(90 20 10)"/>'
    )
    picture = opened(svg_to_png(text, 1.0))
    assert at(picture, 13, 8) == at(picture, 19, 10) == (0, 255, 0)
    assert at(picture, 11, 8) == at(picture, 21, 10) == (255, 255, 255)
    # (4, 4) turned by 90 degrees clockwise around (20, 10) lies at (26, -6): outside.
    assert (0, 0, 255) not in {at(picture, x, y) for x in range(40) for y in range(20)}


def test_a_turned_text_stands_upright() -> None:
    turned = '<text x="10" y="50" font-size="12" fill="#000000" transform="rotate(-90 10 50)">'
    picture = opened(svg_to_png(svg(turned + "accuracy</text>", 60, 60), 2.0))
    dark = [(x, y) for x in range(120) for y in range(120) if at(picture, x, y)[0] < 128]
    wide = max(x for x, _ in dark) - min(x for x, _ in dark)
    tall = max(y for _, y in dark) - min(y for _, y in dark)
    assert tall > 4 * wide
    assert max(y for _, y in dark) <= 102


def test_gradients_run_down() -> None:
    text = svg(
        '<linearGradient id="ramp" x1="0" y1="0" x2="0" y2="1"><stop offset="0" '
        'stop-color="#000000"/><stop offset="1" stop-color="#ffffff"/></linearGradient>'
        '<rect x="0" y="0" width="40" height="20" fill="url(#ramp)"/>'
    )
    picture = opened(svg_to_png(text, 1.0))
    greys = [at(picture, 5, y)[0] for y in range(20)]
    assert greys == sorted(greys)
    assert greys[0] < 20
    assert greys[-1] > 235


def test_dashed_lines_have_gaps() -> None:
    text = svg('<path d="M0 10H40" stroke="#000000" stroke-width="4" stroke-dasharray="4 4"/>')
    picture = opened(svg_to_png(text, 1.0))
    row = [at(picture, x, 10)[0] < 128 for x in range(40)]
    assert row[:16] == [*[True] * 4, *[False] * 4] * 2


BAD = {
    "an element": ("<ellipse/>", "knows no element <ellipse>"),
    "an attribute": ('<rect x="0" filter="blur"/>', "no attribute 'filter' of <rect>"),
    "a style": ('<g style="opacity:0"/>', "no attribute 'style' of <g>"),
    "a command": ('<path d="M0 0A1 1 0 0 0 2 2"/>', "command 'A' that cannot be drawn"),
    "few numbers": ('<path d="M0 0C1 1 2 2"/>', "command 'C'"),
    "many numbers": ('<path d="M0 0z 3"/>', "numbers after 'z'"),
    "no command": ('<path d="0 0"/>', "command ''"),
    "no path": ('<path d="M0 0 ?"/>', "cannot be read"),
    "a transform": ('<g transform="skewX(3)"/>', "translate, rotate or scale"),
    "a colour": ('<rect x="0" fill="teal" width="3" height="3"/>', "'#rrggbb', got 'teal'"),
    "a number": ('<rect x="3%" width="3" height="3"/>', "x of <rect> must be a number, got '3%'"),
    "a weight": ('<text x="0" y="0" font-size="9" font-weight="900">a</text>', "must be 600"),
    "an anchor": ('<text x="0" y="0" font-size="9" text-anchor="left">a</text>', "text-anchor"),
    "a gradient": ('<rect x="0" fill="url(#no)" width="3" height="3"/>', "no gradient"),
    "its way": ('<linearGradient id="a" x1="0" y1="0" x2="1" y2="0"/>', "from the top"),
    "a stop": (
        '<linearGradient id="a" x1="0" y1="0" x2="0" y2="1"><rect rx="1" ry="1"/></linearGradient>',
        "no attribute 'ry' of <rect>",
    ),
    "half a text": (
        '<text x="0" y="0" font-size="9">a<tspan>b</tspan></text>',
        "<tspan> inside <text>",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_optunas_does_not_write_is_refused(case: str) -> None:
    body, message = BAD[case]
    with pytest.raises(InvalidSpecError, match=message.replace("(", r"\(")):
        svg_to_png(svg(body))


@pytest.mark.parametrize("text", ["", "<svg", "no drawing"])
def test_what_is_no_svg_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpecError, match="the text is no SVG"):
        svg_to_png(text)
    with pytest.raises(InvalidSpecError, match="expected an <svg> element, got <html>"):
        svg_to_png("<html/>")


@pytest.mark.parametrize("scale", [0, -1.0, math.nan, math.inf, True, "2", None])
def test_scales_that_make_no_picture(scale: Any) -> None:
    with pytest.raises(InvalidSpecError, match="scale must be a positive number, got"):
        to_png(A, scale=scale)


def test_a_picture_that_is_too_large_says_which_scale_is_not() -> None:
    with pytest.raises(InvalidSpecError, match=r"take at most \d+\.?\d*, or the SVG") as refusal:
        to_png(SIX, scale=200.0)
    most = float(str(refusal.value).split("at most ")[1].split(",")[0])
    assert 10 < most < 200


def test_other_things_have_no_png() -> None:
    with pytest.raises(InvalidArchitectureError, match="got dict"):
        to_png({"lr": 0.1})


def test_a_tiny_scale_still_makes_a_picture() -> None:
    assert opened(to_png(A, scale=0.001)).size == (1, 1)


def test_characters_that_the_font_lacks_are_written_with_what_it_has() -> None:
    assert printable("sep 3×3, k − 1 … ok · a–b") == "sep 3x3, k - 1 … ok · a-b"
    assert printable("naïve Größe 网络") == "naive Grosse ??"
    assert printable("é") == "e"
    assert printable("网") == "?"


PAIRS = st.tuples(st.floats(-99, 99), st.floats(-99, 99))


@given(st.lists(PAIRS, min_size=2, max_size=9), st.booleans())
def test_straight_paths_are_their_points(points: list[tuple[float, float]], closed: bool) -> None:
    data = "M" + "L".join(f"{x} {y}" for x, y in points) + ("z" if closed else "")
    ((line, is_closed),) = polylines(data)
    assert line == points
    assert is_closed == closed


def test_relative_commands_go_on_from_where_the_last_one_ended() -> None:
    assert polylines("M1 2l3 4h5v6H0V1") == [
        ([(1, 2), (4, 6), (9, 6), (9, 12), (0, 12), (0, 1)], False)
    ]
    assert polylines("m1 1 2 2zm5 5h1") == [([(1, 1), (3, 3)], True), ([(6, 6), (7, 6)], False)]
    assert polylines("M0 0L1 1 2 0-1-1.5.5 3") == [
        ([(0, 0), (1, 1), (2, 0), (-1, -1.5), (0.5, 3)], False)
    ]


@given(PAIRS, PAIRS, PAIRS)
def test_a_quadratic_curve_is_the_cubic_one_of_the_same_shape(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]
) -> None:
    up = [(p + 2 * (q - p) / 3, r + 2 * (s - r) / 3) for (p, r), (q, s) in ((a, b), (c, b))]
    start = f"M{a[0]} {a[1]}"
    ((quadratic, _),) = polylines(f"{start}Q{b[0]} {b[1]} {c[0]} {c[1]}")
    ((cubic, _),) = polylines(f"{start}C{up[0][0]} {up[0][1]} {up[1][0]} {up[1][1]} {c[0]} {c[1]}")
    for p, q in zip(quadratic, cubic, strict=True):
        assert p == pytest.approx(q, abs=1e-9)


def test_a_circle_is_round() -> None:
    ((line, closed),) = circle(3.0, 4.0, 5.0)
    assert closed
    for x, y in line:
        assert math.hypot(x - 3, y - 4) == pytest.approx(5.0, rel=1e-3)
    ((square, _),) = rounded_rectangle(0, 0, 2, 2, 0)
    assert square == [(0, 0), (2, 0), (2, 2), (0, 2)]
    assert rounded_rectangle(0, 0, 0, 5, 1) == []


def length(line: list[tuple[float, float]]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(line))


@given(
    st.lists(PAIRS, min_size=2, max_size=6),
    st.lists(st.floats(1.0, 20.0), min_size=2, max_size=2),
)
def test_dashes_cover_their_share_of_a_line(
    line: list[tuple[float, float]], lengths: list[float]
) -> None:
    pieces = dashes(line, False, lengths)
    total, period = length(line), sum(lengths)
    whole = total // period * lengths[0]
    wanted = whole + min(total % period, lengths[0])
    assert sum(map(length, pieces)) == pytest.approx(wanted, abs=1e-6)


def test_a_drawing_loads_pillow_only_for_a_png() -> None:
    code = (
        "import sys\n"
        "from optunas.draw import to_svg, svg_to_png\n"
        "from optunas.space.cell import Cell\n"
        "text = to_svg(Cell.from_str('|skip_connect~0|'))\n"
        "assert 'PIL' not in sys.modules and 'torch' not in sys.modules\n"
        "svg_to_png(text)\n"
        "assert 'PIL' in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
