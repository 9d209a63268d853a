"""The variants of DARTS: each is a way to make mixing weights out of alphas."""

from __future__ import annotations

import numpy as np

from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.variants.base import Variant

__all__ = ["Mixing", "Variant", "make_variant"]


def make_variant(
    settings: SearchSettings, ends: list[tuple[int, int]], closed: np.ndarray | None = None
) -> Variant:
    """The variant that the settings name, for these edges (``edges_of``, ``closed_of``)."""
    from optunas.darts.variants.darts import Darts
    from optunas.darts.variants.drnas import DrNas
    from optunas.darts.variants.gdas import Gdas
    from optunas.darts.variants.pc_darts import PCDarts

    known = {"darts": Darts, "drnas": DrNas, "gdas": Gdas, "pc_darts": PCDarts}
    return known[settings.variant](settings, ends, closed)  # type: ignore[abstract]
