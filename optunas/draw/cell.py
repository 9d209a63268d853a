"""A cell, or a pair of cells: inputs on the left, the output on the right.

Operations are labels on the edges, coloured by family. ``none`` is left out (a line below the
drawing counts those edges); what no signal from the inputs to the output passes is faint.
"""

from __future__ import annotations

from collections.abc import Sequence

from optunas.draw.families import Family, family, short_label
from optunas.draw.picture import PAD, Picture
from optunas.draw.plan import OUTPUT, PORT, RADIUS, Plan, plan_cell
from optunas.draw.svg import BOLD, DARK, FAINT, INK, MUTED, PALE, clean, number, text, text_width
from optunas.space.cell import Cell

__all__ = ["cell_notes", "cell_panel", "cells_picture", "families_of"]


def cells_picture(captions: Sequence[tuple[str, Cell]]) -> Picture:
    """Cells side by side, at one height, each under its caption (or none)."""
    plans = [plan_cell(cell) for _, cell in captions]
    tallest = max(plan.height for plan in plans)
    top = 20.0 if captions[0][0] else 0.0
    parts, x = [], 0.0
    for (caption, _), plan in zip(captions, plans, strict=True):
        if caption:
            parts.append(text(x, 8, caption, 12, MUTED, extra=BOLD))
        move = f"translate({number(x)} {number(top + (tallest - plan.height) / 2)})"
        parts.append(f'<g transform="{move}">{cell_panel(plan)}</g>')
        x += plan.width + 2 * PAD
    notes = cell_notes(plans, all(plan.live for plan in plans))
    return Picture(x - 2 * PAD, top + tallest, parts, families_of(plans), notes)


def families_of(plans: Sequence[Plan]) -> set[Family]:
    """The kinds of operations that are drawn."""
    return {family(edge.operation) for plan in plans for edge in plan.links if edge.operation}


def cell_notes(plans: Sequence[Plan], connected: bool) -> list[str]:
    """What is not drawn, and whether nothing passes."""
    hidden, total = sum(p.hidden for p in plans), sum(len(p.cell.edges) for p in plans)
    notes = []
    if hidden:
        notes.append(f"{hidden} of {total} edges {'is' if hidden == 1 else 'are'} none, not drawn")
    if not connected:
        notes.append("no way from the input to the output")
    return notes


def cell_panel(plan: Plan, words: bool = True) -> str:
    """The SVG elements of one cell, within the plan's own width and height.

    ``words`` stand beside the inputs and the output; without them their room stays empty.
    """
    exits, entries = _ports(plan)
    lines, labels = [], []
    for i, edge in enumerate(plan.links):
        alive = edge.source in plan.live and edge.target in plan.live
        kind = family(edge.operation) if edge.operation else None
        lines.append(_line(plan, i, exits[i], entries[i], kind, alive))
        item = plan.labels[i]
        if item is not None and kind is not None:
            labels.append(_label(plan.x[item], plan.y[item], edge.operation, kind, alive))
    nodes = [_node(plan, item, node, words) for item, node in enumerate(plan.nodes)]
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
    ink, line, tint = (kind.ink, kind.line, kind.tint) if alive else (FAINT, PALE, "#ffffff")
    return (
        f"<g><title>{clean(operation)}</title>"
        f'<rect {box} rx="10" fill="{tint}" stroke="{line}"/>'
        f"{text(x, y + 4, words, 12, ink, 'middle')}</g>"
    )


def _node(plan: Plan, item: int, node: int, words: bool) -> str:
    x, y, height = plan.x[item], plan.y[item], plan.heights[item]
    fill, stroke, ink, extra = "#ffffff", DARK, INK, ""
    if node not in plan.live:
        stroke, ink, extra = PALE, FAINT, ' stroke-dasharray="4 3"'
    elif node in range(plan.cell.num_inputs):
        fill = "#e2e8f0"
    elif node == plan.nodes[-1]:
        fill, ink = DARK, "#ffffff"
    box = f'x="{number(x - RADIUS)}" y="{number(y - height / 2)}" height="{number(height)}"'
    shape = f'width="{number(2 * RADIUS)}" rx="{number(RADIUS)}" fill="{fill}" stroke="{stroke}"'
    beside = _beside(plan, node, x, y) if words else ""
    name = "" if node == OUTPUT else text(x, y + 4.5, node, 13, ink, "middle", BOLD)
    return f'<rect {box} {shape} stroke-width="1.6"{extra}/>{name}{beside}'


def _beside(plan: Plan, node: int, x: float, y: float) -> str:
    """The words beside an input or the output; k is the cell's own number in the network."""
    inputs = plan.cell.num_inputs
    if node in range(inputs):
        words = "input" if inputs == 1 else f"k − {inputs - node}"
        return text(x - RADIUS - 8, y + 4, words, 12, MUTED, "end")
    if node == plan.nodes[-1]:
        return text(x + RADIUS + 8, y + 4, "output", 12, MUTED)
    return ""
