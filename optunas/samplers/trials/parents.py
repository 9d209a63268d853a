"""The parents of a genetic sampler's generation, read from the study once."""

from __future__ import annotations

from collections import OrderedDict

from optuna import Study
from optuna.samplers import NSGAIIISampler, NSGAIISampler
from optuna.trial import FrozenTrial

__all__ = ["Parents"]

KEPT = 3
"""Generations; selecting the parents of one needs those of the one before."""


class Parents:
    """What the samplers of one study share: each generation's parents.

    Optuna reads them anew for every trial, with all of the study's system attributes, where the
    dashboard's notes lie too: with a database and 600 trials that was half of a run's time outside
    training. Parents never change once the study holds them. The first reading may be the one that
    selects them, while another process selects others; so the second is kept.
    """

    def __init__(self) -> None:
        self._read: set[int] = set()
        self._kept: OrderedDict[int, list[FrozenTrial]] = OrderedDict()

    def share_with(self, sampler: NSGAIISampler | NSGAIIISampler) -> None:
        """Let ``sampler`` look here before it reads the study."""
        read_anew = sampler.get_parent_population

        def get_parent_population(study: Study, generation: int) -> list[FrozenTrial]:
            kept = self._kept.get(generation)
            if kept is not None:
                return list(kept)
            found = read_anew(study, generation)
            if generation in self._read:
                self._keep(generation, found)
            self._read.add(generation)
            return list(found)

        sampler.get_parent_population = get_parent_population  # type: ignore[method-assign]

    def _keep(self, generation: int, found: list[FrozenTrial]) -> None:
        self._kept[generation] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
