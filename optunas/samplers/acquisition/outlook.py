"""From a study's trials to beliefs about candidates: axes, predictors, front and reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from optuna.study import StudyDirection

from optunas import pareto
from optunas.samplers.acquisition.hypervolume_gain import expected_gain
from optunas.samplers.acquisition.past import Past
from optunas.samplers.acquisition.worst import worst_loss
from optunas.samplers.prediction.atlas import Atlas, scaled_more
from optunas.samplers.prediction.axes import Axis, axes_of
from optunas.samplers.prediction.beliefs import Belief, Exact
from optunas.samplers.prediction.learned import ACTIVE, Evidence, HyperCache, Learned
from optunas.samplers.prediction.partial import guesses
from optunas.samplers.trials.seen import Floats, Seen

__all__ = ["Outlook", "Pool"]

SHORTLIST = 2_500
"""Candidates whose uncertainty is computed when that of all would take long."""

LONG = 4e8
"""Candidates times squared trials from where it does."""

PLAIN = 4_000
"""Candidates that the floor is a quantile of."""

PARENTS = 3
"""Best trials of each objective that are parents, on the front or not."""

MARGIN = 0.01
"""Of the range of a known objective, beyond its worst value: the worst members count too."""


@dataclass(frozen=True)
class Pool:
    """Candidates.

    Attributes:
        members: N of them.
        rows: (N, F), scaled features.
        known: (N, objectives), NaN where only training tells.
    """

    members: Sequence[Any]
    rows: Floats
    known: Floats

    def __add__(self, other: Pool) -> Pool:
        return Pool(
            [*self.members, *other.members],
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.known, other.known]),
        )

    def take(self, places: np.ndarray) -> Pool:
        """The candidates at these places."""
        members = [self.members[at] for at in places]
        return Pool(members, self.rows[places], self.known[places])


@dataclass(frozen=True)
class _Scene:
    """What candidates are judged by, given members under way."""

    models: Mapping[int, Learned]
    front: Floats
    reference: Floats


class Outlook:
    """What the trials of a study say about candidates.

    Args:
        directions: the study's.
        seen: its trials with a member.
        atlas: features and known objectives.
        plain: candidates that chance drew, or all: ranges and quantiles are theirs.
        cache: hyperparameters fitted before.
        past: an earlier study, or None.
        reference: worst values that count, by objective; others are chosen.
        floor: the share of the candidates, the worst, that do not count where no reference is
            given; see :func:`~optunas.samplers.acquisition.worst.worst_loss`.
    """

    def __init__(
        self,
        directions: Sequence[StudyDirection],
        seen: Sequence[Seen],
        atlas: Atlas,
        plain: Pool,
        cache: HyperCache,
        past: Past | None = None,
        reference: Mapping[int, float] | None = None,
        floor: float = 0.3,
    ) -> None:
        self.atlas, self._plain, self._cache, self._past = atlas, plain, cache, past
        self._seen = list(seen)
        self._complete = [s for s in seen if s.values is not None]
        values = np.array([s.values for s in self._complete], dtype=float)
        self._values = values.reshape(-1, len(directions))
        self.unknown = [at for at in range(len(directions)) if np.isnan(plain.known[:, at]).any()]
        ranges = [
            self._values[:, at]
            if at in self.unknown
            else np.concatenate([plain.known[:, at], self._values[:, at]])
            for at in range(len(directions))
        ]
        self.axes: list[Axis] = axes_of(directions, ranges)
        self.losses = self._losses(self._values)
        self._rows = atlas.rows_of(self._complete)
        self._evidence = {at: self._evidence_of(at) for at in self.unknown}
        self._given = dict(reference or {})
        self._floor = floor
        self._scenes: dict[tuple[int, bool], _Scene] = {}
        self._learned: dict[tuple[int, bool], Learned] = {}

    def _losses(self, values: Floats) -> Floats:
        columns = [axis.losses(values[:, at]) for at, axis in enumerate(self.axes)]
        return np.stack(columns, axis=1) if len(values) else values.astype(float)

    def _evidence_of(self, at: int) -> Evidence:
        """Complete trials, and pruned ones as far as their curves tell."""
        guessed = guesses(self._seen, at)
        numbers = [s.number for s in self._complete] + [g.seen.number for g in guessed]
        rows = np.concatenate([self._rows, self.atlas.rows_of([g.seen for g in guessed])])
        told = self.axes[at].losses(np.array([g.value for g in guessed], dtype=float))
        losses = np.concatenate([self.losses[:, at], told])
        noise = np.array([0.0] * len(self._complete) + [g.variance for g in guessed])
        order = np.argsort(numbers, kind="stable")
        ordered = tuple(numbers[place] for place in order)
        return Evidence(ordered, rows[order], losses[order], noise[order])

    def members_told(self, at: int) -> list[Any]:
        """Of the evidence about an objective, in its order."""
        by_number = {s.number: s.member for s in self._seen}
        return [by_number[number] for number in self._evidence[at].numbers]

    def learned(self, at: int, imagined: Sequence[Any] = (), extra: bool = False) -> Learned:
        """The predictor of objective ``at``, given members under way."""
        if (at, extra) not in self._learned:
            evidence, members = self._evidence[at], self.members_told(at)
            sizes = list(self.atlas.encoder.sizes)
            if self._past is not None:
                sizes.append(1)
            if extra:
                sizes.append(self.atlas.more(members).shape[1])
            told = self._widened(at, evidence.rows, members, extra)
            evidence = Evidence(evidence.numbers, told, evidence.losses, evidence.noise)
            hyper = self._cache.get((at, extra), evidence, sizes)
            self._learned[at, extra] = Learned(evidence, sizes, hyper)
        rows = self._widened(at, self.atlas.rows(imagined), imagined, extra)
        return self._learned[at, extra].imagining(rows)

    def _widened(self, at: int, rows: Floats, members: Sequence[Any], extra: bool) -> Floats:
        """Features with what an earlier study predicts, and with the user's own."""
        if self._past is not None:
            rows = np.concatenate([rows, self._past.scores(at, rows)[:, None]], axis=1)
        if extra:
            by = self.atlas.more(self.members_told(at))
            own = self.atlas.more(members) if len(members) else by[:0]
            rows = np.concatenate([rows, scaled_more(own, by)], axis=1)
        return rows

    @cached_property
    def front(self) -> tuple[Floats, list[Any]]:
        """Losses (n, k) and members of the feasible trials that none dominates."""
        front = self._nondominated(np.arange(len(self._complete)))
        if not all(map(self._feasible, front)):  # to ask all of a thousand trials takes longer
            kept = [at for at in range(len(self._complete)) if self._feasible(at)]
            front = self._nondominated(np.array(kept, dtype=np.intp))
        return self.losses[front], [self._complete[at].member for at in front]

    def _nondominated(self, among: np.ndarray) -> np.ndarray:
        return among[pareto.nondominated(self.losses[among], ["minimize"] * len(self.axes))]

    def _feasible(self, at: int) -> bool:
        return all(value <= 0.0 for value in self._complete[at].trial.constraints.values())

    def parents(self) -> list[Any]:
        """The front, and the best few of each objective: whose descendants are candidates."""
        found = dict.fromkeys(self.front[1])
        for column in self.losses.T:
            best = np.argsort(column, kind="stable")[:PARENTS]
            found.update(dict.fromkeys(self._complete[at].member for at in best))
        return list(found)

    def gains(
        self,
        pool: Pool,
        imagined: Sequence[Any],
        rng: np.random.Generator,
        extra: bool = False,
    ) -> Floats:
        """Expected hypervolume gain of each candidate, (N,); -1 for some that promise little.

        Args:
            pool: the candidates.
            imagined: members under way, which come out as predicted; to be called with ever
                longer lists that begin alike.
            rng: for an estimate where an exact one would take long.
            extra: whether to use the user's further features.
        """
        scene = self._scene(imagined, extra)
        told = min(max((len(e.losses) for e in self._evidence.values()), default=0), ACTIVE)
        count = len(pool.members)
        if count * told**2 <= LONG or count <= SHORTLIST:
            return self._gains(scene, pool, rng, True, extra)
        rough = self._gains(scene, pool, rng, False, extra)
        best = np.argsort(-rough, kind="stable")[:SHORTLIST]
        found = np.full(count, -1.0)
        found[best] = self._gains(scene, pool.take(best), rng, True, extra)
        return found

    def _scene(self, imagined: Sequence[Any], extra: bool) -> _Scene:
        key = len(imagined), extra
        if key not in self._scenes:
            models = {at: self.learned(at, imagined, extra) for at in self.unknown}
            told = self._imagined_losses(models, imagined, extra)
            front = np.concatenate([self.front[0], told])
            front = front[pareto.nondominated(front, ["minimize"] * len(self.axes))]
            self._scenes[key] = _Scene(models, front, self._reference(front))
        return self._scenes[key]

    def _gains(
        self, scene: _Scene, pool: Pool, rng: np.random.Generator, std: bool, extra: bool
    ) -> Floats:
        beliefs: list[Belief] = []
        for at, axis in enumerate(self.axes):
            if at in scene.models:
                rows = self._widened(at, pool.rows, pool.members, extra)
                beliefs.append(scene.models[at].belief(rows, std=std))
            else:
                beliefs.append(Exact(axis.losses(pool.known[:, at])))
        return expected_gain(beliefs, scene.front, scene.reference, rng)

    def _imagined_losses(
        self, models: Mapping[int, Learned], imagined: Sequence[Any], extra: bool
    ) -> Floats:
        known = self.atlas.known(imagined)
        rows = self.atlas.rows(imagined)
        found = np.zeros((len(imagined), len(self.axes)))
        for at, axis in enumerate(self.axes):
            if at in models:
                wide = self._widened(at, rows, imagined, extra)
                found[:, at] = models[at].belief(wide, std=False).central()
            else:
                found[:, at] = axis.losses(known[:, at])
        return found

    def _reference(self, front: Floats) -> Floats:
        """Worst losses that count."""
        if not len(front):
            return self._worst
        # The best of each objective must lie inside, or there would be nothing to improve on.
        best = front.min(axis=0)
        return np.maximum(self._worst, best + 1e-9 * np.maximum(np.abs(best), 1.0))

    @cached_property
    def _worst(self) -> Floats:
        return np.array([self._worst_of(at) for at in range(len(self.axes))])

    def _worst_of(self, at: int) -> float:
        axis = self.axes[at]
        if at in self._given:
            return float(axis.losses(np.array([self._given[at]]))[0])
        if at not in self.unknown:
            known = axis.losses(np.concatenate([self._plain.known[:, at], self._values[:, at]]))
            return float(known.max() + MARGIN * max(np.ptp(known), 1e-12))
        rows = self._plain.rows[:: max(1, len(self._plain.rows) // PLAIN)]
        central = self.learned(at).belief(self._widened(at, rows, (), False), std=False).central()
        return worst_loss(central, self.losses[:, at], self._floor, len(self.unknown) == 1)
