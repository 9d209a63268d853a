"""The supernet of a space, whichever it has."""

from __future__ import annotations

from optunas.darts.choices import Searchable
from optunas.darts.macro_supernet import MacroSuperNetwork
from optunas.darts.settings import SearchSettings
from optunas.darts.supernet import SuperNetwork
from optunas.space import MacroSpace

__all__ = ["Supernet", "make_supernet"]

Supernet = SuperNetwork | MacroSuperNetwork


def make_supernet(
    space: Searchable,
    input_shape: tuple[int, ...],
    num_outputs: int,
    settings: SearchSettings,
    partial: int = 1,
) -> Supernet:
    """The supernet that a search with these settings trains, before its first step.

    Widths and depth of a macro network are its space's, and those of the settings do not count.

    Raises:
        InvalidSpaceError: for a space without a supernet.
        InvalidSpecError: for a shape or a width that cannot work.
    """
    checkpoint = settings.checkpointing
    if isinstance(space, MacroSpace):
        return MacroSuperNetwork(space, input_shape, num_outputs, checkpoint)
    counts = settings.channels, settings.num_cells
    return SuperNetwork(space, input_shape, num_outputs, *counts, checkpoint, partial)
