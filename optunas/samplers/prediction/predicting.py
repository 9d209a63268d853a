"""What a study's trials predict of architectures that it has not tried, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from optuna import Study
from scipy.stats import kendalltau, spearmanr

from optunas.errors import InvalidSpecError
from optunas.samplers.arguments import is_whole
from optunas.samplers.prediction.atlas import Atlas
from optunas.samplers.prediction.axes import Axis, axes_of
from optunas.samplers.prediction.learned import Evidence, HyperCache, Learned
from optunas.samplers.prediction.partial import guesses
from optunas.samplers.trials.members import Members
from optunas.samplers.trials.seen import Floats, History, Known, Seen
from optunas.space import Space

__all__ = ["FEWEST", "HeldOut", "Prediction", "cross_validated_rank", "predict"]

FEWEST = 3
"""Complete trials that a prediction needs."""

JUDGED = 10
"""Networks that a rank correlation needs: of fewer it says nothing."""


class Prediction(NamedTuple):
    """Of n architectures in k objectives.

    Attributes:
        mean: (n, k), in the objectives' own units and directions.
        std: (n, k), how far the noiseless value may lie from it; 0 for what is known.
    """

    mean: Floats
    std: Floats


class HeldOut(NamedTuple):
    """How well the predictor orders trials that it was not fitted on.

    Attributes:
        objective: its index.
        kendall: rank correlation of predicted and measured values, -1 to 1; NaN when they are all
            equal.
        spearman: likewise.
        trials: whose values were predicted.
    """

    objective: int
    kendall: float
    spearman: float
    trials: int


def predict(
    study: Study,
    architectures: Sequence[Any],
    space: Space[Any],
    *,
    name: str | None = None,
    known: Known | None = None,
) -> Prediction:
    """Values that the architectures would have, as ``CheapAwareSampler`` predicts them.

    Args:
        study: with at least 3 COMPLETE trials of the space that have finite values.
        architectures: members of the space.
        space: that the study's parameters were suggested by.
        name: the parameters' prefix, as for ``optunas.suggest``.
        known: objectives known before training, which are exact, as for the samplers.

    Raises:
        InvalidSpecError: when there are too few trials to predict from.
        InvalidArchitectureError: for what is no member of the space.
    """
    members = list(architectures)
    for member in members:
        space.validate(member)
    seen, complete, values = _read(study, space, name)
    if len(complete) < FEWEST:
        raise InvalidSpecError(
            f"predict needs at least {FEWEST} COMPLETE trials of this space with finite values, "
            f"the study {study.study_name!r} has {len(complete)}; run more trials."
        )
    atlas = Atlas(Members(space), known, None, values.shape[1])
    given = atlas.known(members)
    axes = axes_of(study.directions, list(values.T))
    rows = atlas.rows(members)
    mean, std = given.copy(), np.zeros_like(given)
    for at, axis in enumerate(axes):
        missing = np.isnan(given[:, at])
        if missing.any():
            learned = _learned(atlas, _evidence(atlas, seen, complete, axis, at))
            mean[missing, at], std[missing, at] = learned.predict(rows[missing], axis.values)
    return Prediction(mean, std)


def cross_validated_rank(
    study: Study,
    space: Space[Any],
    *,
    name: str | None = None,
    known: Known | None = None,
    folds: int = 5,
) -> list[HeldOut]:
    """Held-out rank correlation of the predictor in each objective that it predicts.

    Each fold's trials are predicted from the others'; the correlation is that of all of them.
    Trials are dealt to the folds by number, so that every process gets the same figure. Of trials
    of one network the first counts: what was reused or repeated would be known to the others. The
    trials of a search are no random sample: far from the best, prediction is worse than this says.

    Args:
        study, space, name, known: as for :func:`predict`; known objectives are left out.
        folds: how many, from 2 on.

    Returns:
        One entry for each objective; none while fewer than 10 networks have a COMPLETE trial.

    Raises:
        InvalidSpecError: for another number of folds.
    """
    if not is_whole(folds) or folds < 2:
        raise InvalidSpecError(f"folds must be an integer from 2 on, got {folds!r}.")
    _, complete, values = _read(study, space, name)
    first = sorted({s.digest: at for at, s in reversed(list(enumerate(complete)))}.values())
    complete, values = [complete[at] for at in first], values[first]
    if len(complete) < JUDGED:
        return []
    atlas = Atlas(Members(space), known, None, values.shape[1])
    given = atlas.known([s.member for s in complete])
    found = []
    for at, axis in enumerate(axes_of(study.directions, list(values.T))):
        if np.isnan(given[:, at]).any():
            evidence = _evidence(atlas, complete, complete, axis, at)
            expected = _held_out(atlas, evidence, min(int(folds), len(complete)))
            tau = float(kendalltau(expected, evidence.losses).statistic)
            rho = _spearman(expected, evidence.losses)
            found.append(HeldOut(at, tau, rho, len(complete)))
    return found


def _spearman(expected: Floats, losses: Floats) -> float:
    if np.ptp(expected) == 0.0 or np.ptp(losses) == 0.0:
        return float("nan")
    return float(spearmanr(expected, losses).statistic)


def _held_out(atlas: Atlas, evidence: Evidence, folds: int) -> Floats:
    expected = np.empty(len(evidence.losses))
    places = np.arange(len(expected))
    for fold in range(folds):
        out = places % folds == fold
        kept = places[~out]
        part = Evidence(
            tuple(evidence.numbers[at] for at in kept),
            evidence.rows[kept],
            evidence.losses[kept],
            evidence.noise[kept],
        )
        process = _learned(atlas, part).process
        expected[out] = process.predict(evidence.rows[out], std=False)[0]
    return expected


def _read(
    study: Study, space: Space[Any], name: str | None
) -> tuple[list[Seen], list[Seen], Floats]:
    seen, _ = History(space, name).read(study)
    complete = [s for s in seen if s.values is not None]
    values = np.array([s.values for s in complete], dtype=float)
    return seen, complete, values.reshape(-1, len(study.directions))


def _evidence(
    atlas: Atlas, seen: Sequence[Seen], complete: Sequence[Seen], axis: Axis, at: int
) -> Evidence:
    guessed = guesses(seen, at)
    trials = [*complete, *(g.seen for g in guessed)]
    told = [s.values[at] for s in complete if s.values is not None]
    losses = axis.losses(np.array([*told, *(g.value for g in guessed)], dtype=float))
    noise = np.array([0.0] * len(complete) + [g.variance for g in guessed])
    rows = atlas.rows([s.member for s in trials])
    return Evidence(tuple(s.number for s in trials), rows, losses, noise)


def _learned(atlas: Atlas, evidence: Evidence) -> Learned:
    sizes = atlas.encoder.sizes
    return Learned(evidence, sizes, HyperCache().get(0, evidence, sizes))
