"""A cell, or a pair of cells, as an SVG: inputs on the left, the output on the right."""

from __future__ import annotations

from typing import Any

from optunas.draw.families import Family, family, short_label
from optunas.draw.plan import OUTPUT, PORT, RADIUS, Plan, plan_cell
from optunas.draw.svg import (
    FAINT,
    INK,
    MUTED,
    clean,
    document,
    number,
    shorten,
    text,
    text_width,
)
from optunas.errors import InvalidArchitectureError
from optunas.space.cell import Cell, Genotype

__all__ = ["can_draw", "to_svg"]

_PAD = 18.0
_BOLD = ' font-weight="600"'
_DARK, _PALE = "#334155", "#cbd5e1"


def can_draw(architecture: Any) -> bool:
    """Whether :func:`to_svg` knows this kind of architecture."""
    return isinstance(architecture, (Cell, Genotype))


def to_svg(architecture: Cell | Genotype, title: str | None = None) -> str:
    """Draw a cell, or a genotype's normal and reduction cell side by side, as SVG text.

    Operations are labels on the edges, coloured by family. ``none`` is left out (a line below
    the drawing counts those edges); what no signal from the inputs to the output passes is faint.

    Raises:
        InvalidArchitectureError: for anything that is not a Cell or a Genotype.
    """
    captions = _captions(architecture)
    plans = [plan_cell(cell) for _, cell in captions]
    tallest = max(plan.height for plan in plans)
    top = _PAD + (22 if title else 0)
    middle = top + (20 if captions[0][0] else 0) + tallest / 2
    parts, x = [], _PAD
    for (caption, _), plan in zip(captions, plans, strict=True):
        parts.append(text(x, top + 8, caption, 12, MUTED, extra=_BOLD) if caption else "")
        move = f"translate({number(x)} {number(middle - plan.height / 2)})"
        parts.append(f'<g transform="{move}">{_panel(plan)}</g>')
        x += plan.width + 2 * _PAD
    width = max(x - _PAD, 240.0)
    if title:
        fitting = shorten(title, int((width - 2 * _PAD) / 8))
        parts.append(text(_PAD, 28, fitting, 14, INK, extra=_BOLD))
    footer, bottom = _footer(plans, middle + tallest / 2 + 14, width)
    name = title or ("cell" if len(plans) == 1 else "genotype")
    return document(width, bottom, [*parts, *footer], f"{name}: {architecture}")


def _captions(architecture: Cell | Genotype) -> list[tuple[str, Cell]]:
    if isinstance(architecture, Genotype):
        return [("normal cell", architecture.normal), ("reduction cell", architecture.reduce)]
    if isinstance(architecture, Cell):
        return [("", architecture)]
    raise InvalidArchitectureError(
        f"A drawing shows a Cell or a Genotype, got {type(architecture).__name__}; "
        "can_draw(architecture) tells beforehand."
    )


def _panel(plan: Plan) -> str:
    exits, entries = _ports(plan)
    lines, labels = [], []
    for i, edge in enumerate(plan.links):
        alive = edge.source in plan.live and edge.target in plan.live
        kind = family(edge.operation) if edge.operation else None
        lines.append(_line(plan, i, exits[i], entries[i], kind, alive))
        item = plan.labels[i]
        if item is not None and kind is not None:
            labels.append(_label(plan.x[item], plan.y[item], edge.operation, kind, alive))
    nodes = [_node(plan, item, node) for item, node in enumerate(plan.nodes)]
    return "".join([*lines, *labels, *nodes])


def _ports(plan: Plan) -> tuple[list[float], list[float]]:
    """Where each edge leaves its source and meets its target, spread so that arrows stay apart."""
    exits, entries = [0.0] * len(plan.links), [0.0] * len(plan.links)
    for item in range(len(plan.nodes)):
        for ports, side, end in ((exits, 1, 0), (entries, -2, -1)):
            own = [i for i, chain in enumerate(plan.chains) if chain[end] == item]
            own.sort(key=lambda i: plan.y[plan.chains[i][side]])
            for position, i in enumerate(own):
                ports[i] = plan.y[item] + (position - (len(own) - 1) / 2) * PORT
    return exits, entries


def _half_width(plan: Plan, item: int, y: float) -> float:
    """Half the width of a node at height ``y``: its ends are half circles."""
    inside = max(abs(y - plan.y[item]) - (plan.heights[item] / 2 - RADIUS), 0.0)
    return float((RADIUS**2 - min(inside, RADIUS - 1) ** 2) ** 0.5)


