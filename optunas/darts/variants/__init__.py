"""The variants of DARTS: each is a way to make mixing weights out of alphas."""

from __future__ import annotations

from optunas.darts.mixing import Mixing
from optunas.darts.settings import SearchSettings
from optunas.darts.variants.base import Variant

__all__ = ["Mixing", "Variant", "make_variant"]


def make_variant(settings: SearchSettings) -> Variant:
    """The variant that the settings name."""
    from optunas.darts.variants.darts import Darts

    return {"darts": Darts}[settings.variant](settings)
