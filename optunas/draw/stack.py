"""Cells that differ along the depth: a panel for each run of equal ones, from left to right."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.draw.blocks import Item, block, input_item, output_item
from optunas.draw.cell import cell_notes, cell_panel, families_of
from optunas.draw.families import Family
from optunas.draw.picture import Picture
from optunas.draw.plan import LEFT, RIGHT, Plan, plan_cell
from optunas.draw.rows import in_rows
from optunas.draw.svg import BOLD, BOLDER, INK, LINE, MUTED, number, text, text_width
from optunas.space.cell import Cell
from optunas.space.stack import Stack

__all__ = ["runs_of", "stack_picture"]

LIMIT = 1440.0
"""Width at which panels are wrapped."""

_INSIDE = 12.0
_HALF = Family("reduction", "#64748b", "#f1f5f9", "#334155")


@dataclass(frozen=True)
class Run:
    """Equal neighbouring cells of one stage.

    Attributes:
        cell: each of them.
        first: position of the first one, from 0.
        count: how many there are.
        stage: of them, from 0.
        reduces: whether the resolution is halved here, before a dense cell or in a two-input one.
    """

    cell: Cell
    first: int
    count: int
    stage: int
    reduces: bool


def runs_of(stack: Stack) -> list[Run]:
    """The stack's cells, equal neighbours of one stage taken together."""
    runs: list[Run] = []
    for position, cell in enumerate(stack.cells):
        reduces, stage = position in stack.reductions, stack.stage_of(position)
        last = runs[-1] if runs else None
        # A two-input cell at a reduction is no copy of the next one, it has stride 2.
        apart = reduces or last is None or last.cell != cell
        if last is None or apart or (last.reduces and cell.num_inputs > 1):
            runs.append(Run(cell, position, 1, stage, reduces))
        else:
            runs[-1] = Run(cell, last.first, last.count + 1, stage, last.reduces)
    return runs


def stack_picture(stack: Stack) -> Picture:
    """The picture of a stack: stem, panels with the channels of their stage, reductions."""
    runs = runs_of(stack)
    plans = [plan_cell(run.cell) for run in runs]
    tallest = max((plan.height for plan in plans), default=0.0)
    connected = _connected(runs, plans)
    items: list[Item] = [input_item(connected)]
    for run, plan in zip(runs, plans, strict=True):
        if run.reduces and run.cell.num_inputs == 1:
            lines = ["residual", "block", "stride 2"]
            items.append(block(lines, _HALF, connected, name="a residual block halves the size"))
        items.append(_panel(run, plan, _channels(stack, run.stage), tallest, connected))
    items += [block(["average", "pool"], _HALF, connected, (56.0, 0.0)), output_item(connected)]
    width, height, parts = in_rows(items, LIMIT)
    return Picture(width, height, parts, families_of(plans), cell_notes(plans, connected))


def _connected(runs: list[Run], plans: list[Plan]) -> bool:
    """Whether a signal comes through; a two-input cell also reads the cell before the last one."""
    before, last = True, True
    for run, plan in zip(runs, plans, strict=True):
        for _ in range(run.count):
            if run.cell.num_inputs == 1:
                here = last and bool(plan.live)
            else:
                here = (before and 0 in plan.live) or (last and 1 in plan.live)
            before, last = last, here
    return last


def _channels(stack: Stack, stage: int) -> str:
    return f"{stack.widths[stage]} channels" if stage < len(stack.widths) else ""


def _panel(run: Run, plan: Plan, channels: str, tallest: float, live: bool) -> Item:
    """A framed cell with its numbers, and what its stage is like."""
    last = run.first + run.count
    name = f"cell {run.first + 1}" if run.count == 1 else f"cells {run.first + 1}–{last}"
    name += " (reduction)" if run.reduces and run.cell.num_inputs > 1 else ""
    times = f" × {run.count}" if run.count > 1 else ""
    about = f"stage {run.stage + 1}, {channels}".removesuffix(", ")
    head = text_width(name + times, 12) * BOLDER + 20
    # What a dense cell's ends are is plain from the arrows between the panels.
    words = run.cell.num_inputs > 1
    spare = (0.0, 0.0) if words else (LEFT - 6, RIGHT - 6)
    room = plan.width - sum(spare)
    width = max(room, head + text_width(about, 11)) + 2 * _INSIDE
    top = _INSIDE + 26
    height = top + tallest + _INSIDE
    x, y = (width - room) / 2 - spare[0], top + (tallest - plan.height) / 2
    move = f"translate({number(x)} {number(y)})"
    fill = "#fbfcfe" if live else "#ffffff"
    drawing = (
        f'<rect x="0" y="0" width="{number(width)}" height="{number(height)}" rx="10" '
        f'fill="{fill}" stroke="{LINE}" stroke-width="1.4"/>'
        f"{text(_INSIDE, 22, name + times, 12, INK, extra=BOLD)}"
        f"{text(width - _INSIDE, 22, about, 11, MUTED, 'end')}"
        f'<g transform="{move}">{cell_panel(plan, words)}</g>'
    )
    return Item(width, height, drawing, live)
