"""Where everything in a drawing of one cell stands: columns, slots, labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from optunas.draw.families import short_label, zero_names
from optunas.draw.layout import place
from optunas.draw.svg import text_width
from optunas.space.cell import Cell, Edge

__all__ = ["LEFT", "OUTPUT", "PORT", "RADIUS", "RIGHT", "Plan", "plan_cell"]

RADIUS, PORT = 15.0, 9.0
_GAP, _LABEL_ROOM, _LINE_ROOM = 24.0, 27.0, 12.0
LEFT, RIGHT = 44.0, 50.0
"""Room for the words beside the inputs and the output, measured from the nodes' edges."""
OUTPUT = -1
"""Stands for a two-input cell's concatenation, which is no node of the cell."""


@dataclass
class Plan:
    """What is drawn and where.

    Columns are numbered from the left, nodes in the even ones, labels in the odd ones between.
    Items are the nodes first, then one slot for each edge in each column that it passes.

    Attributes:
        nodes: drawn nodes; the output is the last one.
        links: drawn edges; an empty operation is a concatenation.
        live: nodes on a way from an input to the output.
        hidden: number of edges that pass nothing on.
        column: half the column of each node.
        chains: the items that an edge passes, from its source to its target.
        labels: the item that carries an edge's label.
    """

    cell: Cell
    nodes: list[int]
    links: list[Edge]
    live: set[int]
    hidden: int
    column: dict[int, int] = field(default_factory=dict)
    chains: list[list[int]] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def plan_cell(cell: Cell) -> Plan:
    """Lay a cell out; everything drawn lies between (0, 0) and (width, height)."""
    zeros = zero_names(cell)
    links = [edge for edge in cell.edges if edge.operation not in zeros]
    hidden = len(cell.edges) - len(links)
    nodes = list(range(max(cell.num_nodes, cell.num_inputs)))
    if cell.num_inputs > 1:
        links += [Edge(node, OUTPUT, "") for node in nodes[cell.num_inputs :]]
        nodes.append(OUTPUT)
    plan = Plan(cell, nodes, links, _live(cell, links, nodes[-1]), hidden)
    _columns(plan)
    _chains(plan)
    _coordinates(plan)
    return plan


def _live(cell: Cell, links: list[Edge], output: int) -> set[int]:
    order = sorted(links, key=lambda edge: (edge.target == OUTPUT, edge.target))
    reached, useful = set(range(cell.num_inputs)), {output}
    for edge in order:
        if edge.source in reached:
            reached.add(edge.target)
    for edge in reversed(order):
        if edge.target in useful:
            useful.add(edge.source)
    return reached & useful


def _columns(plan: Plan) -> None:
    """Longest path from the inputs; the output comes last, however short the way to it."""
    column, inputs = plan.column, plan.cell.num_inputs
    before: dict[int, list[int]] = {node: [] for node in plan.nodes}
    for edge in plan.links:
        before[edge.target].append(edge.source)
    for node in plan.nodes:
        default = 0 if node in range(inputs) else 1
        column[node] = max((column[source] + 1 for source in before[node]), default=default)
    *others, output = plan.nodes
    if output not in range(inputs):
        column[output] = max(column[output], *(column[node] + 1 for node in others))


def _chains(plan: Plan) -> None:
    """Give each edge one slot in every column it passes, its label in the emptiest odd column."""
    column, links = plan.column, plan.links
    index = {node: item for item, node in enumerate(plan.nodes)}
    plan.widths = [2 * RADIUS if c % 2 == 0 else 0.0 for c in range(2 * max(column.values()) + 1)]
    plan.heights = _node_heights(plan, index)
    plan.chains, plan.labels = [[] for _ in links], [None for _ in links]
    used = [0] * len(plan.widths)
    # Short edges first: they have the least choice of columns for their label.
    for i in sorted(
        range(len(links)), key=lambda i: column[links[i].target] - column[links[i].source]
    ):
        edge = links[i]
        first, last = 2 * column[edge.source] + 1, 2 * column[edge.target]
        middle = (first + last - 1) / 2
        at = min(range(first, last, 2), key=lambda c: (used[c], abs(c - middle)))
        slots = range(len(plan.heights), len(plan.heights) + last - first)
        plan.chains[i] = [index[edge.source], *slots, index[edge.target]]
        plan.heights += [_LINE_ROOM] * len(slots)
        if edge.operation:
            plan.labels[i] = label = slots[at - first]
            plan.heights[label] = _LABEL_ROOM
            plan.widths[at] = max(plan.widths[at], text_width(short_label(edge.operation)) + 18)
            used[at] += 1


def _node_heights(plan: Plan, index: dict[int, int]) -> list[float]:
    """A circle, or a taller capsule where many edges meet."""
    leaving, arriving = [0] * len(index), [0] * len(index)
    for edge in plan.links:
        leaving[index[edge.source]] += 1
        arriving[index[edge.target]] += 1
    degrees = [max(pair) for pair in zip(leaving, arriving, strict=True)]
    return [max(2 * RADIUS, PORT * (degree - 1) + 18) for degree in degrees]


def _coordinates(plan: Plan) -> None:
    centres, x = [], LEFT
    for width in plan.widths:
        centres.append(x + width / 2)
        x += width + _GAP
    plan.width = x - _GAP + RIGHT
    layers: list[list[int]] = [[] for _ in plan.widths]
    plan.x = [0.0] * len(plan.heights)
    for item, node in enumerate(plan.nodes):
        layers[2 * plan.column[node]].append(item)
        plan.x[item] = centres[2 * plan.column[node]]
    for edge, chain in zip(plan.links, plan.chains, strict=True):
        for step, item in enumerate(chain[1:-1], start=2 * plan.column[edge.source] + 1):
            layers[step].append(item)
            plan.x[item] = centres[step]
    count = len(plan.nodes)
    rooms = [height + 12 * (item < count) for item, height in enumerate(plan.heights)]
    # Straight where an edge passes columns, looser where it meets a node.
    links = [
        (a, b, 2.0 if a < count or b < count else 8.0)
        for chain in plan.chains
        for a, b in pairwise(chain)
    ]
    y = place(layers, rooms, links, [chain[1:-1] for chain in plan.chains])
    top = min(a - h / 2 for a, h in zip(y, plan.heights, strict=True))
    plan.y = [a - top for a in y]
    plan.height = max(a + h / 2 for a, h in zip(plan.y, plan.heights, strict=True))
