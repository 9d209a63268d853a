"""The value type of spaces whose cells differ along the depth."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.space.cell import Cell

__all__ = ["Stack"]


@dataclass(frozen=True)
class Stack:
    """Cells in a row, each its own; widths by stage, and where the resolution is halved.

    Attributes:
        cells: one a position, all dense cells or all two-input cells. Dense cells work at stride 1
            and a residual block halves the resolution before each reduction's position; a two-input
            cell at such a position has stride 2 itself.
        widths: channels of each stage, one more than there are reductions.
        reductions: ascending positions in ``cells`` that begin a new stage.
    """

    cells: tuple[Cell, ...]
    widths: tuple[int, ...]
    reductions: tuple[int, ...] = ()

    def stage_of(self, position: int) -> int:
        """The stage, from 0, of the cell at ``position``."""
        return sum(start <= position for start in self.reductions)
