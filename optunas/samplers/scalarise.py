"""One number from several objectives, in ways that a user states.

Each form scores rows of values: a larger score is better, whatever the objectives' directions. Of a
row with a NaN or an infinity, or without a logarithm that is needed, the score is ``-inf``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray
from optuna.study import StudyDirection

from optunas.errors import InvalidSpecError, UnknownNameError
from optunas.samplers.arguments import is_number, is_whole
from optunas.samplers.seen import Seen

__all__ = [
    "Chebyshev",
    "LogCost",
    "Pareto",
    "Scalarisation",
    "Weights",
    "crowding",
    "fitness",
    "scalarisation",
    "scalarisation_for",
    "violation",
]

Floats = NDArray[np.float64]
Directions = Sequence[StudyDirection]


class Scalarisation(ABC):
    """A way to score values; a subclass is frozen data."""

    name: ClassVar[str]

    @abstractmethod
    def faults(self, directions: Directions) -> list[str]:
        """Why it does not fit these objectives, sentences; none when it does."""

    @abstractmethod
    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        """Scores of finite rows."""

    def check(self, directions: Directions) -> None:
        """Refuse objectives that it does not fit.

        Raises:
            InvalidSpecError: with every reason.
        """
        found = self.faults(directions)
        if found:
            raise InvalidSpecError("\n".join(f"scalarise {self.name!r}: {line}" for line in found))

    def scores(
        self, values: ArrayLike, directions: Directions, scale: ArrayLike | None = None
    ) -> Floats:
        """One score a row, (n,), larger is better.

        Args:
            values: (n, k), as the study stores them.
            directions: of the k objectives.
            scale: (m, k), the values between whose worst and best each objective is normalised,
                where the form does that; None takes ``values``.

        Raises:
            InvalidSpecError: when the form does not fit the objectives.
        """
        self.check(directions)
        rows = np.asarray(values, dtype=float).reshape(-1, len(directions))
        known = np.isfinite(rows).all(axis=1)
        within = rows if scale is None else np.asarray(scale, dtype=float)
        within = within.reshape(-1, len(directions))
        within = within[np.isfinite(within).all(axis=1)]
        found = np.full(len(rows), -np.inf)
        if known.any():
            found[known] = self._scores(
                rows[known], directions, within if len(within) else rows[known]
            )
        return found


@dataclass(frozen=True)
class Weights(Scalarisation):
    """The weighted sum of the gains.

    A gain is the value itself where it is maximised, its negative where it is minimised.

    Attributes:
        weights: one an objective, not negative, one of them positive.
        normalised: each gain is divided by its range over what has been seen, so that weights are
            without unit; False takes the values as they are, ``accuracy - 1e-9 * params``.
    """

    name: ClassVar[str] = "weights"
    weights: tuple[float, ...]
    normalised: bool = True

    def __post_init__(self) -> None:
        found = _weights(self, self.weights)
        if not isinstance(self.normalised, bool):
            found.append(f"normalised must be True or False, got {self.normalised!r}.")
        _refuse(self.name, found)

    def faults(self, directions: Directions) -> list[str]:
        return _count(self.weights, directions)

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains, seen = _gains(values, directions), _gains(scale, directions)
        if self.normalised:
            gains = gains / _range(seen)
        return gains @ np.array(self.weights)


@dataclass(frozen=True)
class Chebyshev(Scalarisation):
    """The negative augmented Chebyshev distance to the best of what has been seen.

    ``-(max_i w_i d_i + rho sum_i w_i d_i)``, where ``d_i`` is 0 at the best value of objective i
    that has been seen and 1 at the worst one. Unlike a weighted sum it reaches the points of a
    front that lie in a dent. Steuer and Choo 1983; rho as in ParEGO (Knowles 2006).

    Attributes:
        weights: one an objective; None is 1 for each.
        rho: of the sum, from 0 on.
    """

    name: ClassVar[str] = "chebyshev"
    weights: tuple[float, ...] | None = None
    rho: float = 0.05

    def __post_init__(self) -> None:
        found = [] if self.weights is None else _weights(self, self.weights)
        if not is_number(self.rho) or self.rho < 0:
            found.append(f"rho must be a number from 0 on, got {self.rho!r}.")
        _refuse(self.name, found)

    def faults(self, directions: Directions) -> list[str]:
        return [] if self.weights is None else _count(self.weights, directions)

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains, seen = _gains(values, directions), _gains(scale, directions)
        distance = (seen.max(axis=0) - gains) / _range(seen)
        weighted = distance if self.weights is None else distance * np.array(self.weights)
        return -(weighted.max(axis=1) + self.rho * weighted.sum(axis=1))


@dataclass(frozen=True)
class LogCost(Scalarisation):
    """``accuracy - w * log(cost)``: w is what a cost e times as high must bring in accuracy.

    Attributes:
        weights: one number for all costs, or one for each.
        score: index of the objective that is not a cost.
        costs: indices of the costs, which are minimised; None is all but ``score``.
    """

    name: ClassVar[str] = "log_cost"
    weights: float | tuple[float, ...] = 0.05
    score: int = 0
    costs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        found = []
        if isinstance(self.weights, Sequence) and not isinstance(self.weights, str):
            found += _weights(self, self.weights)
        elif not is_number(self.weights) or self.weights <= 0:
            found.append(
                f"weights must be a positive number, or one for each cost, got {self.weights!r}."
            )
        if not is_whole(self.score) or self.score < 0:
            found.append(f"score must be the index of an objective, got {self.score!r}.")
        if self.costs is not None:
            found += self._cost_faults()
        _refuse(self.name, found)

    def _cost_faults(self) -> list[str]:
        costs: Any = self.costs
        listed = isinstance(costs, Sequence) and not isinstance(costs, str)
        if not listed or not costs or not all(is_whole(c) and c >= 0 for c in costs):
            return [f"costs must be a list of indices of objectives, got {costs!r}."]
        object.__setattr__(self, "costs", tuple(map(int, costs)))
        if len(set(costs)) < len(costs) or self.score in costs:
            return [f"costs must be distinct and not the score {self.score}, got {list(costs)}."]
        return []

    def _indices(self, directions: Directions) -> list[int]:
        if self.costs is not None:
            return list(self.costs)
        return [at for at in range(len(directions)) if at != self.score]

    def faults(self, directions: Directions) -> list[str]:
        last = len(directions) - 1
        costs = self._indices(directions)
        found = [
            f"the study's objectives are 0 to {last}, there is no objective {at}."
            for at in (self.score, *costs)
            if at > last
        ]
        if not costs:
            found.append("the study has no objective besides the score, so there is no cost.")
        found += [
            f"objective {at} is maximised, a cost is minimised; name the costs."
            for at in costs
            if at <= last and directions[at] == StudyDirection.MAXIMIZE
        ]
        if isinstance(self.weights, tuple) and len(self.weights) != len(costs):
            found.append(f"{len(self.weights)} weights for {len(costs)} costs; give one for each.")
        return found

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        costs = values[:, self._indices(directions)]
        score = _gains(values, directions)[:, self.score]
        positive = (costs > 0).all(axis=1)
        logs = np.log(np.where(costs > 0, costs, 1.0))
        return np.where(positive, score - (logs * np.asarray(self.weights)).sum(axis=1), -np.inf)


@dataclass(frozen=True)
class Pareto(Scalarisation):
    """Non-dominated rank, and of equal ranks the crowding distance; Deb et al. 2002 (NSGA-II).

    The score is ``-rank`` plus less than a half for the crowding. Ranks are among the rows that
    are scored, so scores of different calls do not compare.
    """

    name: ClassVar[str] = "pareto"

    def faults(self, directions: Directions) -> list[str]:
        return []

    def _scores(self, values: Floats, directions: Directions, scale: Floats) -> Floats:
        gains = _gains(values, directions)
        ranks = np.asarray(moocore.pareto_rank(gains, maximise=True))
        scores = -ranks.astype(float)
        for rank in np.unique(ranks):
            of_rank = ranks == rank
            spread = crowding(gains[of_rank])
            scores[of_rank] += 0.5 * (1.0 - 1.0 / (1.0 + spread))
        return scores


def crowding(points: Floats) -> Floats:
    """How far each of the points (n, k) is from its neighbours, objective by objective, (n,).

    Infinite for the extreme points of an objective; an objective in which all are equal adds
    nothing. Deb et al. 2002, section III-B.
    """
    total = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        low, high = column[order[0]], column[order[-1]]
        if low == high:
            continue
        gaps = np.full(len(column), np.inf)
        gaps[1:-1] = (column[order[2:]] - column[order[:-2]]) / (high - low)
        total[order] += gaps
    return total


FORMS: dict[str, type[Scalarisation]] = {
    form.name: form for form in (Chebyshev, LogCost, Pareto, Weights)
}


def scalarisation(given: Any) -> Scalarisation | None:
    """The form that an argument means.

    Args:
        given: None, a form, its name where it needs no arguments (``"chebyshev"``), or its name
            and arguments as a mapping, ``{"form": "weights", "weights": [0.8, 0.1, 0.1]}``.

    Raises:
        UnknownNameError: for an unknown form or argument.
        InvalidSpecError: for values that a form cannot have.
    """
    if given is None or isinstance(given, Scalarisation):
        return given
    body = {"form": given} if isinstance(given, str) else given
    if not isinstance(body, Mapping) or "form" not in body:
        raise InvalidSpecError(
            "scalarise is the name of a form, or a mapping such as {'form': 'weights', 'weights': "
            f"[0.8, 0.1, 0.1]}}, got {given!r}; the forms are {', '.join(FORMS)}."
        )
    name = body["form"]
    if not isinstance(name, str) or name not in FORMS:
        raise UnknownNameError("form of scalarise", name, FORMS)
    kind: Any = FORMS[name]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    arguments = {key: value for key, value in body.items() if key != "form"}
    for key in arguments:
        if key not in fields:
            raise UnknownNameError(f"argument of scalarise {name!r}:", key, fields)
    if kind is Weights and "weights" not in arguments:
        raise InvalidSpecError(
            "scalarise 'weights' needs the weights, one an objective, such as "
            "{'form': 'weights', 'weights': [0.8, 0.1, 0.1]}."
        )
    return kind(**arguments)


def scalarisation_for(
    form: Scalarisation | None, directions: Directions, sampler: str, default: Scalarisation | None
) -> Scalarisation:
    """The form to use in a study; with one objective and no form its gain itself.

    Args:
        form: what the user stated.
        directions: of the study.
        sampler: its name, for the error.
        default: with several objectives and no form; None for samplers that must be told.

    Raises:
        InvalidSpecError: with several objectives and no form, or one that does not fit them.
    """
    if form is None and len(directions) == 1:
        form = Weights((1.0,), normalised=False)
    form = default if form is None else form
    if form is None:
        raise InvalidSpecError(
            f"The sampler {sampler} needs one number and this study has {len(directions)} "
            "objectives; say how they become one with scalarise: 'chebyshev', 'log_cost' or "
            "{'form': 'weights', 'weights': [...]}."
        )
    form.check(directions)
    return form


def violation(seen: Seen) -> float:
    """By how much a trial breaks its constraints in all, 0.0 for none; NaN counts as infinite."""
    constraints = seen.trial.constraints
    if not constraints:
        return 0.0
    over = sum(
        max(float(value), 0.0) if value == value else np.inf for value in constraints.values()
    )
    return float(over)


def fitness(
    form: Scalarisation,
    rows: Sequence[Seen],
    directions: Directions,
    scale: ArrayLike | None = None,
) -> NDArray[np.intp]:
    """The places of trials from the worst, 0, to the best, (n,); equals have equal places.

    A trial that keeps its constraints is before all that do not, and among these the smaller
    violation is better (Deb et al. 2002, section VI).

    Args:
        form: scores the values.
        rows: trials that have values.
        directions: of the objectives.
        scale: see :meth:`Scalarisation.scores`.
    """
    values: Any = [row.values for row in rows]
    scores = form.scores(values, directions, scale)
    over = np.array([violation(row) for row in rows])
    pairs = np.column_stack([-over, scores])
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)


def _gains(values: Floats, directions: Directions) -> Floats:
    signs = [1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in directions]
    return values * np.array(signs)


def _range(seen: Floats) -> Floats:
    spread = seen.max(axis=0) - seen.min(axis=0)
    return np.where(spread > 0, spread, 1.0)


def _weights(form: Scalarisation, weights: Any) -> list[str]:
    """What is wrong with weights; sound ones are kept as a tuple of floats."""
    listed = isinstance(weights, (list, tuple)) and weights
    if not listed or not all(is_number(w) and w >= 0 for w in weights) or not any(weights):
        return [f"weights must be numbers from 0 on, not all of them 0, got {weights!r}."]
    object.__setattr__(form, "weights", tuple(map(float, weights)))
    return []


def _count(weights: tuple[float, ...], directions: Directions) -> list[str]:
    if len(weights) == len(directions):
        return []
    return [f"{len(weights)} weights for {len(directions)} objectives; give one for each."]


def _refuse(name: str, found: list[str]) -> None:
    if found:
        raise InvalidSpecError("\n".join(f"scalarise {name!r}: {line}" for line in found))
