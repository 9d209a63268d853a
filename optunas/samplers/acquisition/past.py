"""An earlier study, on other data or another device, as a feature for this one's predictors."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.study import StudyDirection

from optunas import pareto
from optunas.errors import InvalidSpecError, OptunasError
from optunas.samplers.acquisition.hypervolume_gain import expected_gain
from optunas.samplers.acquisition.worst import worst_loss
from optunas.samplers.prediction.axes import axes_of
from optunas.samplers.prediction.beliefs import Belief, Exact, Normal
from optunas.samplers.prediction.features import Encoder
from optunas.samplers.prediction.learned import Evidence, HyperCache, Learned
from optunas.samplers.trials.seen import Floats
from optunas.space import Space

__all__ = ["Earlier", "Past", "checked_earlier"]

Earlier = Sequence[tuple[Any, Sequence[float]]]
"""Members of the space with the values of all objectives, in the study's order."""

SHOWN = 5
"""Faulty observations that are named one by one."""


class Past:
    """Predicts each objective's normal score as the earlier study saw it.

    The score is one more feature: how much it is worth is learned from the trials of the new study,
    as any block's weight, so that a study that has nothing to say is soon ignored.

    Args:
        encoder: of the space.
        directions: of the study; the earlier one had the same.
        earlier: at least one observation.
    """

    def __init__(
        self, encoder: Encoder, directions: Sequence[StudyDirection], earlier: Earlier
    ) -> None:
        values = np.array([row for _, row in earlier], dtype=float)
        if values.shape[1:] != (len(directions),):
            raise InvalidSpecError(
                f"earlier has {values.shape[-1]} values for each member, the study has "
                f"{len(directions)} objectives; give one value for each."
            )
        self._directions = list(directions)
        rows = encoder.scaled([member for member, _ in earlier])
        cache = HyperCache()
        self._learned: list[Learned] = []
        for at, axis in enumerate(axes_of(directions, list(values.T))):
            losses = axis.losses(values[:, at])
            numbers_ = tuple(range(len(losses)))
            evidence = Evidence(numbers_, rows, losses, np.zeros(len(losses)))
            hyper = cache.get(at, evidence, encoder.sizes)
            self._learned.append(Learned(evidence, encoder.sizes, hyper))

    def scores(self, objective: int, rows: Floats) -> Floats:
        """Predicted normal scores of losses, (n,); rows as ``Encoder.scaled`` gives them."""
        return self._learned[objective].process.predict(rows, std=False)[0]

    def gains(
        self,
        rows: Floats,
        known: Floats,
        told_rows: Floats,
        told_known: Floats,
        floor: float,
        rng: np.random.Generator,
    ) -> Floats:
        """Expected hypervolume gain of candidates, (N,), while there are no trials of one's own.

        Objectives that are not known are judged by the earlier study's normal scores.

        Args:
            rows, known: of the candidates, (N, F) and (N, objectives), NaN where not known.
            told_rows, told_known: of the members tried so far; they count as predicted.
            floor: share of the candidates, the worst, that do not count.
            rng: for an estimate where an exact gain would take long.
        """
        missing = [bool(np.isnan(column).any()) for column in known.T]
        columns = [np.ones(1) if gone else known[:, at] for at, gone in enumerate(missing)]
        beliefs: list[Belief] = []
        points, worst = np.zeros((len(told_rows), len(missing))), np.zeros(len(missing))
        for at, axis in enumerate(axes_of(self._directions, columns)):
            if missing[at]:
                process = self._learned[at].process
                mean, std = process.predict(rows)
                beliefs.append(Normal(mean, std))
                points[:, at] = process.predict(told_rows, std=False)[0]
                worst[at] = self._worst(at, mean, floor, sum(missing) == 1)
            else:
                losses = axis.losses(known[:, at])
                beliefs.append(Exact(losses))
                points[:, at] = axis.losses(told_known[:, at])
                worst[at] = losses.max() + 0.01 * max(float(np.ptp(losses)), 1e-12)
        front = points[pareto.nondominated(points, ["minimize"] * len(missing))]
        return expected_gain(beliefs, front, worst, rng)

    def _worst(self, at: int, mean: Floats, floor: float, alone: bool) -> float:
        """The worst score that counts; how losses spread decides, which scores do not show."""
        if alone:
            return worst_loss(mean, mean[:0], floor, alone)
        warp = self._learned[at].warp
        losses = warp.backward(mean)
        return float(warp.forward(np.array([worst_loss(losses, losses[:0], floor, alone)]))[0])


def checked_earlier(space: Space[Any], earlier: Any) -> list[tuple[Any, tuple[float, ...]]]:
    """The finite observations of an earlier study, copied.

    Raises:
        InvalidSpecError: naming the observations that are not of this space or have no values.
    """
    if isinstance(earlier, (str, bytes)) or not isinstance(earlier, Sequence):
        raise InvalidSpecError(
            "earlier must be a list of (member, values) of an earlier study, got "
            f"a {type(earlier).__name__}."
        )
    found, faults = [], []
    for at, pair in enumerate(earlier, start=1):
        try:
            member, values = pair
            row = tuple(float(value) for value in values)
            if any(isinstance(v, bool) or not isinstance(v, numbers.Real) for v in values):
                raise TypeError
        except (TypeError, ValueError):
            faults.append(f"earlier: observation {at} is no (member, values), got {pair!r}.")
            continue
        try:
            space.validate(member)
        except OptunasError as error:
            faults.append(f"earlier: observation {at} is not of this space: {error}")
            continue
        if np.isfinite(row).all():
            found.append((member, row))
    lengths = {len(row) for _, row in found}
    if len(lengths) > 1:
        faults.append(f"earlier: observations have {sorted(lengths)} values; they need as many.")
    if faults:
        more = [f"... and {len(faults) - SHOWN} more."] if len(faults) > SHOWN else []
        raise InvalidSpecError("\n".join(faults[:SHOWN] + more))
    return found
