"""The sampler that trains nothing it could have ruled out: costs exact, the rest predicted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from optuna.study import StudyDirection

from optunas.errors import InvalidSpecError
from optunas.samplers.acquisition.outlook import Outlook, Pool
from optunas.samplers.acquisition.past import Earlier, Past, checked_earlier
from optunas.samplers.arguments import Arguments, is_number
from optunas.samplers.moves.candidates import drawn
from optunas.samplers.prediction.atlas import Atlas, Extra
from optunas.samplers.prediction.learned import HyperCache
from optunas.samplers.repeated import RepeatedCandidates
from optunas.samplers.space_sampler import SpaceSampler, View
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.seen import Feasible, Floats, Known
from optunas.space import Space

__all__ = ["CheapAwareSampler"]

_logger = logging.getLogger(__name__)

FEWEST = 3
"""Values that a predictor needs."""

AHEAD = 8
"""Workers that are thought of one by one; beyond, a random one of the best is taken."""

CLIMBS, CLIMBERS, STEPS = 2, 5, 15
"""Rounds of local search on the gain, its starts, and the neighbours looked at in each round."""

REPEATED = 100
"""One in so many trials: those in a row that look at the same random members and children.

Among few trials each one tells much and is quickly chosen; among many, new candidates for each take
most of the time. Ten in a row from the first trial on cost 6 to 10 % of the volume after 100.
"""

CHOSEN_AMONG = 128
"""Random members that a startup trial is chosen among."""

LARGEST_POOL = 20_000
"""Listed members judged at a time; of more, so many at random."""


class CheapAwareSampler(SpaceSampler):
    """Proposes the member that is expected to add most hypervolume to the front.

    What is known before training counts exactly (``known``); every other objective is predicted
    by a Gaussian process on the normal scores of its values, over features that describe the
    architecture (:class:`optunas.samplers.prediction.features.Encoder`). The expectation is
    exact, over the whole space where it can be listed (50,000 members), else over random members,
    descendants of the best, and a local search from these. With one objective this is expected
    improvement.

    Members under way are taken to come out as predicted, so that parallel workers look elsewhere.
    Trials that were pruned teach what their learning curves promise, once a few complete ones
    reached the same step. The first trials are spread over the range of the known costs.

    Args:
        space, name, known, feasible, identity, seed: see :class:`SpaceSampler`.
        startup_trials: trials with values before anything is predicted.
        floor: share of the space, by the predicted value, that is too poor to count, where
            ``reference`` does not say so. 0.3 of the networks of a space are seldom of interest.
            Where several objectives are predicted, what is poor in one may be the best in another:
            then only those members do not count that lie farther behind the median than the best
            lies ahead of it, and no more than this share of them.
        reference: ``{objective index: value}``, the worst value that counts in an objective, such
            as an accuracy of 0.85; indices may be strings, as in JSON.
        candidates: drawn where the space cannot be listed; 200 find somewhat more, in half as long
            again a time (measured with 30 parameters and 1,000 trials).
        extra: ``extra(member) -> numbers``, further features such as zero-cost proxies, NaN where
            there is none. Computed for trials and for the ``shortlist`` alone.
        shortlist: candidates that are judged again with ``extra``.
        earlier: ``(member, values)`` of an earlier study on other data or another device. Its
            prediction is one more feature; it chooses the first trials.

    Raises:
        InvalidSpecError: for arguments that cannot be, all at once.

    Expected hypervolume improvement with objectives of different cost: Daulton et al. 2020
    (arXiv:2006.05078); the predictors' features follow White et al. 2021 (arXiv:1910.11858).
    """

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
        startup_trials: int = 8,
        floor: float = 0.3,
        reference: Mapping[Any, float] | None = None,
        candidates: int = 100,
        extra: Extra | None = None,
        shortlist: int = 64,
        earlier: Earlier | None = None,
    ) -> None:
        arguments = Arguments("CheapAwareSampler")
        arguments.whole("startup_trials", startup_trials, FEWEST)
        arguments.share("floor", floor)
        arguments.whole("candidates", candidates, 10, 100_000)
        arguments.whole("shortlist", shortlist, 1)
        self._reference = _checked_reference(arguments, reference)
        if extra is not None and not callable(extra):
            arguments.found.append(
                f"CheapAwareSampler: extra must be a function of a member, got {extra!r}."
            )
        if earlier is not None and space is None:
            arguments.found.append(
                "CheapAwareSampler: earlier holds members of a space; give the space too."
            )
        arguments.finish()
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        self._startup, self._floor = int(startup_trials), float(floor)
        self._candidates, self._shortlist = int(candidates), int(shortlist)
        self._extra = extra
        self._earlier = (
            None if earlier is None or space is None else checked_earlier(space, earlier)
        )
        self._atlas: Atlas | None = None
        self._past: Past | None = None
        self._hyper = HyperCache()
        self._repeated: tuple[tuple[int, int], RepeatedCandidates] | None = None
        self._told = False

    def check(self, directions: Sequence[StudyDirection]) -> None:
        """See :class:`SpaceSampler`."""
        beyond = [at for at in self._reference if at >= len(directions)]
        if beyond:
            raise InvalidSpecError(
                f"CheapAwareSampler: reference names objective {', '.join(map(str, beyond))}; the "
                f"study's objectives are 0 to {len(directions) - 1}."
            )

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """See :class:`SpaceSampler`."""
        atlas = self._atlas_of(view)
        if not self._ready(view):
            return self._start(view, atlas, rng)
        listed = view.members.listed is not None
        if listed:
            plain = self._listed_pool(view, atlas, rng)
        else:
            repeated = self._repeated_for(view, atlas)
            plain = repeated.pool(repeated.drawn(self._candidates // 3, view.keys))
        if not plain.members:
            return view.random(rng)
        outlook = Outlook(
            view.study.directions,
            view.seen,
            atlas,
            plain,
            self._hyper,
            self._past,
            self._reference,
            self._floor,
        )
        imagined = [s.member for s in view.under_way]
        if listed:
            pool, gains = plain, outlook.gains(plain, imagined, rng)
        else:
            pool, gains = self._climbed(view, outlook, plain, imagined, rng)
        for _ in range(min(view.silent, AHEAD)):
            # Those that ask before this one take the best that is left; so is imagined here.
            taken = self._best(outlook, pool, gains, imagined, rng)
            imagined = [*imagined, pool.members[taken]]
            pool = pool.take(np.delete(np.arange(len(pool.members)), taken))
            if not pool.members:
                return view.random(rng)
            gains = outlook.gains(pool, imagined, rng)
        among = 1 + max(0, view.silent - AHEAD)
        return pool.members[self._best(outlook, pool, gains, imagined, rng, among)]

    def _atlas_of(self, view: View) -> Atlas:
        atlas, objectives = self._atlas, len(view.study.directions)
        if atlas is None or atlas.members is not view.members or atlas.objectives != objectives:
            self.check(view.study.directions)
            atlas = self._atlas = Atlas(view.members, view.known, self._extra, objectives)
            self._hyper = HyperCache()
            self._past = None
            if self._earlier:
                self._past = Past(atlas.encoder, view.study.directions, self._earlier)
        return atlas

    def _ready(self, view: View) -> bool:
        """Whether there is enough to predict from; says so once when there should be."""
        complete = len(view.complete)
        if complete >= self._startup:
            return True
        ended = sum(s.state.is_finished() for s in view.seen)
        if ended >= self._startup and complete < FEWEST and not self._told:
            self._told = True
            _logger.warning(
                "CheapAwareSampler has values of %d of %d ended trials, too few to predict from; "
                "it goes on with random ones until there are %d.",
                complete,
                ended,
                FEWEST,
            )
        return ended >= self._startup and complete >= FEWEST

    def _start(self, view: View, atlas: Atlas, rng: np.random.Generator) -> Any:
        """A member of one slice of the costs' range; any without known costs."""
        if view.members.listed is not None:
            places = view.members.unseen(view.keys)
            assert places is not None
            most = CHOSEN_AMONG if self._past is None else LARGEST_POOL
            chosen = rng.permutation(places)[:most]
            members = [view.members.listed[at] for at in chosen]
        else:
            members = list(drawn(view.members, view.keys, CHOSEN_AMONG, rng).values())
        if not members:
            return view.random(rng)
        known = atlas.known(members)
        if self._past is not None:
            told = [*(s for s in view.seen if s.values is not None), *view.under_way]
            tried = atlas.known([s.member for s in told])
            rows, told_rows = atlas.rows(members), atlas.rows([s.member for s in told])
            gains = self._past.gains(rows, known, told_rows, tried, self._floor, rng)
            return members[_order(gains, rng)[min(view.silent, len(members) - 1)]]
        costs = known[:, ~np.isnan(known).any(axis=0)]
        if not costs.shape[1]:
            return members[0]
        ranks = np.argsort(np.argsort(costs, axis=0, kind="stable"), axis=0).sum(axis=1)
        slices = np.array_split(np.argsort(ranks, kind="stable"), self._startup)
        part = slices[view.number % self._startup]
        return members[int(rng.choice(part))] if len(part) else members[0]

    def _repeated_for(self, view: View, atlas: Atlas) -> RepeatedCandidates:
        begun = view.number - view.number % max(1, view.number // REPEATED)
        if self._repeated is None or self._repeated[0] != (begun, id(atlas)):
            candidates = RepeatedCandidates(atlas, partial(self._rng, begun))
            self._repeated = (begun, id(atlas)), candidates
        return self._repeated[1]

    def _climbed(
        self,
        view: View,
        outlook: Outlook,
        plain: Pool,
        imagined: list[Any],
        rng: np.random.Generator,
    ) -> tuple[Pool, Floats]:
        """Random members, descendants of the best trials, and what a local search finds."""
        repeated = self._repeated_for(view, outlook.atlas)
        keys = view.keys | {view.members.key(member) for member in plain.members}
        pool, gains = plain, outlook.gains(plain, imagined, rng)
        parents = outlook.parents()
        count = self._candidates - len(plain.members)
        for _ in range(1 + CLIMBS):
            young = repeated.descendants(parents, count, keys) if parents else {}
            if not young:
                break
            keys |= young.keys()
            more = repeated.pool(young)
            pool, gains = pool + more, np.append(gains, outlook.gains(more, imagined, rng))
            best = np.argsort(-gains, kind="stable")[:CLIMBERS]
            parents, count = [pool.members[at] for at in best], STEPS
        return pool, gains

    def _listed_pool(self, view: View, atlas: Atlas, rng: np.random.Generator) -> Pool:
        rows, known = atlas.listed()
        places = view.members.unseen(view.keys)
        assert places is not None
        assert view.members.listed is not None
        if len(places) > LARGEST_POOL:
            places = np.sort(rng.choice(places, LARGEST_POOL, replace=False))
        members = [view.members.listed[at] for at in places]
        return Pool(members, rows[places], known[places])

    def _best(
        self,
        outlook: Outlook,
        pool: Pool,
        gains: Floats,
        imagined: list[Any],
        rng: np.random.Generator,
        among: int = 1,
    ) -> int:
        """The place of the candidate to take: one of the first ``among``."""
        order = _order(gains, rng)
        if outlook.atlas.has_extra and outlook.unknown:
            best = order[: self._shortlist]
            again = outlook.gains(pool.take(best), imagined, rng, extra=True)
            order = best[_order(again, rng)]
        return int(order[int(rng.integers(min(among, len(order))))])


def _order(gains: Floats, rng: np.random.Generator) -> np.ndarray:
    """From the largest gain on; what differs by rounding alone is in random order."""
    most = float(gains.max())
    rounded = np.round(gains / most, 9) if most > 0 else gains
    return np.lexsort((rng.permutation(len(gains)), -rounded))


def _checked_reference(arguments: Arguments, reference: Any) -> dict[int, float]:
    if reference is None:
        return {}
    if not isinstance(reference, Mapping):
        arguments.found.append(
            "CheapAwareSampler: reference must be {objective index: worst value that counts}, "
            f"got {reference!r}."
        )
        return {}
    found = {}
    for key, value in reference.items():
        index = int(key) if isinstance(key, str) and key.isdecimal() else key
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            arguments.found.append(
                f"CheapAwareSampler: reference has the key {key!r}; it must be the index of an "
                "objective, from 0 on."
            )
        elif not is_number(value):
            arguments.found.append(
                f"CheapAwareSampler: reference of objective {index} must be a finite number, "
                f"got {value!r}."
            )
        else:
            found[index] = float(value)
    return found
