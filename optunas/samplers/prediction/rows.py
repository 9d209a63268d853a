"""Members as rows of numbers for a regressor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from optunas.samplers.prediction.features import Encoder
from optunas.samplers.trials.known import known_rows
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.seen import Floats, Known

__all__ = ["Rows"]

SCALED_ON = 100
"""Random members by which the columns of what is known are scaled."""


class Rows:
    """The features of members, and what is known of them before training.

    Features are those of :class:`~optunas.samplers.prediction.features.Encoder`, scaled. Of a known
    value v the column is ``sign(v) log(1 + |v|)``, with mean 0 and variance 1 over random members.

    Args:
        members: of one space.
        known: see ``SpaceSampler``.
        objectives: how many the study has.
    """

    def __init__(self, members: Members, known: Known | None, objectives: int) -> None:
        self.members, self.known, self.objectives = members, known, objectives
        self._encoder = Encoder(members.space)
        self._kept: dict[Any, Floats] = {}

    def of(self, members: Sequence[Any], keep: bool = False) -> Floats:
        """One row a member, (n, F), n from 1 on.

        Args:
            members: of the space.
            keep: for members that will be asked for again.
        """
        new = list(dict.fromkeys(m for m in members if m not in self._kept))
        made = dict(zip(new, self._made(new), strict=True)) if new else {}
        if keep:
            self._kept.update(made)
        return np.array([made[m] if m in made else self._kept[m] for m in members])

    @cached_property
    def listed(self) -> Floats | None:
        """The rows of all listed members, in their order; None where none are."""
        listed = self.members.listed
        return self._made(listed) if listed else None

    def _made(self, members: Sequence[Any]) -> Floats:
        features = self._encoder.scaled(members)
        if self.known is None:
            return features
        told, centre, scale = self._scale
        columns = (self._logarithms(members)[:, told] - centre) / scale
        return np.hstack([features, np.nan_to_num(columns, nan=0.0)])

    def _logarithms(self, members: Sequence[Any]) -> Floats:
        values = known_rows(self.known, members, self.objectives)
        return np.sign(values) * np.log1p(np.abs(values))

    @cached_property
    def _scale(self) -> tuple[list[int], Floats, Floats]:
        """Objectives that are known of some random members; their means and deviations."""
        rng = np.random.default_rng(0)
        columns = self._logarithms([self.members.space.sample(rng) for _ in range(SCALED_ON)])
        told = [at for at, column in enumerate(columns.T) if np.isfinite(column).any()]
        deviation = np.nanstd(columns[:, told], axis=0)
        mean = np.nanmean(columns[:, told], axis=0)
        return told, mean, np.where(deviation > 0, deviation, 1.0)
