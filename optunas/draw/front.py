"""A Pareto front as an SVG scatter chart: a score against a cheap metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optunas.draw.axes import TINY, Axis, Box, axis, frame, left_room, tick_label
from optunas.draw.svg import FAINT, INK, MUTED, document, number, shorten, text, text_width
from optunas.errors import InvalidSpecError

__all__ = ["KINDS", "FrontPoint", "front_svg"]

_WIDTH, _HEIGHT = 680.0, 420.0
_RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (240, 200, 30))  # viridis
_FLAT = "#2563eb"

KINDS = ("front", "dominated", "infeasible", "pruned", "reference")
"""What a point can be; the order of the legend."""

_NAMES = {"infeasible": "breaks a constraint"}


@dataclass(frozen=True)
class FrontPoint:
    """One network.

    Attributes:
        x: the cheap metric.
        y: the score.
        z: a third metric, shown as the colour of a point on the front; None for none.
        kind: one of :data:`KINDS`.
        label: a word beside a point on the front or a reference, ``#17`` for instance.
    """

    x: float
    y: float
    z: float | None = None
    kind: str = "front"
    label: str = ""


def front_svg(
    points: Sequence[FrontPoint],
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    z_label: str = "",
    log_x: bool | None = None,
) -> str:
    """Draw a front: its points in colour and labelled, all others faint, a reference as a diamond.

    ``log_x`` None takes a logarithmic x axis when the positive values span a factor of 20. Points
    that are not finite, or so far off that the front would shrink to a dot, are left out, with a
    count.

    Raises:
        InvalidSpecError: for a point of an unknown kind.
    """
    unknown = sorted({point.kind for point in points} - set(KINDS))
    if unknown:
        raise InvalidSpecError(
            f"A point's kind must be one of {', '.join(KINDS)}, got {unknown[0]!r}."
        )
    label = f"{title or 'Pareto front'}: {y_label} against {x_label}"
    drawable = [p for p in points if math.isfinite(p.x) and math.isfinite(p.y)]
    if log_x is None:
        log_x = _spans_decades([p.x for p in drawable])
    if log_x:
        drawable = [p for p in drawable if p.x > TINY]
    if not drawable:
        words = text(_WIDTH / 2, 70, "no finished trial yet", 13, MUTED, "middle")
        head = text(18, 28, shorten(title, 70), 14, INK, extra=' font-weight="600"')
        return document(_WIDTH, 110, [head, words], label)
    shown = [p for p in drawable if _near(p, drawable)]
    scale = _colour_axis(shown)
    top = 40.0 + (22 if title else 0)
    y = axis([p.y for p in shown], around=0.07)
    right = _WIDTH - (92 if scale else 28)
    x = axis([p.x for p in shown], log=log_x, around=0.06)
    box = Box(left_room(y), top, right, _HEIGHT - 52, x, y)
    parts = frame(box, x_label, y_label, title)
    parts += _marks(box, shown, scale)
    parts += _legend(shown, len(points) - len(shown), box, top - 16)
    if scale:
        parts += _colour_bar(scale, z_label, box)
    return document(_WIDTH, _HEIGHT, parts, label)


def _spans_decades(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > TINY and max(values) / min(values) >= 20


def _near(point: FrontPoint, points: Sequence[FrontPoint]) -> bool:
    """Whether a faint point may widen the chart: within two spans of the points that matter."""
    solid = [p.y for p in points if p.kind in ("front", "reference")]
    if len(solid) < 2 or point.kind in ("front", "reference"):
        return True
    span = max(max(solid) - min(solid), 0.05 * max(abs(v) for v in solid))
    return min(solid) - 2 * span <= point.y <= max(solid) + 2 * span


def _colour_axis(points: Sequence[FrontPoint]) -> Axis | None:
    values = [p.z for p in points if p.kind == "front" and p.z is not None and math.isfinite(p.z)]
    if not values:
        return None
    return axis(values, log=_spans_decades(values), around=0.0)


def _colour(share: float) -> str:
    place = max(0.0, min(share, 1.0)) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    mixed = (
        round(a + (b - a) * (place - low)) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _marks(box: Box, points: Sequence[FrontPoint], scale: Axis | None) -> list[str]:
    """Faint points first, then the front with its line, then references; labels last."""
    parts = [_mark(box, p, scale) for p in points if p.kind not in ("front", "reference")]
    front = sorted((p for p in points if p.kind == "front"), key=lambda p: (p.x, p.y))
    if scale is None and len(front) > 1:
        path = "L".join("{} {}".format(*map(number, box.place(p.x, p.y))) for p in front)
        parts.append(
            f'<path d="M{path}" fill="none" stroke="{_FLAT}" stroke-opacity="0.35" '
            f'stroke-width="1.5"/>'
        )
    solid = [*front, *(p for p in points if p.kind == "reference")]
    parts += [_mark(box, p, scale) for p in solid]
    return parts + _labels(box, solid)


def _mark(box: Box, point: FrontPoint, scale: Axis | None) -> str:
    x, y = box.place(point.x, point.y)
    at = f'cx="{number(x)}" cy="{number(y)}"'
    if point.kind == "pruned":
        cross = f"M{number(x - 3)} {number(y - 3)}l6 6m0 -6l-6 6"
        return f'<path d="{cross}" stroke="{FAINT}" stroke-opacity="0.7" fill="none"/>'
    if point.kind == "infeasible":
        return f'<circle {at} r="4" fill="none" stroke="#dc2626" stroke-opacity="0.45"/>'
    if point.kind == "dominated":
        return f'<circle {at} r="4" fill="#cbd5e1" fill-opacity="0.8"/>'
    if point.kind == "reference":
        corner = f"M{number(x)} {number(y - 8)}l8 8l-8 8l-8 -8z"
        return f'<path d="{corner}" fill="#dc2626" stroke="#ffffff" stroke-width="1.5"/>'
    fill = _FLAT
    if scale is not None and point.z is not None and math.isfinite(point.z):
        fill = _colour(scale.at(point.z))
    return f'<circle {at} r="6.5" fill="{fill}" stroke="#ffffff" stroke-width="1.5"/>'


def _labels(box: Box, points: Sequence[FrontPoint]) -> list[str]:
    """Words beside the points, each where it meets no point and no other word, or nowhere."""
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in (box.place(p.x, p.y) for p in points)]
    parts = []
    for point in reversed(points):
        if not point.label:
            continue
        words = shorten(point.label, 28)
        bold = ' font-weight="600"' if point.kind == "reference" else ""
        width = text_width(words, 11) * (1.1 if bold else 1.0)
        x, y = box.place(point.x, point.y)
        for left, base in (
            (x - width / 2, y - 11),
            (x + 10, y + 4),
            (x - 10 - width, y + 4),
            (x - width / 2, y + 19),
        ):
            room = (left, base - 9, left + width, base + 2)
            inside = box.left <= room[0] and room[2] <= box.right + 20 and room[1] >= box.top - 10
            if inside and room[3] <= box.bottom and not any(_meets(room, t) for t in taken):
                taken.append(room)
                parts.append(text(left, base, words, 11, INK, extra=bold))
                break
    return parts


def _meets(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _legend(points: Sequence[FrontPoint], left_out: int, box: Box, y: float) -> list[str]:
    spot = Box(0, 0, 1, 1, Axis(0, 1, ()), Axis(0, 1, ()))
    parts, x = [], box.left
    for kind in KINDS:
        count = sum(p.kind == kind for p in points)
        if not count:
            continue
        name = (
            _NAMES.get(kind, kind) if kind == "reference" else f"{_NAMES.get(kind, kind)} ({count})"
        )
        mark = _mark(spot, FrontPoint(0, 1, None, kind), None)
        parts.append(f'<g transform="translate({number(x + 6)} {number(y)})">{mark}</g>')
        parts.append(text(x + 18, y + 4, name, 11, MUTED))
        x += text_width(name, 11) + 36
    if left_out:
        words = f"{left_out} far below or not drawable"
        parts.append(text(_WIDTH - 18, 28, words, 11, FAINT, "end"))
    return parts


def _colour_bar(scale: Axis, z_label: str, box: Box) -> list[str]:
    left, top, height = box.right + 22, box.top + 6, (box.bottom - box.top) * 0.62
    stops = "".join(
        f'<stop offset="{i / 8:g}" stop-color="{_colour(1 - i / 8)}"/>' for i in range(9)
    )
    where = f'x="{number(left)}" y="{number(top)}" width="12" height="{number(height)}" rx="3"'
    parts = [
        f'<linearGradient id="ramp" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient>',
        f'<rect {where} fill="url(#ramp)"/>',
        text(box.right + 84, top - 12, shorten(z_label, 22), 11, MUTED, "end"),
    ]
    inner = [tick for tick in scale.ticks if 0.12 < scale.at(tick) < 0.88]
    for value in (scale.high, *inner, scale.low):
        y = top + (1 - scale.at(value)) * height
        parts.append(text(left + 17, y + 4, tick_label(value, 3), 11, MUTED))
    return parts
