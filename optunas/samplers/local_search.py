"""Local search: from a random member to a better neighbour, until there is none; then again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optunas.samplers.arguments import Arguments
from optunas.samplers.moves.climb import Around, Climb
from optunas.samplers.scalarise import Pareto, scalarisation
from optunas.samplers.space_sampler import ScalarisedSampler, View
from optunas.samplers.trials.members import Identity, Members
from optunas.samplers.trials.seen import Feasible, Known, Seen, by_completion
from optunas.space import Space

__all__ = ["IMPROVEMENTS", "LocalSearchSampler"]

IMPROVEMENTS = ("first", "best")


class LocalSearchSampler(ScalarisedSampler):
    """Tries the one-gene neighbours of the best member since the last restart, in random order.

    It restarts from a random new member when all neighbours were tried, or ``patience`` is at its
    end. Where it stands is found by going through the trials in the order in which they ended, so
    any trial counts, enqueued ones and those of other workers too; what other workers have under
    way is not proposed again. Numbers have neighbours at several distances, see
    :func:`~optunas.samplers.moves.neighbours.neighbours`.

    With several objectives it is Pareto local search: the members that no other of the climb
    dominates are kept, and the neighbours of all of them are tried.

    White, Nolen and Savani 2021, "Exploring the Loss Landscape in Neural Architecture Search"
    (arXiv:2005.02960); Paquete, Chiarandini and Stützle 2004 for several objectives, without their
    archive over all restarts.

    Args:
        space, name, known, feasible, identity, seed: see :class:`SpaceSampler`.
        improvement: ``"first"`` moves as soon as a neighbour is better, ``"best"`` when all were
            tried, to the best of them.
        patience: trials in a row without an improvement before a restart; None goes through the
            whole neighbourhood.
        scalarise: how several objectives become one number, see
            :func:`~optunas.samplers.scalarise.scalarisation`; by default (``"pareto"``) they do
            not.

    Raises:
        InvalidSpecError: for arguments that cannot be.
    """

    called, otherwise = "local_search", Pareto()

    def __init__(
        self,
        space: Space[Any] | None = None,
        *,
        improvement: str = "first",
        patience: int | None = None,
        scalarise: Any = None,
        name: str | None = None,
        known: Known | None = None,
        feasible: Feasible | None = None,
        identity: Identity = "digest",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            space, name=name, known=known, feasible=feasible, identity=identity, seed=seed
        )
        arguments = Arguments("LocalSearchSampler")
        arguments.one_of("improvement", improvement, IMPROVEMENTS)
        arguments.whole("patience", patience, 1, none=True)
        arguments.finish()
        self._form = scalarisation(scalarise)
        self._improvement, self._patience = improvement, patience
        self._folds: list[_Fold] = []

    def propose(self, view: View, rng: np.random.Generator) -> Any:
        """An untried neighbour of the best; a random member where a climb begins."""
        fold = self._fold(view)
        climb = fold.climb
        taken = {view.members.key(seen.member) for seen in view.under_way}
        for seen in self._order(climb, rng):
            free = [m for m in climb.untried(seen) if view.members.key(m) not in taken]
            if len(free) > view.silent:  # the first ones are for those who asked before
                self._folds.append(fold)
                return free[view.silent]
        self._folds.append(fold)
        return view.random(rng)

    def _order(self, climb: Climb, rng: np.random.Generator) -> list[Seen]:
        if self._improvement == "best" and climb.best:
            return [climb.centre, *(seen for seen in climb.best if seen is not climb.centre)]
        return [climb.best[at] for at in rng.permutation(len(climb.best))]

    def _fold(self, view: View) -> _Fold:
        """The climb after all trials that have ended; goes on from the one before where it can."""
        form = self._form_for(view.study.directions)
        ended = by_completion([seen for seen in view.seen if seen.state.is_finished()])
        try:
            fold = self._folds.pop()  # at once, so that no two threads have one
        except IndexError:
            fold = None
        terms = form, tuple(view.study.directions)
        if fold is None or not fold.continues(ended, view.members, *terms):
            around = Around(view.members, self._seed)
            first = self._improvement == "first"
            climb = Climb(around, *terms, self._patience, first)
            fold = _Fold(climb, view.members, *terms)
        for seen in ended[len(fold.trials) :]:
            fold.climb.add(seen)
        fold.trials = ended
        return fold


class _Fold:
    """A climb and the trials that went into it."""

    def __init__(self, climb: Climb, members: Members, *terms: Any) -> None:
        self.climb, self.trials = climb, list[Seen]()
        self._members, self._terms = members, terms

    def continues(self, ended: Sequence[Seen], members: Members, *terms: Any) -> bool:
        """Whether these trials begin with those of the climb, and the rest has stayed."""
        return (
            members is self._members
            and terms == self._terms
            and self.trials == ended[: len(self.trials)]
        )