def _line(plan: Plan, i: int, leave: float, arrive: float, kind: Family | None, alive: bool) -> str:
    """One edge: level across every column, bent only in the gaps between them."""
    chain = plan.chains[i]
    x, y = plan.x[chain[0]] + _half_width(plan, chain[0], leave), leave
    end = plan.x[chain[-1]] - _half_width(plan, chain[-1], arrive) - 1
    path = [f"M{number(x)} {number(y)}"]
    for step, item in enumerate(chain[1:-1], start=2 * plan.column[plan.links[i].source] + 1):
        half = plan.widths[step] / 2
        path.append(_bend(x, y, plan.x[item] - half, plan.y[item]))
        x, y = plan.x[item] + half, plan.y[item]
        path.append(f"H{number(x)}")
    path.append(_bend(x, y, end - 7, arrive))
    colour, thick = (kind.line, 1.8) if kind else (FAINT, 1.3)
    fade = "" if alive else ' opacity="0.28"'
    return (
        f'<g{fade}><path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="{thick}"/>'
        f'<path d="M{number(end)} {number(arrive)}l-8 -3.6v7.2z" fill="{colour}"/></g>'
    )


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    if abs(y - to_y) < 0.05:
        return f"H{number(to_x)}"
    middle = number((x + to_x) / 2)
    return f"C{middle} {number(y)} {middle} {number(to_y)} {number(to_x)} {number(to_y)}"


def _label(x: float, y: float, operation: str, kind: Family, alive: bool) -> str:
    words = short_label(operation)
    width = text_width(words, 12) + 16
    box = f'x="{number(x - width / 2)}" y="{number(y - 10)}" width="{number(width)}" height="20"'
    ink, line, tint = (kind.ink, kind.line, kind.tint) if alive else (FAINT, _PALE, "#ffffff")
    return (
        f"<g><title>{clean(operation)}</title>"
        f'<rect {box} rx="10" fill="{tint}" stroke="{line}"/>'
        f"{text(x, y + 4, words, 12, ink, 'middle')}</g>"
    )


def _node(plan: Plan, item: int, node: int) -> str:
    x, y, height = plan.x[item], plan.y[item], plan.heights[item]
    fill, stroke, ink, extra = "#ffffff", _DARK, INK, ""
    if node not in plan.live:
        stroke, ink, extra = _PALE, FAINT, ' stroke-dasharray="4 3"'
    elif node in range(plan.cell.num_inputs):
        fill = "#e2e8f0"
    elif node == plan.nodes[-1]:
        fill, ink = _DARK, "#ffffff"
    box = f'x="{number(x - RADIUS)}" y="{number(y - height / 2)}" height="{number(height)}"'
    shape = f'width="{number(2 * RADIUS)}" rx="{number(RADIUS)}" fill="{fill}" stroke="{stroke}"'
    name = "" if node == OUTPUT else text(x, y + 4.5, node, 13, ink, "middle", _BOLD)
    return f'<rect {box} {shape} stroke-width="1.6"{extra}/>{name}{_beside(plan, node, x, y)}'


def _beside(plan: Plan, node: int, x: float, y: float) -> str:
    """The words beside an input or the output; k is the cell's own number in the network."""
    inputs = plan.cell.num_inputs
    if node in range(inputs):
        words = "input" if inputs == 1 else f"k − {inputs - node}"
        return text(x - RADIUS - 8, y + 4, words, 12, MUTED, "end")
    if node == plan.nodes[-1]:
        return text(x + RADIUS + 8, y + 4, "output", 12, MUTED)
    return ""


def _footer(plans: list[Plan], y: float, width: float) -> tuple[list[str], float]:
    """The families' colours, and what is not drawn; returns the parts and the drawing's height."""
    kinds = {family(edge.operation) for plan in plans for edge in plan.links if edge.operation}
    parts: list[str] = []
    x = _PAD
    for kind in sorted(kinds) if len(kinds) > 1 else ():
        room = text_width(kind.name, 11) + 34
        if x > _PAD and x + room - 16 > width - _PAD:
            x, y = _PAD, y + 18
        box = f'x="{number(x)}" y="{number(y - 1)}" width="12" height="10" rx="5"'
        parts.append(f'<rect {box} fill="{kind.tint}" stroke="{kind.line}"/>')
        parts.append(text(x + 17, y + 8, kind.name, 11, MUTED))
        x += room
    y += 20 if parts else 0
    for note in _notes(plans):
        parts.append(text(_PAD, y + 8, note, 11, MUTED))
        y += 18
    return parts, y + _PAD - 8


def _notes(plans: list[Plan]) -> list[str]:
    hidden, total = sum(p.hidden for p in plans), sum(len(p.cell.edges) for p in plans)
    notes = []
    if hidden:
        notes.append(f"{hidden} of {total} edges {'is' if hidden == 1 else 'are'} none, not drawn")
    if any(not plan.live for plan in plans):
        notes.append("no way from the input to the output")
    return notes
