"""Early stop: whether a search has begun to collapse, and since when.

By the number of skip connections (Liang et al. 2019, DARTS+; Chen et al. 2019, P-DARTS): searches
were seen to pass through such cells for a few epochs and recover, so they must last. By the largest
curvature of the validation loss in the alphas (Zela et al. 2020, section 4.3): where it rises, the
step from the supernet to one architecture costs more and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optunas.darts.choices import Searchable, kinds_of, one_hot, operations_of
from optunas.darts.choose import discretize
from optunas.darts.record import EpochRecord, Weights
from optunas.darts.settings import SearchSettings
from optunas.errors import InvalidSpecError

__all__ = ["CURVATURE_RATIO", "Halt", "check_halt", "halted", "skips_of"]

CURVATURE_RATIO = 0.75
"""The mean curvature of a window over that of the window before, below which a search ends."""


@dataclass(frozen=True)
class Halt:
    """Why a search ends, and where it goes back to.

    Attributes:
        epoch: the last one before the collapse; its alphas are the search's outcome.
        words: one sentence.
    """

    epoch: int
    words: str


def check_halt(space: Searchable, settings: SearchSettings) -> None:
    """Raise InvalidSpecError for a rule that cannot apply to the space."""
    if settings.halt == "skips" and not any(o.identity for o in operations_of(space)):
        raise InvalidSpecError(
            "halt='skips' counts skip connections, and this space has none; choose "
            "halt='eigenvalue' or halt='none'."
        )


def skips_of(space: Searchable, weights: Weights) -> int:
    """Skip connections in the cell at stride 1, or the layers, that would be chosen."""
    first = one_hot(space, discretize(space, weights))[kinds_of(space)[0]]
    skips = [operation.identity for operation in operations_of(space)]
    return int(first[:, skips].sum())


def halted(records: Sequence[EpochRecord], settings: SearchSettings, first: int = 0) -> Halt | None:
    """Whether the search ends after these epochs.

    Args:
        records: of all epochs so far.
        settings: the rule.
        first: the first epoch in which the alphas moved; those before it do not count.
    """
    if settings.halt == "skips":
        return _by_skips(records[first:], settings)
    if settings.halt == "eigenvalue":
        return _by_curvature(records[first:], settings)
    return None


def _by_skips(records: Sequence[EpochRecord], settings: SearchSettings) -> Halt | None:
    last = records[-settings.halt_patience :]
    if len(last) < settings.halt_patience:
        return None
    if any(r.skips is None or r.skips <= settings.halt_skips for r in last):
        return None
    back = max(last[0].epoch - 1, records[0].epoch)
    return Halt(
        back,
        f"More than {settings.halt_skips} skip connections stood in the chosen cell in each of the "
        f"{len(last)} epochs {last[0].epoch} to {last[-1].epoch}; the alphas are those of epoch "
        f"{back}.",
    )


def _by_curvature(records: Sequence[EpochRecord], settings: SearchSettings) -> Halt | None:
    """The mean over the last window against that over the window before it, sizes alone."""
    window = settings.halt_patience
    sizes = [abs(r.curvature) for r in records if r.curvature is not None]
    if len(sizes) < 2 * window:
        return None
    before, now = float(np.mean(sizes[-2 * window : -window])), float(np.mean(sizes[-window:]))
    if now <= 0 or before / now >= CURVATURE_RATIO:
        return None
    back = records[-window - 1].epoch
    return Halt(
        back,
        f"The curvature of the validation loss in the alphas rose from {before:.3g} to {now:.3g} "
        f"within {window} epochs; the alphas are those of epoch {back}.",
    )
