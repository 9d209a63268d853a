"""Learning curves, fronts and their axes."""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optunas.draw import FrontPoint, curve_svg, front_svg
from optunas.draw.axes import axis, tick_label
from optunas.draw.front import KINDS, _colour
from optunas.draw.svg import clean, number, shorten, text_width
from optunas.errors import InvalidSpecError

SVG = "{http://www.w3.org/2000/svg}"
REALS = st.floats(-1e9, 1e9, allow_nan=False)


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(SVG + "text")]


@settings(deadline=None)
@given(st.lists(REALS, min_size=1, max_size=20), st.booleans())
def test_an_axis_holds_its_values_and_a_few_ticks(values: list[float], whole: bool) -> None:
    assume(max(values) == min(values) or max(values) - min(values) > 1e-6 * max(map(abs, values)))
    made = axis(values, whole=whole)
    assert 1 <= len(made.ticks) <= 9
    for value in (*values, *made.ticks):
        assert -1e-6 <= made.at(value) <= 1 + 1e-6
    if whole:
        assert all(abs(tick - round(tick)) < 1e-6 * max(abs(tick), 1) for tick in made.ticks)


@given(st.lists(st.floats(1e-3, 1e12), min_size=1, max_size=20))
def test_a_logarithmic_axis_holds_its_values_and_a_few_ticks(values: list[float]) -> None:
    made = axis(values, log=True)
    assert 3 <= len(made.ticks) <= 13
    for value in (*values, *made.ticks):
        assert -1e-9 <= made.at(value) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("value", "label"),
    [(0, "0"), (0.95, "0.95"), (73306, "73.3k"), (1.5e6, "1.5M"), (1000, "1k"), (2e9, "2G")],
)
def test_ticks_are_short(value: float, label: str) -> None:
    assert tick_label(value) == label


def test_a_curve_has_its_title_axes_and_last_value() -> None:
    found = words(curve_svg({"trial 1": ([0, 1, 2], [0.5, 0.75, 0.875])}, "Trial 1", "accuracy"))
    assert {"Trial 1", "accuracy", "epoch", "0.875", "0", "1", "2"} <= set(found)


def test_a_value_that_is_not_finite_leaves_a_gap() -> None:
    svg = curve_svg({"a": ([0, 1, 2, 3, 4], [0.1, math.nan, 0.3, math.inf, 0.5])})
    lines = [g for g in ET.fromstring(svg).iter(SVG + "g") if g.get("stroke-linejoin")]
    assert len(list(lines[0])) == 3
    assert svg.count("<circle") == 3
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize("curves", [{}, {"a": ([], [])}, {"a": ([0], [math.nan])}])
def test_without_a_value_the_chart_says_so(
    curves: dict[str, tuple[list[int], list[float]]],
) -> None:
    assert "no values yet" in words(curve_svg(curves, "Nothing"))


def test_several_curves_have_a_legend_that_ends_with_a_count() -> None:
    curves = {f"trial {i} <&>": ([0, 1], [0.1 * i, 0.2 * i]) for i in range(20)}
    found = words(curve_svg(curves))
    assert "trial 0 <&>" in found
    more = next(word for word in found if word.endswith("more"))
    named = sum(word.startswith("trial") for word in found)
    assert more == f"and {20 - named} more"


def test_a_front_shows_every_kind_of_point() -> None:
    points = [
        FrontPoint(i + 1.0, 0.5 + i / 10, float(i), kind, f"#{i}") for i, kind in enumerate(KINDS)
    ]
    found = words(front_svg(points, "Front", "latency", "accuracy", "params"))
    assert {"Front", "latency", "accuracy", "params", "reference"} <= set(found)
    assert {"front (1)", "dominated (1)", "pruned (1)", "breaks a constraint (1)"} <= set(found)
    assert {"#0", "#4"} <= set(found)  # only the front and the reference are named
    assert not {"#1", "#2", "#3"} & set(found)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(REALS, REALS, st.sampled_from(KINDS)).map(
            lambda t: FrontPoint(*t[:2], None, t[2])
        ),
        max_size=30,
    )
)
def test_any_front_is_well_formed_and_inside(points: list[FrontPoint]) -> None:
    root = ET.fromstring(front_svg(points))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for circle in root.iter(SVG + "circle"):
        x, y = float(circle.get("cx", 0)), float(circle.get("cy", 0))
        assert x <= width
        assert y <= height


def test_labels_of_a_crowded_front_do_not_overlap() -> None:
    points = [FrontPoint(1 + i / 100, 0.9 + i / 500, None, "front", f"#{i}") for i in range(40)]
    root = ET.fromstring(front_svg(points))
    spots = [
        (float(t.get("x", 0)), float(t.get("y", 0)), text_width(t.text or "", 11))
        for t in root.iter(SVG + "text")
        if (t.text or "").startswith("#")
    ]
    assert spots
    for (x, y, w), (u, v, z) in itertools.combinations(spots, 2):
        assert x + w <= u or u + z <= x or abs(y - v) >= 10


def test_a_factor_of_twenty_takes_a_logarithmic_axis() -> None:
    points = [FrontPoint(x, 0.9) for x in (1e3, 1e4, 1e5)]
    assert {"1k", "10k", "100k"} <= set(words(front_svg(points)))
    assert {"20k", "40k"} <= set(words(front_svg(points, log_x=False)))


def test_points_that_would_squeeze_the_front_are_counted() -> None:
    points = [FrontPoint(1, 0.95), FrontPoint(2, 0.97), FrontPoint(1.5, 0.1, None, "dominated")]
    assert "1 far below or not drawable" in words(front_svg(points))
    lost = [FrontPoint(1, math.nan), FrontPoint(1, 0.5)]
    assert "1 far below or not drawable" in words(front_svg(lost))


def test_without_a_point_the_front_says_so() -> None:
    assert "no finished trial yet" in words(front_svg([], "Empty"))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidSpecError, match=r"must be one of front, dominated.*got 'best'"):
        front_svg([FrontPoint(1, 2, None, "best")])


def test_colours_run_from_dark_to_light() -> None:
    def light(share: float) -> int:
        return sum(int(_colour(share)[i : i + 2], 16) for i in (1, 3, 5))

    shades = [light(i / 8) for i in range(9)]
    assert shades == sorted(shades)
    assert _colour(-1) == _colour(0)
    assert _colour(2) == _colour(1)


def test_text_helpers() -> None:
    assert clean('a<b>&"c"\n\x00') == "a&lt;b&gt;&amp;&quot;c&quot; �"
    assert [number(v) for v in (1.0, 1.25, -0.01, -3.5)] == ["1", "1.2", "0", "-3.5"]
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abc", 4) == "abc"
    assert text_width("iii") < text_width("ooo") < text_width("WWW")


@pytest.mark.parametrize("x", [2.2e-308, 5e-324, 1e-120, 0.0, 1e300])
def test_sizes_at_the_ends_of_floating_point_are_drawn(x: float) -> None:
    points = [FrontPoint(x, 0.5), FrontPoint(2 * x, 0.6), FrontPoint(100 * x, 5e-324, z=x)]
    assert ET.fromstring(front_svg(points, "t", "x", "y", "z")).tag == SVG + "svg"
