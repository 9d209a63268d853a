"""Stacked shares over epochs."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optunas.draw import shares_svg, svg_to_png
from optunas.errors import InvalidSpecError

SVG = "{http://www.w3.org/2000/svg}"
SHARE = st.floats(0.0, 1.0, allow_nan=False)


def words(svg: str) -> str:
    return "\n".join(element.text or "" for element in ET.fromstring(svg).iter(SVG + "text"))


def bands(svg: str) -> list[list[tuple[float, float]]]:
    """The polygons' corners, in the order they are drawn."""
    found = []
    for polygon in ET.fromstring(svg).iter(SVG + "polygon"):
        pairs = (point.split(",") for point in polygon.attrib["points"].split())
        found.append([(float(x), float(y)) for x, y in pairs])
    return found


def test_bands_lie_on_one_another_and_fill_the_panel() -> None:
    svg = shares_svg({"cell": {"skip": [0.5, 0.25], "conv": [0.5, 0.75]}}, "Digits")
    skip, conv = bands(svg)
    assert skip[:2] == conv[:1:-1]  # the upper edge of one is the lower edge of the next
    bottom, top = skip[-1][1], conv[0][1]
    assert conv[1][1] == top
    assert (bottom - skip[0][1]) / (bottom - top) == pytest.approx(0.5)
    assert (bottom - skip[1][1]) / (bottom - top) == pytest.approx(0.25)
    said = words(svg)
    for text in ("Digits", "cell", "skip 25%", "conv 75%", "epoch", "mean weight"):
        assert text in said


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=30),
        st.integers(1, 10).flatmap(
            lambda n: st.dictionaries(
                st.text(min_size=1, max_size=30),
                st.lists(SHARE, min_size=n, max_size=n),
                min_size=1,
                max_size=17,
            )
        ),
        min_size=1,
        max_size=2,
    )
)
def test_any_shares_stay_inside_the_picture(panels: dict[str, dict[str, list[float]]]) -> None:
    root = ET.fromstring(shares_svg(panels, "any"))
    height = float(root.attrib["height"])
    for corners in bands(ET.tostring(root, encoding="unicode")):
        for x, y in corners:
            assert 0 <= x <= 640
            assert 0 <= y <= height


def test_an_epoch_that_is_no_number_is_left_out() -> None:
    (one,) = bands(shares_svg({"cell": {"a": [1.0, math.nan, 1.0]}}))
    assert len(one) == 4


def test_one_epoch_fills_the_panel_and_none_says_so() -> None:
    (one,) = bands(shares_svg({"cell": {"a": [1.0]}}))
    assert one[1][0] - one[0][0] > 500
    for nothing in ({}, {"cell": {}}, {"cell": {"a": []}}, {"cell": {"a": [math.nan]}}):
        assert "no epochs yet" in words(shares_svg(nothing))


def test_two_panels_with_one_colour_for_one_name() -> None:
    svg = shares_svg({"normal": {"a": [0.5], "b": [0.5]}, "reduce": {"b": [1.0]}})
    fills = [polygon.attrib["fill"] for polygon in ET.fromstring(svg).iter(SVG + "polygon")]
    assert fills[1] == fills[2] != fills[0]
    assert {"normal", "reduce"} <= set(words(svg).split("\n"))


def test_it_becomes_a_png() -> None:
    assert svg_to_png(shares_svg({"cell": {"a": [0.1, 0.2], "b": [0.9, 0.8]}})).startswith(
        b"\x89PNG"
    )


def test_wrong_rows_get_a_sentence() -> None:
    with pytest.raises(InvalidSpecError, match="'cell' differ in length"):
        shares_svg({"cell": {"a": [1.0], "b": [0.5, 0.5]}})
    with pytest.raises(InvalidSpecError, match="'cell' must be at least 0; see 'b'"):
        shares_svg({"cell": {"a": [1.0], "b": [-0.5]}})
