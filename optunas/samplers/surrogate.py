"""Bayesian optimisation with one regressor of the user's choice."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection

from optunas.samplers.acquisition.improvement import (
    ACQUISITIONS,
    Acquisition,
    confidence_bound,
    expected_improvement,
    ranked,
)
from optunas.samplers.arguments import Arguments, is_number
from optunas.samplers.prediction.regressors import Resolve, make_regressor
from optunas.samplers.prediction.rows import Rows
from optunas.samplers.prediction.uncertainty import Predictor, RegressorFailure, make_predictor
from optunas.samplers.scalarise import Chebyshev, Scalarisation, scalarisation
from optunas.samplers.scalarise.lessons import in_order, normal_scores, worths
from optunas.samplers.space_sampler import ScalarisedSampler, View
from optunas.samplers.trials.members import Identity
from optunas.samplers.trials.seen import Feasible, Floats, Known, Seen
from optunas.space import Space

__all__ = ["SurrogateSampler"]

_logger = logging.getLogger(__name__)

EAGER, SHARE = 100, 25
"""Trials up to which the regressor learns anew after each; then whenever a 25th more have ended."""

PARENTS = 10
"""The best trials, from which half of the candidates are bred where the space cannot be listed."""

FARTHEST = 3
"""Most mutations between one of them and a candidate."""

EXPLORATION = {"ei": 0.0, "ucb": 1.0, "thompson": 0.0}
"""By default."""

Liar = Literal["worst", "median", "best"]
LIES = {"worst": 0.0, "median": 0.5, "best": 1.0}
"""The quantile of the trials' worth that a running trial is given."""


class _Basis(NamedTuple):
    """What a fit depends on; two fits on equal ones are the same."""

    trials: list[Seen]
    running: list[Any]
    directions: list[StudyDirection]


@dataclass(frozen=True)
class _Learned:
    """A fitted predictor.

    Attributes:
        basis: what it was fitted on.
        rows: makes its rows.
        predictor: itself.
        best: worth of the best trial.
        listed: mean and standard deviation of all listed members, where they are listed.
    """

    basis: _Basis
    rows: Rows
    predictor: Predictor
    best: float
    listed: tuple[Floats, Floats] | None


