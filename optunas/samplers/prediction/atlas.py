"""Features and known objectives of members."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.samplers.prediction.features import encoder_of
from optunas.samplers.trials.known import known_rows
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.seen import Floats, Known, Seen

__all__ = ["Atlas", "Extra"]

Extra = Callable[[Any], Sequence[float]]
"""member -> further features, such as zero-cost proxies; always as many, NaN where there is none"""


class Atlas:
    """What can be said of a space's members before any training.

    Args:
        members: of the space.
        known: objectives known before training, or None.
        extra: further features, or None.
        objectives: how many the study has.
    """

    def __init__(
        self, members: Members, known: Known | None, extra: Extra | None, objectives: int
    ) -> None:
        self.members, self._known, self._extra = members, known, extra
        self.objectives = objectives
        self.encoder = encoder_of(members.space)
        self._rows: dict[int, tuple[Any, Floats]] = {}
        self._more: dict[Any, Floats] = {}
        self._listed: tuple[Floats, Floats] | None = None

    def rows_of(self, seen: Sequence[Seen]) -> Floats:
        """Scaled features of trials' members, (n, F); each is computed once."""
        fresh = [s for s in seen if self._row_of(s) is None]
        if fresh:
            rows = self.rows([s.member for s in fresh])
            self._rows.update({s.number: (s.member, r) for s, r in zip(fresh, rows, strict=True)})
        if not seen:
            return np.zeros((0, self.encoder.width))
        return np.stack([self._rows[s.number][1] for s in seen])

    def _row_of(self, seen: Seen) -> Floats | None:
        member, row = self._rows.get(seen.number, (None, None))
        return row if member is seen.member else None

    def rows(self, members: Sequence[Any]) -> Floats:
        """Scaled features, (n, F)."""
        return self.encoder.scaled(members)

    def known(self, members: Sequence[Any]) -> Floats:
        """Values known before training, (n, objectives); NaN for those that training shows."""
        return known_rows(self._known, members, self.objectives)

    def listed(self) -> tuple[Floats, Floats]:
        """Rows and known values of all listed members, in their order."""
        if self._listed is None:
            listed = self.members.listed or []
            rows = self.encoder.scaled(listed)
            self._listed = rows, self.known(listed)
        return self._listed

    @property
    def has_extra(self) -> bool:
        """Whether there are further features."""
        return self._extra is not None

    def more(self, members: Sequence[Any]) -> Floats:
        """Further features, (n, E), not scaled; NaN where there is none.

        Raises:
            InvalidSpecError: for no numbers, or when their number differs between members.
        """
        assert self._extra is not None
        for member in members:
            if member not in self._more:
                self._more[member] = _numbers(self._extra(member))
        widths = {len(self._more[member]) for member in members}
        if len(widths) > 1:
            raise InvalidSpecError(
                f"extra(member) must return always as many numbers, got {sorted(widths)} of them; "
                "return nan for one that cannot be computed."
            )
        return np.stack([self._more[member] for member in members])


def scaled_more(rows: Floats, by: Floats) -> Floats:
    """Columns centred and brought to deviation 1 as in ``by``; NaN becomes the centre."""
    count = by.shape[1]
    if not count:
        return rows
    with np.errstate(all="ignore"):
        seen = np.isfinite(by)
        total = np.maximum(seen.sum(axis=0), 1)
        centre = np.where(seen, by, 0.0).sum(axis=0) / total
        deviation = np.sqrt(np.where(seen, (by - centre) ** 2, 0.0).sum(axis=0) / total)
    scale = np.where(deviation > 0, deviation, 1.0) * math.sqrt(count)
    return np.clip(np.nan_to_num((rows - centre) / scale, nan=0.0), -5.0, 5.0)


def _numbers(answer: Any) -> Floats:
    try:
        row = np.array([float(value) for value in answer])
    except (TypeError, ValueError):
        raise InvalidSpecError(
            f"extra(member) must return a list of numbers, always as many, got {answer!r}."
        ) from None
    return np.where(np.isfinite(row), row, np.nan)
