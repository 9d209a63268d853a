"""Objectives that are known before training, as a user's function tells them."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optunas.errors import InvalidSpecError
from optunas.samplers.trials.seen import Floats, Known

__all__ = ["known_rows"]


def known_rows(known: Known | None, members: Sequence[Any], objectives: int) -> Floats:
    """Values known before training, (n, objectives); NaN for those that training shows.

    Args:
        known: see ``SpaceSampler``.
        members: n of them.
        objectives: how many the study has.

    Raises:
        InvalidSpecError: when ``known`` returns no mapping from objectives to numbers.
    """
    rows = np.full((len(members), objectives), np.nan)
    if known is not None:
        for row, member in zip(rows, members, strict=True):
            _fill(row, known(member))
    return np.where(np.isfinite(rows), rows, np.nan)


def _fill(row: Floats, answer: Any) -> None:
    if not isinstance(answer, Mapping):
        raise InvalidSpecError(
            f"known(member) must return {{objective index: value}}, got {answer!r}."
        )
    for index, value in answer.items():
        whole = isinstance(index, numbers.Integral) and not isinstance(index, bool)
        if not whole or not 0 <= index < len(row):
            raise InvalidSpecError(
                f"known(member) returned a value for objective {index!r}; the study's "
                f"objectives are numbered 0 to {len(row) - 1}."
            )
        try:
            row[int(index)] = float(value)
        except (TypeError, ValueError):
            raise InvalidSpecError(
                f"known(member) must return numbers, got {value!r} for objective {index}."
            ) from None