class SurrogateSampler(ScalarisedSampler):
    """Tries next what a regressor, taught by the trials so far, finds most promising.

    The regressor learns the order of the trials' scores (their ranks, as quantiles of a standard
    normal) from the members' features. Its uncertainty is the spread of a forest's trees, its own
    where ``predict`` takes ``return_std``, and that of ``copies`` bootstrapped copies else. Up to
    100 trials it learns anew after each, then whenever a 25th more have ended.
    Candidates are all members where the space is listed (:data:`~optunas.samplers.trials.members.
    ENUMERATED`), else ``candidates`` of which half are random and half mutations of the best
    trials. What was tried, is under way or breaks a limit is left out.

    Running trials count with a lie (the constant liar of Ginsbourger et al. 2010) until they end,
    so that workers look elsewhere. Pruned trials count as a bad quarter
    (:mod:`~optunas.samplers.scalarise.lessons`), failed ones not at all. While fewer than
    ``startup_trials`` have ended, and when the regressor fails, members are drawn at random and
    the log says so.

    Args:
        space, name, feasible, identity, seed: see :class:`SpaceSampler`.
        known: the objectives that it gives are further features (of their logarithm).
        regressor: a name (:data:`~optunas.samplers.prediction.regressors.REGRESSORS`), a reference
            ``"package.module:Class"``, or an object with ``fit`` and ``predict``.
        regressor_options: arguments of a regressor that is given by name or reference.
        acquisition: ``ei`` (expected improvement), ``ucb`` or ``thompson``.
        exploration: by how many standard deviations of all trials' worth the best must be beaten
            (``ei``), or of the prediction that are added to it (``ucb``); None is 0 and 1.
        startup_trials: at random, from 2 on.
        candidates: where the space cannot be listed.
        copies: of a regressor that says nothing about its uncertainty, from 2 on.
        liar: ``worst``, ``median`` or ``best`` of the trials: what a running one counts as.
        scalarise: how several objectives become one, see
            :func:`~optunas.samplers.scalarise.scalarisation`; by default ``"chebyshev"``.
        resolve: imports references; None imports those into optunas and scikit-learn only.

    Raises:
        UnknownNameError: for an unknown regressor, option or acquisition.
        InvalidSpecError: for other arguments that cannot be.
    """

    called, otherwise = "surrogate", Chebyshev()

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        regressor: Any = "gp",
        regressor_options: Mapping[str, Any] | None = None,
        acquisition: Acquisition = "ei",
        exploration: float | None = None,
        startup_trials: int = 10,
        candidates: int = 200,
        copies: int = 8,
        liar: Liar = "median",
        scalarise: Any = None,
        resolve: Resolve | None = None,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        arguments = Arguments("SurrogateSampler")
        arguments.one_of("acquisition", acquisition, ACQUISITIONS)
        if exploration is not None and not (is_number(exploration) and exploration >= 0):
            arguments.found.append(
                "SurrogateSampler: exploration must be a number from 0 on, or None, got "
                f"{exploration!r}."
            )
        arguments.whole("startup_trials", startup_trials, 2)
        arguments.whole("candidates", candidates, 2)
        arguments.whole("copies", copies, 2)
        arguments.one_of("liar", liar, LIES)
        if resolve is not None and not callable(resolve):
            arguments.found.append(
                f"SurrogateSampler: resolve must import what a reference names, got {resolve!r}."
            )
        arguments.finish()
        self._regressor = make_regressor(regressor, regressor_options, resolve)
        self._acquisition = acquisition
        self._exploration = EXPLORATION[acquisition] if exploration is None else float(exploration)
        self._startup, self._candidates = int(startup_trials), int(candidates)
        self._copies, self._lie = int(copies), LIES[liar]
        self._form = scalarisation(scalarise)
        self._learned: _Learned | None = None
        self._rows: Rows | None = None
        self._said: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Without the caches."""
        return self.__dict__ | {"_learned": None, "_rows": None}

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """The most promising new allowed member; a random one while too little is known."""
        directions = view.study.directions
        form = self._form_for(directions)
        ended = in_order(view.seen)
        if len(ended) < self._startup:
            why = f"The first {self._startup} trials are drawn at random; the regressor needs them."
            return self._at_random(view, rng, logging.INFO, why)
        try:
            learned = self._up_to_date(view, ended, form, directions)
            members, order = self._in_order_of_promise(view, ended, learned, form, rng)
        except RegressorFailure as error:
            why = (
                f"The regressor {self._regressor!r} failed ({error}); members are drawn at random."
            )
            return self._at_random(view, rng, logging.WARNING, why)
        keys, last = view.keys, None
        left = view.silent  # trials that will take the best ones
        for at in order:
            key = view.members.key(members[at])
            if key in keys or not view.members.allowed(members[at]):
                continue
            if left == 0:
                return members[at]
            keys.add(key)
            last, left = members[at], left - 1
        return view.random(rng) if last is None else last

    def _at_random(self, view: View, rng: np.random.Generator, level: int, why: str) -> Any:
        """A random member; each reason is told once."""
        if why not in self._said:
            self._said.add(why)
            _logger.log(level, why)
        return view.random(rng)

    def _up_to_date(
        self,
        view: View,
        ended: list[Seen],
        form: Scalarisation,
        directions: list[StudyDirection],
    ) -> _Learned:
        """The predictor for these trials; it is replaced and never changed."""
        basis = _Basis(
            ended[: learned_from(len(ended))], [s.member for s in view.under_way], list(directions)
        )
        rows, count = self._rows, len(directions)
        if rows is None or rows.members is not view.members or rows.objectives != count:
            rows = self._rows = Rows(view.members, view.known, count)
        learned = self._learned
        if learned is None or learned.rows is not rows or learned.basis != basis:
            learned = self._learned = self._learn(basis, rows, form)
        return learned

    def _learn(self, basis: _Basis, rows: Rows, form: Scalarisation) -> _Learned:
        worth = normal_scores(worths(form, basis.trials, basis.directions))
        lies = np.full(len(basis.running), np.quantile(worth, self._lie))
        x = rows.of([s.member for s in basis.trials] + basis.running, keep=True)
        predictor = make_predictor(self._regressor, self._copies)
        seed = np.random.SeedSequence([self._seed, *b"fit", len(basis.trials)])
        predictor.fit(x, np.concatenate([worth, lies]), int(seed.generate_state(1)[0]))
        listed = None
        if self._acquisition != "thompson" and rows.listed is not None:
            listed = predictor.predict(rows.listed)
        return _Learned(basis, rows, predictor, float(worth.max()), listed)

    def _in_order_of_promise(
        self,
        view: View,
        ended: list[Seen],
        learned: _Learned,
        form: Scalarisation,
        rng: np.random.Generator,
    ) -> tuple[Sequence[Any], NDArray[np.intp]]:
        """Candidates, and their places from the best on."""
        listed = view.members.listed
        # Workers that reason about the same listed members must break ties in the same way.
        if listed:
            ties = np.random.default_rng([self._seed, len(ended)])
            members: Sequence[Any] = listed
            x = learned.rows.listed
        else:
            ties, members = rng, self._bred(view, ended, form, rng)
            x = learned.rows.of(members)
        assert x is not None
        if self._acquisition == "thompson":
            drawn = learned.predictor.draw(x, rng)
            return members, ranked(drawn, np.zeros(len(drawn)), ties)
        mean, std = learned.predictor.predict(x) if learned.listed is None else learned.listed
        if self._acquisition == "ucb":
            promised = confidence_bound(mean, std, self._exploration)
        else:
            promised = expected_improvement(mean, std, learned.best + self._exploration)
        return members, ranked(promised, mean, ties)

    def _bred(
        self, view: View, ended: list[Seen], form: Scalarisation, rng: np.random.Generator
    ) -> list[Any]:
        """Random members, and mutations of the best."""
        space = view.space
        worth = worths(form, ended, view.study.directions)
        best = [ended[at].member for at in np.argsort(-worth, kind="stable")[:PARENTS]]
        found = [space.sample(rng) for _ in range(self._candidates // 2)]
        while len(found) < self._candidates:
            member = best[int(rng.integers(len(best)))]
            for _ in range(int(rng.integers(1, FARTHEST + 1))):
                member = space.mutate(member, rng)
            found.append(member)
        return found


def learned_from(ended: int) -> int:
    """How many of the trials that ended the regressor knows; it follows from their number alone.

    >>> [learned_from(ended) for ended in (7, 100, 103, 104, 1000)]
    [7, 100, 100, 104, 974]
    """
    if ended <= EAGER:
        return ended
    count = EAGER
    while count + max(1, count // SHARE) <= ended:
        count += max(1, count // SHARE)
    return count
